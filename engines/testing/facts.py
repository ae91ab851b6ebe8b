"""Reads plain data that came out of the sandbox; what is malformed is refused, never trusted."""

Fact = dict[str, object]


class BadFact(Exception):
    """The other side sent something else than agreed: the target meddles with the driver."""


def fact(value: object) -> Fact:
    """A JSON object."""
    if not isinstance(value, dict):
        raise BadFact(f"expected an object, got {type(value).__name__}")
    return {str(key): item for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] -- JSON


def items(value: object) -> list[object]:
    """A JSON array; an absent one is empty."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadFact(f"expected an array, got {type(value).__name__}")
    return list(value)  # pyright: ignore[reportUnknownArgumentType] -- JSON


def text(value: object) -> str:
    """A string."""
    if not isinstance(value, str):
        raise BadFact(f"expected a string, got {type(value).__name__}")
    return value


def optional_text(value: object) -> str | None:
    """A string or null."""
    return None if value is None else text(value)


def number(value: object) -> int:
    """An integer; an absent one is 0."""
    if value is None:
        return 0
    if not isinstance(value, int):
        raise BadFact(f"expected an integer, got {type(value).__name__}")
    return value


def seconds(value: object) -> float:
    """A number of seconds."""
    if not isinstance(value, int | float):
        raise BadFact(f"expected a number, got {type(value).__name__}")
    return float(value)


def texts(value: object) -> tuple[str, ...]:
    """An array of strings."""
    return tuple(text(item) for item in items(value))


def text_map(value: object) -> dict[str, str]:
    """An object whose values are strings; an absent one is empty."""
    return {} if value is None else {key: text(item) for key, item in fact(value).items()}
