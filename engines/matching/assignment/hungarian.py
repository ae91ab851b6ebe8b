"""The only file that knows scipy's solver of assignment problems."""

from typing import Any, cast

import numpy as np
import scipy.optimize  # pyright: ignore[reportMissingTypeStubs]
from numpy.typing import NDArray


def matched(costs: NDArray[np.float64]) -> list[int]:
    """The column of each row, each column once, at the least sum of costs.

    `costs` (rows, columns) has at least as many columns as rows.
    """
    solver = cast(Any, scipy.optimize)
    _, columns = solver.linear_sum_assignment(costs)
    return cast(list[int], columns.tolist())
