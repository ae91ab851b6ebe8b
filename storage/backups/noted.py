"""When a home was last backed up, noted in the home itself for whoever watches over it."""

import json
from pathlib import Path

from storage.backups.archive import Manifest
from storage.files import write_whole


def note(home: Path, made: Manifest, path: Path, *, was_tried: bool) -> None:
    """A backup of `home` lies at `path` now."""
    file = _file(home)
    file.parent.mkdir(exist_ok=True)
    told = {"made_at": made.made_at.isoformat(), "path": str(path), "was_tried": was_tried}
    write_whole(file, json.dumps(told).encode())


def last_at_s(home: Path) -> float:
    """When the newest one was noted, in seconds of the epoch; 0 if there is none."""
    try:
        return _file(home).stat().st_mtime
    except OSError:
        return 0.0


def _file(home: Path) -> Path:
    return home / "run" / "backup.json"
