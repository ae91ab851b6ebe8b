"""Texts that say the same in nearly the same words."""

from collections.abc import Set as AbstractSet

ALIKE = 0.9


def are_alike(one: AbstractSet[str], other: AbstractSet[str]) -> bool:
    """Whether nine of ten different words of either are in both (Jaccard index)."""
    if not one or not other:
        return False
    shared = len(one & other)
    return shared >= ALIKE * (len(one) + len(other) - shared)
