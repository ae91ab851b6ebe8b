"""A failing case made small enough to be read."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, cast

from jobs.messages import Reply
from tests.acceptance.rendering.cases import Case

_MOST_CPU_S = 20.0


def shrunk(case: Case, fails: Callable[[Case], bool]) -> Case:
    """The case with blocks, cells and parts of texts taken away for as long as it still fails."""
    started = time.process_time()
    goes_on = True
    while goes_on:
        goes_on = False
        for smaller in _smaller_cases(case):
            if time.process_time() - started > _MOST_CPU_S:
                return case
            if fails(smaller):
                case, goes_on = smaller, True
                break
    return case


def _smaller_cases(case: Case) -> Iterator[Case]:
    for value in _smaller(case.reply.model_dump(), ""):
        yield replace(case, reply=Reply.model_validate(value))
    for name in ("text", "line"):
        for value in _smaller_text(getattr(case.view, name)):
            yield replace(case, view=replace(case.view, **{name: value}))


def _smaller(value: Any, name: str) -> Iterator[Any]:
    if isinstance(value, str) and name not in ("kind", "artifact", "verb", "job"):
        yield from _smaller_text(value)
    elif isinstance(value, tuple):
        yield from _smaller_row(cast("tuple[Any, ...]", value), name)
    elif isinstance(value, dict):
        named = cast("dict[str, Any]", value)
        for key, each in named.items():
            for smaller in _smaller(each, key):
                yield {**named, key: smaller}


def _smaller_row(value: tuple[Any, ...], name: str) -> Iterator[Any]:
    if name in ("blocks", "rows", "pairs", "actions"):
        half = len(value) // 2
        yield from [value[:half], value[half:]] if half else []
        yield from (value[:at] + value[at + 1 :] for at in range(len(value)))
    for at, each in enumerate(value):
        for smaller in _smaller(each, ""):
            yield (*value[:at], smaller, *value[at + 1 :])


def _smaller_text(text: str) -> Iterator[str]:
    size = len(text)
    while size > 0:
        for at in range(0, len(text), size) if len(text) // size < 40 else ():
            yield text[:at] + text[at + size :]
        size //= 2
