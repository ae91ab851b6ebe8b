import json
from pathlib import Path

import pytest

from engines.sandbox.sandbox import Sandbox
from engines.testing.__main__ import main


def test_the_command_writes_the_file_and_says_what_it_found(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mod.py").write_text("def half(x: int) -> float:\n    return 1 / x\n")
    out = tmp_path / "out" / "test_mod.py"
    arguments = ["mod.py", "--root", str(tmp_path), "--cpu-seconds", "1", "--out", str(out)]
    assert main([*arguments, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["passed"] == result["tests"] > 0
    assert result["findings"][0]["call"] == "half(0)"
    assert out.read_text() == result["source"]


def test_the_command_says_why_there_are_no_tests(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["missing.py", "--root", str(tmp_path)]) == 1
    assert "There is no file `missing.py`" in capsys.readouterr().err
