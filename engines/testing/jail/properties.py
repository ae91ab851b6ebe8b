"""The process inside the sandbox that tries Hypothesis tests, each in a child of its own."""

import importlib
import os
import signal
import sys
from typing import Any, cast

import hypothesis
from hypothesis import strategies

from engines.sandbox.channel import open_channel
from engines.testing.jail.children import output_of, write
from engines.testing.jail.process import cpu_s, forget_ourselves, silence

Request = dict[str, Any]

_SILENCE_LIMIT_S = 10.0
_TRIAL_LIMIT_CPU_S = 0.5
_RUNS = ((None, 100), (20_240_229, 150))
"""Seed and number of examples: as the test is written, and with others."""


def main() -> None:
    """Answer one request: of each test's variants, the first that holds twice; none is -1."""
    channel = open_channel()
    request: Request = cast(Request, channel.receive())
    forget_ourselves()
    silence()
    os.chdir("/tmp")  # noqa: S108 - the jail's own
    sys.path[:0] = request["paths"]
    importlib.import_module(str(request["module"]))
    _warm()
    end_s = cpu_s() + float(request["cpu_s"])
    held: list[int] = []
    for variants in request["tests"]:
        found = -1
        for place, text in enumerate(variants):
            if found < 0 and cpu_s() < end_s:
                found = place if _holds(text) else -1
        held.append(found)
    channel.send({"held": held, "cpu_s": cpu_s()})


@hypothesis.settings(database=None, max_examples=1)
@hypothesis.given(strategies.text())
def _warm(_text: str) -> None:
    """Have the tables made that all texts need, which takes longer than most trials."""


def _holds(text: str) -> bool:
    def work(writing: int) -> None:
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, _TRIAL_LIMIT_CPU_S)
        own = os.getpid()
        for seed, count in _RUNS:
            names: dict[str, Any] = {"__name__": "trial"}
            exec(compile(text, "<trial>", "exec"), names)  # noqa: S102 - inside the jail
            (test,) = (one for name, one in names.items() if name.startswith("test_"))
            _run(test, seed, count)
        if os.getpid() == own:
            write(writing, b"+")

    return output_of(work, _SILENCE_LIMIT_S) == b"+"


def _run(test: Any, seed: int | None, count: int) -> None:
    """Run a test as written, or on other examples; fails with the first that breaks it."""
    settings: hypothesis.settings = test._hypothesis_internal_use_settings
    test._hypothesis_internal_use_settings = hypothesis.settings(
        settings,
        derandomize=seed is None,
        database=None,
        max_examples=count,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=[
            hypothesis.HealthCheck.too_slow,
            hypothesis.HealthCheck.filter_too_much,
            hypothesis.HealthCheck.data_too_large,
        ],
    )
    if seed is not None:
        test = hypothesis.seed(seed)(test)
    test()
