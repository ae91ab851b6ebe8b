"""Our own OpenAPI description against a real gateway, by schemathesis.

`python -m tests.acceptance.api_fuzz --cases 500 --seed 1` makes requests from the description,
valid and broken, for every route in it: no 5xx, and every answer as documented.
"""

import argparse
import asyncio
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.acceptance.front import Front, front
from tests.benchmarks.machine import machine
from tests.fakes.valkey import running_valkey

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "unsupported_method",
    "ignored_auth",
)
PHASES = "examples,coverage,fuzzing"
MOST_S = 5.0
"""The most one answer may take."""
STREAM, STREAM_S = "/events", 0.5
RUN_S = 3600


@dataclass(frozen=True)
class Report:
    """How it ended."""

    passed: bool
    said: str
    """schemathesis' own report."""
    troubles: list[str]
    """Errors in the gateway's log."""


async def fuzz(there: Front, options: tuple[str, ...], folder: Path) -> tuple[bool, str]:
    """Run schemathesis against a gateway, in a process of its own; whether it found nothing."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"),
        *("run", f"{there.url}/openapi.json", "--phases", PHASES, "--checks", ",".join(CHECKS)),
        *("--header", f"Authorization:Bearer {there.token}"),
        *("--generation-database", "none", "--continue-on-failure", "--no-color", *options),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        out, _ = await asyncio.wait_for(process.communicate(), RUN_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode == 0, out.decode(errors="replace")


async def campaign(folder: Path, redis_url: str, cases: int, seed: int) -> Report:
    """One gateway; what streams without end is asked less often, and left soon."""
    async with front(folder, redis_url) as there:
        usual = ("--max-examples", str(cases), "--exclude-path-regex", f"{STREAM}$")
        streams = ("--max-examples", str(max(1, cases // 10)), "--include-path-regex", f"{STREAM}$")
        ends = ("--seed", str(seed), "--request-timeout")
        some = await fuzz(there, (*usual, *ends, str(MOST_S)), folder)
        rest = await fuzz(there, (*streams, *ends, str(STREAM_S)), folder)
        return Report(some[0] and rest[0], f"{some[1]}\n{rest[1]}", there.troubles())


def main() -> int:
    """Run and print; 1 on a violation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100, help="for each route")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(machine("schemathesis", "fastapi"), f"seed {options.seed}, {options.cases} cases a route")
    with tempfile.TemporaryDirectory(prefix="gryph-fuzz-") as folder, running_valkey() as url:
        report = asyncio.run(campaign(Path(folder), url, options.cases, options.seed))
    print(report.said)
    print(f"{len(report.troubles)} errors in the gateway's log", *report.troubles[:5], sep="\n")
    return 0 if report.passed and not report.troubles else 1


if __name__ == "__main__":
    sys.exit(main())
