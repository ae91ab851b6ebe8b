"""Callables as forms with holes, and the types that go in and come out, as seen at run time."""

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engines.testing.offers import ANY, Input, Kind, Offer, Offers, Term
from engines.testing.search import Kept

_PLAIN = ("str", "int", "float", "bytes", "bool")


@dataclass(frozen=True)
class Form:
    """A use of one callable. `template` has `{0}`, `{1}` where its inputs stand."""

    name: str
    owner: str
    template: str
    inputs: tuple[Term, ...]
    parameters: tuple[str, ...]
    output: str
    """Identity of the class of its results: "builtins:str"."""
    offer: Offer
    is_changing: bool
    """Whether a result was seen that is not the first argument."""

    def of(self, *given: str) -> str:
        """The source of one use."""
        return self.template.format(*given)


def identity(term: Term) -> str:
    """The class of a term's values, as results name it."""
    return term.class_id or f"builtins:{term.name}"


class Forms:
    """The forms of a module, from what it offers and from calls that gave a result."""

    def __init__(self, offers: Offers, kept: Sequence[Kept]) -> None:
        self._classes = {one.name: one for one in offers.classes if one.is_own}
        self._made: dict[str, list[Kept]] = {}
        for one in kept:
            if one.result.observation.kind in {"value", "object"}:
                self._made.setdefault(one.call.offer.key, []).append(one)
        self.every = [form for offer in offers.callables for form in self._of(offer)]

    def term(self, offer: Offer, wanted: Input) -> Term:
        """The type of a parameter: as annotated, else that of most values it got."""
        if wanted.term.name == "union":
            plain = [one for one in wanted.term.arguments if one.name in _PLAIN]
            return plain[0] if plain else wanted.term
        if wanted.term != ANY:
            return wanted.term
        seen: Counter[Term] = Counter()
        for one in self._made.get(offer.key, ()):
            for given in one.call.arguments:
                if given.parameter == wanted.name:
                    seen[_term_of(given.text)] += 1
        return seen.most_common(1)[0][0] if seen else ANY

    def samples(self, form: Form, place: int) -> list[str]:
        """Source of inputs that gave a result."""
        made = self._made.get(form.offer.key, ())
        if form.offer.kind is Kind.METHOD:
            place -= 1
        found = [_given(one, place) for one in made]
        return list(dict.fromkeys(one for one in found if one))

    def _of(self, offer: Offer) -> Iterator[Form]:
        if offer.is_async or (offer.name.startswith("_") and not offer.name.startswith("__")):
            return
        required = [one for one in offer.inputs if not _is_optional(one)]
        called = _called(offer, len(required))
        owner = self._classes.get(offer.owner)
        if called is None or (offer.kind is Kind.METHOD and owner is None):
            return
        terms = [self.term(offer, one) for one in required]
        names = [one.name for one in required]
        if owner and offer.kind is Kind.METHOD:
            own = Term("class", class_id=owner.identity)
            is_operator = offer.name.startswith("__")
            terms = [own if is_operator and one == ANY else one for one in terms]
            terms.insert(0, own)
            names.insert(0, offer.owner.lower())
        made = self._made.get(offer.key, [])
        outputs = {one.result.observation.type for one in made}
        if len(outputs) == 1 and 1 <= len(terms) <= 2:  # noqa: PLR2004 - one input, or a pair
            yield Form(
                offer.name, offer.owner, called, tuple(terms), tuple(names), outputs.pop(), offer,
                any(one.result.observation.text != _given(one, 0) for one in made),
            )  # fmt: skip


def _is_optional(one: Input) -> bool:
    return one.is_optional or one.kind.startswith("var_")


_AS_METHODS = {
    "__str__": "str({0})", "__add__": "{0} + {1}", "__mul__": "{0} * {1}", "__and__": "{0} & {1}",
    "__or__": "{0} | {1}", "__neg__": "-{0}", "__invert__": "~{0}", "__reversed__": "",
    "__int__": "int({0})", "__float__": "float({0})", "__bytes__": "bytes({0})",
    "__lt__": "{0} < {1}", "__le__": "{0} <= {1}", "__eq__": "{0} == {1}", "__hash__": "hash({0})",
}  # fmt: skip


def _called(offer: Offer, count: int) -> str | None:
    holes = [f"{{{place}}}" for place in range(count + 1)]
    if offer.kind in {Kind.FUNCTION, Kind.CONSTRUCTOR}:
        return f"{offer.name}({', '.join(holes[:count])})"
    if offer.kind in {Kind.CLASS, Kind.STATIC}:
        return f"{offer.owner}.{offer.name}({', '.join(holes[:count])})"
    if offer.kind is not Kind.METHOD:
        return None
    if offer.name.startswith("__"):
        return _AS_METHODS.get(offer.name) or None
    return f"{{0}}.{offer.name}({', '.join(holes[1:])})"


def _given(one: Kept, place: int) -> str | None:
    """The argument at a place, -1 for the receiver."""
    if place < 0:
        return one.call.receiver if not one.call.steps else None
    arguments = one.call.arguments
    return arguments[place].text if place < len(arguments) else None


def _term_of(text: str) -> Term:
    try:
        value: object = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError):
        return ANY
    return _of_value(value)


def _of_value(value: object) -> Term:
    name = type(value).__name__
    if name in _PLAIN:
        return Term(name)
    if isinstance(value, list | set):
        kinds = {_of_value(item) for item in value}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] -- a literal
        return Term(name, (kinds.pop(),)) if len(kinds) == 1 else ANY
    return ANY
