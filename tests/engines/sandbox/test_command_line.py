import json
import sys
from pathlib import Path

import pytest

from engines.sandbox import __main__ as command_line
from engines.sandbox.report import CanaryReport


def test_a_program_runs_and_its_rung_is_named(
    report: CanaryReport, work: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ["run", "--rung", report.rung, "--work", str(work), "--"]
    status = command_line.main([*arguments, sys.executable, "-c", "print(6 * 7); exit(3)"])
    shown = capfd.readouterr()
    assert (status, shown.out) == (3, "42\n")
    assert f"[{report.rung}: exited" in shown.err


def test_a_program_over_a_limit_exits_by_no_code_of_its_own(
    report: CanaryReport, work: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ["run", "--rung", report.rung, "--work", str(work), "--wall-s", "0.3", "--"]
    assert command_line.main([*arguments, "sleep", "60"]) == 125
    assert "wall_limit" in capfd.readouterr().err


def test_a_missing_work_folder_is_said_plainly(
    report: CanaryReport, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    work = str(tmp_path / "nowhere")
    assert command_line.main(["run", "--rung", report.rung, "--work", work, "--", "true"]) == 125
    assert "does not exist" in capfd.readouterr().err


def test_a_rung_that_is_missing_says_so_in_the_table(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert command_line.main(["canary", "--rung", "bubblewrap"]) == 1
    assert "bubblewrap, cold: not available: bwrap is not installed" in capfd.readouterr().out


def test_the_canary_table_can_be_had_as_json(
    report: CanaryReport, capfd: pytest.CaptureFixture[str]
) -> None:
    assert command_line.main(["canary", "--rung", report.rung, "--quick", "--json"]) == 0
    reports = json.loads(capfd.readouterr().out)
    assert [(found["forks"], found["passed"]) for found in reports] == [(False, True), (True, True)]
    for found in reports:
        rows = {probe["name"]: probe["passed"] for probe in found["probes"]}
        assert rows["connect by TCP"] is True
        assert rows["sleep past the wall limit"] is True
