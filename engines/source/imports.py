"""Where a file of a checkout is imported from: src layouts, packages, namespace packages."""

import keyword
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_SOURCE_FOLDERS = ("src", "lib", "python")


class NotImportable(Exception):
    """No import statement can reach the file; the message is Markdown for the person."""


@dataclass(frozen=True)
class ImportName:
    """The dotted name of a file and the folder that has to be on the module path for it.

    `folder` is relative to the checkout: "" for the checkout itself, "src" for a src layout.
    """

    name: str
    folder: str


def import_name(root: Path, path: str) -> ImportName:
    """The name under which the file `path` (relative to `root`) is imported.

    The folders above it with an `__init__.py` belong to the name. Without any, the whole path
    below the source folder does, as a namespace package, where its parts are identifiers.

    Raises:
        NotImportable: a part of the path is no identifier (`my-script.py` is handled as such).
    """
    pure = PurePosixPath(path)
    stem = pure.stem
    if not _is_name(stem):
        raise NotImportable(
            f"`{path}` cannot be imported: `{stem}` is not a valid module name. "
            "Rename the file to letters, digits and underscores."
        )
    parts = list(pure.parent.parts)
    start = _package_start(root, parts)
    if start == len(parts):
        start = _namespace_start(parts)
    names = [*parts[start:], *([] if stem == "__init__" else [stem])]
    if not names:
        raise NotImportable(f"`{path}` is the root of the checkout and has no import name.")
    return ImportName(".".join(names), "/".join(parts[:start]))


def _package_start(root: Path, parts: list[str]) -> int:
    """Index of the first folder of the unbroken chain of regular packages that ends at the file."""
    start = len(parts)
    while start > 0 and _is_name(parts[start - 1]):
        folder = root.joinpath(*parts[:start])
        if not (folder / "__init__.py").is_file():
            break
        start -= 1
    return start


def _namespace_start(parts: list[str]) -> int:
    """Where the name of a file without package begins: below `src`, else at the root."""
    start = 1 if parts and parts[0] in _SOURCE_FOLDERS else 0
    for index in range(start, len(parts)):
        if not _is_name(parts[index]):
            start = index + 1
    return start


def _is_name(part: str) -> bool:
    return part.isidentifier() and not keyword.iskeyword(part)
