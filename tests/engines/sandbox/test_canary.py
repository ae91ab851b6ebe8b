import json
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engines.sandbox import probes
from engines.sandbox.canary import canary
from engines.sandbox.limit_probes import LIMIT_PROBES
from engines.sandbox.report import CanaryReport, Probe
from engines.sandbox.sandbox import find_sandbox
from engines.sandbox.types import NoIsolation, Rung


@pytest.mark.parametrize("name", [*probes.HOSTILE, *probes.ORDINARY])
def test_what_a_program_tries_inside_goes_as_it_must(report: CanaryReport, name: str) -> None:
    probe = next(probe for probe in report.probes if probe.name == name)
    assert probe.passed, probe.happened


@pytest.mark.parametrize("name", ["the result is the host's", "the secret is as it was"])
def test_the_host_finds_its_things_in_order_afterwards(report: CanaryReport, name: str) -> None:
    probe = next(probe for probe in report.probes if probe.name == name)
    assert probe.passed, probe.happened


@pytest.mark.parametrize("attack", LIMIT_PROBES)
def test_every_bound_ends_the_run(report: CanaryReport, attack: Callable[[Rung], Probe]) -> None:
    probe = attack(report.rung)
    assert probe.passed, f"{probe.name}: {probe.happened}"


def test_the_probes_notice_when_there_is_no_jail(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("canary-secret")
    (tmp_path / "link-to-secret").symlink_to(secret)
    harmless = [
        "connect by TCP",
        "send by UDP",
        "read a secret file",
        "read it by a link in work",
        "read it by its own link",
        "read it by a hard link",
        "open its mode to all",
        "read the host's environment",
        "trace a process",
        "share System V memory",
        "signal the host's process",
    ]
    with socket.create_server(("127.0.0.1", 0)) as tcp:
        targets = {
            "secret": str(secret),
            "tcp_port": str(tcp.getsockname()[1]),
            "udp_port": "9",
            "variable": "HOME",
            "host_pid": "self",
        }
        answers = _probe_without_jail(tmp_path, targets, harmless)
    assert {name for name, held in answers.items() if held} == set()


def _probe_without_jail(folder: Path, targets: dict[str, str], names: list[str]) -> dict[str, bool]:
    run = subprocess.Popen(
        [sys.executable, "-I", "-c", _WAIT_FOR_TARGETS, probes.__file__, *names],
        cwd=folder,
        env={"HOME": "/"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    said, _ = run.communicate(json.dumps({**targets, "host_pid": str(run.pid)}), timeout=60)
    return {answer["probe"]: answer["held"] for answer in map(json.loads, said.splitlines())}


_WAIT_FOR_TARGETS = """
import os, runpy, sys
os.environ["PROBE_TARGETS"] = sys.stdin.read()
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_a_host_without_bubblewrap_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    found = canary(Rung.BUBBLEWRAP)
    assert not found.passed
    assert "install the package bubblewrap" in found.failures()


def test_no_rung_at_all_names_each_rung_and_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NoIsolation, match="bubblewrap: bwrap is not installed"):
        find_sandbox([Rung.BUBBLEWRAP])


def test_the_strongest_rung_that_holds_is_taken(report: CanaryReport) -> None:
    assert find_sandbox([report.rung]).rung is report.rung


def test_a_failed_probe_fails_the_report() -> None:
    held = Probe("mount", "refused", "EPERM", passed=True)
    broken = Probe("connect by TCP", "refused", "it worked", passed=False)
    assert CanaryReport(Rung.LANDLOCK, (held,)).passed
    report = CanaryReport(Rung.LANDLOCK, (held, broken))
    assert not report.passed
    assert report.failures() == "connect by TCP: it worked"
