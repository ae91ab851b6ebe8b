from pathlib import Path

import pytest

from engines.testing.places import place_of
from engines.testing.places import test_place as place_for_tests


def laid(root: Path, *files: str, **texts: str) -> Path:
    for one in files:
        (root / one).parent.mkdir(parents=True, exist_ok=True)
        (root / one).touch()
    for name, text in texts.items():
        (root / f"{name}.toml").write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "target", "expected"),
    [
        ([], "mod.py", "tests/test_mod.py"),
        (["tests/test_other.py"], "mod.py", "tests/test_mod.py"),
        (["test/x.py"], "mod.py", "test/test_mod.py"),
        (["tests/test_mod.py"], "mod.py", "tests/test_mod_generated.py"),
        (
            ["tests/test_mod.py", "tests/test_mod_generated.py"],
            "mod.py",
            "tests/test_mod_generated2.py",
        ),
        (["tests/inner/x.py", "pkg/inner/__init__.py", "pkg/__init__.py"], "pkg/inner/mod.py",
         "tests/inner/test_mod.py"),
        (["pkg/test_old.py"], "pkg/mod.py", "pkg/test_mod.py"),
    ],
)  # fmt: skip
def test_the_repository_s_convention_is_followed(
    tmp_path: Path, files: list[str], target: str, expected: str
) -> None:
    laid(tmp_path, *files, target)
    assert place_for_tests(place_of(tmp_path, target)).path == expected


def test_a_path_entry_is_added_only_where_the_module_is_out_of_reach(tmp_path: Path) -> None:
    bare = laid(tmp_path / "bare", "mod.py")
    assert place_for_tests(place_of(bare, "mod.py")).path_entry == "."
    source = laid(tmp_path / "source", "src/pkg/__init__.py", "src/pkg/mod.py")
    assert place_for_tests(place_of(source, "src/pkg/mod.py")).path_entry == "src"
    with_conftest = laid(tmp_path / "conftest", "mod.py", "conftest.py")
    assert place_for_tests(place_of(with_conftest, "mod.py")).path_entry is None
    package = laid(tmp_path / "package", "mod.py", "tests/__init__.py")
    assert place_for_tests(place_of(package, "mod.py")).path_entry is None


def test_configured_python_paths_are_known(tmp_path: Path) -> None:
    text = '[tool.pytest.ini_options]\npythonpath = ["src"]\n'
    root = laid(tmp_path, "src/mod.py", pyproject=text)
    assert place_for_tests(place_of(root, "src/mod.py")).path_entry is None
