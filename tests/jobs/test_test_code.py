"""The `test` job over the real engine: what it says of a small file."""

from pathlib import Path
from typing import TypeVar

import pytest

from engines.watch import Stopped
from jobs import test_code
from jobs.desk import Declined, Done
from jobs.messages import Action, Actions, Collapsible, Diff, Fields, File, Table, Text
from jobs.requests import Source, TestCode
from jobs.runner import RunningWatch
from storage.blobs import blob_id
from tests.jobs.table_top import JOB, TableTop

CLAMP = '''\
"""Bounds."""


def clamp(value: int, low: int = 0, high: int = 10) -> int:
    """The value, moved into the bounds."""
    if low > high:
        raise ValueError("low above high")
    return max(low, min(value, high))
'''


@pytest.fixture
def desk(tmp_path: Path) -> TableTop:
    root = tmp_path / "code"
    root.mkdir()
    (root / "bounds.py").write_text(CLAMP)
    (root / "broken.py").write_text("def half(:\n")
    return TableTop(root)


def run(desk: TableTop, path: str) -> Done:
    return test_code.run(TestCode(source=Source(repository="o/r"), path=path, cpu_s=6.0), desk)


def test_the_result_names_tests_and_coverage_and_offers_the_file(desk: TableTop) -> None:
    done = run(desk, "bounds.py")
    assert "pass" in done.text
    assert done.text.endswith("100 % of lines")
    assert "line coverage 100%" in done.reply.summary
    (kept,) = desk.kept
    assert kept.apply_to is not None
    assert kept.apply_to.endswith(kept.name)
    (file,) = of_kind(done, File)
    assert (file.artifact, file.name) == ("artifact-1", kept.name)
    assert file.size_bytes == len(kept.content)
    (facts,) = of_kind(done, Fields)
    assert {"Tests", "Line coverage", "Branch coverage", "File"} <= dict(facts.pairs).keys()
    compile(kept.content, kept.name, "exec")


def test_the_buttons_apply_retry_and_ask_for_an_opinion(desk: TableTop) -> None:
    (row,) = of_kind(run(desk, "bounds.py"), Actions)
    lines = [action.line for action in row.actions if isinstance(action, Action)]
    assert lines == [f"apply {JOB}", f"retry {JOB}", f"feedback {JOB} up", f"feedback {JOB} down"]


@pytest.mark.parametrize(("path", "words"), [("broken.py", "line 1"), ("nowhere.py", "nowhere.py")])
def test_code_that_cannot_be_tested_is_declined_with_the_place(
    desk: TableTop, path: str, words: str
) -> None:
    with pytest.raises(Declined, match=words):
        run(desk, path)
    assert desk.kept == []


def test_a_cancelled_job_stops_or_tells_what_it_has(desk: TableTop) -> None:
    watch = RunningWatch()
    watch.stop = True
    desk.watch = watch
    try:
        done = run(desk, "bounds.py")
    except (Stopped, Declined):
        assert desk.kept == []
    else:
        assert "stopped early" in str(done.reply)


@pytest.fixture
def old(desk: TableTop) -> bytes:
    """A test file that is there."""
    text = b"import bounds\n\n\ndef test_low():\n    assert bounds.clamp(-1) == 0\n"
    (desk.root / "test_bounds.py").write_bytes(text)
    return text


def test_an_existing_test_file_is_extended_and_the_answer_shows_the_difference(
    desk: TableTop, old: bytes
) -> None:
    done = run(desk, "bounds.py")
    (kept,) = desk.kept
    assert (kept.apply_to, kept.replaces) == ("test_bounds.py", blob_id(old))
    assert old.removeprefix(b"import bounds") in kept.content
    (difference,) = of_kind(done, Diff)
    assert "+++ b/test_bounds.py" in difference.text
    assert "-    assert" not in difference.text
    (facts,) = of_kind(done, Fields)
    assert dict(facts.pairs)["File"] == "`test_bounds.py`, extended"
    assert "existing tests: 75%" in dict(facts.pairs)["Line coverage"]


def test_a_file_with_secrets_is_not_kept_and_the_tests_get_one_of_their_own(
    desk: TableTop, old: bytes
) -> None:
    desk.has_secrets = True
    done = run(desk, "bounds.py")
    (kept,) = desk.kept
    assert (kept.apply_to, kept.replaces) == ("test_bounds_generated.py", None)
    assert any("looks like a secret" in one.markdown for one in of_kind(done, Text))


BlockT = TypeVar("BlockT", File, Fields, Actions, Diff, Text)


def of_kind(done: Done, kind: type[BlockT]) -> list[BlockT]:
    return [block for block in done.reply.blocks if isinstance(block, kind)]


def in_folder(desk: TableTop, files: dict[str, str], cpu_s: float = 6.0) -> Done:
    for path, text in files.items():
        (desk.root / path).parent.mkdir(parents=True, exist_ok=True)
        (desk.root / path).write_text(text)
    asked = TestCode(source=Source(repository="o/r"), path="pkg", cpu_s=cpu_s, ignore=("*/gen*",))
    return test_code.run(asked, desk)


def test_a_folder_is_tested_file_by_file_what_nobody_tests_first(desk: TableTop) -> None:
    small = "def one() -> int:\n    return 1\n"
    files = {"pkg/done.py": CLAMP, "pkg/sub/bounds.py": CLAMP, "pkg/one.py": small}
    beside = {"tests/test_done.py": "", "pkg/tests/x.py": small, "pkg/gen.py": small}
    noted = {"pkg/__init__.py": "", "pkg/broken.py": "def half(:\n"}
    done = in_folder(desk, files | beside | noted, cpu_s=20.0)
    tested = [
        row[0] for block in done.reply.blocks if isinstance(block, Table) for row in block.rows
    ]
    assert tested == ["`pkg/sub/bounds.py`", "`pkg/one.py`", "`pkg/done.py`"]
    assert len(desk.kept) == len({each.apply_to for each in desk.kept}) == 3
    assert "for 3 files of pkg" in done.text


def test_a_folder_too_large_for_the_budget_tells_what_was_left(desk: TableTop) -> None:
    many = {f"pkg/m{n}.py": CLAMP for n in range(9)}
    done = in_folder(desk, many, cpu_s=3.0)
    left = [each.title for each in done.reply.blocks if isinstance(each, Collapsible)]
    assert any(title.startswith("Without tests: ") for title in left)
    assert 1 <= len(desk.kept) < 9


def test_a_folder_without_code_is_declined(desk: TableTop) -> None:
    with pytest.raises(Declined, match="holds no file"):
        in_folder(desk, {"pkg/README.md": "# Nothing"})
