import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engines.sandbox.sandbox import Sandbox
from engines.testing.__main__ import main


def test_the_command_writes_the_file_and_says_what_it_found(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mod.py").write_text("def half(x: int) -> float:\n    return 1 / x\n")
    out, report = tmp_path / "out", tmp_path / "report.json"
    arguments = [str(tmp_path / "mod.py"), "--root", str(tmp_path), "--cpu-seconds", "4"]
    assert main([*arguments, "--out", str(out), "--json", str(report)]) == 0
    result = json.loads(report.read_text())
    assert result["passed"] == result["tests"] > 0
    assert result["possible_bugs"][0]["call"] == "half(0)"
    assert result["after"]["line_percent"] == 100.0
    assert 0 < result["seconds"]["search_cpu"] < result["seconds"]["all_told_cpu"]
    assert result["rung"] == sandbox.rung
    assert "half(" in (out / result["test_file"]).read_text()


def test_without_folder_and_report_the_tests_are_printed(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mod.py").write_text("def half(x: int) -> float:\n    return x / 2\n")
    assert main(["mod.py", "--root", str(tmp_path), "--cpu-seconds", "4"]) == 0
    printed = capsys.readouterr().out
    assert "from mod import half" in printed
    assert "tests of mod pass, for tests/test_mod.py" in printed


LEDGER = """
import re


class Ledger:
    def __init__(self, names: set[str], limit: int = 10):
        self.names, self.limit, self.entries = names, limit, {}

    def book(self, name: str, amount: int) -> int:
        if name not in self.names:
            raise KeyError(name)
        if amount > self.limit:
            raise ValueError(f"over {self.limit}")
        self.entries[name] = self.entries.get(name, 0) + amount
        return self.entries[name]


def initials(text: str) -> str:
    found = re.findall(r"[A-Z]", text)
    return "".join(found) if found else "?"
"""


def test_a_seed_repeats_its_file_whatever_order_sets_have(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ledger.py").write_text(LEDGER)
    command = [sys.executable, "-m", "engines.testing", "ledger.py", "--root", str(tmp_path)]
    command += ["--cpu-seconds", "10", "--seed", "5"]
    texts = set[str]()
    for hash_seed in ("1", "2", "3"):
        monkeypatch.setenv("PYTHONHASHSEED", hash_seed)
        ended = subprocess.run(command, capture_output=True, text=True, check=True)
        texts.add(ended.stdout.partition("tests of ledger pass")[0])
    assert len(texts) == 1


def test_the_comparison_writes_runnable_calls_with_both_outcomes(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for side, factor in (("base", 2), ("head", 3)):
        (tmp_path / side).mkdir()
        text = f"def times(x: int) -> int:\n    return x * {factor}\n"
        (tmp_path / side / "mod.py").write_text(text)
    report = tmp_path / "report.json"
    folders = ["--base", str(tmp_path / "base"), "--head", str(tmp_path / "head")]
    arguments = ["diff", *folders, "--cpu-seconds", "3", "--seed", "2"]
    assert main([*arguments, "--json", str(report), "mod.py"]) == 0
    result = json.loads(report.read_text())
    assert result["changed"]
    assert result["exercised"] == 1.0
    one = result["differences"][0]
    assert one["function"] == "times"
    assert one["call"] == f"from mod import times\n{one['shown']}"
    assert 2 * int(one["head"]) == 3 * int(one["base"])
    assert main(arguments) == 0
    assert f"mod.py:2 times\n    {one['shown']}: {one['base']} -> {one['head']}" in (
        capsys.readouterr().out
    )


def test_a_comparison_of_what_is_not_there_says_so(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = str(tmp_path / "missing")
    assert main(["diff", "--base", missing, "--head", str(tmp_path)]) == 1
    assert "is no folder" in capsys.readouterr().err


def test_new_tests_join_a_named_test_file_and_laws_are_written_where_asked_for(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    text = (
        "def encode(text: str) -> list[int]:\n    return [ord(one) + 1 for one in text]\n\n\n"
        "def decode(codes: list[int]) -> str:\n    return ''.join(chr(one - 1) for one in codes)\n"
    )
    (tmp_path / "mod.py").write_text(text)
    old = "import mod\n\n\ndef test_other():\n    assert mod.encode('a') == [98]\n"
    (tmp_path / "test_all.py").write_text(old)
    report, out = tmp_path / "report.json", tmp_path / "out"
    arguments = ["mod.py", "--root", str(tmp_path), "--extend", str(tmp_path / "test_all.py")]
    arguments += ["--properties", "--out", str(out), "--json", str(report)]
    assert main(arguments) == 0
    result = json.loads(report.read_text())
    assert (result["extends"], result["test_file"]) == ("test_all.py", "test_all.py")
    written = (out / "test_all.py").read_text()
    assert "def test_other():" in written
    assert "@given(" in written


def test_a_test_file_that_is_not_there_is_said(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mod.py").write_text("def half(x: int) -> float:\n    return x / 2\n")
    arguments = ["mod.py", "--root", str(tmp_path), "--extend", "tests/test_nowhere.py"]
    assert main([*arguments, "--cpu-seconds", "4"]) == 0
    assert "note: The tests are in a file of their own: there is no file" in capsys.readouterr().out


@pytest.mark.skipif(not shutil.which("node"), reason="needs Node")
def test_the_command_takes_other_languages_too(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "half.js").write_text("exports.half = (x) => x / 2;\n")
    file = str(tmp_path / "half.js")
    assert main([file, "--root", str(tmp_path), "--cpu-seconds", "4"]) == 0
    assert "describe('half'" in capsys.readouterr().out
    assert main(["half.rb", "--root", str(tmp_path)]) == 1
    assert "in no language that `test` knows" in capsys.readouterr().err


def test_the_command_says_why_there_are_no_tests(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["missing.py", "--root", str(tmp_path)]) == 1
    assert "There is no file `missing.py`" in capsys.readouterr().err
