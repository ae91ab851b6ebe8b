"""Arrays and a text about them, as safetensors: the one place here that knows the library."""

import os
import threading
from pathlib import Path
from typing import Any, cast

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

Arrays = dict[str, NDArray[np.generic]]

_library = cast("Any", safetensors)
_numpy = cast("Any", safetensors.numpy)


class NoWeights(Exception):
    """A file is missing, or holds none of our weights; says which."""


def write_arrays(arrays: Arrays, about: dict[str, str], file: Path) -> None:
    """Write arrays and facts about them; a file there is replaced at once, also where another
    process writes it, too.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f"{file.name}.{os.getpid()}.{threading.get_ident()}.new")
    _numpy.save_file(arrays, unfinished, metadata=about)
    unfinished.replace(file)


def read_arrays(file: Path) -> tuple[Arrays, dict[str, str]]:
    """What `write_arrays` wrote. Raises NoWeights."""
    try:
        with _library.safe_open(file, "np") as opened:
            arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
            return cast("Arrays", arrays), dict(opened.metadata() or {})
    except (OSError, TypeError, _library.SafetensorError) as problem:
        raise NoWeights(f"{file.name}: {problem}") from problem
