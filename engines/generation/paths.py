"""Which paths a model may write to: inside the checkout, plain, and nothing that git owns."""

import os
import re
from pathlib import Path, PurePosixPath

_LIMIT_CHARS = 240
_PART_BYTES = 240
"""What file systems take, with room for an ending."""
_DECORATION = " \t`'\"*"
_DRIVE = re.compile(r"[A-Za-z]:")
_OWNED = frozenset({".git", ".hg", ".svn"})
_RUN_BY_THEMSELVES = frozenset(
    {
        "conftest.py", "setup.py", "noxfile.py", "sitecustomize.py", "usercustomize.py",
        "Makefile", "Dockerfile", "Jenkinsfile", ".gitlab-ci.yml", ".pre-commit-config.yaml",
        ".gitattributes", ".gitmodules", ".envrc",
    }
)  # fmt: skip
_TEST_SETTINGS = frozenset(
    {"conftest.py", "pytest.ini", ".pytest.ini", "tox.ini", "setup.cfg", "pyproject.toml"}
)
_TEST_NAME = re.compile(
    r"test_.*\.pyi?$|.*_test\.(?:py|go)$|.*\.(?:test|spec)\.[cm]?[jt]sx?$|.*Tests?\.java$"
)


class UnsafePath(Exception):
    """A path that is not written to; the message says why, for the model and for a person."""


def safe_path(root: Path, written: str) -> str:
    """The path relative to the checkout, with `/`.

    Raises:
        UnsafePath: It leads outside, through a link, into git's own folder, or is no plain path.
    """
    path = written.strip(_DECORATION).replace("\\", "/")
    shown = repr(path[:_LIMIT_CHARS])
    if not path or len(path) > _LIMIT_CHARS or not path.isprintable():
        raise UnsafePath(f"{shown} is not a plain path")
    if path.startswith(("/", "~")) or _DRIVE.match(path):
        raise UnsafePath(f"{shown} is absolute; paths are relative to the repository")
    parts = [one for one in path.split("/") if one not in {"", "."}]
    if any(one.startswith("-") or len(os.fsencode(one)) > _PART_BYTES for one in parts):
        raise UnsafePath(f"{shown} is not a plain path")
    if not parts or path.endswith("/") or ".." in parts:
        raise UnsafePath(f"{shown} is no file inside the repository")
    if any(one.rstrip(". ").lower() in _OWNED for one in parts):
        raise UnsafePath(f"{shown} belongs to git")
    _refuse_links(root, parts, shown)
    return "/".join(parts)


def _refuse_links(root: Path, parts: list[str], shown: str) -> None:
    place = root
    for one in parts:
        if place != root and place.exists() and not place.is_dir():
            raise UnsafePath(f"{shown} leads through a file")
        place = place / one
        if place.is_symlink():
            raise UnsafePath(f"{shown} leads through a symbolic link")
    if place.is_dir():
        raise UnsafePath(f"{shown} is a folder")


def is_test_file(path: str) -> bool:
    """Whether its name says that it holds tests."""
    return bool(_TEST_NAME.match(PurePosixPath(path).name))


def steers_tests(path: str) -> bool:
    """Whether it holds tests, or decides how they are run: who changes it can make any pass."""
    return is_test_file(path) or PurePosixPath(path).name in _TEST_SETTINGS


def runs_by_itself(path: str) -> bool:
    """Whether something runs or obeys it without being asked: a hook, a build, a pipeline."""
    pure = PurePosixPath(path)
    return pure.name in _RUN_BY_THEMSELVES or pure.parts[0] in {".github", ".circleci", ".husky"}
