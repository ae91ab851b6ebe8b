"""LightGBM, typed: the one place that knows it.

Trees are boosted on the cross-entropy of a softmax over each question's candidates (ListNet's
top-one loss, Cao et al. 2007), whose scores are beliefs as they are.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from engines.matching.ranking.forest import Forest
from engines.matching.ranking.lists import Lists, beliefs
from engines.matching.state.table import Floats

_LEAST_HESSIAN = 1e-6
_Node = dict[str, Any]


class TreesMissing(Exception):
    """LightGBM cannot be loaded here, or makes nothing of the lists; says why."""


@dataclass(frozen=True)
class Growth:
    """How trees are grown."""

    trees: int = 120
    leaves: int = 15
    learning_rate: float = 0.06
    least_rows: int = 50
    """In a leaf."""
    measures: float = 0.5
    """Share of the measures that a tree may look at."""
    ridge: float = 5.0
    depth: int = 10
    seed: int = 1


def grow(lists: Lists, growth: Growth, weights: Floats | None = None) -> Forest:
    """Learn a forest from questions and their answers.

    `weights` (questions,) says how much each counts. The same lists give the same forest. Raises
    TreesMissing.
    """
    lightgbm = _library()
    share = np.ones(len(lists.starts)) if weights is None else weights
    dataset = lightgbm.Dataset(lists.matrix, label=lists.truth.astype(np.int32), group=lists.sizes)
    parameters = {**_parameters(growth), "objective": _softmax(lists, share)}
    try:
        booster = lightgbm.train(parameters, dataset, num_boost_round=growth.trees)
    except lightgbm.basic.LightGBMError as error:
        raise TreesMissing(f"no trees can be grown from this history: {error}") from None
    return _forest(cast("list[_Node]", booster.dump_model()["tree_info"]))


def _library() -> Any:
    try:
        import lightgbm  # noqa: PLC0415 - its own library of the system may be missing
    except OSError as error:
        raise TreesMissing(
            f"LightGBM does not load ({error}): install libgomp1. Without it nothing new is learned"
        ) from None
    return cast("Any", lightgbm)


def _parameters(growth: Growth) -> dict[str, Any]:
    return {
        "num_leaves": growth.leaves,
        "max_depth": growth.depth,
        "learning_rate": growth.learning_rate,
        "min_data_in_leaf": growth.least_rows,
        "min_sum_hessian_in_leaf": 1.0,
        "feature_fraction": growth.measures,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "lambda_l2": growth.ridge,
        "max_bin": 127,
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "seed": growth.seed,
        "verbose": -1,
    }


def _softmax(lists: Lists, weights: Floats) -> Callable[[Floats, object], tuple[Floats, Floats]]:
    aims, share = lists.aims(), np.repeat(weights, lists.sizes)

    def gradients(scores: Floats, dataset: object) -> tuple[Floats, Floats]:
        del dataset
        belief = beliefs(scores, lists.starts)
        hessian = np.maximum(belief * (1.0 - belief), _LEAST_HESSIAN)
        return (belief - aims) * share, hessian * share

    return gradients


def _forest(trees: Sequence[_Node]) -> Forest:
    roots: list[int] = []
    depth = 0
    nodes: list[tuple[int, float, int, int, float]] = []
    for tree in trees:
        root = len(nodes)
        roots.append(root)
        depth = max(depth, _laid_out(cast("_Node", tree["tree_structure"]), nodes))
    measures, thresholds, left, right, values = (list(column) for column in _columns(nodes))
    return Forest(
        np.array(roots, np.int32),
        depth,
        np.array(measures, np.int32),
        np.array(thresholds, np.float64),
        np.array(left, np.int32),
        np.array(right, np.int32),
        np.array(values, np.float64),
    )


def _columns(nodes: Sequence[tuple[int, float, int, int, float]]) -> Iterator[Sequence[float]]:
    for column in range(5):
        yield [node[column] for node in nodes]


def _laid_out(node: _Node, nodes: list[tuple[int, float, int, int, float]]) -> int:
    """Append a tree, its root first; returns its depth."""
    at = len(nodes)
    if "leaf_value" in node:
        nodes.append((0, 0.0, at, at, float(node["leaf_value"])))
        return 0
    nodes.append((int(node["split_feature"]), float(node["threshold"]), at, at, 0.0))
    left = len(nodes)
    one = _laid_out(cast("_Node", node["left_child"]), nodes)
    right = len(nodes)
    other = _laid_out(cast("_Node", node["right_child"]), nodes)
    measure, threshold, *_ = nodes[at]
    nodes[at] = (measure, threshold, left, right, 0.0)
    return 1 + max(one, other)
