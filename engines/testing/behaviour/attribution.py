"""Which function a difference belongs to, and the line of the head's file that shows it."""

import re
from collections.abc import Iterable, Iterator

from engines.source.module import Module
from engines.source.symbols import Class, Function
from engines.testing.behaviour.changes import Changes
from engines.testing.calls import Call
from engines.testing.offers import Kind


class Attribution:
    """Knows the functions of both versions and the changed lines of the head."""

    def __init__(self, head: Module, changes: Changes) -> None:
        self._changes = changes
        self._spans: dict[str, Function | Class] = {one.qualname: one for one in head.classes}
        self._spans.update((one.qualname, one) for one in head.all_functions())

    def function(self, call: Call, lines: Iterable[int]) -> str:
        """The changed function that a call ran: the called one first, else one that it reached.

        `lines` are those of the head that the call itself ran; what came before it is searched
        for the names of changed functions.
        """
        offer = call.offer
        called = offer.key.rstrip("=")
        own = [called, f"{called}.__init__"] if offer.kind is Kind.CONSTRUCTOR else [called]
        for name in own:
            if name in self._changes.symbols:
                return name
        seen = set(lines)
        for wanted in (seen & self._changes.head_lines, seen):
            for name in self._changed_functions(wanted):
                return name
        before = " ".join((*call.setup, call.receiver or ""))
        for name in sorted(self._changes.symbols & set(self._spans)):
            if re.search(rf"\b{name.rpartition('.')[2]}\(", before):
                return name
        if offer.owner in self._changes.symbols:
            return offer.owner
        for name in sorted(self._changes.symbols & set(self._spans)):
            if offer.owner and name.startswith(f"{offer.owner}."):
                return name
        return called

    def others(self, function: str, call: Call) -> int:
        """How many changed functions beside this one the text of a call names."""
        text = " ".join((*call.setup, call.source))
        names = {one.rpartition(".")[2] for one in self._changes.symbols & set(self._spans)}
        return sum(f"{one}(" in text for one in names - {function.rpartition(".")[2]})

    def _changed_functions(self, lines: set[int]) -> Iterator[str]:
        """Changed functions of which one of these lines was run."""
        for name, one in self._spans.items():
            if name not in self._changes.symbols or isinstance(one, Class):
                continue
            if any(one.first_line <= line <= one.last_line for line in lines):
                yield name

    def line(self, function: str) -> int:
        """A changed line of the function, else its first; of what is gone, the file's first."""
        one = self._spans.get(function) or self._spans.get(function.rpartition(".")[0])
        if one is None:
            return next(iter(self._changes.head_anchors), 1)
        inside = range(one.first_line, one.last_line + 1)
        return next((line for line in self._changes.head_anchors if line in inside), inside[0])
