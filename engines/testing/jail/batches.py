"""Runs many candidates in forked children and reports the results worth telling."""

import contextlib
import gc
import json
import os
import select
import signal
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from engines.testing.jail import probes
from engines.testing.jail.execution import Candidate, Fact, Runner

_SILENCE_LIMIT_S = 2.0
_READ_BYTES = 1 << 16
_SAME_BEHAVIOUR_LIMIT = 4
_BEHAVIOURS_PER_GROUP = 60
_RESULT_LIMIT_BYTES = 1 << 16
_OPERANDS_PER_BATCH = 60
_RESULT_FD = 3
_FD_LIMIT = 256


@dataclass
class Reached:
    """What earlier calls showed; a result that adds nothing is reported by its kind alone."""

    goals: set[int] = field(default_factory=set[int])
    behaviours: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])
    everything: bool = False

    def is_new(self, group: str, result: Fact) -> bool:
        """Whether a result shows a new goal or a new way for this group to come out."""
        hits: list[int] = result["hits"]
        known = self.behaviours.setdefault(group, Counter())
        way = behaviour(result)
        is_known = way in known or len(known) < _BEHAVIOURS_PER_GROUP
        fresh = is_known and known[way] < _SAME_BEHAVIOUR_LIMIT
        return self.everything or fresh or not self.goals.issuperset(hits)

    def add(self, group: str, result: Fact) -> None:
        """Remember a reported result."""
        hits: list[int] = result["hits"]
        self.goals.update(hits)
        self.behaviours.setdefault(group, Counter())[behaviour(result)] += 1


def behaviour(result: Fact) -> str:
    """What tells two results of the same callable apart: how it ended and the path it took."""
    outcome: Fact = result["outcome"]
    text = str(outcome.get("text", ""))
    shape = text if text in _TELLING else ""
    hits = result["hits"]
    return f"{outcome['kind']} {outcome.get('type')} {shape} {hits}"


_TELLING = frozenset({"None", "True", "False", "0", '""', "[]", "{}", "()", "set()"})


def run_batch(
    candidates: Sequence[Candidate], runner: Runner, reached: Reached, *, separate: bool
) -> list[Fact]:
    """Run all candidates, in one child or each in its own; results are in their order."""
    results: list[Fact] = []
    done = 0
    while done < len(candidates):
        part = candidates[done : done + 1] if separate else candidates[done:]
        lines = _forked(part, runner, reached)
        for candidate, line in zip(part, lines, strict=False):
            result: Fact = json.loads(line)
            if "hits" in result:
                reached.add(candidate.group, result)
            results.append(result)
        done += len(lines)
        if len(lines) < len(part):
            results.append({"number": candidates[done].number, "outcome": {"kind": "killed"}})
            done += 1
    return results


def _forked(part: Sequence[Candidate], runner: Runner, reached: Reached) -> list[bytes]:
    """The result lines of one child; fewer than candidates if it hung or died on the way."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            writing = _keep_only(writing)
            _work(part, runner, reached, writing)
        finally:
            os._exit(0)
    os.close(writing)
    try:
        return _collect(reading)
    finally:
        os.close(reading)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _keep_only(descriptor: int) -> int:
    """Close every other descriptor: the code under test has no business with the channel."""
    os.dup2(descriptor, _RESULT_FD)
    os.closerange(_RESULT_FD + 1, _FD_LIMIT)
    return _RESULT_FD


def _work(part: Sequence[Candidate], runner: Runner, reached: Reached, writing: int) -> None:
    os.setpgid(0, 0)
    gc.disable()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        probes.operands.clear()
        for candidate in part:
            line = json.dumps(_told(candidate, runner, reached)) + "\n"
            os.chdir(folder)
            _write(writing, line.encode())
        os.chdir("/")


def _told(candidate: Candidate, runner: Runner, reached: Reached) -> Fact:
    """What is reported of one execution; only what is new is looked at closely, by a second one."""
    outcome = runner.run(candidate, is_brief=not reached.everything)
    full: Fact = {
        "number": candidate.number,
        "hits": sorted(probes.hits),
        "outcome": outcome,
    }
    if not reached.is_new(candidate.group, full):
        return {"number": candidate.number, "outcome": _brief(outcome)}
    if not reached.everything and _has_state(candidate, outcome):
        full["outcome"] = runner.run(candidate)
    reached.add(candidate.group, full)
    full["operands"] = [repr(one) for one in list(probes.operands)[:_OPERANDS_PER_BATCH]]
    probes.operands.clear()
    return full


def _has_state(candidate: Candidate, outcome: Fact) -> bool:
    return candidate.subject is not None or outcome["kind"] == "object"


def _brief(outcome: Fact) -> Fact:
    return {name: outcome[name] for name in ("kind", "type", "deliberate") if name in outcome}


def _write(writing: int, data: bytes) -> None:
    if len(data) > _RESULT_LIMIT_BYTES:
        data = b'{"number": -1, "outcome": {"kind": "hang"}}\n'
    while data:
        data = data[os.write(writing, data) :]


def _collect(reading: int) -> list[bytes]:
    buffer = b""
    while True:
        ready, _, _ = select.select([reading], [], [], _SILENCE_LIMIT_S)
        chunk = os.read(reading, _READ_BYTES) if ready else b""
        if not chunk:
            break
        buffer += chunk
    return buffer.split(b"\n")[:-1]
