"""What the client needs of an API: bodies to send, and what the events of a stream tell."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

from engines.generation.remote.endpoint import Endpoint
from engines.generation.remote.events import ServerEvent
from engines.generation.remote.refusals import Said
from engines.generation.types import Finish, ModelRequest


@dataclass(frozen=True)
class Counts:
    """Tokens, as far as they were told."""

    prompt: int | None = None
    cached: int | None = None
    written: int | None = None

    def updated(self, later: "Counts") -> "Counts":
        """What was told last counts."""
        told = {name: value for name, value in vars(later).items() if value is not None}
        return replace(self, **told)


@dataclass(frozen=True)
class Told:
    """What one event, or a whole answer, says."""

    text: str = ""
    is_progress: bool = False
    """The model wrote something, if only thoughts."""
    finish: Finish | None = None
    is_last: bool = False
    """Nothing that matters comes after it."""
    counts: Counts = Counts()
    model: str = ""
    error: Said | None = None


NOTHING = Told()


@dataclass(frozen=True)
class Concession:
    """Something left out of requests to a server that refuses it."""

    name: str
    words: tuple[str, ...]
    """The server blames one of these."""
    remark: str = ""
    """What it costs, for a person; "" where it costs nothing."""
    is_about_schema: bool = False
    """The next schema may be taken, so it is tried each time."""


@dataclass(frozen=True)
class Body:
    """The content of a request."""

    fields: Mapping[str, Any]
    conceivable: tuple[str, ...]
    """Names of concessions that would change it."""
    remarks: tuple[str, ...] = ()


class Reading(Protocol):
    """Reads the answer to one request."""

    def event(self, event: ServerEvent) -> Told:
        """What it tells."""
        ...

    def whole(self, content: Mapping[str, Any]) -> Told:
        """What the answer of a server that does not stream tells."""
        ...


@dataclass(frozen=True)
class Wire:
    """One API."""

    path: str
    """Of requests for an answer, after the endpoint's root."""
    headers: Callable[[Endpoint], dict[str, str]]
    body: Callable[[Endpoint, ModelRequest, frozenset[str]], Body]
    """May raise `RequestRefused`. The set names the concessions made."""
    reading: Callable[[ModelRequest, frozenset[str]], Reading]
    concessions: tuple[Concession, ...]
    """In the order in which they are tried."""


def json_object(text: str | bytes) -> Mapping[str, Any] | None:
    """The JSON object that a text is; None for anything else."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast("Mapping[str, Any]", content) if isinstance(content, dict) else None


def part(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object inside an object; empty where it is missing or something else."""
    value: Any = content.get(name)
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def parts(content: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The objects of a list inside an object."""
    value: Any = content.get(name)
    items = cast("list[Any]", value) if isinstance(value, list) else []
    return [cast("Mapping[str, Any]", each) for each in items if isinstance(each, dict)]


def word(content: Mapping[str, Any], name: str) -> str:
    """A string inside an object; "" otherwise."""
    value: Any = content.get(name)
    return value if isinstance(value, str) else ""


def count(content: Mapping[str, Any], *names: str) -> int | None:
    """The first of these that is a number."""
    for name in names:
        value: Any = content.get(name)
        if isinstance(value, int) and value >= 0:
            return value
    return None


def schema_in_words(schema: Mapping[str, Any]) -> str:
    """Asks for JSON where nothing can enforce it."""
    return (
        "Answer with one JSON value that is valid for this JSON schema, and with nothing else: no "
        f"explanation, no code fence.\n{json.dumps(schema, ensure_ascii=False)}"
    )
