"""Numba, typed: the one place that knows it.

What is compiled is kept beside its source, so that set-up pays for it and no person's first
question does (`python -m engines.planning warm`). It is compiled for any processor of the kind, so
that an image serves on machines other than the one that built it.
"""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import numba
import numba.core.config

_P = ParamSpec("_P")
_R = TypeVar("_R")

_njit = cast("Callable[..., Any]", numba.njit)
_config = cast("Any", numba.core.config)
_config.CACHE_LOCATOR_CLASSES = "engines.planning.kernel_cache.TreeLocator,InTreeCacheLocator"
_config.CPU_NAME = "generic"
_config.CPU_FEATURES = ""


def compiled(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Compile to machine code at the first call; division by zero gives inf, as numpy's."""
    return cast(
        "Callable[_P, _R]",
        _njit(cache=True, nogil=True, error_model="numpy")(function),
    )
