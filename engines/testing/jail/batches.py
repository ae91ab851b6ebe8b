"""Runs many candidates in forked children and reports the results worth telling."""

import gc
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from engines.testing.jail import probes
from engines.testing.jail.children import output_of, write
from engines.testing.jail.execution import Candidate, Fact, Runner
from engines.testing.jail.process import Allowance

_LOSSES_BORNE = 3
_SKIPPED = {"kind": "skipped"}
_SAME_BEHAVIOUR_LIMIT = 4
_BEHAVIOURS_PER_GROUP = 60
_RESULT_LIMIT_BYTES = 1 << 16
_OPERANDS_PER_BATCH = 60


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
    candidates: Sequence[Candidate], runner: Runner, reached: Reached, allowance: Allowance,
    *, separate: bool,
) -> list[Fact]:  # fmt: skip
    """Run all candidates, in one child or each in its own; results are in their order.

    What the allowance does not hold is skipped. Of a search, so is what follows several calls
    that hung, so that a cancel is heard soon.
    """
    results: list[Fact] = []
    done = 0
    while done < len(candidates):
        is_lossy = not reached.everything and sum(map(_is_loss, results)) >= _LOSSES_BORNE
        left_s = allowance.left_s
        if is_lossy or left_s <= 0:
            rest = candidates[done:]
            return [*results, *({"number": one.number, "outcome": _SKIPPED} for one in rest)]
        part = candidates[done : done + 1] if separate else candidates[done:]
        told = list(_understood(part, _forked(part, runner, reached, left_s)))
        for candidate, result in zip(part, told, strict=False):
            if "hits" in result:
                reached.add(candidate.group, result)
        results.extend(told)
        done += len(told)
        is_killed = len(told) < len(part) and not (told and _is_loss(told[-1]))
        if is_killed and allowance.left_s > 0:
            results.append({"number": candidates[done].number, "outcome": {"kind": "killed"}})
            done += 1
    return results


def _is_loss(result: Fact) -> bool:
    return result["outcome"]["kind"] in {"hang", "killed"}


def _understood(part: Sequence[Candidate], lines: Sequence[bytes]) -> Iterator[Fact]:
    """The results as far as they are ours: the code under test can write to the pipe as well."""
    for candidate, line in zip(part, lines, strict=False):
        try:
            result: Fact = json.loads(line)
            if result["number"] != candidate.number or not result["outcome"]["kind"]:
                return
        except (ValueError, TypeError, LookupError, RecursionError):
            return
        yield result


def _forked(
    part: Sequence[Candidate], runner: Runner, reached: Reached, left_s: float
) -> list[bytes]:
    """The result lines of one child; fewer than candidates if it hung, died or was out of time."""

    def work(writing: int) -> None:
        own = os.getpid()
        gc.disable()
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            probes.operands.clear()
            for candidate in part:
                told = _told(candidate, runner, reached)
                line = json.dumps(told) + "\n"
                if os.getpid() != own:
                    os._exit(0)  # the call forked, and this is not the process that was asked
                os.chdir(folder)
                write(writing, _bounded(line.encode()))
                if _is_loss(told) or time.process_time() > left_s:
                    break  # what a call left behind that was ended half way is nobody's state
            os.chdir("/")

    return output_of(work, runner.silence_limit_s).split(b"\n")[:-1]


def _told(candidate: Candidate, runner: Runner, reached: Reached) -> Fact:
    """What is reported of one execution; only what is new is looked at closely, by a second one."""
    started_s = time.thread_time()  # that of the process is coarse while its timers run
    outcome = runner.run(candidate, is_brief=not reached.everything)
    full: Fact = {
        "number": candidate.number,
        "hits": sorted(probes.hits),
        "outcome": outcome,
        "cpu_s": time.thread_time() - started_s,
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


def _bounded(line: bytes) -> bytes:
    if len(line) > _RESULT_LIMIT_BYTES:
        return b'{"number": -1, "outcome": {"kind": "hang"}}\n'
    return line
