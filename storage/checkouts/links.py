"""Symbolic links of a checkout, and files that only say where their content is."""

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from storage.checkouts.types import CheckoutStopped, LeftOut

_MOST_HOPS = 40
"""As many as Linux follows."""
_MOST_STEPS = 256
"""Components on the way of one link: nobody who means well needs more."""
_POINTER = b"version https://git-lfs.github.com/spec/v1\n"
_LARGEST_POINTER_BYTES = 1024
"""By the specification of Git LFS, which also fixes how one begins."""


def tidy(root: Path, submodules: list[str], stop: Callable[[], bool]) -> LeftOut:
    """Remove every symbolic link that leads out of the folder, and tell what is not there."""
    links, pointers = _seen(root, stop)
    outward = [path for path in sorted(links) if not _stays(path, links)]
    for path in outward:
        (root / path).unlink()
    return LeftOut(tuple(submodules), tuple(sorted(pointers)), tuple(outward))


def _seen(root: Path, stop: Callable[[], bool]) -> tuple[dict[str, str], list[str]]:
    """Where each link leads, and the files that are but pointers, by their paths."""
    links: dict[str, str] = {}
    pointers: list[str] = []
    for folder, folders, files in os.walk(root):
        if stop():
            raise CheckoutStopped
        for name in (*folders, *files):
            path = Path(folder, name)
            mode = path.lstat()
            if stat.S_ISLNK(mode.st_mode):
                links[str(path.relative_to(root))] = str(path.readlink())
            elif stat.S_ISREG(mode.st_mode) and _is_pointer(path, mode.st_size):
                pointers.append(str(path.relative_to(root)))
    return links, pointers


def _stays(link: str, links: Mapping[str, str]) -> bool:
    """Whether no step on the way leaves the folder, not even to come back."""
    ahead = link.split("/")[::-1]
    here: list[str] = []
    hops = steps = 0
    while ahead and hops <= _MOST_HOPS and steps + len(ahead) <= _MOST_STEPS:
        part = ahead.pop()
        steps += 1
        target = links.get("/".join((*here, part)))
        if target is not None:
            hops += 1
            if target.startswith("/"):
                return False
            ahead += target.split("/")[::-1]
        elif part == "..":
            if not here:
                return False
            here.pop()
        elif part not in ("", "."):
            here.append(part)
    return not ahead


def _is_pointer(path: Path, size_bytes: int) -> bool:
    if not len(_POINTER) <= size_bytes <= _LARGEST_POINTER_BYTES:
        return False
    with path.open("rb") as file:
        return file.read(len(_POINTER)) == _POINTER
