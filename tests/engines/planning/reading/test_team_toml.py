from datetime import UTC, datetime
from pathlib import Path
from time import process_time
from zoneinfo import ZoneInfo

import pytest

from engines.planning.reading.files import parse_team, read_team
from engines.planning.team import TeamPlan
from engines.planning.types import CannotPlan, Fixed, Task

EXAMPLE = Path(__file__).parents[4] / "examples" / "plan.toml"
HEAD = """start = 2026-12-01
[[people]]
id = "ana"
skills = {backend = 2}
[[people]]
id = "bo"
"""  # the first task is on line 7
API = '[[tasks]]\nid = "API"\nestimate = "3d"\n'
DB = '[[tasks]]\nid = "DB"\nestimate = "2d"\n'


def plan(text: str, start: datetime | None = None) -> TeamPlan:
    return parse_team(text.encode(), "plan.toml", start)


def task(text: str) -> Task:
    return plan(HEAD + text).problem.tasks[0]


def refusal(text: str) -> str:
    with pytest.raises(CannotPlan) as caught:
        plan(text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


class TestTheExample:
    def test_is_read_whole_and_without_a_warning(self) -> None:
        example = read_team(EXAMPLE)
        problem = example.problem
        assert (len(problem.tasks), len(problem.people)) == (16, 4)
        assert problem.title == "Login rework"
        assert example.warnings == ()

    def test_counts_working_minutes_of_its_calendar(self) -> None:
        example = read_team(EXAMPLE)
        assert example.day == 480
        assert example.working_time is not None
        assert example.working_time.zone == ZoneInfo("Europe/Berlin")
        assert example.say_when(0, end=False) == "Tue 1 Dec 09:00"
        assert example.say_when(480, end=True) == "Tue 1 Dec 18:00"
        beta = next(one for one in example.problem.tasks if one.id == "BETA")
        assert beta.deadline is not None
        assert example.say_when(beta.deadline, end=True) == "Wed 16 Dec 18:00"

    def test_knows_who_is_away_and_who_works_part_time(self) -> None:
        ana, bo, chen, dara = read_team(EXAMPLE).problem.people
        assert ana.absent[0] == (7 * 480, 9 * 480)
        assert bo.pace == 0.8
        assert chen.absent[0] == (3 * 480, 4 * 480)  # the first Friday
        assert dara.skills == {"frontend": 2, "qa": 3, "writing": 2}


class TestAnEstimate:
    def test_of_three_points_is_perts_mean_and_deviation(self) -> None:
        found = task(API.replace('"3d"', '["2d", "3d", "10d"]'))
        assert found.duration == 4 * 480
        assert found.cv == pytest.approx((10 - 2) / 6 / 4)

    def test_of_one_number_has_the_plans_uncertainty_or_its_own(self) -> None:
        assert task(API).cv == 0.4
        assert plan(f"uncertainty = 0.3\n{HEAD}{API}").problem.tasks[0].cv == 0.3
        assert plan(f"uncertainty = 0.3\n{HEAD}{API}uncertainty = 0").problem.tasks[0].cv == 0

    def test_counts_the_days_of_the_calendar(self) -> None:
        short = HEAD + '[calendar]\nhours = ["9-12", "13:00-16:00"]\n'
        assert plan(short + API).problem.tasks[0].duration == 3 * 6 * 60

    def test_may_be_a_milestone(self) -> None:
        assert task(API.replace("3d", "milestone")).duration == 0

    def test_without_units_and_start_is_ticks(self) -> None:
        bare = HEAD.removeprefix("start = 2026-12-01\n") + API.replace('"3d"', "7")
        found = plan(f"{bare}deadline = 20\nnot_before = 3\n")
        assert found.problem.tasks[0].duration == 7
        assert (found.problem.tasks[0].release, found.problem.tasks[0].deadline) == (3, 20)
        assert found.working_time is None
        assert found.say_when(1200, end=True) == "1,200"

    def test_with_units_and_no_start_is_working_minutes(self) -> None:
        found = plan(HEAD.removeprefix("start = 2026-12-01\n") + API)
        assert found.working_time is None
        assert found.say_when(found.problem.tasks[0].duration, end=True) == "3d"

    def test_begins_when_it_is_told_to_where_the_plan_does_not_say(self) -> None:
        start = datetime(2026, 12, 4, 16, tzinfo=UTC)
        found = plan(HEAD.removeprefix("start = 2026-12-01\n") + API, start)
        assert found.say_when(480, end=True) == "Mon 7 Dec 16:00"
        assert plan(HEAD + API, start).say_when(480, end=True) == "Tue 1 Dec 17:00"


class TestWorkThatIsKnown:
    def test_lies_where_it_was_done(self) -> None:
        done = "done = true\nstarted = 2026-12-01\nended = 2026-12-02\nby = 'bo'\n"
        assert task(API + done).fixed == Fixed(0, 960, "bo")

    def test_needs_no_estimate_once_it_is_done(self) -> None:
        assert task('[[tasks]]\nid = "API"\ndone = true\n').fixed == Fixed(0, 0, None)

    def test_under_way_ends_when_its_estimate_says(self) -> None:
        under_way = "started = 2026-12-02T10:00:00\nby = 'bo'\n"
        assert task(API + under_way).fixed == Fixed(540, 540 + 1440, "bo")

    def test_under_way_for_too_long_ends_after_now(self) -> None:
        late = f"now = 2026-12-09\n{HEAD}{API}started = 2026-12-01\nby = 'bo'\n"
        assert plan(late).problem.now == 6 * 480
        assert plan(late).problem.tasks[0].fixed == Fixed(0, 6 * 480 + 1, "bo")


def test_everything_a_task_may_say_is_read() -> None:
    found = task(
        API
        + 'title = "The endpoint"\nneeds = {backend = 2}\nafter = ["db", "DB"]\nperson = "Ana"\n'
        + "not_before = 2026-12-03\ndeadline = 2026-12-18T12:00:00\nweight = 2\n"
        + DB
    )
    assert found == Task(
        "API",
        1440,
        0.4,
        after=("DB",),
        needs={"backend": 2},
        only=("ana",),
        release=960,
        deadline=13 * 480 + 180,
        weight=2.0,
        title="The endpoint",
    )


def test_two_people_are_told_apart_by_id_and_called_by_name() -> None:
    named = plan(HEAD.replace('id = "bo"', 'id = "bo"\nname = "Bo Berg"') + API)
    assert (named.name_of("bo"), named.name_of("ana")) == ("Bo Berg", "ana")


WRONG_TASKS = {
    'after = ["DB"]\n' + DB + 'after = ["API"]': (
        "line 7: task API: tasks wait for each other in a circle: API → DB → API"
    ),
    'after = ["API"]': ("line 7: task API: tasks wait for each other in a circle: API → API"),
    'after = ["DP"]\n' + DB: "line 7: task API: unknown predecessor `DP`; is `DB` meant?",
    'person = "anna"': "line 7: task API: unknown person `anna`; is `ana` meant?",
    'person = "zoe"': "line 7: task API: unknown person `zoe`; known: `ana`, `bo`",
    "needs = {bakend = 1}": (
        "line 7: task API: nobody has the skill `bakend`; is `backend` meant?"
    ),
    "needs = {backend = 3}": (
        "line 7: task API: nobody is able: it needs backend 3; the best is ana with 2"
    ),
    'needs = {backend = 2}\nperson = "bo"': (
        "line 7: task API: nobody is able: it needs backend 2; bo, who is to do it, has no backend"
    ),
    API: "line 10: task API: there is another task of that name (line 7)",
    "after = 3": "line 10: task API: `after` is a text or a list of texts, not 3",
    'done = "yes"': "line 10: task API: `done` is true or false, not `yes`",
    "weight = nan": "line 10: task API: `weight` is nan",
    "\n\nweight = -1": ("line 12: task API: a weight is a number from 0 to 1,000,000, not -1"),
    "uncertainty = 7": (
        "line 10: task API: an uncertainty is a share of the estimate from 0 to 2, not 7"
    ),
    '[tasks.needs]\nbackend = "x"': (
        "line 10: task API: the level of `backend` is a whole number, not `x`"
    ),
    "needs = {backend = -1}": ("line 10: task API: a skill's level is from 0 to 1,000, not -1"),
    "deadline = 5": "line 7: task API: deadline: 5 is no date; write 2026-12-24",
    'deadline = "soon"': ("line 10: task API: deadline: `soon` is no date; write 2026-12-24"),
    "not_before = 1850-01-01": (
        "line 10: task API: not_before: 1850-01-01 is not between 2000 and 2100"
    ),
    "not_before = 2050-01-01": (
        "line 7: task API: not_before: the plan reaches past 2036-12-01: 10 years are the most"
    ),
    "started = 2026-12-01": ('line 7: task API: it is under way; say by whom (by = "ana")'),
    "started = 2026-12-03\nended = 2026-12-01\nby = 'bo'": (
        "line 7: task API: it ended before it started"
    ),
    "x = = 3": "line 10, column 5: Invalid value",
}


@pytest.mark.parametrize("wrong", WRONG_TASKS)
def test_a_wrong_task_is_refused_in_one_line_that_names_it(wrong: str) -> None:
    assert refusal(f"{HEAD}{API}{wrong}\n") == WRONG_TASKS[wrong]


WRONG_ESTIMATES = {
    '"-3d"': "`-3d` is negative",
    '"0d"': "`0d` is no work at all; a milestone is `milestone`",
    '"3x"': "`3x` is no amount of work; write 30m, 4h, 3d, 1d4h or 2w",
    '""': "`` is no amount of work; write 30m, 4h, 3d, 1d4h or 2w",
    '"261d"': "`261d` is more than a year of work",
    "3": "the estimate 3 has no unit; write 3d or 3h",
    '["3d", "2d", "5d"]': "the three estimates are not in ascending order: low, likely, high",
    '["3d", "2d"]': "an estimate is one amount or three, not 2",
}


@pytest.mark.parametrize("estimate", WRONG_ESTIMATES)
def test_a_wrong_estimate_is_refused_with_its_task(estimate: str) -> None:
    told = f"line 7: task API: {WRONG_ESTIMATES[estimate]}"
    assert refusal(HEAD + API.replace('"3d"', estimate)) == told


def test_an_estimate_of_another_type_or_none_is_refused() -> None:
    assert refusal(HEAD + API.replace('"3d"', "3.5")) == (
        'line 9: task API: `estimate` is a text as "3d" or three of them, not 3.5'
    )
    assert refusal(HEAD + API.replace("estimate", "estimat")) == (
        "line 7: task API: it has no estimate; write 3d, or `milestone` "
        "(`estimate`; there is `estimat`)"
    )


@pytest.mark.parametrize(
    ("ticks", "told"),
    [("-1", "is negative"), ("0", "is 0; a milestone is"), ("1000001", "is above")],
)
def test_wrong_amounts_of_bare_ticks_are_refused(ticks: str, told: str) -> None:
    bare = '[[people]]\nid = "ana"\n' + API.replace('"3d"', ticks)
    assert f"line 3: task API: the estimate {ticks} {told}".replace("0 is 0", "is 0") in refusal(
        bare
    )


WRONG_PLANS = {
    HEAD: "the plan has no tasks",
    '[[task]]\nid = "API"': "the plan has no tasks (the plan: unknown key `task`; is `tasks` meant?)",
    API: (
        "the plan names nobody to do the work; add people, as `[[people]]` in TOML, a column "
        "`person` in CSV, or a line `team: ana, bo` in a list"
    ),
    HEAD + 'off = ["2026-01-01..2099-01-01"]\n' + API: (
        "line 5: person bo: never there in the 10 years from the start"
    ),
    HEAD + 'off = ["2026-12-10..2026-12-01"]\n' + API: (
        "line 7: person bo: off: `2026-12-10..2026-12-01` ends before it begins"
    ),
    HEAD + "off = [3]\n" + API: "line 7: person bo: `off` are dates as 2026-12-24, not 3",
    HEAD + "load = 3\n" + API: (
        "line 7: person bo: a load is a share of the time from 0.05 to 1, not 3"
    ),
    HEAD + '[[people]]\nid = "ana"\n' + API: (
        "line 7: person ana: there is another person of that name (line 2)"
    ),
    HEAD + "[[people]]\nskills = {}\n" + API: "line 7: person 3: it has no id",
    HEAD.replace("2026-12-01", '"2026-13-01"') + API: (
        "line 1: start: `2026-13-01` is no date; write 2026-12-24"
    ),
    HEAD.replace("2026-12-01", "5") + API: "line 1: `start` is a date, not 5",
    'timezone = "Europe/Berln"\n' + HEAD + API: (
        "line 1: timezone: `Europe/Berln` is no time zone; is `Europe/Berlin` meant?"
    ),
    'timezone = "../etc/passwd"\n' + HEAD + API: (
        "line 1: timezone: `../etc/passwd` is no time zone; write Europe/Berlin"
    ),
    HEAD + '[calendar]\nhours = ["9-8"]\n' + API: (
        "line 8: calendar: hours: `9-8` do not end after they begin, on the same day"
    ),
    HEAD + '[calendar]\nhours = ["9-12", "11-13"]\n' + API: (
        "line 8: calendar: hours: the hours overlap"
    ),
    HEAD + '[calendar]\ndays = ["Moo"]\n' + API: (
        "line 8: calendar: days: `Moo` is no day of the week; write Mon, Tue, Wed, …"
    ),
    HEAD + "[calendar]\ndays = []\n" + API: (
        "line 8: calendar: days: no day of the week is left to work on"
    ),
    "calendar = 3\n" + HEAD + API: "line 1: `calendar` is a table: [calendar]",
    "tasks = [3]": "`tasks` are tables, each under [[tasks]], not 3",
    'people = "ana"\n' + API: "`people` are tables, each under [[people]], not `ana`",
    "a = " + "[" * 3000: "the file is nested too deeply",
    "a = " + "9" * 5000: "the file is no TOML: a number is too long",
    HEAD + "".join(API.replace("API", f"T{i}") for i in range(2001)): (
        "the plan has 2,001 tasks; 2,000 are the most"
    ),
}


@pytest.mark.parametrize("wrong", WRONG_PLANS, ids=range(len(WRONG_PLANS)))
def test_a_wrong_plan_is_refused_in_one_line(wrong: str) -> None:
    assert refusal(wrong) == WRONG_PLANS[wrong]


def test_people_without_a_calendar_cannot_have_time_off() -> None:
    bare = '[[people]]\nid = "ana"\noff = ["2026-12-24"]\n' + API.replace('"3d"', "3")
    assert refusal(bare) == (
        "line 1: person ana: days, hours and time off need a calendar; say when the plan starts "
        "(`start`)"
    )
    assert refusal('[[people]]\nid = "ana"\n' + API + "deadline = 2026-12-24\n") == (
        "line 3: task API: deadline: 2026-12-24 is a date, and nothing says when the plan starts; "
        "add a `start`"
    )


def test_two_skills_that_nobody_has_together_are_told() -> None:
    people = '[[people]]\nid = "a"\nskills = {x = 1}\n[[people]]\nid = "b"\nskills = {y = 1}\n'
    assert refusal(people + API + "needs = {x = 1, y = 1}\n") == (
        "line 7: task API: nobody is able: it needs x 1 and y 1 in one person; a lacks y 1"
    )


class TestAWarning:
    def test_tells_of_unknown_keys_with_their_lines(self) -> None:
        text = f"titel = 'x'\n{HEAD}lod = 1\n[calendar]\nholiday = []\n{API}deadlin = 2026-12-02\n"
        assert plan(text).warnings == (
            "line 1: unknown key `titel`; is `title` meant?",
            "line 10: calendar: unknown key `holiday`; is `holidays` meant?",
            "line 8: person bo: unknown key `lod`; is `load` meant?",
            "line 14: task API: unknown key `deadlin`; is `deadline` meant?",
        )

    def test_tells_of_a_deadline_that_cannot_be_met_at_all(self) -> None:
        text = HEAD + API + 'after = ["DB"]\ndeadline = 2026-12-03\n' + DB
        assert plan(text).warnings == (
            (
                "line 7: task API: the deadline 2026-12-03 cannot be met even with everyone free: "
                "Mon 7 Dec 17:00 at the earliest"
            ),
        )
        assert plan(text.replace("12-03", "12-07")).warnings == ()


def test_many_people_with_much_time_off_are_read_quickly() -> None:
    off = ", ".join(f'"20{26 + i % 20}-0{1 + i % 9}-0{1 + i % 5}"' for i in range(300))
    people = "".join(f'[[people]]\nid = "p{i}"\noff = [{off}]\n' for i in range(80))
    tasks = "".join(API.replace("API", f"T{i}") for i in range(1000))
    began = process_time()
    found = plan("start = 2026-12-01\n" + people + tasks)
    assert process_time() - began < 4
    assert len(found.problem.people) == 80


def test_tables_written_in_a_line_are_named_by_their_ids() -> None:
    inline = 'tasks = [{id = "A", estimate = "1d"}, {id = "B", estimate = "0d"}]\n'
    text = f'people = [{{id = "ana"}}]\n{inline}'
    assert refusal(text).endswith("task B: `0d` is no work at all; a milestone is `milestone`")
