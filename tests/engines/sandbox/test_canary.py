import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from engines.sandbox.attacks import inside
from engines.sandbox.bound_probes import BOMBS, BOUND_PROBES, TALKS
from engines.sandbox.canary import canary
from engines.sandbox.neighbour_probes import NEIGHBOUR_PROBES
from engines.sandbox.places import SANDBOX_FOLDER
from engines.sandbox.report import CanaryReport, Probe
from engines.sandbox.sandbox import find_sandbox
from engines.sandbox.types import NoIsolation, Rung


def test_every_hostile_program_is_contained(attacked: CanaryReport) -> None:
    assert attacked.failures() == ""
    assert attacked.passed


def test_no_attack_is_forgotten(attacked: CanaryReport) -> None:
    names = [probe.name for probe in attacked.probes]
    assert len(names) == len(set(names))
    assert {*inside.HOSTILE, *inside.ORDINARY} <= set(names)
    assert {probe.name for probe in (*BOMBS, *TALKS)} <= set(names)
    own = len(inside.HOSTILE) + len(inside.ORDINARY) + len(BOUND_PROBES) + len(NEIGHBOUR_PROBES)
    assert len(names) == own + len(["the result is the host's", "the secret is as it was"])


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
        "open other kinds of socket",
        "share System V memory",
        "signal the host's process",
        "limit the host's process",
        "signal its launcher",
        "read its launcher",
        "run without the filter",
        "raise its limits",
        "hoard in memory files",
        "take too much memory",
        "write too big a file",
    ]
    with socket.create_server(("127.0.0.1", 0)) as tcp:
        targets = {
            "open_files": "64",
            "memory_bytes": str(1 << 20),
            "file_bytes": str(1 << 20),
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
        [sys.executable, "-c", _WAIT_FOR_TARGETS, str(SANDBOX_FOLDER.parents[1]), *names],
        cwd=folder,
        env={"HOME": "/"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    said, _ = run.communicate(json.dumps({**targets, "host_pid": str(run.pid)}), timeout=60)
    return {answer["probe"]: answer["held"] for answer in map(json.loads, said.splitlines())}


_WAIT_FOR_TARGETS = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from engines.sandbox.attacks.inside import probe
os.environ["PROBE_TARGETS"] = sys.stdin.read()
os.environ["PROBES"] = json.dumps(sys.argv[2:])
probe()
"""


def test_a_host_without_bubblewrap_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    found = canary(Rung.BUBBLEWRAP, forks=False)
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
    assert CanaryReport(Rung.LANDLOCK, forks=False, probes=(held,)).passed
    report = CanaryReport(Rung.LANDLOCK, forks=False, probes=(held, broken))
    assert not report.passed
    assert report.failures() == "connect by TCP: it worked"
