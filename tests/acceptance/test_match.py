"""`gryph ask "match …"` over the whole stack and the real engine: a history, and what it tells."""

from pathlib import Path

import pytest

from tests.acceptance.stack import Stack, gryph, json_of
from tests.fakes.git_host import git
from tests.jobs.histories import ANN, BO, often, write_history

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Ann did the gateway, Bo the parser; checked out, as on somebody's machine."""
    bare = write_history(
        tmp_path / "bare.git",
        [
            *often(ANN, 30, "src/gateway.py", "Reconnect the websocket"),
            *often(BO, 30, "src/parser.py", "Parse faster"),
        ],
    )
    git(tmp_path, "clone", "--quiet", str(bare), "shop")
    return tmp_path / "shop"


async def test_a_file_a_text_and_who_knows_it_are_answered_from_the_folders_own_history(
    stack: Stack, shop: Path
) -> None:
    before = {path: path.stat().st_mtime_ns for path in (shop / ".git").rglob("*")}
    asked = {
        "match src/gateway.py": "Ann Lee",
        "match src/parser.py": "Bo Ray",
        'match "the websocket in gateway.py hangs"': "Ann Lee",
        "match who src": "Bus factor 2",
    }
    for line, expected in asked.items():
        ended, out, _ = await gryph(
            stack.home, "ask", line, "--repo", str(shop), "--json", "--timeout", "200"
        )
        assert ended == 0, out
        assert expected in json_of(out)["reply"]["summary"]
        assert "lee.dev" not in out, "no address is told"
    assert {path: path.stat().st_mtime_ns for path in (shop / ".git").rglob("*")} == before


async def test_a_folder_without_a_history_ends_with_one_line(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "a.py").write_text("a = 1\n")
    ended, out, _ = await gryph(
        stack.home, "ask", "match a.py", "--repo", str(tmp_path / "plain"), "--json",
        "--timeout", "90",
    )  # fmt: skip
    assert ended == 1
    assert "is no git repository, so it has no history to read" in json_of(out)["reply"]["summary"]
