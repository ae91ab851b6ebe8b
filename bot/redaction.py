"""Takes secrets out of whole models, such as replies, before any platform sees them."""

from collections.abc import Iterator
from typing import TypeVar, cast

from pydantic import BaseModel

from handlers import Caller
from storage.redaction import Redactor

_NAMES = frozenset({"kind", "language", "verb", "job", "artifact"})
"""Fields of a reply that stand between two texts and are not read."""

ModelT = TypeVar("ModelT", bound=BaseModel)


def redacted_model(model: ModelT, redactor: Redactor) -> ModelT:
    """The model with every secret in its strings replaced, also where two of them hold one."""
    dumped = model.model_dump(mode="json")
    read = list(_texts(dumped))
    made = redactor.redacted_parts(read)
    if list(made) == read:
        return model
    return type(model).model_validate(_filled(dumped, iter(made)))


def redacted_caller(caller: Caller, redactor: Redactor) -> Caller:
    """The person under a name without secrets: on Discord people write theirs as they like."""
    return caller.model_copy(update={"name": redactor.redacted(caller.name)})


def _texts(value: object, name: str = "") -> Iterator[str]:
    """Every string that a person reads, in order."""
    if isinstance(value, str) and name not in _NAMES:
        yield value
    elif isinstance(value, list):
        for each in cast("list[object]", value):
            yield from _texts(each, name)
    elif isinstance(value, dict):
        for key, each in cast("dict[str, object]", value).items():
            yield from _texts(each, key)


def _filled(value: object, texts: Iterator[str], name: str = "") -> object:
    """The same value with other texts, which come in the same order."""
    if isinstance(value, str):
        return value if name in _NAMES else next(texts)
    if isinstance(value, list):
        return [_filled(each, texts, name) for each in cast("list[object]", value)]
    if isinstance(value, dict):
        items = cast("dict[str, object]", value).items()
        return {key: _filled(each, texts, key) for key, each in items}
    return value
