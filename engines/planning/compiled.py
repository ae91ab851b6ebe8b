"""Numba, typed: the one place that knows it.

What is compiled is cached beside its source, so that set-up pays for it and no person's first
question does (`python -m engines.planning warm`).
"""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import numba

_P = ParamSpec("_P")
_R = TypeVar("_R")

_njit = cast("Callable[..., Any]", numba.njit)  # pyright: ignore[reportUnknownMemberType]


def compiled(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Compile to machine code at the first call; division by zero gives inf, as numpy's."""
    return cast(
        "Callable[_P, _R]",
        _njit(cache=True, nogil=True, error_model="numpy")(function),
    )
