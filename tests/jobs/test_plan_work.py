"""The `plan` jobs over the real engine: what they say of small plans, and what they leave."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar

import pytest
from inline_snapshot import snapshot

from bot.console.render import Screen, render_reply
from engines.watch import Stopped
from jobs.desk import Declined, Done
from jobs.messages import Actions, Collapsible, File, Picture, Suggestion, Table
from jobs.plan_kept import NAME
from jobs.plan_work import Planner
from jobs.requests import (
    NOWHERE,
    Adds,
    Away,
    ChangePlan,
    ComparePlans,
    Issues,
    Joins,
    Pins,
    PlanEvent,
    PlanFile,
    PlanIssue,
    PlanTalk,
    Source,
    Takes,
)
from jobs.runner import RunningWatch
from storage.ids import JobId
from tests.jobs.table_top import JOB, TableTop

SUNDAY = datetime(2026, 12, 6, 12, tzinfo=UTC)
TUESDAY = datetime(2026, 12, 8, 12, tzinfo=UTC)
TOML = """\
title = "Login"
start = 2026-12-07
timezone = "UTC"
uncertainty = 0.3
[[people]]
id = "ana"
skills = { backend = 3 }
[[people]]
id = "bo"
skills = { backend = 2, frontend = 1 }
[[tasks]]
id = "DB"
estimate = "2d"
needs = { backend = 2 }
[[tasks]]
id = "API"
estimate = ["2d", "3d", "6d"]
needs = { backend = 3 }
after = ["DB"]
[[tasks]]
id = "Page"
estimate = "2d"
needs = { frontend = 1 }
[[tasks]]
id = "Launch"
estimate = "milestone"
after = ["API", "Page"]
deadline = 2026-12-15
"""


@dataclass
class Kept:
    """What earlier jobs left."""

    files: dict[tuple[str, str], bytes] = field(default_factory=dict[tuple[str, str], bytes])

    def file(self, job: JobId, name: str) -> bytes:
        if (job, name) not in self.files:
            raise Declined(f"What `{job}` left is no longer kept: make it anew.")
        return self.files[job, name]


@dataclass
class Bench:
    """A planner at a table, whose jobs follow each other."""

    desk: TableTop
    kept: Kept = field(default_factory=Kept)

    @property
    def planner(self) -> Planner:
        return Planner(self.kept)

    def taken(self, done: Done, job: str = JOB) -> Done:
        """The files of a job that has ended are there for others."""
        for one in self.desk.kept:
            self.kept.files[job, one.name] = one.content
        self.desk.kept.clear()
        return done

    def file(self, text: str, name: str = "plan.toml", job: str = JOB) -> Done:
        (self.desk.root / name).write_text(text)
        request = PlanFile(source=Source(repository="o/r"), path=name, cpu_s=0.3, asked_at=SUNDAY)
        return self.taken(self.planner.of_file(request, self.desk), job)

    def talk(self, text: str, issues: Issues | None = None) -> Done:
        request = PlanTalk(source=NOWHERE, text=text, issues=issues, cpu_s=0.3, asked_at=SUNDAY)
        return self.taken(self.planner.of_talk(request, self.desk))

    def change(self, *events: PlanEvent, task: str = "replan", job: str = "J000002") -> Done:
        request = ChangePlan.model_validate(
            {
                "source": NOWHERE,
                "task": task,
                "follows": JOB,
                "events": events,
                "cpu_s": 0.3,
                "asked_at": TUESDAY,
            }
        )
        return self.taken(self.planner.change(request, self.desk), job)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(TableTop(tmp_path))


_Block = TypeVar("_Block")


def of_kind(done: Done, kind: type[_Block]) -> list[_Block]:
    return [block for block in done.reply.blocks if isinstance(block, kind)]


def read(done: Done) -> str:
    """As a person does, without what differs between two runs."""
    text = render_reply(done.reply, Screen(width=100, link=str)).strip()
    return re.sub(r"\d\.\d CPU s", "… CPU s", text)


def rows(tables: Sequence[Table], first: str) -> tuple[tuple[str, ...], ...]:
    return next(table.rows for table in tables if table.header[0] == first)


def test_a_plan_tells_who_does_what_when_and_how_sure_that_is(bench: Bench) -> None:
    done = bench.file(TOML)
    assert done.text == snapshot(
        "done Mon 14 Dec 11:40, 80 % sure by Tue 15 Dec; provably the shortest"
    )
    assert read(done) == snapshot("""\
Plan of Login
─────────────

Done      Mon 14 Dec 11:40
Forecast  80 % between Fri 11 Dec and Tue 15 Dec, half of them by Mon 14 Dec
Bound     provably the shortest
Load      ana 100 %, bo 38 %
Searched  … CPU s

Gantt chart of Login: artifact-1

Deadline  Due               Planned           On time
Launch    Tue 15 Dec 17:00  Mon 14 Dec 11:40     96 %

Critical: DB (100 %) → API (100 %) → Launch (100 %). In so many of the simulated executions the end hangs on the task.

Task    Who  From             Until
DB      ana  Mon 7 Dec 09:00  Tue 8 Dec 17:00
Page    bo   Mon 7 Dec 09:00  Tue 8 Dec 17:00
API     ana  Wed 9 Dec 09:00  Mon 14 Dec 11:40
Launch                        Mon 14 Dec 11:40

plan.csv (372 bytes): artifact-2

plan.ics (998 bytes): artifact-3

plan.mmd (353 bytes): artifact-4

plan.toml (516 bytes): artifact-5

When something happens: `/gryph plan replan J7K2M9Q API late 1d`

  Retry  gryph ask "retry J7K2M9Q"
  👍     gryph ask "feedback J7K2M9Q up"
  👎     gryph ask "feedback J7K2M9Q down"\
""")


def test_it_leaves_a_picture_and_files_and_a_plan_to_go_on_with(bench: Bench) -> None:
    done = bench.file(TOML)
    (picture,) = of_kind(done, Picture)
    assert picture.alt == "Gantt chart of Login"
    names = [file.name for file in of_kind(done, File)]
    assert names == ["plan.csv", "plan.ics", "plan.mmd", "plan.toml"]
    assert bench.kept.files[JOB, "plan.png"].startswith(b"\x89PNG")
    assert b"BEGIN:VCALENDAR" in bench.kept.files[JOB, "plan.ics"]
    assert (JOB, NAME) in bench.kept.files
    again = bench.file(bench.kept.files[JOB, "plan.toml"].decode())
    assert again.text == done.text


def test_the_buttons_retry_and_ask_for_an_opinion(bench: Bench) -> None:
    (row,) = of_kind(bench.file(TOML), Actions)
    lines = [action.line for action in row.actions]
    assert lines == [f"retry {JOB}", f"feedback {JOB} up", f"feedback {JOB} down"]


def test_what_nobody_can_do_is_told_and_planned_around(bench: Bench) -> None:
    text = (
        "team: ana (backend), bo\n- A (1d)\n- Audit (1d, security) after A\n- End (1d) after Audit"
    )
    assert read(bench.talk(text)) == snapshot("""\
The plan
────────

Done      Mon 7 Dec 17:00
Forecast  80 % between Mon 7 Dec and Tue 8 Dec, half of them by Mon 7 Dec
Bound     provably the shortest
Load      ana 100 %, bo 0 %
Searched  … CPU s

Gantt chart of the plan: artifact-1

1 task that nobody is able to do, so not planned:
- Audit: it needs security 1; none has it

Not planned either, since it waits for that: End (for Audit).

Critical: A (100 %). In so many of the simulated executions the end hangs on the task.

Task  Who  From             Until
A     ana  Mon 7 Dec 09:00  Mon 7 Dec 17:00

plan.csv (133 bytes): artifact-2

plan.ics (307 bytes): artifact-3

plan.mmd (142 bytes): artifact-4

plan.toml (321 bytes): artifact-5

- The likelihoods rest on an assumption: each estimate is one number, taken to be off by 40 % (standard deviation). Three estimates (`1d..2d..5d`) or the plan's own `uncertainty` say better.
- Times are UTC and working hours 09:00-17:00; `timezone` and `hours` in the plan say others.

When something happens: `/gryph plan replan J7K2M9Q A late 1d`

  Retry  gryph ask "retry J7K2M9Q"
  👍     gryph ask "feedback J7K2M9Q up"
  👎     gryph ask "feedback J7K2M9Q down"\
""")
    with pytest.raises(
        Declined, match=r"nobody is able to do any of it; Audit: it needs security 1"
    ):
        bench.talk("team: ana\n- Audit (1d, security)")


def test_issues_are_planned_with_what_was_assumed_told(bench: Bench) -> None:
    issues = Issues(
        named="Milestone v2",
        issues=(
            PlanIssue(number=1, title="DB", body="Estimate: 2d", assignees=("ana",)),
            PlanIssue(number=2, title="API", body="blocked by #1", assignees=("bo",)),
        ),
        due=date(2026, 12, 14),
    )
    done = bench.talk("", issues)
    told = read(done)
    assert done.reply.summary.startswith("3 tasks, 2 people: done Thu 10 Dec 17:00")
    assert "Plan of Milestone v2" in told
    assert "Without an estimate, and taken for 2d each: #2." in told
    assert [row[0] for row in rows(of_kind(done, Table), "Task")] == [
        "#1 DB",
        "#2 API",
        "Milestone v2",
    ]


def test_an_instance_of_a_benchmark_is_planned_in_bare_numbers(bench: Bench) -> None:
    text = "estimate,id,person,after\n3,a,ana,\n2,b,ana,a\n"
    done = bench.file(text, "tasks.csv")
    assert done.reply.summary.startswith("2 tasks, 1 person: done 5")
    assert [file.name for file in of_kind(done, File)] == ["plan.csv", "plan.mmd", "plan.toml"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[tasks]\n", "plan.toml: line 1"),
        (TOML.replace('after = ["DB"]', 'after = ["DV"]'), "unknown predecessor `DV`; is `DB` meant?"),
        (TOML.replace('estimate = "2d"\nneeds = { backend', 'estimate = "2d"\nafter = ["API"]\nneeds = { backend'), "in a circle"),
        ("\0", "is no text file"),
        ("", "is empty"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_told_in_a_line(bench: Bench, text: str, told: str) -> None:
    with pytest.raises(Declined) as declined:
        bench.file(text)
    assert told in str(declined.value)
    assert "\n" not in str(declined.value)
    assert bench.kept.files == {}


def test_files_that_are_not_there_and_folders_are_told(bench: Bench) -> None:
    (bench.desk.root / "docs").mkdir()
    for path, told in (("nowhere.toml", "There is no file"), ("docs", "is a folder")):
        request = PlanFile(source=Source(repository="o/r"), path=path, asked_at=SUNDAY)
        with pytest.raises(Declined, match=told):
            bench.planner.of_file(request, bench.desk)


def test_nothing_to_plan_in_a_thread_is_told(bench: Bench) -> None:
    with pytest.raises(Declined, match="Plan what"):
        bench.talk("hello")


def test_what_if_tells_what_would_move_and_changes_nothing(bench: Bench) -> None:
    bench.file(TOML)
    done = bench.change(
        Away(person="ana", first=date(2026, 12, 9), last=date(2026, 12, 10)), task="what-if"
    )
    assert read(done).partition("The whole plan")[0] == snapshot("""\
What if
───────

- ana is away 2026-12-09 to 2026-12-10

                Before                 Now
Done            Mon 14 Dec 11:40       Wed 16 Dec 11:40
80 % sure by    Tue 15 Dec             Wed 16 Dec
Launch on time  96 %                   37 %
Bound           provably the shortest  provably the shortest

2 tasks of 4 move, none of them to other hands:

Task    Was               Is                Because
API     Wed 9 Dec 09:00   Fri 11 Dec 09:00  ana is away until Fri 11 Dec 09:00
Launch  Mon 14 Dec 11:40  Wed 16 Dec 11:40  waits for API, Wed 16 Dec 11:40

Gantt chart of Login: artifact-1

""")
    (row,) = of_kind(done, Actions)
    suggestion = next(one for one in row.actions if isinstance(one, Suggestion))
    assert suggestion.line == f"plan replan {JOB} ana away 2026-12-09..2026-12-10"
    assert [folded.title for folded in of_kind(done, Collapsible)] == ["The whole plan"]


def test_a_replan_keeps_what_people_hold_and_tells_each_move(bench: Bench) -> None:
    bench.file(TOML)
    done = bench.change(
        Takes(task="DB", amount="1d", late=True),
        Adds(title="Hotfix", rest="(4h, backend) due 2026-12-09"),
    )
    moved = rows([t for t in of_kind(done, Table) if "Because" in t.header], "Task")
    assert moved == snapshot(
        (
            ("DB", "until Tue 8 Dec 17:00", "until Wed 9 Dec 17:00", "1d late"),
            ("API", "Wed 9 Dec 09:00", "Thu 10 Dec 09:00", "waits for DB, Wed 9 Dec 17:00"),
            ("Launch", "Mon 14 Dec 11:40", "Tue 15 Dec 11:40", "waits for API, Tue 15 Dec 11:40"),
        )
    )
    assert "none of them to other hands" in done.reply.summary
    following = ChangePlan(
        source=NOWHERE,
        task="pin",
        follows=JobId("J000002"),
        events=(Pins(task="Hotfix", person="bo"),),
        cpu_s=0.3,
        asked_at=TUESDAY,
    )
    pinned = bench.taken(bench.planner.change(following, bench.desk), "J000003")
    assert ("Hotfix", "bo") in [row[:2] for row in rows(of_kind(pinned, Table), "Task")]


def test_who_joins_may_do_what_nobody_could(bench: Bench) -> None:
    bench.talk("team: ana (backend)\n- A (1d)\n- Audit (1d, security) after A\n")
    done = bench.change(Joins(person="carl", skills="security:2"))
    assert ("Audit", "carl") in [row[:2] for row in rows(of_kind(done, Table), "Task")]
    assert "nobody" not in read(done)


def test_events_about_nobody_and_plans_that_are_gone_are_told(bench: Bench) -> None:
    bench.file(TOML)
    with pytest.raises(Declined, match="There is nobody called `zoe`"):
        bench.change(Away(person="zoe", amount="1d"))
    with pytest.raises(Declined, match=r"Nobody would be able to do `API`: it needs backend 3"):
        bench.change(Pins(task="API", person="bo"), task="pin")
    bench.kept.files.clear()
    with pytest.raises(Declined, match="no longer kept"):
        bench.change(Takes(task="DB", amount="1d"))
    bench.kept.files[JOB, NAME] = b"{}"
    with pytest.raises(Declined, match="cannot be read any more"):
        bench.change(Takes(task="DB", amount="1d"))


def test_a_cancelled_job_stops_and_leaves_nothing(bench: Bench) -> None:
    bench.file(TOML)
    bench.desk.watch = watch = RunningWatch()
    watch.stop = True
    with pytest.raises(Stopped):
        bench.file(TOML)
    with pytest.raises(Stopped):
        bench.change(Takes(task="DB", amount="1d", late=True))
    assert bench.desk.kept == []


def test_plans_are_compared_side_by_side(bench: Bench) -> None:
    bench.file(TOML)
    bench.file(TOML.replace('estimate = ["2d", "3d", "6d"]', 'estimate = "5d"'), job="J000002")
    request = ComparePlans(source=NOWHERE, plans=(JobId(JOB), JobId("J000002")), asked_at=SUNDAY)
    done = bench.planner.compare(request, bench.desk)
    assert read(done) == snapshot("""\
2 plans compared
────────────────

                J7K2M9Q                J000002
Tasks           4                      4
People          2                      2
Done            Mon 14 Dec 11:40       Tue 15 Dec 17:00
80 % sure by    Tue 15 Dec             Thu 17 Dec
Bound           provably the shortest  provably the shortest
Highest load    ana 100 %              ana 100 %
Launch on time  96 %                   54 %
Lies elsewhere  -                      2 tasks

Of `J7K2M9Q` and `J000002`: 2 tasks elsewhere, none in other hands.

Task    J7K2M9Q               J000002
API     ana, Wed 9 Dec 09:00  ana, Wed 9 Dec 09:00
Launch  Mon 14 Dec 11:40      Wed 16 Dec 09:00

  Retry  gryph ask "retry J7K2M9Q"
  👍     gryph ask "feedback J7K2M9Q up"
  👎     gryph ask "feedback J7K2M9Q down"\
""")
