"""scipy's L-BFGS, typed: the one place here that knows it."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import scipy.optimize  # pyright: ignore[reportMissingTypeStubs]

from engines.matching.state.table import Floats

_optimize = cast("Any", scipy.optimize)
_MOST_STEPS = 150


def lowest(loss: Callable[[Floats], tuple[float, Floats]], start: Floats) -> Floats:
    """Where a convex function is lowest, given it with its slope; the same way from a start."""
    found = _optimize.minimize(
        loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _MOST_STEPS}
    )
    return np.asarray(found.x, np.float64)
