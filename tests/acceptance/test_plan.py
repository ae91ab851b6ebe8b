"""`gryph ask "plan …"` over the whole stack: a plan, its picture and its files, and then a change."""

import re
import shutil
from pathlib import Path

import pytest

from storage.states import JobState
from tests.acceptance.stack import ROOT, Stack, gryph, json_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

NO_PLAN = """\
[[people]]
id = "ana"
[[tasks]]
id = "A"
estimate = "3 fortnights"
"""


async def test_the_example_is_planned_saved_and_planned_again_after_an_event(
    stack: Stack, repository: Path, tmp_path: Path
) -> None:
    shutil.copytree(ROOT / "examples", repository / "examples")
    ended, out, saved = await gryph(
        stack.home, "ask", "plan examples/plan.toml budget=2", "--repo", str(repository),
        "--save", str(tmp_path / "files"), "--timeout", "200",
    )  # fmt: skip
    assert ended == 0, out
    assert "Plan of Login rework" in out
    assert saved.count("saved ") == 5
    for name in ("plan.csv", "plan.ics", "plan.mmd", "plan.toml"):
        assert (tmp_path / "files" / name).stat().st_size > 0
    (picture,) = (tmp_path / "files").glob("*.png")
    assert picture.read_bytes().startswith(b"\x89PNG")
    (job,) = set(re.findall(r"plan replan (J\w{6})", out))
    again = await stack.say(f"plan replan {job} SSO late 1d budget=2", repository)
    changed = await again.result()
    assert again.states[-1] is JobState.SUCCEEDED
    assert changed.reply is not None
    assert "move" in changed.reply.summary


async def test_a_file_that_is_no_plan_ends_with_one_line_and_a_failing_exit_code(
    stack: Stack, repository: Path
) -> None:
    (repository / "wrong.toml").write_text(NO_PLAN)
    ended, out, _ = await gryph(
        stack.home, "ask", "plan wrong.toml", "--repo", str(repository), "--json",
        "--timeout", "90",
    )  # fmt: skip
    assert ended == 1
    told = json_of(out)["reply"]["summary"]
    assert told.startswith("wrong.toml: line 3: task A")
    assert "\n" not in told
