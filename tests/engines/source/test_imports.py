from pathlib import Path

import pytest

from engines.source.imports import ImportName, NotImportable, import_name


@pytest.mark.parametrize(
    ("files", "path", "name", "folder"),
    [
        ([], "mod.py", "mod", ""),
        (["pkg/__init__.py"], "pkg/mod.py", "pkg.mod", ""),
        (["pkg/__init__.py"], "pkg/__init__.py", "pkg", ""),
        (["src/pkg/__init__.py"], "src/pkg/mod.py", "pkg.mod", "src"),
        ([], "src/mod.py", "mod", "src"),
        ([], "space/part/mod.py", "space.part.mod", ""),
        ([], "src/space/mod.py", "space.mod", "src"),
        (["a/__init__.py", "a/b/__init__.py"], "a/b/c.py", "a.b.c", ""),
        ([], "my-scripts/tool.py", "tool", "my-scripts"),
    ],
)
def test_a_file_is_imported_by_its_packages(
    tmp_path: Path, files: list[str], path: str, name: str, folder: str
) -> None:
    for one in [*files, path]:
        (tmp_path / one).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / one).touch()
    assert import_name(tmp_path, path) == ImportName(name, folder)


@pytest.mark.parametrize("path", ["my-script.py", "class.py", "2fast.py"])
def test_a_name_that_no_import_can_write_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(NotImportable, match="not a valid module name"):
        import_name(tmp_path, path)


def test_the_package_file_of_the_checkout_itself_has_no_name(tmp_path: Path) -> None:
    with pytest.raises(NotImportable, match="no import name"):
        import_name(tmp_path, "__init__.py")
