"""Types by pyright, in the sandbox, with settings of ours; only errors that the change brings in.

Both states of the checkout are read in one run, which costs little more than reading one.
"""

import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from engines.generation.checks.trees import lay_out
from engines.generation.checks.verdicts import Verdict, failed, passed, skipped
from engines.generation.drafts import Draft
from engines.generation.ground import Budget, Ground
from engines.sandbox.types import Command, Ending, Limits, NoIsolation, Outcome
from engines.watch import Stopped

_BEFORE, _AFTER = "before", "after"
_CPU_S = 30.0
_WALL_S = 90.0
_HEAP_MIB = 1024
_ADDRESS_SPACE_BYTES = 16 << 30
"""V8 reserves gigabytes that it never touches; `total_memory_bytes` bounds what is used."""
_MEMORY_BYTES = 2 << 30
_TOLD = 8
_SETTINGS = {
    "typeCheckingMode": "basic",
    # What is not installed here may be installed there, and says nothing about the change.
    "reportMissingImports": False,
    "reportMissingModuleSource": False,
    "reportAttributeAccessIssue": True,
}


@dataclass(frozen=True)
class _Error:
    path: str
    line: int
    rule: str
    message: str


def check_types(draft: Draft, ground: Ground, budget: Budget) -> Verdict:
    """Check the Python files of the draft.

    Raises:
        Stopped: The person cancelled.
        OutOfBudget: No time is left.
    """
    files = [path for path, _ in draft.python()]
    tools = ground.tools
    if not files:
        return Verdict(())
    if tools.pyright is None or tools.node is None:
        return skipped("types", "pyright is not installed")
    if ground.sandbox is None:
        return skipped("types", f"no sandbox: {ground.no_sandbox_because}")
    budget.check_cpu()
    with TemporaryDirectory(prefix="gryph-types-") as name:
        work = Path(name)
        _prepare(draft, ground, work, files)
        command = _command(ground, tools.node, tools.pyright, work, draft.root, budget)
        try:
            outcome = ground.sandbox.run(command, stop=budget.watch.stop_requested)
        except NoIsolation as problem:
            return skipped("types", f"the sandbox cannot be had: {problem}")
    budget.spend(outcome.cpu_s)
    if outcome.ending is Ending.STOPPED:
        raise Stopped
    return _judged(draft, outcome, work)


def _prepare(draft: Draft, ground: Ground, work: Path, files: Sequence[str]) -> None:
    lay_out(draft.root, work / _BEFORE, {})
    lay_out(draft.root, work / _AFTER, draft.files)
    old = [one for one in files if (work / _BEFORE / one).is_file()]
    packages = [str(one) for one in ground.packages]
    settings = {
        **_SETTINGS,
        "include": [
            *(f"{_AFTER}/{one}" for one in files),
            *(f"{_BEFORE}/{one}" for one in old),
        ],
        "pythonVersion": f"{sys.version_info.major}.{sys.version_info.minor}",
        "executionEnvironments": [
            {"root": side, "extraPaths": [f"{side}/src", f"{side}/lib", *packages]}
            for side in (_AFTER, _BEFORE)
        ],
    }
    # Settings of the checkout are not read: they may name an interpreter to start.
    (work / "pyright.json").write_text(json.dumps(settings))


def _command(
    ground: Ground, node: Path, pyright: Path, work: Path, root: Path, budget: Budget
) -> Command:
    argv = (
        str(node), f"--max-old-space-size={_HEAP_MIB}", str(pyright / "index.js"),
        "--outputjson", "--project", "pyright.json", "--pythonpath", sys.executable,
    )  # fmt: skip
    return Command(
        argv=argv,
        work=work,
        readable=(node, pyright, root, *ground.packages),
        # OpenSSL's settings lie in /etc, which is closed; without them Node does not start.
        env={"OPENSSL_CONF": "/dev/null", "UV_THREADPOOL_SIZE": "2"},
        limits=Limits(
            wall_s=min(_WALL_S, max(1.0, budget.left_s)),
            cpu_s=min(_CPU_S, max(1.0, budget.left_cpu_s)),
            memory_bytes=_ADDRESS_SPACE_BYTES,
            total_memory_bytes=_MEMORY_BYTES,
            output_bytes=8 << 20,
        ),
    )


def _judged(draft: Draft, outcome: Outcome, work: Path) -> Verdict:
    errors = _errors(outcome.stdout, work)
    if errors is None:
        said = outcome.stderr.decode(errors="replace").strip().split("\n")[-1][:200]
        return skipped(
            "types", f"pyright did not come to its end ({outcome.ending}) {said}".strip()
        )
    before = Counter((one.path, one.rule, one.message) for one in errors[_BEFORE])
    fresh: list[_Error] = []
    for one in errors[_AFTER]:
        key = (one.path, one.rule, one.message)
        if before[key]:
            before[key] -= 1
        else:
            fresh.append(one)
    if not fresh:
        return passed("types", "pyright, basic")
    told = [_said(draft, one) for one in fresh]
    more = f"\nand {len(told) - _TOLD} more" if len(told) > _TOLD else ""
    return failed("types", f"pyright: {told[0].split(chr(10))[0]}", "\n".join(told[:_TOLD]) + more)


def _errors(report: bytes, work: Path) -> dict[str, list[_Error]] | None:
    """By side; None where it is no report."""
    found: dict[str, list[_Error]] = {_BEFORE: [], _AFTER: []}
    try:
        for one in cast(list[dict[str, Any]], json.loads(report)["generalDiagnostics"]):
            path = Path(str(one["file"])).relative_to(work.resolve()).as_posix()
            side, _, path = path.partition("/")
            if one["severity"] == "error":
                line = int(one["range"]["start"]["line"]) + 1
                error = _Error(path, line, str(one.get("rule", "syntax")), str(one["message"]))
                found[side].append(error)
    except (ValueError, KeyError, TypeError):
        return None
    return found


def _said(draft: Draft, error: _Error) -> str:
    lines = draft.files.get(error.path, "").split("\n")
    shown = lines[error.line - 1].strip()[:160] if error.line <= len(lines) else ""
    return f"{error.path} line {error.line}: {error.message} ({error.rule})\n    {shown}"
