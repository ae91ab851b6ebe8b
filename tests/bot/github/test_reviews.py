"""What a job says of single lines: one review, of lines in the diff, and nothing twice."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from inline_snapshot import snapshot

from bot.face import Busy, JobView, Posted
from handlers import Invocation
from jobs.messages import LineRemark, Reply, Text, Verdict
from storage.ids import JobId
from storage.states import JobState
from tests.bot.github.town import JOB, Town, finished, view_of
from tests.fakes.github.access import Fault
from tests.fakes.github.world import Comment

FIRST_LINE, NINTH_LINE = b"def a():\n    return 1\n", b"".join(b"x%d = 1\n" % n for n in range(40))
TEXT = '**`a`**\n- `a()`: `1` → `"@ann closes #1"`'


@dataclass
class Run:
    """One job about a pull request."""

    here: Town
    invocation: Invocation
    view: JobView
    status: Posted

    async def says(self, *remarks: LineRemark, verdict: Verdict = Verdict.DIFFERS) -> None:
        """It ends so."""
        reply = Reply(
            summary="Changed", blocks=(Text(markdown="All."),), remarks=remarks, verdict=verdict
        )
        done = finished(self.view, "1 function behaves differently")
        await self.here.face.outbound.post_result(
            self.invocation.place, self.status, done, reply, key=f"{self.view.job}:result"
        )

    async def pushes(self, files: dict[str, bytes]) -> "Run":
        """The next job, after a push."""
        number = self.view.number
        assert number is not None
        await self.here.github.people.push(self.here.repo, number, files)
        return await start(self.here, self.invocation, number, JobId("J7K2M9R"))


async def start(here: Town, invocation: Invocation, number: int, job: JobId = JOB) -> Run:
    view = replace(
        view_of(invocation), job=job, number=number, head_sha=here.repo.pulls[number].head_sha
    )
    status = await here.face.outbound.post_status(invocation.place, view, key=f"{job}:status")
    return Run(here, invocation, view, status)


@pytest.fixture
async def run(here: Town) -> Run:
    """Of a pull request that changes the ninth of forty lines."""
    here.github.world.repository(here.repo.full_name, {"b.py": NINTH_LINE})
    changed = NINTH_LINE.replace(b"x8 = 1", b"x8 = 2")
    number = await here.github.people.open_pull(here.repo, "ann", {"b.py": changed})
    return await start(here, await here.asked(number, "/gryph test"), number)


def on_lines(here: Town) -> list[Comment]:
    return [each for each in here.repo.comments.values() if each.review]


async def test_line_of_the_diff_gets_its_remark_under_the_tested_commit(run: Run) -> None:
    await run.says(LineRemark(path="b.py", line=9, text=TEXT))
    (review,) = run.here.repo.reviews
    assert (review["state"], review["commit_id"]) == ("COMMENTED", run.view.head_sha)
    assert [(each["path"], each["line"]) for each in review["comments"]] == [("b.py", 9)]
    (said,) = on_lines(run.here)
    assert said.body == snapshot("""\
**`a`**
- `a()`: `1` → `"@ann closes #1"`

<!-- gryph:job=J7K2M9Q key=J7K2M9Q:review -->\
""")


@pytest.mark.parametrize(
    "remark",
    [
        LineRemark(path="b.py", line=30, text=TEXT),
        LineRemark(path="b.py", line=900, text=TEXT),
        LineRemark(path="c.py", line=1, text=TEXT),
    ],
)
async def test_line_outside_the_diff_is_left_to_the_comment(run: Run, remark: LineRemark) -> None:
    await run.says(remark)
    assert run.here.repo.reviews == []


async def test_nothing_to_say_is_no_review(run: Run) -> None:
    await run.says()
    assert run.here.repo.reviews == []
    assert run.here.calls("GET", "/compare/") == 0


async def test_review_posted_before_a_crash_is_not_posted_again(run: Run) -> None:
    await run.says(LineRemark(path="b.py", line=9, text=TEXT))
    await run.here.restart()
    await run.says(LineRemark(path="b.py", line=9, text=TEXT))
    assert len(run.here.repo.reviews) == 1


async def test_review_whose_answer_was_lost_is_not_posted_again(run: Run) -> None:
    run.here.github.access.faults.append(Fault("POST", r"/reviews$", 502, after=True))
    with pytest.raises(Busy):
        await run.says(LineRemark(path="b.py", line=9, text=TEXT))
    await run.says(LineRemark(path="b.py", line=9, text=TEXT))
    assert len(run.here.repo.reviews) == 1


async def test_remark_that_stands_is_not_repeated_after_the_next_push(run: Run) -> None:
    remark = LineRemark(path="b.py", line=9, text=TEXT)
    await run.says(remark)
    above = NINTH_LINE.replace(b"x8 = 1", b"x8 = 2").replace(b"x0 = 1", b"x0 = 1\ny = 1")
    second = await run.pushes({"b.py": above})
    new = LineRemark(path="b.py", line=2, text=TEXT)
    await second.says(remark.model_copy(update={"line": 10}), new)
    said = [[each["line"] for each in review["comments"]] for review in run.here.repo.reviews]
    assert said == [[9], [2]]


async def test_remark_whose_line_was_changed_is_made_again(run: Run) -> None:
    remark = LineRemark(path="b.py", line=9, text=TEXT)
    await run.says(remark)
    second = await run.pushes({"b.py": NINTH_LINE.replace(b"x8 = 1", b"x8 = 3")})
    await second.says(remark)
    assert len(run.here.repo.reviews) == 2


async def test_head_that_has_moved_on_gets_no_review(run: Run) -> None:
    await run.pushes({"b.py": FIRST_LINE})
    await run.says(LineRemark(path="b.py", line=9, text=TEXT))
    assert run.here.repo.reviews == []


async def test_somebody_elses_remark_is_none_of_ours(run: Run) -> None:
    remark = LineRemark(path="b.py", line=9, text=TEXT)
    people, number = run.here.github.people, run.view.number
    assert number is not None
    await people.review_comment(run.here.repo, number, "ann", f"{TEXT}\n\n<!-- gryph:x -->")
    await run.says(remark)
    assert len(run.here.repo.reviews) == 1


async def test_many_remarks_are_cut_to_what_a_person_reads(run: Run) -> None:
    await run.says(*(LineRemark(path="b.py", line=9, text=f"{n}: {TEXT}") for n in range(60)))
    (review,) = run.here.repo.reviews
    assert len(review["comments"]) == 20
    (check,) = run.here.repo.checks.values()
    assert len(check.annotations) == 50


async def test_refused_review_costs_nothing_else(run: Run) -> None:
    run.here.github.access.faults.append(Fault("POST", r"/reviews$", 422))
    await run.says(LineRemark(path="b.py", line=9, text=TEXT))
    (check,) = run.here.repo.checks.values()
    assert check.values["status"] == "completed"


@pytest.mark.parametrize(
    ("verdict", "conclusion", "level"),
    [
        (Verdict.PASSES, "success", "notice"),
        (Verdict.DIFFERS, "neutral", "notice"),
        (Verdict.FAILS, "failure", "warning"),
    ],
)
async def test_check_run_concludes_by_the_verdict_and_marks_the_lines(
    run: Run, verdict: Verdict, conclusion: str, level: str
) -> None:
    remark = LineRemark(path="b.py", line=9, text=TEXT)
    await run.says(remark, verdict=verdict)
    (check,) = run.here.repo.checks.values()
    assert check.values["conclusion"] == conclusion
    (marked,) = check.annotations
    expected: dict[str, Any] = {"path": "b.py", "start_line": 9, "annotation_level": level}
    assert expected.items() <= marked.items()


async def test_annotations_are_not_doubled_by_a_crash(run: Run) -> None:
    remark = LineRemark(path="b.py", line=9, text=TEXT)
    await run.says(remark)
    await run.here.restart()
    await run.says(remark)
    (check,) = run.here.repo.checks.values()
    assert len(check.annotations) == 1


async def test_cancelled_job_marks_no_lines(run: Run) -> None:
    reply = Reply(summary="", remarks=(LineRemark(path="b.py", line=9, text=TEXT),))
    done = finished(run.view, "kept: 1 difference", JobState.CANCELLED)
    await run.here.face.outbound.post_result(run.invocation.place, run.status, done, reply, key="k")
    assert run.here.repo.reviews == []
