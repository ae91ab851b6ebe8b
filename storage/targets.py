"""Where Prometheus finds the processes of one machine: files for its `file_sd_configs`.

https://prometheus.io/docs/prometheus/latest/configuration/configuration/#file_sd_config
"""

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from storage.files import write_whole


def folder(home: Path) -> Path:
    """Every file in it names one process."""
    return home / "run" / "targets"


@contextmanager
def offered(home: Path, process: str, address: str) -> Generator[None]:
    """Name `address` (host:port) for as long as the block lasts.

    A process that dies leaves its file, so that its absence is seen; it starts at the same address.
    """
    file = folder(home) / f"{process}-{address.rpartition(':')[2]}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    told = [{"targets": [address], "labels": {"job": f"gryph-{process}"}}]
    write_whole(file, json.dumps(told).encode())
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def forget(home: Path) -> None:
    """Remove what a stack that is gone has left."""
    for file in folder(home).glob("*.json"):
        file.unlink(missing_ok=True)
