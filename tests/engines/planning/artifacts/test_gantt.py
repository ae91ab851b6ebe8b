import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import process_time

import pytest
from PIL import Image

from engines.planning.artifacts.canvas import drawable, is_drawable
from engines.planning.artifacts.gantt import gantt_png
from engines.planning.artifacts.marks import Marks
from engines.planning.reading.files import read_team
from engines.planning.team import TeamPlan
from engines.planning.types import Person, Placed, Plan, Problem, Task
from tests.engines.planning.artifacts.plans import planned, team_of

EXAMPLE = Path(__file__).parents[4] / "examples" / "plan.toml"
LEFT, RIGHT = 28, 1052
FIRST_ROW = 176 + 62
ROW = 50
BLUE, ORANGE, LATE = (0, 114, 178), (230, 159, 0), (213, 94, 0)
PALE_BLUE, GREY, WHITE, INK = (181, 211, 230), (228, 228, 228), (255, 255, 255), (26, 26, 26)
Color = tuple[int, int, int]


class Picture:
    """A chart's pixels, asked for by tick and row."""

    def __init__(self, png: bytes, last: int) -> None:
        self.image = Image.open(io.BytesIO(png)).convert("RGB")
        self.last = last

    def at(self, tick: float, row: int, headings: int = 1) -> Color:
        """The colour in the lower part of a bar, below any name in it."""
        x = round(LEFT + (RIGHT - LEFT) * tick / self.last)
        y = 176 + 62 * headings + ROW * row + 38
        return self.pixel(x, y)

    def pixel(self, x: int, y: int) -> Color:
        red, green, blue = self.image.getpixel((x, y))  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
        return int(red), int(green), int(blue)  # pyright: ignore[reportUnknownArgumentType]

    def colors(self) -> set[Color]:
        found = self.image.getcolors(1 << 24)
        assert found is not None
        return {(color[0], color[1], color[2]) for _, color in found if isinstance(color, tuple)}


def draw(team: TeamPlan, marks: Marks | None = None) -> Picture:
    plan = planned(team.problem)
    return Picture(gantt_png(team, plan, marks), plan.makespan)


def test_a_bar_is_where_its_task_is_in_the_color_of_its_person() -> None:
    picture = draw(
        team_of("- A (4) @ana\n- B (2) after A @bo\n- C (4) after B @ana\n", None),
        Marks(critical=frozenset()),
    )
    assert picture.image.size == (1080, 176 + 2 * 62 + 3 * ROW + 32)
    assert picture.at(1, 0) == picture.at(3, 0) == BLUE
    assert picture.at(5, 0) == WHITE
    assert picture.at(7, 1) == picture.at(9, 1) == BLUE
    assert picture.at(1, 1) == WHITE
    assert picture.at(5, 2, headings=2) == ORANGE
    assert picture.at(7, 2, headings=2) == WHITE


def test_a_critical_task_has_a_dark_outline() -> None:
    team = team_of("- A (4) @ana\n- B (2) @bo\n", None)
    picture = draw(team)
    assert picture.pixel(LEFT + 500, FIRST_ROW + 7) == INK
    assert picture.pixel(LEFT + 200, FIRST_ROW + ROW + 62 + 7) != INK
    plain = draw(team, Marks(critical=frozenset()))
    assert plain.pixel(LEFT + 500, FIRST_ROW + 7) != INK


def test_what_misses_its_deadline_is_seen_past_it() -> None:
    text = '[[people]]\nid = "ana"\n[[tasks]]\nid = "A"\nestimate = 10\ndeadline = 6\n'
    picture = draw(team_of(text, None), Marks(critical=frozenset()))
    assert picture.at(2, 0) == BLUE
    assert LATE in {picture.at(8 + step / 50, 0) for step in range(50)}
    met = draw(team_of(text.replace("= 6", "= 10"), None), Marks(critical=frozenset()))
    assert LATE not in met.colors()


def test_time_off_is_shaded_and_pales_the_bar_that_goes_through_it() -> None:
    team = team_of("team: ana (off 2026-12-02)\n- A (2d)\n- B (1d)\n")
    picture = draw(team, Marks(critical=frozenset()))
    assert picture.last == 4 * 480
    assert picture.at(240, 0) == picture.at(1200, 0) == BLUE
    assert picture.at(720, 0) == PALE_BLUE
    assert picture.at(720, 1) == GREY
    assert picture.at(240, 1) == WHITE


def test_the_present_and_what_is_done_are_marked() -> None:
    text = """now = 2026-12-03
start = 2026-12-01
[[people]]
id = "ana"
[[tasks]]
id = "A"
estimate = "1d"
done = true
started = 2026-12-01
ended = 2026-12-01
by = "ana"
[[tasks]]
id = "B"
estimate = "2d"
not_before = 2026-12-03
"""
    picture = draw(team_of(text), Marks(critical=frozenset()))
    assert picture.at(240, 0) == PALE_BLUE
    assert picture.at(1440, 1) == BLUE
    now = picture.pixel(round(LEFT + (RIGHT - LEFT) / 2), FIRST_ROW + ROW // 2)
    assert now == (194, 24, 91)


def texts() -> Iterator[str]:
    yield "- " + "An endless title that goes on and on " * 9 + "(1d) @" + "anna" * 40
    yield "- W" + "W" * 300 + " (1d) due 2026-12-01 @ana\n- B (9d) @ana"
    yield "- $x^2$ and $ \\frac{ %s {0} & _ ~ ^ (1d) @ana\n- `<b>` (1d) @b_o"
    yield "# 登录重构\nteam: 小明, ボブ\n- 数据库迁移 (2d)\n- 로그인 🚀 (3d)\n- שלום (1d)\n- مرحبا (1d)"
    yield "- Tiny (1m) @ana\n- Huge (50w) @bo"
    yield "- Only this (3h) @ana"
    yield "- Only a start (milestone) @ana"


@pytest.mark.parametrize("text", list(texts()), ids=range(7))
def test_no_text_is_clipped_or_taken_for_markup(text: str) -> None:
    picture = draw(team_of(text))
    width, height = picture.image.size
    assert width == 1080
    outside = {picture.pixel(x, y) for x in (3, 1076) for y in range(height)}
    assert outside == {WHITE}
    assert len(picture.colors()) > 10


def test_names_that_no_font_has_are_told_by_number() -> None:
    assert drawable("a\tb\u0378 c") == "a b c"
    assert is_drawable("Ελληνικά")
    assert is_drawable("Ship it 🚀") or "🚀" in drawable("🚀")
    assert not is_drawable("\u0378\u0379")
    assert not is_drawable(" ")


def test_the_example_is_as_tall_as_its_rows() -> None:
    example = read_team(EXAMPLE)
    picture = draw(example)
    # 16 tasks, four people and the milestones, and two lines of the legend.
    assert picture.image.size == (1080, 176 + 5 * 62 + 16 * ROW + 32 + 2 * 50)
    assert {BLUE, ORANGE, (0, 158, 115), (204, 121, 167), GREY} <= picture.colors()


def test_many_tasks_have_a_row_a_person() -> None:
    forty = "team: ana, bo\n" + "".join(f"- T{i} (1d)\n" for i in range(40))
    assert draw(team_of(forty)).image.size[1] > 40 * ROW
    more = draw(team_of(forty + "- T40 (1d)\n"), Marks(critical=frozenset()))
    assert more.image.size == (1080, 176 + 62 + ROW + 32)
    assert more.at(20.5 * 480, 0) == BLUE


def many(tasks: int, people: int) -> tuple[TeamPlan, Plan]:
    problem = Problem(
        tuple(Task(f"T{i}", 10) for i in range(tasks)),
        tuple(Person(f"p{i}") for i in range(people)),
        () if people else (3,),
    )
    placed = [
        Placed(f"T{i}", 10 * (i // max(1, people)), 10 * (i // max(1, people)) + 10, who)
        for i in range(tasks)
        for who in [f"p{i % people}" if people else None]
    ]
    return TeamPlan(problem), Plan(tuple(placed), placed[-1].end, 0, 0.0)


@pytest.mark.parametrize("people", [0, 5, 400])
def test_the_largest_plans_have_a_picture_that_can_be_shown(people: int) -> None:
    team, plan = many(2_000, people)
    began = process_time()
    picture = Picture(gantt_png(team, plan), plan.makespan)
    assert process_time() - began < 10
    assert picture.image.size[1] <= 3_000
    assert BLUE in picture.colors()


def test_the_same_plan_is_the_same_picture() -> None:
    team = team_of("- A (4) @ana\n", None)
    assert gantt_png(team, planned(team.problem)) == gantt_png(team, planned(team.problem))
    other = replace(team, problem=replace(team.problem, title="Other"))
    assert gantt_png(other, planned(team.problem)) != gantt_png(team, planned(team.problem))
