"""The tools that write tests: ours by its command line, Pynguin and Hypothesis' ghostwriter.

The other two live in environments of their own, made on demand in a cache folder.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from tests.benchmarks.testing.confined import Ended, Limits, run
from tests.benchmarks.testing.subjects import Subject

PYNGUIN = "pynguin==0.48.0"
GHOSTWRITER = "hypothesis[ghostwriter,cli]==6.170.15"

_PROJECT = Path(__file__).parents[3]
_PYNGUIN_LIMITS = Limits(cpu_s=240, wall_s=2400, memory_mb=6144)
_GHOSTWRITER_LIMITS = Limits(cpu_s=120, wall_s=600, memory_mb=2048)
_TOLD = ("tests", "passed", "calls", "seconds", "possible_bugs", "rung", "complete")


@dataclass(frozen=True)
class Made:
    """The test files a tool wrote and what that took."""

    files: tuple[Path, ...]
    cpu_s: float
    wall_s: float
    problem: str = ""
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])


Maker = Callable[[Subject, Path], Made]


def ours(cpu_s: float, seed: int) -> Maker:
    """`python -m engines.testing`, which jails what it runs by itself."""

    def make(subject: Subject, folder: Path) -> Made:
        suite, result = folder / "suite", folder / "result.json"
        command = [
            sys.executable, "-m", "engines.testing", subject.path, "--root", str(subject.site),
            "--cpu-seconds", str(cpu_s), "--seed", str(seed), "--out", str(suite),
            "--json", str(result),
        ]  # fmt: skip
        limits = Limits(cpu_s=20 * cpu_s + 60, wall_s=100 * cpu_s + 300)
        ended = run(command, folder, limits, {"PYTHONPATH": str(_PROJECT)}, jailed=False)
        told = _json(result)
        return _made(suite, ended, {name: told[name] for name in _TOLD if name in told})

    return make


def pynguin(cache: Path, cpu_s: float, seed: int) -> Maker:
    """Pynguin as it comes; the stage that chooses assertions may take half as long again.

    Its limits for one test are wall time, so they are wider here: for machines that are not idle.
    """
    python = _environment(cache / "pynguin", PYNGUIN)

    def make(subject: Subject, folder: Path) -> Made:
        suite = folder / "suite"
        command = [
            str(python), str(Path(__file__).with_name("pynguin_clock.py")), subject.import_path,
            "--project-path", str(subject.copy), "--module-name", subject.module,
            "--output-path", str(suite), "--report-dir", str(folder / "report"),
            "--seed", str(seed), "--maximum-search-time", str(round(cpu_s)),
            "--maximum-mutation-time", str(round(cpu_s / 2)), "--no-rich", "-v",
            "--test-execution-time-per-statement", "3", "--maximum-test-execution-timeout", "10",
        ]  # fmt: skip
        env = {"PYNGUIN_DANGER_AWARE": "1", "PYTHONHASHSEED": "0"}
        return _made(suite, run(command, folder, _PYNGUIN_LIMITS, env, jailed=True), {"seed": seed})

    return make


def ghostwriter(cache: Path, *, allowing_exceptions: bool) -> Maker:
    """`hypothesis write`, plain or with `--except Exception`."""
    python = _environment(cache / "ghostwriter", GHOSTWRITER)
    more = ["--except", "Exception"] if allowing_exceptions else []

    def make(subject: Subject, folder: Path) -> Made:
        suite = folder / "suite"
        suite.mkdir()
        file = suite / f"test_{subject.module.replace('.', '_')}.py"
        command = [str(python.with_name("hypothesis")), "write", subject.module, *more]
        env = {"PYTHONPATH": subject.import_path, "PYTHONHASHSEED": "0"}
        ended = run(_to_file(command, file), folder, _GHOSTWRITER_LIMITS, env, jailed=True)
        if ended.code:
            file.unlink()
        return _made(suite, ended, {})

    return make


def _to_file(command: list[str], file: Path) -> list[str]:
    """The command with its standard output in a file."""
    return ["/bin/sh", "-c", 'exec "$@" >"$0"', str(file), *command]


def _made(suite: Path, ended: Ended, details: Mapping[str, Any]) -> Made:
    files = tuple(sorted(suite.glob("**/test_*.py")))
    problem = "" if files else (ended.stopped or _last_line(ended.output) or f"exit {ended.code}")
    return Made(files, ended.cpu_s, ended.wall_s, problem, details)


def _last_line(output: str) -> str:
    return output.strip().rpartition("\n")[2][:300]


def _json(file: Path) -> dict[str, Any]:
    try:
        return cast(dict[str, Any], json.loads(file.read_text()))
    except (FileNotFoundError, ValueError):
        return {}


def _environment(folder: Path, requirement: str) -> Path:
    """The interpreter of an environment that has the requirement installed."""
    python, ready = folder / "bin" / "python", folder / "ready.txt"
    if not ready.is_file() or ready.read_text() != requirement:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", requirement], check=True)
        ready.write_text(requirement)
    return python
