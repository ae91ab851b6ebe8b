"""The process inside the sandbox: imports the target once, then runs batches of calls in forks.

Each batch runs in a child of its own, so that a hang, a kill or a crash loses one batch and
every batch starts from the module's state after import.
"""

import gc
import importlib
import signal
import sys
import time
import traceback
from dataclasses import dataclass, field
from types import FrameType, ModuleType
from typing import Any, cast

from engines.sandbox.channel import open_channel
from engines.testing.jail import probes
from engines.testing.jail.batches import Reached, run_batch
from engines.testing.jail.execution import Candidate, Hang, Runner
from engines.testing.jail.kinds import tractable
from engines.testing.jail.mutation import Mutant, Mutation
from engines.testing.jail.process import Allowance, cpu_s, forget_ourselves, silence
from engines.testing.jail.raising import Sites
from engines.testing.jail.rendering import Renderer
from engines.testing.jail.surface import Surface

Fact = dict[str, Any]

_IMPORT_LIMIT_S = 10.0
_LATE = "asyncio"
"""Costs a fifth of the start, and most targets never need it."""
_MODULES = (
    "collections", "copy", "datetime", "io", "itertools", "math", "operator", "pickle",
    "random", "re",
)  # fmt: skip
_MEMBERS = {
    "Decimal": "decimal", "Fraction": "fractions", "Path": "pathlib", "UUID": "uuid",
    "deque": "collections", "StringIO": "io", "BytesIO": "io",
    "SimpleNamespace": "types",
}  # fmt: skip


@dataclass
class Target:
    """The imported module and what has been seen of it."""

    runner: Runner
    mutation: Mutation
    goals: list[probes.Goal]
    surface: Fact
    import_cpu_s: float
    """What the import took, without putting in the probes."""
    reached: Reached = field(default_factory=Reached)


class CannotImport(Exception):
    """Importing the target failed; the fact says how."""

    def __init__(self, fact: Fact) -> None:
        super().__init__(str(fact))
        self.fact = fact


def main() -> None:
    """Serve requests until the other side goes away."""
    channel = open_channel()
    forget_ourselves()
    silence()
    target: Target | None = None
    while True:
        try:
            request: Fact = cast(Fact, channel.receive())
        except EOFError:
            return

        if request["do"] == "import":
            start = {"start_cpu_s": cpu_s()}
            try:
                target = load(request)
            except CannotImport as problem:
                channel.send({"ok": False, **problem.fact, "cpu_s": cpu_s()})
                continue
            channel.send({"ok": True, **described(target), **start, "cpu_s": cpu_s()})
        else:
            assert target is not None
            said = _ANSWERS[request["do"]](target, request)
            channel.send({"ok": True, **said, "cpu_s": cpu_s()})


def described(target: Target) -> Fact:
    """What the other side has to know of the imported module."""
    goals = [[goal.kind, goal.line, goal.text] for goal in target.goals]
    return {
        "goals": goals,
        "reached": sorted(target.reached.goals),
        "surface": target.surface,
        "import_cpu_s": target.import_cpu_s,
    }


def _batch(target: Target, request: Fact) -> Fact:
    candidates = _candidates(request)
    reached = Reached(everything=True) if request["everything"] else target.reached
    is_separate = bool(request["separate"])
    allowance = Allowance(request["cpu_s"])
    results = run_batch(candidates, target.runner, reached, allowance, separate=is_separate)
    return {"results": results}


def _candidates(request: Fact) -> list[Candidate]:
    given: list[tuple[int, str, list[str], str, str | None]] = request["candidates"]
    return [
        Candidate(number, group, tuple(setup), call, subject)
        for number, group, setup, call, subject in given
    ]


def _watch(target: Target, request: Fact) -> Fact:
    allowance = Allowance(request["cpu_s"])
    return {"steady": target.mutation.watch(_candidates(request), allowance)}


def _mutate(target: Target, request: Fact) -> Fact:
    given: list[tuple[str, int, str, list[int]]] = request["mutants"]
    mutants = [Mutant(unit, start, text, tuple(numbers)) for unit, start, text, numbers in given]
    allowance = Allowance(request["cpu_s"])
    return {"killers": target.mutation.killers(mutants, request["enough"], allowance)}


_ANSWERS = {"batch": _batch, "watch": _watch, "mutate": _mutate}


def _alarm(_number: int, _frame: FrameType | None) -> None:
    raise Hang


def load(request: Fact) -> Target:
    """Import the target and prepare the namespace calls run in; with probes, unless it is to be
    as anybody imports it.

    Raises:
        CannotImport: whatever the import did instead of ending well.
    """
    name, file, root = str(request["module"]), str(request["file"]), str(request["root"])
    sys.path[:0] = request["paths"]
    # As a runner of tests would have it, and never twice the same: what depends on it is dropped.
    sys.argv[:] = ["pytest", str(hash("argument"))]
    loader = None if request.get("is_plain") else probes.install(name, file).loader
    started_s = time.process_time()
    module = _imported(name, file)
    import_cpu_s = time.process_time() - started_s - (loader.probing_cpu_s if loader else 0.0)
    reached = Reached(goals=set(probes.hits))
    names = _namespace(module)
    borrowed = _borrowed(request["borrowed"], module)
    surface = Surface(module, file, Renderer(names), borrowed)
    described = surface.describe()  # finds names that calls use, too
    goals = loader.goals if loader else []
    foreign = borrowed | surface.foreign_names() | surface.own_names()
    sites = Sites(root, file)

    def runner() -> Runner:
        return Runner(foreign | _namespace(module), name, sites)

    first = runner()
    mutation = Mutation(module, file, first, runner)
    gc.freeze()  # a forked child that collects would copy every page it looks at
    return Target(first, mutation, goals, described, import_cpu_s, reached)


def _imported(name: str, file: str) -> ModuleType:
    signal.signal(signal.SIGALRM, _alarm)
    signal.signal(signal.SIGPROF, _alarm)
    signal.setitimer(signal.ITIMER_REAL, _IMPORT_LIMIT_S)
    try:
        return importlib.import_module(name)
    except Hang:
        raise CannotImport({"problem": "hang"}) from None
    except SystemExit as leaving:
        raise CannotImport({"problem": "exit", "message": str(leaving.code)}) from None
    except BaseException as error:  # noqa: BLE001 - a stranger's import raises what it likes
        raise CannotImport(_import_problem(error, file)) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _borrowed(wanted: list[tuple[str, str, str]], module: ModuleType) -> dict[str, object]:
    """Names of other modules; those that cannot be imported are left out.

    What the target reaches while they are imported, a test's own imports reach as well.
    """
    found: dict[str, object] = {}
    for name, source, attribute in wanted:
        if name in vars(module) or name in found:
            continue
        try:
            other = importlib.import_module(source)
            found[name] = getattr(other, attribute) if attribute else other
        except BaseException:  # noqa: BLE001, S112 - as a stranger's import does
            continue
    return found


def _import_problem(error: BaseException, file: str) -> Fact:
    frames = [one for one in traceback.extract_tb(error.__traceback__) if one.filename == file]
    return {
        "problem": "error",
        "type": type(error).__name__,
        "message": str(error)[:300],
        "missing": error.name if isinstance(error, ModuleNotFoundError) else None,
        "line": frames[-1].lineno if frames else 0,
        "network": isinstance(error, PermissionError | ConnectionError) and _is_network(error),
    }


def _is_network(error: BaseException) -> bool:
    return any("socket" in one.filename for one in traceback.extract_tb(error.__traceback__))


class _Late:
    """Stands for a module, and imports it when something of it is wanted."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> object:
        return getattr(importlib.import_module(self._module), name)


def _namespace(module: ModuleType) -> dict[str, object]:
    names: dict[str, object] = {"__builtins__": __builtins__, "__name__": "candidate"}
    names.update((name, importlib.import_module(name)) for name in _MODULES)
    names[_LATE] = sys.modules.get(_LATE) or _Late(_LATE)
    for name, source in _MEMBERS.items():
        names[name] = getattr(importlib.import_module(source), name)
    own = {
        name: value
        for name, value in tractable(vars(module)).items()
        if not name.startswith("__") and getattr(value, "__module__", None) == module.__name__
    }
    return names | own
