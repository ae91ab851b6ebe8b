"""What a run says at its end: where the time went, and a verdict for each goal."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence

from tests.benchmarks.generating.accounts import Account
from tests.benchmarks.generating.campaign import Kill, Run
from tests.benchmarks.generating.commands import EDIT_INTERVAL_S, Command, Face, of_face
from tests.benchmarks.machine import percentile

OVERHEAD_P95_MS = 300.0
RECOVERED_S = 30.0
"""From the end of a worker to the last answer."""
Timed = tuple[Command, Account]


def overhead_s(command: Command, account: Account) -> float:
    """Everything but the engine."""
    return command.answered_s - command.sent_s - account.engine_s


_SPANS: Sequence[tuple[str, Callable[[Command, Account], float | None]]] = (
    ("given to acknowledged", lambda c, _: _since(c, c.acknowledged_s)),
    ("given to status shown", lambda c, _: c.status and _since(c, c.status.history.at_s[0])),
    ("given to first draft shown", lambda c, _: _since(c, c.draft_s)),
    ("given to result posted", lambda c, _: _since(c, c.answered_s)),
    ("result posted to its last file", lambda c, _: c.whole_s - c.answered_s),
    ("the engine's", lambda _, a: a.engine_s),
    ("overhead", overhead_s),
    ("  given to in the line", lambda c, a: a.queued_s - c.sent_s),
    ("  in the line", lambda _, a: a.started_s - a.queued_s),
    ("  leased to the engine's start", lambda _, a: a.engine_began_s - a.started_s),
    ("  last word in the ledger", lambda _, a: a.ended_s - a.engine_ended_s),
    ("  last word to result posted", lambda c, a: c.answered_s - a.ended_s),
)


def told(run: Run) -> int:
    """Print it; 1 if a goal was missed."""
    print(f"{run.wall_s:.0f} s in all; load {os.getloadavg()[0]:.1f} at the end")
    print(f"jobs: {dict(run.states)}; warnings in the logs: {dict(run.warnings) or 'none'}")
    for summary, count in sorted(run.results.items(), key=lambda each: -each[1])[:4]:
        print(f"  {count} x {summary[:110]}")
    if run.asked_at_once is not None:
        print(f"requests that the model wrote at the same time: {run.asked_at_once}")
    for usage in run.usages:
        print(usage.line())
    timed = list(_timed(run))
    _print_times(timed)
    for face in Face:
        _print_edits(face, list(of_face(run.commands, face)))
        here = [each for each in timed if each[0].face is face]
        _print_row(f"overhead on {face}", [overhead_s(*each) for each in here])
        _print_row("  last word to result posted", [c.answered_s - a.ended_s for c, a in here])
    verdicts = list(_verdicts(run, timed))
    for is_reached, text in verdicts:
        print(f"{'reached' if is_reached else 'MISSED':8} {text}")
    return int(not all(is_reached for is_reached, _ in verdicts))


def _since(command: Command, moment_s: float | None) -> float | None:
    return None if moment_s is None else moment_s - command.sent_s


def _timed(run: Run) -> Iterator[Timed]:
    """The commands of which everything is known."""
    for command in run.commands:
        account = run.accounts.get(command.number)
        if account is not None and not command.lacks:
            yield command, account


def _print_times(timed: Sequence[Timed]) -> None:
    print(f"{'seconds':34}{'p50':>8}{'p95':>8}{'most':>8}{'of':>5}")
    for name, of in _SPANS:
        _print_row(name, [value for each in timed if (value := of(*each)) is not None])
    names = dict.fromkeys(name for _, account in timed for name in account.phases_s)
    for name in names:
        every = [a.phases_s[name] for _, a in timed if name in a.phases_s]
        _print_row(f"    phase {name}", every)


def _print_row(name: str, values: Sequence[float]) -> None:
    if values:
        p50, p95 = percentile(values, 0.5), percentile(values, 0.95)
        print(f"{name:34}{p50:8.2f}{p95:8.2f}{max(values):8.2f}{len(values):5}")


def _print_edits(face: Face, commands: Sequence[Command]) -> None:
    intervals_s = [each for command in commands for each in command.intervals_s]
    edits = [command.edits for command in commands]
    drafts = [len(c.status.drafts_s) for c in commands if c.status]
    if edits and drafts:
        least = f"{min(intervals_s):.2f} s" if intervals_s else "none"
        print(
            f"{face}: {len(commands)} commands; edits of a status message p50 "
            f"{percentile(edits, 0.5)}, most {max(edits)}; with a draft p50 "
            f"{percentile(drafts, 0.5)}, most {max(drafts)}; least interval {least} "
            f"(budget {EDIT_INTERVAL_S[face]} s)"
        )


def _verdicts(run: Run, timed: Sequence[Timed]) -> Iterator[tuple[bool, str]]:
    lost = [command for command in run.commands if command.lacks]
    doubled = [command for command in run.commands if command.doubled]
    right = sum(command.is_answered for command in run.commands)
    is_right = run.is_over and right == len(run.commands) and not run.stray
    yield (
        is_right,
        (
            f"all answered once in their threads: {right} of {len(run.commands)}, {len(lost)} lost "
            f"{_named(lost)}, {len(doubled)} doubled, {len(run.stray)} elsewhere"
        ),
    )
    hurried = too_fast(run.commands)
    yield not hurried, f"no stream faster than its platform's edit budget: {len(hurried)} edits are"
    if run.kill is not None:
        yield _recovered(run, run.kill)
        return
    again = [account for account in run.accounts.values() if account.attempts > 1]
    yield not again, f"no job lost its lease: {len(again)} ran more than once"
    if timed:
        p95_ms = 1000 * percentile([overhead_s(*each) for each in timed], 0.95)
        goal = f"p95 overhead over the engine < {OVERHEAD_P95_MS:.0f} ms: {p95_ms:.0f} ms"
        yield p95_ms < OVERHEAD_P95_MS, goal


def _recovered(run: Run, kill: Kill) -> tuple[bool, str]:
    last_s = max((c.answered_s for c in run.commands if not c.lacks), default=kill.at_s)
    after_s = last_s - kill.at_s
    begun_s = [a.started_s - kill.at_s for a in run.accounts.values() if a.started_s > kill.at_s]
    return after_s < RECOVERED_S, (
        f"worker killed while it wrote {kill.writing} answers: {run.again} jobs were begun again, "
        f"all within {max(begun_s, default=0.0):.1f} s, and the last answer came {after_s:.1f} s "
        f"after (goal {RECOVERED_S:.0f} s)"
    )


def too_fast(commands: Iterable[Command]) -> list[float]:
    """The intervals between two edits of one message that are shorter than they may be."""
    return [
        interval_s
        for command in commands
        for interval_s in command.intervals_s
        if interval_s < EDIT_INTERVAL_S[command.face]
    ]


def _named(commands: Sequence[Command]) -> str:
    return ", ".join(f"{c.face} {c.number}: {c.lacks}" for c in commands[:3])
