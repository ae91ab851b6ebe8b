"""Symbolic links of a checkout."""

import os
from pathlib import Path


def drop_escaping_links(root: Path) -> int:
    """Remove every symbolic link that leads out of the folder; how many."""
    inside = root.resolve()
    dropped = 0
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder, name)
            if path.is_symlink() and not _stays(path, inside):
                path.unlink()
                dropped += 1
    return dropped


def _stays(link: Path, inside: Path) -> bool:
    if link.readlink().is_absolute():
        return False
    try:
        return link.resolve().is_relative_to(inside)
    except (RuntimeError, OSError):  # a link in a circle, or one too long to follow
        return False
