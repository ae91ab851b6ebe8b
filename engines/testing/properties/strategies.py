"""Hypothesis strategies as source, for types; from wide to narrow."""

from collections.abc import Callable

from engines.testing.offers import ANY, ClassOffer, Input, Kind, Offer, Offers, Term

LEVELS = 3
"""How many widths there are: anything of the type, what is harmless, what is small and plain."""
_DEPTH_LIMIT = 2
_NUMBERS = ("int", "float", "bool")
"""Optional parameters of these types get values too, up to the first of another type."""
_PLAIN: dict[str, tuple[str, ...]] = {
    "str": (
        "st.text(max_size=20)",
        'st.from_regex(r"[A-Za-z0-9 _-]{0,20}", fullmatch=True)',
        'st.from_regex(r"[a-z]{1,10}", fullmatch=True)',
    ),
    "int": (
        "st.integers()",
        "st.integers(min_value=0, max_value=10_000)",
        "st.integers(min_value=1, max_value=1_000)",
    ),
    "float": (
        "st.floats(allow_nan=False, allow_infinity=False)",
        "st.floats(min_value=-1e6, max_value=1e6)",
        "st.floats(min_value=0, max_value=1_000)",
    ),
    "bytes": ("st.binary(max_size=40)",),
    "bool": ("st.booleans()",),
    "none": ("st.none()",),
    "date": ("st.dates()",),
    "datetime": ("st.datetimes()",),
    "time": ("st.times()",),
    "timedelta": ("st.timedeltas()",),
    "decimal": ("st.decimals(allow_nan=False, allow_infinity=False, places=2)",),
    "fraction": ("st.fractions(max_denominator=1_000)",),
    "uuid": ("st.uuids()",),
}
_HOLDERS = {
    "list": "st.lists({0}, max_size=8)", "sequence": "st.lists({0}, max_size=8)",
    "iterable": "st.lists({0}, max_size=8)", "collection": "st.lists({0}, max_size=8)",
    "set": "st.sets({0}, max_size=8)", "frozenset": "st.frozensets({0}, max_size=8)",
    "dict": "st.dictionaries({0}, {1}, max_size=5)",
    "mapping": "st.dictionaries({0}, {1}, max_size=5)",
}  # fmt: skip


class Strategies:
    """Writes strategies; `term` tells the type of a constructor's parameter."""

    def __init__(self, offers: Offers, term: Callable[[Offer, Input], Term]) -> None:
        self._classes = {one.identity: one for one in offers.classes}
        self._makers = {one.name: one for one in offers.callables if one.kind is Kind.CONSTRUCTOR}
        self._term = term

    def text(self, term: Term, level: int, depth: int = 0) -> str | None:
        """The strategy for a type; None where there is none to be written down."""
        if term.name in _PLAIN:
            choices = _PLAIN[term.name]
            return choices[min(level, len(choices) - 1)]
        if depth > _DEPTH_LIMIT or term == ANY:
            return None
        if term.literals:
            return f"st.sampled_from([{', '.join(term.literals)}])"
        inner = [self.text(one, level, depth + 1) for one in term.arguments]
        parts = [one for one in inner if one]
        if term.name == "union":
            return " | ".join(parts) if len(parts) == len(inner) else None
        if term.name == "tuple" and not term.more and parts and len(parts) == len(inner):
            return f"st.tuples({', '.join(parts)})"
        holder = _HOLDERS.get(term.name)
        if holder:
            return holder.format(*parts) if parts and len(parts) == holder.count("{") else None
        found = self._classes.get(term.class_id)
        return self._class(found, level, depth) if found else None

    def _class(self, wanted: ClassOffer, level: int, depth: int) -> str | None:
        if wanted.members:
            return f"st.sampled_from({wanted.name})"
        maker = self._makers.get(wanted.name)
        if maker is None or wanted.is_abstract:
            return None
        parts = [wanted.name]
        for one in maker.inputs:
            term = self._term(maker, one)
            is_wanted = not one.is_optional or term.name in _NUMBERS
            if one.kind.startswith("var_") or not is_wanted:
                break
            part = self.text(term, level, depth + 1)
            if part is None:
                return None
            parts.append(f"{one.name}={part}" if one.kind == "keyword_only" else part)
        return f"st.builds({', '.join(parts)})" if len(parts) > 1 else None
