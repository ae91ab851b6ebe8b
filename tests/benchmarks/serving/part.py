"""One part of the benchmark in a process of its own: `python -m tests.benchmarks.serving.part`."""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

from tests.benchmarks.serving.asked import Asked

_MOST_BYTES = 12 << 30
"""Of data on a CPU; a device's driver maps more."""


class PartFailed(Exception):
    """A part ended without figures; says how."""


def run_part(name: str, asked: Asked, **options: str) -> dict[str, Any]:
    """The figures of `measures.<name>`, measured in another process.

    Raises:
        PartFailed: It gave none.
    """
    began = time.monotonic()
    command = [sys.executable, "-m", "tests.benchmarks.serving.part", name, asked.as_json()]
    words = " ".join([name, *options.values()])
    try:
        done = subprocess.run(
            [*command, json.dumps(options)],
            capture_output=True,
            text=True,
            timeout=asked.timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as problem:
        raise PartFailed(f"{words}: not ready after {asked.timeout_s:.0f} s") from problem
    print(f"  {words}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    if done.returncode:
        raise PartFailed(f"{words}: exit status {done.returncode}\n{done.stderr[-2000:]}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main(name: str, asked: str, options: str) -> None:
    """Measure and print the figures as one line of JSON."""
    given = Asked.read(asked)
    if not given.cuda:
        resource.setrlimit(resource.RLIMIT_DATA, (_MOST_BYTES, _MOST_BYTES))
    module = import_module(f"tests.benchmarks.serving.measures.{name}")
    measure: Callable[..., dict[str, Any]] = module.measure
    print(json.dumps(measure(given, **json.loads(options))))


if __name__ == "__main__":
    main(*sys.argv[1:])
