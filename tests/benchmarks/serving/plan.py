"""The measures of a run, one after the other; what fails or comes too late takes no other along."""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.benchmarks.serving.asked import Asked
from tests.benchmarks.serving.part import PartFailed, run_part
from tests.benchmarks.serving.throughput_table import throughput
from tests.benchmarks.serving.verdicts import Verdict, of_measure

MEASURES = (
    "attention",
    "decoding",
    "slo",
    "throughput",
    "exactness",
    "prefix",
    "grammar",
    "adapters",
    "recovery",
    "cancel",
)
"""In the order in which they are worth having, should the time run out."""
_ON_ASKING = ("attention", "decoding", "slo")
"""Measured on a CPU only when asked for: they say nothing about a GPU."""
_OF_SPEED = ("attention", "decoding", "slo", "throughput", "prefix")
"""Measured on CUDA on a model of a real size; the others show what holds on a small one."""
_REAL, _SMALL = "1.5b", "small"


@dataclass(frozen=True)
class Planned:
    """How a run goes about it."""

    backends: Sequence[str]
    rounds: int
    """Of throughput."""
    budget_s: float
    """No measure begins later."""
    shape: str | None
    """Of the model in every measure; None for the usual."""


class Plan:
    """One run."""

    def __init__(self, folder: Path, planned: Planned, json: Path | None) -> None:
        """Models are made in `folder`; figures are written to `json` after each measure."""
        self._folder = folder
        self._planned = planned
        self._json = json
        self._began = time.monotonic()
        self._figures: dict[str, Any] = {}
        self._models: dict[str, str | None] = {}
        """Folders by shape; None where it could not be made."""

    def run(self, asked: Asked, measures: Sequence[str] | None) -> list[Verdict]:
        """All measures, or those named; the verdicts, each of which is printed as it comes."""
        found = list[Verdict]()
        for name in measures or [one for one in MEASURES if asked.cuda or one not in _ON_ASKING]:
            verdicts = self._verdicts(name, asked)
            for one in verdicts:
                print(one.line(), flush=True)
            found += verdicts
            if self._json:
                self._json.write_text(json.dumps(self._figures, indent=1))
        return found

    def _verdicts(self, name: str, asked: Asked) -> list[Verdict]:
        if time.monotonic() - self._began > self._planned.budget_s:
            return [Verdict(name, "not begun, the time was up", reached=None)]
        shape = self._planned.shape or (_REAL if asked.cuda and name in _OF_SPEED else _SMALL)
        folder = self._model(replace(asked, shape=shape))
        if folder is None:
            return [Verdict(name, f"no figures, there is no model {shape}", reached=False)]
        asked = replace(asked, shape=shape, folder=folder)
        try:
            figures = self._measured(name, asked)
        except PartFailed as problem:
            print(problem, file=sys.stderr, flush=True)
            return [Verdict(name, "no figures, it failed", reached=False)]
        self._figures[name] = figures
        return of_measure(name, figures, asked)

    def _measured(self, name: str, asked: Asked) -> Any:
        if name == "throughput":
            return throughput(asked, self._planned.backends, self._planned.rounds)
        figures = run_part(name, asked)
        print(f"{name}: {json.dumps(figures)}", flush=True)
        return figures

    def _model(self, asked: Asked) -> str | None:
        if asked.shape not in self._models:
            asked = replace(asked, folder=str(self._folder / asked.shape))
            try:
                made = run_part("model", asked)
            except PartFailed as problem:
                print(problem, file=sys.stderr, flush=True)
                self._models[asked.shape] = None
            else:
                print(
                    f"{asked.shape}, random weights, {made['bytes'] / 1e6:.0f} MB, seed "
                    f"{asked.seed}; on {made['device']}",
                    flush=True,
                )
                self._models[asked.shape] = asked.folder
        return self._models[asked.shape]
