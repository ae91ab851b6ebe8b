import os
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engines.matching.facts import DAY_S, Facts, day, facts_of, is_heard_of, main_directory, told
from engines.matching.knowledge import Knowledge
from engines.matching.mining.history import read_history
from engines.matching.people import People
from engines.matching.types import Merged, Mode, Query, Signature, Touch
from tests.engines.matching.histories import signed, task

NOW_S = 1_777_800_000  # 3 May 2026


def ago(days: float) -> int:
    return int(NOW_S - days * DAY_S)


def known(tasks: Iterable[Merged]) -> Knowledge:
    knowledge = Knowledge(People())
    for one in tasks:
        knowledge.observe(one)
    return knowledge


def facts(knowledge: Knowledge, who: str, query: Query) -> Facts:
    index = knowledge.people.known(signed(who))
    assert index is not None
    return facts_of(knowledge, query, index)


def test_files_are_counted_once_and_tasks_are_counted_each() -> None:
    knowledge = known(
        [
            task("a", ago(200), "s/x", "s/y"),
            task("b", ago(100), "s/x"),
            task("a", ago(30), "s/x"),
            task("a", ago(10), "s/x", "s/t"),
        ]
    )
    found = facts(knowledge, "a", Query(NOW_S, ("s/x", "s/y", "s/z")))
    assert (found.files, found.files_changed, found.files_changed_lately) == (3, 2, 1)
    assert (found.changes, found.changes_lately, found.changes_by_all) == (3, 2, 4)
    assert found.last_change_s == ago(10)
    assert (found.directory, found.directory_tasks, found.directory_tasks_lately) == ("s", 3, 2)
    assert (found.tasks, found.tasks_lately, found.tasks_30_days) == (3, 2, 2)
    assert told(found) == [
        "changed 1 of the 3 files in the last 90 days, last on 23 April 2026",
        "3 of the 4 tasks that changed them",
        "3 earlier tasks in s/",
        "2 tasks merged in the last 90 days",
    ]


def test_a_change_counts_under_the_name_that_the_file_has_now() -> None:
    moved = replace(task("b", ago(20)), touches=(Touch("new/x", was="old/x"),))
    knowledge = known([task("a", ago(40), "old/x"), moved])
    found = facts(knowledge, "a", Query(NOW_S, ("new/x",)))
    assert (found.files_changed, found.changes, found.changes_by_all) == (1, 1, 2)
    assert facts(knowledge, "a", Query(NOW_S, ("old/x",))).changes == 0


def test_files_that_swap_their_names_swap_their_histories() -> None:
    swap = replace(task("c", ago(5)), touches=(Touch("x", was="y"), Touch("y", was="x")))
    knowledge = known([task("a", ago(9), "x"), task("b", ago(8), "y"), swap])
    assert facts(knowledge, "a", Query(NOW_S, ("y",))).changes == 1
    assert facts(knowledge, "a", Query(NOW_S, ("x",))).changes == 0


def test_what_is_merged_at_the_time_or_later_is_not_known() -> None:
    knowledge = known([task("a", ago(3), "x"), task("a", ago(2), "x"), task("a", ago(1), "x")])
    assert facts(knowledge, "a", Query(ago(2), ("x",))).changes == 1


def test_a_bots_changes_are_nobodys() -> None:
    bot = replace(task("bot", ago(4), "x"), by_bot=True)
    knowledge = known([task("a", ago(5), "x"), bot])
    assert facts(knowledge, "a", Query(NOW_S, ("x",))).changes_by_all == 1


def test_people_who_turn_out_to_be_one_have_done_it_together() -> None:
    knowledge = known(
        [
            task(Signature("Ada", "ada@home"), ago(9), "x"),
            task(Signature("Ada Lovelace", "ada@work"), ago(8), "x"),
            task(Signature("Ada Lovelace", "ada@home"), ago(7), "x"),
        ]
    )
    index = knowledge.people.known(Signature("Ada", "ada@home"))
    assert index is not None
    found = facts_of(knowledge, Query(NOW_S, ("x",)), index)
    assert (found.changes, found.tasks, found.person.name) == (3, 3, "Ada Lovelace")


def test_reviews_of_the_authors_last_five() -> None:
    early = [task("c", ago(60 - n), "x", reviewers="b") for n in range(3)]
    late = [task("c", ago(9 - n), "y", reviewers="b" if n % 2 else "") for n in range(4)]
    query = Query(NOW_S, ("x", "y"), mode=Mode.REVIEWER, author=signed("c"))
    found = facts(known([task("b", ago(99), "z"), *early, *late]), "b", query)
    assert (found.author_tasks, found.author_tasks_reviewed) == (5, 3)
    assert (found.files_reviewed, found.reviews_lately) == (2, 5)
    assert "reviewed 3 of this author's last 5 changes" in told(found)
    assert "reviewed changes of 2 of the 2 files" in told(found)


def test_a_rare_word_is_shown_with_the_task_that_has_it() -> None:
    tasks = [task("a", ago(99 - n), "x", text="fix the websocket tests") for n in range(2)]
    common = [task("b", ago(50 - n / 9), "x", text="fix tests") for n in range(98)]
    found = facts(known([*tasks, *common]), "a", Query(NOW_S, text="Flaky websockets fix"))
    assert [mention.word for mention in found.words] == ["websockets"]
    assert found.words[0].sha == tasks[1].sha
    assert "“websockets” is in 2 earlier tasks of theirs (a 1769332)" in told(found)


def test_one_file_and_nothing_of_late() -> None:
    knowledge = known([task("a", ago(400), "x"), task("b", ago(1), "y")])
    assert told(facts(knowledge, "a", Query(NOW_S, ("x",)))) == [
        f"changed this file before, last on {day(ago(400))}",
        "1 of the 1 task that changed it",
        f"last task merged on {day(ago(400))}",
    ]
    assert told(facts(knowledge, "a", Query(NOW_S))) == [f"last task merged on {day(ago(400))}"]


def test_the_main_directory_is_where_most_files_are() -> None:
    assert main_directory(["a/b/x", "c/y", "c/z", "w"]) == "c"
    assert main_directory(["b/x", "a/y"]) == "a"
    assert main_directory(["x"]) == ""


class Written:
    """A repository whose history is drawn by chance, and what `git log` says about it."""

    PEOPLE = ("Ada Byron", "Ben Okri", "Cy Young")

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        rng = np.random.default_rng(seed)
        self.paths = [f"{name}/{number}.py" for name in ("app", "lib") for number in range(4)]
        lines = {path: [f"{path} {n}" for n in range(30)] for path in self.paths}
        stream: list[str] = []
        for number in range(60):
            author, reviewer, helper = rng.permutation(self.PEOPLE).tolist()
            message = f"Task {'gizmo' if number % 17 == 7 else 'work'} of {number}\n"
            if rng.random() < 0.5:
                message += f"\nReviewed-by: {reviewer} <{mail(reviewer)}>"
            if rng.random() < 0.2:
                message += f"\nCo-authored-by: {helper} <{mail(helper)}>"
            stamp = f"{author} <{mail(author)}> {ago(240 - 4 * number)} +0000"
            stream.append(f"commit refs/heads/main\nauthor {stamp}\ncommitter {stamp}\n")
            stream.append(f"data {len(message)}\n{message}\n")
            if number % 20 == 13:
                at = int(rng.integers(len(self.paths)))
                old, new = self.paths[at], f"lib/moved{number}.py"
                lines[new] = lines.pop(old)
                self.paths[at] = new
                stream.append(f"R {old} {new}\n")
            for path in rng.choice(self.paths, 2, replace=False).tolist():
                lines[path].append(f"{number}")
                text = "\n".join(lines[path])
                stream.append(f"M 100644 inline {path}\ndata {len(text)}\n{text}\n")
        self.git("init", "-q", "-b", "main", ".")
        self.git("fast-import", "--quiet", said="".join(stream))

    def git(self, *words: str, said: str = "") -> list[str]:
        environment = {
            "PATH": os.defpath,
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        done = subprocess.run(
            ["git", "-C", str(self.folder), *words],
            input=said,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.split("\n")[:-1]

    def tasks(self, who: str, at_s: int, *more: str) -> set[str]:
        """Commits that somebody wrote or co-wrote before a time."""
        log = ("log", "--format=%H", f"--until={at_s - 1}")
        return {
            *self.git(*log, f"--author={who}", *more),
            *self.git(*log, f"--grep=Co-authored-by: {who}", *more),
        }

    def reviewed(self, who: str, at_s: int) -> set[str]:
        words = ("log", "--format=%H", f"--until={at_s - 1}", f"--grep=Reviewed-by: {who}")
        return set(self.git(*words))

    def told(self, who: str, author: str, files: list[str], at_s: int) -> list[str]:
        """The sentences about a person, all of whose numbers come from `git log`."""
        log = ("log", "--format=%H", f"--until={at_s - 1}")
        since = f"--since={at_s - 90 * DAY_S}"
        # Renames are followed only through commits that no other filter takes away.
        everybodys = [set(self.git(*log, "--follow", "--", path)) for path in files]
        theirs = [those & self.tasks(who, at_s) for those in everybodys]
        lately = [those & self.tasks(who, at_s, since) for those in everybodys]
        ours, alls = set[str]().union(*theirs), set[str]().union(*everybodys)
        last = max(int(self.git("show", "-s", "--format=%ct", sha)[0]) for sha in ours)
        number, when = sum(map(bool, lately)), "in the last 90 days"
        if not number:
            number, when = sum(map(bool, theirs)), "before"
        said = [
            f"changed {number} of the {len(files)} files {when}, last on {day(last)}",
            f"{len(ours)} of the {len(alls)} tasks that changed them",
        ]
        accepted = self.reviewed(who, at_s)
        last_five = self.git(*log, "-5", f"--author={author}")
        if accepted & set(last_five):
            count = len(accepted & set(last_five))
            said.append(f"reviewed {count} of this author's last {len(last_five)} changes")
        if seen := sum(bool(accepted & those) for those in everybodys):
            said.append(f"reviewed changes of {seen} of the {len(files)} files")
        under = len(self.tasks(who, at_s, "--", "lib"))
        said.append(f"{under} earlier tasks in lib/")
        gizmo = self.tasks(who, at_s) & set(self.git(*log, "--grep=gizmo"))
        if gizmo:
            latest = next(sha for sha in self.git(*log) if sha in gizmo)
            tasks = "1 earlier task" if len(gizmo) == 1 else f"{len(gizmo)} earlier tasks"
            said.append(f"“gizmo” is in {tasks} of theirs ({latest[:9]})")
        return [*said, f"{len(self.tasks(who, at_s, since))} tasks merged in the last 90 days"]


def mail(name: str) -> str:
    return f"{name.split()[0].lower()}@example.org"


@pytest.mark.parametrize("seed", [1, 2])
def test_every_number_that_is_told_is_true_by_git_log(tmp_path: Path, seed: int) -> None:
    written = Written(tmp_path, seed)
    knowledge = known(read_history(tmp_path).tasks)
    files = [path for path in written.paths if path.startswith("lib")][:4]
    for who in Written.PEOPLE:
        author = next(name for name in Written.PEOPLE if name != who)
        query = Query(
            NOW_S, tuple(files), "the gizmo", Mode.REVIEWER, Signature(author, mail(author))
        )
        index = knowledge.people.known(Signature(who, mail(who)))
        assert index is not None
        assert told(facts_of(knowledge, query, index)) == written.told(who, author, files, NOW_S)
        lately = len(written.tasks(who, NOW_S, f"--since={NOW_S - 90 * DAY_S}"))
        newest = {*written.git("log", "-20", "--format=%H")} & written.tasks(who, NOW_S)
        (alone,) = told(facts_of(knowledge, Query(NOW_S), index))
        assert alone == (
            f"{lately} tasks merged in the last 90 days, {len(newest)} of the newest 20 here"
        )


def test_what_was_moved_is_found_where_it_lies_now() -> None:
    moved = [
        replace(task("a", 2), touches=(Touch("t/x", was="s/x"), Touch("t/y", was="s/y"))),
        replace(task("a", 3), touches=(Touch("u", was="t/x"),)),
    ]
    knowledge = known([task("a", 1, "s/x", "s/y", "sz"), *moved])
    assert [*knowledge.moved_from("s/x")] == ["u"]
    assert sorted(knowledge.moved_from("s")) == ["t/y", "u"]
    assert [*knowledge.moved_from("sz")] == []
    back = replace(task("a", 4), touches=(Touch("t/x", was="u"),))
    knowledge.observe(back)
    assert [*knowledge.moved_from("s/x")] == ["t/x"]
    assert [*knowledge.moved_from("u")] == ["t/x"]


def test_a_text_is_heard_of_by_its_telling_words_alone() -> None:
    knowledge = known([task("a", 1, "x", text="Reconnect the websocket, when there is none")])
    assert is_heard_of(knowledge, "websockets flap")
    assert not is_heard_of(knowledge, "when there is nothing")
    assert not is_heard_of(knowledge, "")
