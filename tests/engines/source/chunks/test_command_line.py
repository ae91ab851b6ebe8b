"""A folder is searched from the command line."""

from pathlib import Path

import pytest

from engines.source.chunks.__main__ import main


def test_places_are_printed_with_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.py").write_text("x = 1\n\n\ndef load_file(path):\n    return path\n")
    assert main([str(tmp_path), "loading a file", "--words"]) == 0
    assert capsys.readouterr().out == "a.py:4  load_file  (loading, file)\n"
    assert main([str(tmp_path), "quantum", "--words"]) == 1
