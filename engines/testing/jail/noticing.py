"""Whether a test that asserts what one execution showed would fail on what another one shows.

The same parts of an outcome count as `engines/testing/assertions.py` writes assertions for.
"""

from typing import Any

Fact = dict[str, Any]

ATTRIBUTE_LIMIT = 6
"""How many attributes of an object one test asserts."""


def is_noticed(seen: Fact, now: Fact) -> bool:
    """Whether a test of `seen` fails where the call comes out as `now`."""
    kind = seen["kind"]
    if now["kind"] != kind or seen.get("lazy") != now.get("lazy"):
        return True
    if kind == "error":
        return seen.get("type") != now.get("type") or _other_message(seen, now)
    if _leaves_other_state(seen, now):
        return True
    if _only_acts(seen):
        return seen.get("printed") != now.get("printed")
    if kind == "object":
        return seen["type"] != now["type"] or _first(seen, "attributes") != _first(
            now, "attributes"
        )
    keys = ("type",) if kind in {"opaque", "callable"} else ("text", "more", "form")
    return any(seen.get(key) != now.get(key) for key in (*keys, "count"))


def _other_message(seen: Fact, now: Fact) -> bool:
    return bool(seen.get("deliberate")) and seen.get("message") != now.get("message")


def _only_acts(seen: Fact) -> bool:
    """Whether the call gives nothing back and is tested by what it does."""
    changes = bool(_changed(seen) or seen.get("printed"))
    return seen["kind"] == "value" and seen.get("text") == "None" and changes


def _leaves_other_state(seen: Fact, now: Fact) -> bool:
    after: dict[str, str] = now.get("after") or {}
    return any(after.get(name) != value for name, value in _changed(seen))


def _changed(seen: Fact) -> list[tuple[str, str]]:
    before: dict[str, str] = seen.get("before") or {}
    after: dict[str, str] = seen.get("after") or {}
    changed = [(name, value) for name, value in after.items() if before.get(name) != value]
    return changed[:ATTRIBUTE_LIMIT]


def _first(seen: Fact, name: str) -> dict[str, str]:
    attributes: dict[str, str] = seen.get(name) or {}
    return dict(list(attributes.items())[:ATTRIBUTE_LIMIT])
