"""The engine from a git directory to a ranking: the same answers however they are come by."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typing_extensions import override

from engines.matching.__main__ import main
from engines.matching.engine import Matcher, evaluated, open_matcher
from engines.matching.lessons import learned
from engines.matching.ranking import learner
from engines.matching.recent import ranking_of
from engines.matching.types import CannotMatch, Merged, Mode, Query, Signature
from engines.watch import Stopped, Unwatched, Watch
from tests.engines.matching.histories import signed, task
from tests.engines.matching.written import write_repository

COMMITS = 560
ASKED = Query(2_000_000_000, ("web/f3.py",), "Mend the page")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four people with an area each."""
    folder = tmp_path_factory.mktemp("history")
    write_repository(folder, COMMITS)
    return folder


@pytest.fixture(scope="module")
def matcher(repository: Path) -> Matcher:
    """It has learned already, and keeps nothing."""
    found = open_matcher(repository)
    found.rank(ASKED)
    return found


def _first(matcher: Matcher, *files: str, text: str = "") -> str:
    ranking = matcher.rank(Query(matcher.tasks[-1].merged_s + 1, files, text))
    return ranking.candidates[0].person.name


def test_who_works_on_a_file_is_named_for_it(matcher: Matcher) -> None:
    assert _first(matcher, "db/f1.py") == "Bob Moe"
    assert _first(matcher, "web/f0.py") == "Dan Poe"


def test_an_issue_without_files_goes_by_its_words(matcher: Matcher) -> None:
    assert _first(matcher, text="The guide has a typo in its example") == "Cyd Noe"


def test_scores_add_up_and_begin_with_the_confidence(matcher: Matcher) -> None:
    ranking = matcher.rank(Query(matcher.tasks[-1].merged_s + 1, ("api/f2.py",)))
    scores = [one.score for one in ranking.candidates]
    assert sum(scores) == pytest.approx(1.0)
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == pytest.approx(ranking.confidence)


def test_a_clone_cut_at_the_question_answers_as_the_evaluation_does(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dump, cut = tmp_path / "rows.jsonl", tmp_path / "cut"
    assert main(["evaluate", str(repository), "--dump", str(dump)]) == 0
    rows = [json.loads(line) for line in dump.read_text().splitlines()]
    assert len(rows) == COMMITS * 15 // 100
    capsys.readouterr()
    row = rows[40]
    _cut(repository, row["history"], cut)
    asked = ["--files", *row["files"], "--text", row["text"], "--json"]
    for whole_or_cut in (repository, cut):
        assert main(["recommend", str(whole_or_cut), "--at", row["history"], *asked]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["ranking"] == row["ranking"]
        assert told["confidence"] == row["confidence"]


def _cut(repository: Path, sha: str, folder: Path) -> None:
    subprocess.run(["git", "init", "-q", "--bare", str(folder)], check=True)
    allow = ["git", "-C", str(folder), "-c", "uploadpack.allowAnySHA1InWant=true"]
    subprocess.run([*allow, "fetch", "-q", str(repository), f"{sha}:refs/heads/x"], check=True)


def test_questions_that_no_lesson_has_room_for_change_no_agreement(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learner, "MOST_ROWS", 700)  # of 250 questions about 175 are measured
    tasks = open_matcher(repository).tasks
    row = evaluated(tasks, Mode.AUTHOR)[-1]
    known = next(at for at, task in enumerate(tasks, 1) if task.sha == row.history)
    asked = Query(row.at_s, row.files, row.text)
    cut = learned(tasks[:known], Mode.AUTHOR, None, Unwatched())
    ranking = ranking_of(cut, cut.answer(cut.measure(asked)))
    assert [(one.person.key, one.score) for one in ranking.candidates] == [*row.ranking]


def test_what_was_learned_is_kept_and_answers_alike(
    repository: Path, matcher: Matcher, tmp_path: Path
) -> None:
    answer = matcher.rank(ASKED)
    (tmp_path / "history.json").write_bytes(b"{")
    assert open_matcher(repository, kept=tmp_path).rank(ASKED) == answer
    (file,) = tmp_path.glob("author.*.safetensors")
    written = file.stat()
    assert open_matcher(repository, kept=tmp_path).rank(ASKED) == answer
    assert file.stat().st_mtime_ns == written.st_mtime_ns
    file.write_bytes(b"broken")
    assert open_matcher(repository, kept=tmp_path).rank(ASKED) == answer


def test_counters_that_were_kept_answer_alike_and_go_on(repository: Path, tmp_path: Path) -> None:
    earlier, kept = tmp_path / "earlier", tmp_path / "kept"
    open_matcher(repository, "main~20", kept=kept).rank(ASKED)
    shutil.copytree(kept, earlier)
    written = (kept / "counters.safetensors").read_bytes()
    answer = open_matcher(repository, kept=kept).rank(ASKED)
    (earlier / "counters.safetensors").unlink()
    assert open_matcher(repository, kept=earlier).rank(ASKED) == answer
    assert (kept / "counters.safetensors").read_bytes() == written


def test_weights_of_another_history_are_not_recalled(
    repository: Path, matcher: Matcher, tmp_path: Path
) -> None:
    other, kept = tmp_path / "other", tmp_path / "kept"
    write_repository(other, 300, seed=9)
    open_matcher(other, kept=kept).rank(ASKED)
    assert open_matcher(repository, kept=kept).rank(ASKED) == matcher.rank(ASKED)


def test_a_young_history_is_ranked_by_what_others_taught(tmp_path: Path) -> None:
    write_repository(tmp_path, 60)
    matcher = open_matcher(tmp_path)
    assert _first(matcher, "api/f1.py") == "Ann Lee"
    assert matcher.is_untaught(Mode.AUTHOR)


def test_a_history_of_four_tasks_names_nobody(tmp_path: Path) -> None:
    write_repository(tmp_path, 4)
    matcher = open_matcher(tmp_path)
    ranking = matcher.rank(Query(matcher.tasks[-1].merged_s + 1, ("api/f1.py",)))
    assert ranking.candidates == ()
    assert ranking.confidence == 0.0


def test_no_history_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CannotMatch):
        open_matcher(tmp_path)
    assert main(["recommend", str(tmp_path)]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_who_gives_up_waiting_stops_the_learning(repository: Path) -> None:
    class Gone(Unwatched):
        @override
        def stop_requested(self) -> bool:
            return True

    with pytest.raises(Stopped):
        _opened_and_asked(repository, Gone())


def _opened_and_asked(repository: Path, watch: Watch) -> None:
    open_matcher(repository, watch=watch).learn(Mode.AUTHOR, watch)


@pytest.mark.parametrize(
    ("commits", "since"),
    [pytest.param(300, 20, id="no lesson between"), pytest.param(260, 30, id="a lesson is due")],
)
def test_what_was_merged_since_is_learned_of_without_reading_all_again(
    commits: int, since: int, tmp_path: Path
) -> None:
    write_repository(tmp_path, commits)
    before = open_matcher(tmp_path, f"main~{since}")
    before.rank(ASKED)
    grown = open_matcher(tmp_path, earlier=before)
    assert grown.rank(ASKED) == open_matcher(tmp_path).rank(ASKED)


def test_an_earlier_matcher_of_a_rewritten_history_is_of_no_use(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    write_repository(one, 60)
    write_repository(other, 60, seed=2)
    before = open_matcher(one)
    before.rank(ASKED)
    again = open_matcher(other, earlier=before)
    assert again.rank(ASKED) == open_matcher(other).rank(ASKED)


def test_lessons_of_reviews_know_nothing_of_who_turns_out_to_be_whom(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(learner, "FIRST_LESSON", 40)
    monkeypatch.setattr(learner, "LEAST_APART", 40)
    rng = np.random.default_rng(3)
    web = Signature("Bob Moe", "bob@moe.org")
    tasks: list[Merged] = []
    for at in range(140):
        author, file = "abcd"[rng.integers(4)], f"s/{rng.integers(6)}"
        own = (web,) if rng.random() < 0.6 else ()
        others = tuple(signed(one) for one in "acd" if one != author and rng.random() < 0.4)
        tasks.append(replace(task(author, 9_000 * at, file), reviewers=(*own, *others)))
    proven = replace(tasks[-1], sha="proof", merged_s=10**7, author=Signature("Bob Moe", "b@x"))
    before, after = (
        {row.task: row.ranking for row in evaluated(those, Mode.REVIEWER)}
        for those in (tasks, [*tasks, proven])
    )
    both = before.keys() & after.keys()
    assert len(both) > 10
    assert all(before[sha] == after[sha] for sha in both)


def test_a_history_of_decades_is_ranked_and_asked_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_repository(tmp_path, 120, day_s=10_000_000)
    matcher = open_matcher(tmp_path)
    assert _first(matcher, "api/f1.py") == "Ann Lee"
    tasks = matcher.tasks
    row = evaluated(tasks, Mode.AUTHOR)[-1]
    kept = tmp_path / "kept"
    assert main(["recommend", str(tmp_path), "--at", "main~60", "--kept", str(kept)]) == 0
    capsys.readouterr()
    asked = ["recommend", str(tmp_path), "--at", row.history, "--text", row.text, "--json"]
    for more in ([], ["--kept", str(kept)]):
        assert main([*asked, *more, "--files", *row.files]) == 0
        told = json.loads(capsys.readouterr().out)
        assert [tuple(pair) for pair in told["ranking"]] == [*row.ranking]


def test_what_begins_with_a_dash_and_who_has_no_address_can_be_asked_about(
    repository: Path, matcher: Matcher, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["recommend", str(repository), "--json", "--text", "--json", "--files", "-web/f3.py"]
    assert main(asked) == 0
    odd = json.loads(capsys.readouterr().out)["ranking"]
    last_s = matcher.tasks[-1].merged_s
    query = Query(last_s + 1, ("-web/f3.py",), "--json")
    assert odd == [[one.person.key, one.score] for one in matcher.rank(query).candidates]
    assert main(["recommend", str(repository), "--files", "./web/f3.py", "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)["ranking"]
    again = matcher.rank(Query(last_s + 1, ("web/f3.py",)))
    assert plain == [[one.person.key, one.score] for one in again.candidates]


def test_what_cannot_be_written_is_said_before_the_work(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.touch()
    for given in (
        ["evaluate", str(repository), "--dump", str(tmp_path)],
        ["recommend", str(repository), "--kept", str(file)],
        ["learn", str(file)],
    ):
        assert main(given) == 1
        assert capsys.readouterr().err.startswith("Cannot match: ")
