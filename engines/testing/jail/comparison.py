"""The process inside the sandbox that runs calls for a comparison of two versions.

Like the driver, but what comes out of a call is told as a caller could see it (`views.py`), and
every name of the module can be used, also one that it only passes on from another module.
"""

import sys
from typing import Any, cast

from engines.sandbox.channel import open_channel
from engines.testing.jail.batches import Reached, run_batch
from engines.testing.jail.driver import CannotImport, Target, described, load
from engines.testing.jail.execution import CALL_LIMIT_CPU_S, CALL_LIMIT_S, Candidate
from engines.testing.jail.process import Allowance, cpu_s, forget_ourselves, silence
from engines.testing.jail.raising import Sites
from engines.testing.jail.views import Viewer

Fact = dict[str, Any]

_PATIENCE = 4
_SILENCE_LIMIT_S = 2.0


def main() -> None:
    """Serve requests until the other side goes away."""
    channel = open_channel()
    forget_ourselves()
    silence()
    viewer: Viewer | None = None
    while True:
        try:
            request: Fact = cast(Fact, channel.receive())
        except EOFError:
            return
        if viewer is None:
            try:
                target = load(request)
            except CannotImport as problem:
                channel.send({"ok": False, **problem.fact, "cpu_s": cpu_s()})
                continue
            viewer = _viewer(target, request)
            channel.send({"ok": True, **described(target), "cpu_s": cpu_s()})
        else:
            channel.send({"ok": True, "results": _results(viewer, request), "cpu_s": cpu_s()})


def _viewer(target: Target, request: Fact) -> Viewer:
    name, root = str(request["module"]), str(request["root"])
    own = {key: one for key, one in vars(sys.modules[name]).items() if not key.startswith("__")}
    names = {**target.runner.names, **own}
    return Viewer(names, name, Sites(root, str(request["file"])), root)


def _results(viewer: Viewer, request: Fact) -> list[Fact]:
    """The outcomes; of the goals reached only those of interest, of operands only those near."""
    patience = _PATIENCE if request["patient"] else 1
    viewer.limit_s, viewer.limit_cpu_s = CALL_LIMIT_S * patience, CALL_LIMIT_CPU_S * patience
    viewer.silence_limit_s = _SILENCE_LIMIT_S * patience
    viewer.random_state = int(request["random_state"])
    focus = set(cast(list[int], request["focus"]))
    given: list[tuple[int, str, list[str], str, str | None]] = request["candidates"]
    candidates = [Candidate(one[0], one[1], tuple(one[2]), *one[3:]) for one in given]
    reached = Reached(everything=True)
    is_separate = bool(request["separate"])
    results = run_batch(candidates, viewer, reached, Allowance(), separate=is_separate)
    for one in results:
        one["hits"] = [goal for goal in one.get("hits", ()) if goal in focus]
        if not one["hits"]:
            one.pop("operands", None)
    return results
