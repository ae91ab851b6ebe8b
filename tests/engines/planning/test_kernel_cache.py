"""Compiled kernels are kept beside their sources, and are as old as all that they were made of."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engines.planning import kernel_cache

KERNEL = """\
from engines.planning.compiled import compiled
from engines.planning.trial.callee import doubled


@compiled
def called(number: int) -> int:
    return doubled(number) + 1
"""
CALLEE = """\
from engines.planning.compiled import compiled


@compiled
def doubled(number: int) -> int:
    return number * 2
"""
ASK = "from engines.planning.trial.kernel import called; print(called(20))"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The engine's ground with two kernels, one of which calls the other in another file."""
    planning = tmp_path / "engines" / "planning"
    trial = planning / "trial"
    trial.mkdir(parents=True)
    for name in ("compiled.py", "kernel_cache.py"):
        shutil.copy(kernel_cache.ENGINE / name, planning)
    for folder in (planning.parent, planning, trial):
        (folder / "__init__.py").touch()
    (trial / "kernel.py").write_text(KERNEL)
    (trial / "callee.py").write_text(CALLEE)
    return tmp_path


def _asked(tree: Path) -> int:
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=tree,
        env={"PYTHONPATH": str(tree), "HOME": str(tree)},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


def _kept(tree: Path) -> dict[str, int]:
    """Kernels, and when they were written."""
    kernels = (tree / "engines/planning/trial/__pycache__").glob("*.nbc")
    return {one.name: one.stat().st_mtime_ns for one in kernels}


def test_a_kernel_is_compiled_once_and_again_when_what_it_calls_has_changed(tree: Path) -> None:
    assert _asked(tree) == 41
    kept = _kept(tree)
    assert any(name.startswith("kernel.called") for name in kept)
    assert _asked(tree) == 41
    assert _kept(tree) == kept
    callee = tree / "engines/planning/trial/callee.py"
    callee.write_text(CALLEE.replace("number * 2", "number * 3"))
    assert _asked(tree) == 61


def test_a_copy_of_the_tree_brings_its_kernels_along(tree: Path, tmp_path: Path) -> None:
    assert _asked(tree) == 41
    copy = tmp_path / "elsewhere"
    shutil.copytree(tree / "engines", copy / "engines")
    for source in copy.rglob("*.py"):
        source.touch()
    kept = _kept(copy)
    assert _asked(copy) == 41
    assert _kept(copy) == kept


def test_where_nothing_can_be_written_kernels_are_copied_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = tmp_path / "__pycache__"
    locked.mkdir()
    (locked / "kernel.called-.py311.nbi").write_bytes(b"index")
    temporary: Any = kernel_cache.tempfile.TemporaryFile

    def refused(**given: Any) -> Any:
        if given["dir"] == locked:
            raise PermissionError
        return temporary(**given)

    monkeypatch.setattr(kernel_cache.tempfile, "TemporaryFile", refused)
    own = kernel_cache.kernels_in(locked)
    assert own != locked
    assert own.stat().st_mode & 0o777 == 0o700
    assert (own / "kernel.called-.py311.nbi").read_bytes() == b"index"
