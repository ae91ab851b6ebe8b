"""What a campaign says at its end."""

from collections import Counter
from collections.abc import Sequence

from tests.acceptance.campaign.chaos import Chaos
from tests.acceptance.campaign.load import Driver
from tests.acceptance.campaign.takeover import Takeovers
from tests.acceptance.campaign.verify import Verdict
from tests.benchmarks.machine import percentile

SHOWN = 8
"""Violations told in detail."""
STORY_LINES = 60


def quantiles(values: Sequence[float], unit: str = "s") -> str:
    """p50, p95 and the largest, in one line."""
    if not values:
        return "none"
    p50, p95 = percentile(values, 0.5), percentile(values, 0.95)
    return (
        f"p50 {p50:.1f} {unit}, p95 {p95:.1f} {unit}, max {max(values):.1f} {unit} of {len(values)}"
    )


def print_faults(chaos: Chaos, weather: dict[str, int]) -> int:
    """All faults by kind; returns their number."""
    had = Counter(chaos.had) + Counter(weather)
    print(f"faults injected: {had.total()}")
    for what, number in sorted(had.items()):
        print(f"  {what:48} {number}")
    return had.total()


def print_acks(driver: Driver) -> None:
    """How the platforms' deliveries were answered."""
    answered = ", ".join(f"{status or 'none'}: {n}" for status, n in sorted(driver.answers.items()))
    print(f"deliveries by answer: {answered}; sent again by the platforms: {driver.resent}")
    if driver.interactions_ms:
        waits = quantiles(driver.interactions_ms, "ms")
        print(f"Discord's slash commands, to their acknowledgement: {waits}")
    if driver.acks_ms:
        p50, p99 = percentile(driver.acks_ms, 0.5), percentile(driver.acks_ms, 0.99)
        print(
            f"acknowledgements: p50 {p50:.0f} ms, p99 {p99:.0f} ms, max {max(driver.acks_ms):.0f} ms"
        )


def print_takeovers(takeovers: Takeovers) -> list[float]:
    """How long what the killed held was nobody's; returns all waits in seconds."""
    every = [wait for waits in takeovers.waits_s.values() for wait in waits]
    print(f"taken over after a SIGKILL: {quantiles(every)} (goal p95 <= 20 s)")
    for kind, waits in sorted(takeovers.waits_s.items()):
        print(f"  {kind:9} {quantiles(waits)}")
    for held in takeovers.never:
        print(f"  never: {held.kind} {held.key} of {held.owner}, killed at {held.killed_at}")
    return every


def print_verdict(verdict: Verdict, chaos: Chaos) -> None:
    """The violations by kind, the first few in detail, and what was done when."""
    print(f"jobs given up after three killed workers, as their results say: {verdict.given_up}")
    if not verdict.violations:
        print("violations: none")
        return
    print(f"VIOLATIONS: {len(verdict.violations)}")
    for what, number in verdict.counts.most_common():
        print(f"  {what:32} {number}")
    for one in verdict.violations[:SHOWN]:
        about = f"{one.event.face} {one.event.id} {one.event.root}" if one.event else ""
        print(f"- {one.what}: {about}\n    {one.detail[:1500]}")
    print("what was done (seconds since the start):")
    for at, what in chaos.story[:STORY_LINES]:
        print(f"  {at:7.1f} {what}")
