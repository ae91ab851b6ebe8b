"""What was to be reached, and whether it was."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

from tests.benchmarks.serving.asked import Asked

RTX_4080_BANDWIDTH = 717e9
"""Bytes per second; from its data sheet."""
Figures = Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """One row of the table of goals."""

    goal: str
    figure: str
    reached: bool | None
    """None where it was not judged."""

    def line(self) -> str:
        """For a person."""
        word = {True: "reached", False: "MISSED", None: "not judged"}[self.reached]
        return f"{word:10} {self.goal}: {self.figure}"


def of_throughput(rounds: Mapping[str, list[Figures]], *, cuda: bool) -> list[Verdict]:
    """Ratios between the backends of one run; each by the round in which it was quickest."""
    spent = "wall_s" if cuda else "cpu_s"
    best = {name: min(found, key=lambda one: one[spent]) for name, found in rounds.items()}
    speed = {name: one["tokens"] / one[spent] for name, one in best.items()}
    goals = (
        [("ours-layers", "sequential", 10.0)]
        if cuda
        else [("ours-layers", "sequential", 2.4), ("ours-layers", "transformers-cb", 0.97)]
    )
    verdicts = [
        _at_least(f"tokens/s, {ours} over {other}", speed[ours] / speed[other], goal)
        for ours, other, goal in goals
        if ours in speed and other in speed
    ]
    if "ours-layers" in best and "static" in best:
        clock, said = ("p50_s", "") if cuda else ("p50_cpu_s", " by the process's CPU clock")
        ratio = best["ours-layers"][clock] / best["static"][clock]
        verdicts.append(_at_most(f"p50 latency{said}, ours-layers over static", ratio, 0.5))
    return verdicts


def of_exactness(found: Figures, *, cuda: bool) -> list[Verdict]:
    """Every answer must be the one that `generate` gives alone; in bfloat16, but for ties."""
    figure = (
        f"{found['identical']} of {found['requests']} identical ({found['cancelled']} of them "
        f"cancelled), {found['tied']} parted at a tie, {found['different']} different"
    )
    right = found["identical"] + (found["tied"] if cuda else 0)
    return [Verdict("greedy answers identical", figure, right == found["requests"])]


def of_grammar(found: Figures) -> list[Verdict]:
    """Valid, and not much slower; by the median of the rounds, each beside its own free one."""
    slower = _more(found["constrained"], found["free"])
    bounded = _more(found["bounded"], found["free"])
    figure = f"{found['valid']} of {found['asked']} valid, {found['ended']} came to their end"
    return [
        Verdict("constrained answers valid", figure, found["valid"] == found["asked"]),
        _at_most("seconds per token more with a grammar on all", slower, 0.05),
        Verdict("the same, with strings of bounded length", f"{bounded:.3f}", reached=None),
    ]


def _more(spent: Sequence[float], beside: Sequence[float]) -> float:
    ratios = [one / other for one, other in zip(spent, beside, strict=True)]
    return median(ratios) - 1


def of_prefix(found: Figures) -> list[Verdict]:
    """Work saved by a shared prefix."""
    ratio = found["unlike"] / found["alike"]
    return [_at_least("less work with 224 of 225 tokens shared, 16 requests", ratio, 8.0)]


def of_cancel(found: Figures) -> list[Verdict]:
    """Gone at once, told always, nothing left."""
    steps = f"{found['steps_most']} at most in {found['trials']} trials"
    events = f"{found['events']} of {found['cancels']}"
    left = f"{found['leaked_blocks']} after {found['cancels']} cancels"
    gone = found["leaked_blocks"] == found["still_running"] == 0
    return [
        Verdict("steps until a cancelled request's place is free", steps, found["steps_most"] <= 1),
        Verdict("cancels whose reader saw the end", events, found["events"] == found["cancels"]),
        Verdict("blocks leaked", left, gone),
    ]


def of_adapters(found: Figures, *, cuda: bool) -> list[Verdict]:
    """Quick, and without a trace of the one before; in bfloat16 ties decide some answers."""
    own = f"{found['own']} of {found['requests']} as peft's"
    clean = found["stale"] == 0 and (cuda or found["own"] == found["requests"])
    return [
        _at_most("seconds to replace an adapter under load, slowest", max(found["swap_s"]), 1.0),
        Verdict("requests dropped by it", str(found["dropped"]), found["dropped"] == 0),
        Verdict("stale prefix hits", f"{found['stale']}; {own}", clean),
    ]


def of_recovery(found: Mapping[str, Figures], *, cuda: bool) -> list[Verdict]:
    """Every request ends within 30 s, whole or with a reason; in bfloat16 ties decide some."""
    verdicts = list[Verdict]()
    for name, one in found.items():
        figure = (
            f"all within {one['ended_s']:.1f} s: {one['finished']} of {one['requests']} finished, "
            f"{one['exact']} as if nothing had happened; {one['failed']} failed with a reason"
        )
        ended = one["finished"] + one["failed"] == one["requests"] and one["ended_s"] <= 30
        right = cuda or one["exact"] == one["finished"]
        verdicts.append(Verdict(f"engine {name}", figure, ended and right))
    return verdicts


def of_attention(found: Mapping[str, Figures]) -> list[Verdict]:
    """The kernel is wrong where it errs by many times what rounding its result does."""
    worst = max(found, key=lambda name: found[name]["error"] / (found[name]["rounding"] + 1e-5))
    one = found[worst]
    figure = (
        f"largest error {one['error']:.1e} where rounding alone makes {one['rounding']:.1e} "
        f"({worst}); " + ", ".join(f"{each['us']:.0f}" for each in found.values()) + " us a call"
    )
    right = one["error"] <= 4 * one["rounding"] + 1e-3
    return [Verdict("attention is attention", figure, right)]


def of_decoding(found: Figures, *, cuda: bool) -> list[Verdict]:
    """The share of the bytes per second that a copy moves, as asked and without graphs."""
    shares = {
        name: found[name]["read_bytes"] / found[name]["step_s"] / found["bandwidth"]
        for name in ("graphs", "eager")
        if name in found
    }
    told = ", ".join(
        f"{name} {100 * share:.0f} % ({1e3 * found[name]['step_s']:.2f} ms a step of "
        f"{found[name]['batch']})"
        for name, share in shares.items()
    )
    best = max(shares.values())
    verdicts = [
        Verdict(
            "share of the bandwidth roofline, decoding 32 (>= 70 %)",
            f"{told}; a copy moves {found['bandwidth'] / 1e9:.0f} GB/s",
            best >= 0.7 if cuda else None,
        )
    ]
    if "agree" in found:
        figure = f"{100 * found['agree']:.0f} % of the tokens before the two part"
        if not found["recorded"]:
            figure = "steps could not be recorded"
        right = found["recorded"] and found["agree"] > 0.5
        verdicts.append(Verdict("graphs write what steps write", figure, right))
    return verdicts


def of_slo(found: Figures, asked: Asked) -> list[Verdict]:
    """Judged on a CUDA device with the 1.5b shape only."""
    judged = asked.cuda and asked.shape == "1.5b"
    held = [(rate, p95) for rate, p95 in found["tried"] if p95 and p95 <= asked.slo_s]
    rate, p95 = max(held, default=(0.0, 0.0))
    tried = ", ".join(
        f"{rate:.0f}/s {'given up' if p95 is None else f'{1e3 * p95:.0f} ms'}"
        for rate, p95 in found["tried"]
    )
    scale = min(1.0, RTX_4080_BANDWIDTH / found["bandwidth"])
    memory_gb = max(found["memory_bytes"] / 1e9, found["peak_mb"] / 1e3)
    figure = f"{rate:.1f}/s here at p95 {p95 * 1e3:.0f} ms ({tried})"
    if asked.cuda:
        figure += f"; {rate * scale:.1f}/s scaled to an RTX 4080 by measured bandwidth alone"
    memory = f"{memory_gb:.1f} GB by torch, {found['card_mb'] / 1e3:.1f} GB of the card in use"
    return [
        Verdict(
            f"requests/s, 300 in, 48 out, 70 % shared, p95 <= {asked.slo_s * 1e3:.0f} ms (>= 50)",
            figure,
            rate * scale >= 50 if judged else None,
        ),
        Verdict("memory (<= 8 GB)", memory, memory_gb <= 8 if judged else None),
    ]


def of_measure(name: str, figures: Any, asked: Asked) -> list[Verdict]:
    """The verdicts on a measure's figures."""
    cuda = asked.cuda
    judges: dict[str, Callable[[Any], list[Verdict]]] = {
        "attention": of_attention,
        "decoding": partial(of_decoding, cuda=cuda),
        "throughput": partial(of_throughput, cuda=cuda),
        "exactness": partial(of_exactness, cuda=cuda),
        "grammar": of_grammar,
        "prefix": of_prefix,
        "cancel": of_cancel,
        "adapters": partial(of_adapters, cuda=cuda),
        "recovery": partial(of_recovery, cuda=cuda),
        "slo": partial(of_slo, asked=asked),
    }
    return judges[name](figures)


def _at_least(goal: str, value: float, least: float) -> Verdict:
    return Verdict(f"{goal} (>= {least:g})", f"{value:.2f}", value >= least)


def _at_most(goal: str, value: float, most: float) -> Verdict:
    return Verdict(f"{goal} (<= {most:g})", f"{value:.3f}", value <= most)
