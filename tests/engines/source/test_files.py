from pathlib import Path

import pytest

from engines.source.files import SIZE_LIMIT_BYTES, Unreadable, decode, read_source


def refusal(root: Path, path: str) -> str:
    with pytest.raises(Unreadable) as caught:
        read_source(root, path)
    return str(caught.value)


def test_a_file_is_read_with_its_path_relative_to_the_checkout(tmp_path: Path) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "mod.py").write_text("x = 1\n")
    for path in ("pkg/mod.py", "./pkg/../pkg/mod.py", str(tmp_path / "pkg" / "mod.py")):
        source = read_source(tmp_path, path)
        assert (source.path, source.text) == ("pkg/mod.py", "x = 1\n")


@pytest.mark.parametrize("path", ["../secret.py", "/etc/passwd", "link.py"])
def test_a_file_outside_the_checkout_is_refused(tmp_path: Path, path: str) -> None:
    root = tmp_path / "checkout"
    root.mkdir()
    (tmp_path / "secret.py").write_text("x = 1\n")
    (root / "link.py").symlink_to(tmp_path / "secret.py")
    assert "outside the repository" in refusal(root, path)


def test_a_missing_file_is_answered_with_the_nearest_one(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "parser.py").write_text("")
    assert "Did you mean `src/parser.py`?" in refusal(tmp_path, "parser.py")
    assert "Did you mean" not in refusal(tmp_path, "zzz/qqq.py")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pkg").mkdir()
    assert "is a folder" in refusal(tmp_path, "pkg")


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data.py").write_bytes(b"\x00\x01\x02")
    assert "binary" in refusal(tmp_path, "data.py")


def test_a_file_above_the_limit_is_refused_and_one_at_the_limit_read(tmp_path: Path) -> None:
    (tmp_path / "large.py").write_bytes(b"#" * (SIZE_LIMIT_BYTES + 1))
    (tmp_path / "fits.py").write_bytes(b"#" * SIZE_LIMIT_BYTES)
    assert "1.0 MiB" in refusal(tmp_path, "large.py")
    assert len(read_source(tmp_path, "fits.py").text) == SIZE_LIMIT_BYTES


def test_a_wrong_encoding_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "latin.py").write_bytes(b"x = 1\ny = '\xe9'\n")
    assert "line 2" in refusal(tmp_path, "latin.py")


def test_a_declared_encoding_is_followed() -> None:
    assert decode(b"# coding: latin-1\ny = '\xe9'\n", "a.py").endswith("y = 'é'\n")


def test_an_unknown_declared_encoding_is_refused() -> None:
    with pytest.raises(Unreadable, match="cannot be decoded"):
        decode(b"# coding: klingon\n", "a.py")


def test_line_ends_become_newlines() -> None:
    assert decode(b"a = 1\r\nb = 2\rc = 3\n", "a.py") == "a = 1\nb = 2\nc = 3\n"
