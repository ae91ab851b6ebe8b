"""Rules that hold for the whole house, read off its source."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.commands import COMMANDS
from bot.reference import pages

ROOT = Path(__file__).parent.parent
PACKAGES = ("bot", "handlers", "jobs", "engines", "storage", "tests")
LONGEST_FILE = 500
LONGEST_FUNCTION = 70
BANNED_NAMES = ("utils", "helpers", "manager", "common", "misc", "base")
ML = ("torch", "transformers", "numpy", "scipy", "sklearn", "coverage", "hypothesis", "engines")
NO_COMMANDS = {
    "__init__",
    "effort",
    "issue_words",
    "jobs_in_reach",
    "match_assign",
    "match_choices",
    "match_meant",
    "match_outcomes",
    "match_people",
    "match_words",
    "message",
    "own_settings",
    "plan_events",
    "targets",
    "time_off",
}
"""Files of `handlers` that commands stand on."""


def sources() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("path", list(sources()), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_are_short(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= LONGEST_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            length = node.end_lineno - node.lineno + 1
            assert length <= LONGEST_FUNCTION, f"{node.name} has {length} lines"


def test_no_file_is_named_for_nothing() -> None:
    named = [
        path.name
        for path in sources()
        if any(part in path.stem.split("_") for part in BANNED_NAMES)
    ]
    assert named == []


def test_every_handler_is_in_the_registry_and_spoken_with_in_a_test() -> None:
    handlers = {path.stem for path in (ROOT / "handlers").glob("*.py")} - NO_COMMANDS
    assert handlers == set(COMMANDS)
    conversations = "".join(
        path.read_text() for path in (ROOT / "tests" / "handlers").glob("test_*.py")
    )
    assert [verb for verb in COMMANDS if f"gryph {verb}" not in conversations] == []


def test_generated_pages_are_up_to_date() -> None:
    for name, content in pages().items():
        assert (ROOT / "docs" / name).read_text() == content, f"run `make docs` ({name})"


def test_the_gateway_imports_no_ml_package() -> None:
    code = (
        "import sys, bot.app, bot.slack.face, bot.discord.face, bot.github.face; "
        f"print([m for m in {ML!r} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
