"""Arguments that a call may change in place: each gets a variable, so that it can be looked at."""

import re
from collections.abc import Iterator
from dataclasses import replace

from engines.testing.calls import Call

_MUTABLE = re.compile(r"[\[{]|(bytearray|collections\.\w+|deque|Counter|[A-Z]\w*)\(")
_WORD = re.compile(r"[A-Za-z_]\w*")


def variables(call: Call) -> dict[int, str]:
    """The places of such arguments, and a free name for each, that of the parameter if it is."""
    taken = {word for text in (*call.setup, call.source) for word in _WORD.findall(text)}
    taken -= {one.name for one in call.arguments if one.name}
    found: dict[int, str] = {}
    for place, one in enumerate(call.arguments):
        if _MUTABLE.match(one.text) and not one.text.endswith((" for", ")()")):
            name = one.parameter.strip("_") or "given"
            while name in taken or not name.isidentifier():
                name += "_given"
            taken.add(name)
            found[place] = name
    return found


def named(call: Call, names: dict[int, str]) -> tuple[tuple[str, ...], str]:
    """The statements before the call, the variables' among them, and the call with those."""
    arguments = list(call.arguments)
    for place, name in names.items():
        arguments[place] = replace(arguments[place], text=name)
    return (
        (*call.setup, *_assignments(call, names)),
        replace(call, arguments=tuple(arguments)).source,
    )


def _assignments(call: Call, names: dict[int, str]) -> Iterator[str]:
    for place, name in names.items():
        yield f"{name} = {call.arguments[place].text}"
