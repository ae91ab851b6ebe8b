"""Proves a rung on this host by attacking it: an installed program alone proves nothing."""

import json
import os
import socket
import sys
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from engines.sandbox.attacks.inside import HOSTILE, ORDINARY
from engines.sandbox.bound_probes import BOUND_PROBES, BoundProbe, probe_wall_limit
from engines.sandbox.ground import LIMITS, Ground
from engines.sandbox.jail import TIMERS
from engines.sandbox.neighbour_probes import NEIGHBOUR_PROBES
from engines.sandbox.report import CanaryReport, Probe
from engines.sandbox.types import NoIsolation, Outcome, Rung

_VARIABLE = "GRYPH_CANARY_SECRET"
_SECRET = "canary-secret"  # noqa: S105 - planted to be looked for
_WORKS = "works"
_REFUSED = "refused"
_AT_A_TIME = 4


def canary(rung: Rung, *, forks: bool) -> CanaryReport:
    """Attack a rung with every probe there is, by cold starts or by forks; takes some seconds."""
    return _attacked(rung, (*BOUND_PROBES, *NEIGHBOUR_PROBES), forks=forks)


def quick_canary(rung: Rung, *, forks: bool = False) -> CanaryReport:
    """Attack a rung from inside and see one run killed: what a worker can afford at its start."""
    probes = (probe_wall_limit, *NEIGHBOUR_PROBES) if forks else (probe_wall_limit,)
    return _attacked(rung, probes, forks=forks)


def _attacked(rung: Rung, probes: Sequence[BoundProbe], *, forks: bool) -> CanaryReport:
    if sys.platform != "linux":
        return CanaryReport(rung, forks, (), missing="the sandbox needs Linux")
    try:
        with Ground(rung, forks=forks) as ground:
            found = list(_probe_from_inside(ground))
            # Bombs only where the walls hold: one that kills all it can would kill the host's.
            if all(probe.passed for probe in found):
                found += _probe_bounds(ground, probes)
    except NoIsolation as error:
        return CanaryReport(rung, forks, (), missing=str(error))
    return CanaryReport(rung, forks, tuple(found))


def _probe_bounds(ground: Ground, probes: Sequence[BoundProbe]) -> list[Probe]:
    """Several at a time, for most wait for a limit; one, where all share a bound on processes."""
    with ThreadPoolExecutor(_AT_A_TIME if os.geteuid() == 0 else 1) as pool:
        made = [pool.submit(probe, ground) for probe in probes]
        return [one.result() for one in made]


@contextmanager
def _targets(folder: Path) -> Generator[dict[str, str]]:
    """Plant what the probes attack: a secret, an open port of each kind, this process."""
    secret = folder / "outside" / "secret.txt"
    secret.parent.mkdir(mode=0o755)
    secret.write_text(_SECRET)
    secret.chmod(0o644)
    with ExitStack() as stack:
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        unix = stack.enter_context(socket.socket(socket.AF_UNIX))
        unix.bind(str(folder / "socket"))
        unix.listen()
        yield {
            "secret": str(secret),
            "tcp_port": str(tcp.getsockname()[1]),
            "udp_port": str(udp.getsockname()[1]),
            "unix_socket": str(folder / "socket"),
            "variable": _VARIABLE,
            "host_pid": str(os.getpid()),
            "processes": str(LIMITS.processes),
            "memory_bytes": str(LIMITS.memory_bytes),
            "file_bytes": str(LIMITS.file_bytes),
            "open_files": str(LIMITS.open_files),
            "timers": str(TIMERS),
        }


def _probe_from_inside(ground: Ground) -> tuple[Probe, ...]:
    with TemporaryDirectory(prefix="gryph-canary-") as name, ground.server.folder() as work:
        folder = Path(name)
        folder.chmod(0o755)
        with _targets(folder) as targets, _planted_environment():
            (work / "link-to-secret").symlink_to(targets["secret"])
            outcome = ground.probe(work, [*HOSTILE, *ORDINARY], targets)
            secret = Path(targets["secret"])
            untouched = secret.read_text() == _SECRET and secret.stat().st_mode & 0o777 == 0o644  # noqa: PLR2004 - as planted
        rows = [*_rows(outcome), _result_row(work)]
        rows.append(Probe("the secret is as it was", "untouched", "compared", passed=untouched))
    return tuple(rows)


@contextmanager
def _planted_environment() -> Generator[None]:
    """Have a secret in this process's own environment while the jail starts."""
    os.putenv(_VARIABLE, _SECRET)
    try:
        yield
    finally:
        os.unsetenv(_VARIABLE)


def _rows(outcome: Outcome) -> list[Probe]:
    answers = {
        answer["probe"]: answer for answer in map(json.loads, outcome.stdout.decode().splitlines())
    }
    rows: list[Probe] = []
    for name in (*HOSTILE, *ORDINARY):
        expected = _REFUSED if name in HOSTILE else _WORKS
        if name in answers:
            answer = answers[name]
            rows.append(Probe(name, expected, str(answer["happened"]), passed=bool(answer["held"])))
        else:
            said = outcome.stderr.decode(errors="replace").strip().splitlines()
            happened = said[-1] if said else f"the probes ended: {outcome.ending}"
            rows.append(Probe(name, expected, happened, passed=False))
    return rows


def _result_row(work: Path) -> Probe:
    """The host must own, read and be able to remove what the run left."""
    kept = work / "result" / "kept.txt"
    name, expected = "the result is the host's", "owned, readable, removable"
    try:
        owned = kept.read_text() == "kept" and kept.stat().st_uid == os.geteuid()
        (work / "result" / "closed").rmdir()
        kept.unlink()
    except OSError as error:
        return Probe(name, expected, str(error), passed=False)
    return Probe(name, expected, "owned" if owned else "foreign", passed=owned)
