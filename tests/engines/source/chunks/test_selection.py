"""Which files of a folder are searched."""

from pathlib import Path

from engines.source.chunks.languages import language_of
from engines.source.chunks.selection import files_of


def make(root: Path, *paths: str, content: bytes = b"x = 1\n") -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)


def test_what_people_wrote_is_found_in_the_order_of_paths(tmp_path: Path) -> None:
    make(tmp_path, "src/b.py", "src/a.go", ".github/workflows/ci.yml", "README", "Makefile")
    make(tmp_path, "node_modules/x.js", ".venv/a.py", "vendor/a.go", ".git/config.py", "a.png")
    make(tmp_path, "lib.min.js", "a_pb2.py", "poetry.lock", "package-lock.json", "unknown.zzz")
    found = [one.path for one in files_of(tmp_path)]
    assert found == ["Makefile", "README", ".github/workflows/ci.yml", "src/a.go", "src/b.py"]


def test_links_and_large_files_are_left_out(tmp_path: Path) -> None:
    outside = tmp_path / "outside.py"
    outside.write_text("secret = 1\n")
    root = tmp_path / "root"
    make(root, "a.py")
    make(root, "large.py", content=b"x = 1\n" * 100_000)
    make(root, "data.json", content=b"[1]\n" * 10_000)
    (root / "link.py").symlink_to(outside)
    assert [one.path for one in files_of(root)] == ["a.py"]


def test_names_tell_languages() -> None:
    names = ("a/b.PY", "x.mjs", "x.tsx", "Dockerfile", "CMakeLists.txt", "x.bin", "x")
    found = [language_of(name) for name in names]
    assert found == ["python", "javascript", "tsx", "dockerfile", "cmake", None, None]
