from engines.planning.artifacts.marks import Marks
from engines.planning.artifacts.mermaid import plan_mermaid
from tests.engines.planning.artifacts.plans import planned, team_of


def test_a_plan_is_a_diagram_with_a_section_a_person() -> None:
    team = team_of("# Sprint\n- A (2d) @ana\n- B (1d) after A @bo\n- Go (milestone) after A\n")
    assert plan_mermaid(team, planned(team.problem)) == (
        "gantt\n"
        "    title Sprint\n"
        "    dateFormat YYYY-MM-DDTHH:mm\n"
        "    axisFormat %d %b\n"
        "    section ana\n"
        "    A :crit, t1, 2026-12-01T09:00, 2026-12-02T17:00\n"
        "    section bo\n"
        "    B :crit, t2, 2026-12-03T09:00, 2026-12-03T17:00\n"
        "    section Milestones\n"
        "    Go :milestone, t3, 2026-12-02T17:00, 2026-12-02T17:00\n"
    )


def test_bare_ticks_are_milliseconds_for_it_knows_nothing_else() -> None:
    team = team_of("- A (3) @ana\n- B (5) after A\n", None)
    lines = plan_mermaid(team, planned(team.problem), Marks(critical=frozenset())).splitlines()
    assert lines[2:4] == ["    dateFormat x", "    axisFormat %Q"]
    assert lines[5:] == ["    A :t1, 0, 3", "    B :t2, 3, 8"]


def test_what_is_done_or_under_way_says_so() -> None:
    text = """now = 5
[[people]]
id = "ana"
[[tasks]]
id = "A"
estimate = 3
done = true
started = 0
ended = 3
[[tasks]]
id = "B"
estimate = 4
started = 3
by = "ana"
"""
    team = team_of(text, None)
    diagram = plan_mermaid(team, planned(team.problem), Marks(critical=frozenset()))
    assert "A :done, t1, 0, 3\n" in diagram
    assert "B :active, t2, 3, 7\n" in diagram


def test_nothing_in_a_title_is_grammar() -> None:
    team = team_of(
        "# %% title: <b> ;#x\nteam: section\n- title: #1; %%{init} (1d)\n"
        "- #12 click `me` (1d)\n- Section A (1d)\n"
    )
    lines = plan_mermaid(team, planned(team.problem)).splitlines()
    assert lines[1] == "    title ％％ title∶ ‹b› ,＃x"  # noqa: RUF001
    names = [line.partition(" :")[0].strip() for line in lines[5:]]
    assert names == ["· title∶ ＃1, ％％{init}", "· click `me`", "· Section A"]  # noqa: RUF001
