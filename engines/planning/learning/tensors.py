"""Safetensors, typed: the one place here that knows it."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

Tensors = dict[str, NDArray[np.float32]]

_library = cast(Any, safetensors)
_arrays = cast(Any, safetensors.numpy)


class NoTensors(Exception):
    """A file cannot be read as safetensors; the message says why."""


def write_tensors(tensors: Tensors, path: Path, metadata: dict[str, str] | None = None) -> None:
    """Write tensors, and text about them into the file's metadata."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _arrays.save_file(tensors, path, metadata or {})


def read_tensors(path: Path) -> tuple[Tensors, dict[str, str]]:
    """Read tensors and the file's metadata.

    Raises:
        NoTensors: The file is missing, or is none of the format.
    """
    try:
        with _library.safe_open(path, "numpy") as opened:
            return {name: opened.get_tensor(name) for name in opened.keys()}, dict(  # noqa: SIM118
                opened.metadata() or {}
            )
    except (OSError, _library.SafetensorError) as problem:
        raise NoTensors(f"{path}: {problem}") from problem
