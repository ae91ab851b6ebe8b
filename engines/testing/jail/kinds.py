"""Asks for the class of values of which nothing is known."""

from collections.abc import Mapping
from typing import Any

_ASKED = ("__module__", "__code__", "__wrapped__", "__supertype__")


def is_a(value: object, *kinds: type) -> bool:
    """`isinstance`, without telling the type checker more than can be known of the contents."""
    return isinstance(value, kinds)


def tractable(names: Mapping[str, Any]) -> dict[str, Any]:
    """A copy without the values that answer with an exception when asked what they are."""
    return {name: value for name, value in dict(names).items() if _answers(value)}


def _answers(value: object) -> bool:
    try:
        isinstance(value, type)
        for name in _ASKED:
            hasattr(value, name)
    except Exception:  # noqa: BLE001 - a stranger's `__getattr__` raises what it likes
        return False
    return True
