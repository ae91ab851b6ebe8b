"""Writes values of a wanted type as source text."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

from engines.testing.calls import FILE_VALUE, Soundness
from engines.testing.jail.rendering import quoted
from engines.testing.offers import ANY, ClassOffer, Input, Offers, Term
from engines.testing.seeds import Seeds

_DEPTH_LIMIT = 3
_KEY_SHARE = 0.8
_FEW = 4
_UNBOUNDED_SHARE = 0.05
_SUBCLASS_SHARE, _MENTIONED_SIZE_SHARE = 0.35, 0.06
_POOL_LIMIT = 40
_READABLE_CHARS = 120
_SIZES, _INNER_SIZES = (0, 1, 2, 3, 3, 4), (0, 1, 2, 2)
_CALLABLE_COUNTS = (1, 1, 1, 2, 0)
_SCALARS = ("int", "str", "int", "str", "float", "bool", "none")
_WORDS, _WORD_SHARE = ("a", "b", "ab", "key", "name", "x", "1", ""), 0.4
_CONTAINERS = ("list", "dict", "tuple")
_DOCUMENT_SHARE, _NESTED_SHARE, _LEAVES_DEPTH = 0.08, 0.25, 4
_KEYS = ("a", "b", "name", "items", "x", "id", "key", "1")
_LAMBDAS = {
    0: ("lambda: 1", 'lambda: "a"', "list"),
    1: ("lambda item: item", "str", "lambda item: item > 1", "len", "bool", "lambda item: True",
        "lambda item: item * 2", "lambda item: False", "int", "str.upper", "lambda item: item % 2"),
    2: ("lambda left, right: left + right", "max", "lambda left, right: left < right",
        "operator.mul", "lambda left, right: left == right"),
    3: ("lambda first, second, third: first",),
}  # fmt: skip
_DATES = (
    "datetime.date(2020, 1, 31)", "datetime.date(2024, 2, 29)", "datetime.date(1999, 12, 31)",
    "datetime.date(2021, 3, 1)", "datetime.date(2023, 7, 16)",
)  # fmt: skip
_DATETIMES = (
    "datetime.datetime(2020, 1, 31, 12, 30)", "datetime.datetime(2024, 2, 29, 23, 59, 59)",
    "datetime.datetime(2020, 1, 31, tzinfo=datetime.timezone.utc)",
    "datetime.datetime(2021, 3, 1)", "datetime.datetime(2020, 1, 31, 12, 30, 0, 123456)",
)  # fmt: skip
_DELTAS = (
    "datetime.timedelta(0)", "datetime.timedelta(days=1)", "datetime.timedelta(hours=3, minutes=5)",
    "datetime.timedelta(seconds=-90)", "datetime.timedelta(days=400, microseconds=5)",
    "datetime.timedelta(seconds=30)",
)  # fmt: skip
_FIXED = {
    "date": _DATES, "datetime": _DATETIMES, "timedelta": _DELTAS,
    "time": ("datetime.time(12, 30)", "datetime.time(0, 0)", "datetime.time(23, 59, 59, 5)"),
    "tzinfo": ("datetime.timezone.utc", "datetime.timezone(datetime.timedelta(hours=2))"),
    "fraction": ("Fraction(1, 2)", "Fraction(-3, 4)", "Fraction(5, 1)", "Fraction(0, 1)"),
    "uuid": ('UUID("12345678-1234-5678-1234-567812345678")',),
    "random": ("random.Random(1)",), "slice": ("slice(0, 2)", "slice(None, None, 2)"),
    "range": ("range(3)", "range(0)", "range(1, 10, 2)"), "complex": ("1 + 2j", "0j"),
    "path": (FILE_VALUE, FILE_VALUE, 'tmp_path / "missing.txt"', "tmp_path"),
    "purepath": ('Path("a/b.txt")',), "pathlike": (FILE_VALUE,), "bool": ("True", "False"),
    "none": ("None",), "type": ("int", "str", "list", "ValueError"),
    "pattern": ('re.compile("a+")', r're.compile(r"\d+")'),
    "bytesio": ('BytesIO(b"abc")', 'BytesIO(b"")'),
}  # fmt: skip
_UNBOUNDED = ('float("inf")', 'float("-inf")', 'float("nan")')
_LISTS = frozenset({"list", "sequence", "collection", "iterable", "mutablesequence", "reversible",
                    "sized", "container"})  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """A value to write: its type, the callable it is for, how deep inside another value."""

    term: Term
    near: str
    depth: int

    def of(self, term: Term) -> Self:
        """The same place, another type."""
        return replace(self, term=term)


class Values:
    """The value writer of one search; instances of classes come from what calls returned before."""

    def __init__(self, offers: Offers, seeds: Seeds) -> None:
        self.seeds = seeds
        self.classes = {one.identity: one for one in offers.classes}
        self._pool: dict[str, list[str]] = {}
        self._founded: dict[str, Soundness] = {}
        self.worst = Soundness.ANNOTATED
        """How well founded the instances are that were used since it was last set."""
        for name, class_id in offers.instances:
            self.remember(class_id, name)
        self._plain: dict[str, Callable[[str], str]] = {
            "int": self._int, "integral": self._int, "number": self._int, "float": self._float,
            "real": self._float, "decimal": self._decimal,
        }  # fmt: skip
        self._shaped: dict[str, Callable[[Wanted], str]] = {
            "str": self._str, "hashable": self._any, "bytes": self._bytes,
            "bytearray": self._bytes, "any": self._any, "union": self._union, "tuple": self._tuple,
            "set": self._set, "frozenset": self._frozenset, "mutableset": self._set,
            "dict": self._dict, "mapping": self._dict, "mutablemapping": self._dict,
            "ordereddict": self._ordered, "defaultdict": self._dict, "counter": self._counter,
            "deque": self._deque, "iterator": self._iterator, "generator": self._iterator,
            "class": self._instance, "stringio": self._stringio, "literal": self._literal,
            "callable": self._callable, "namespace": self._namespace, "record": self._record,
        }  # fmt: skip
        self._shaped.update(dict.fromkeys(_LISTS, self._list))

    @property
    def choices(self) -> random.Random:
        """The search's randomness."""
        return self.seeds.choices

    def remember(
        self, class_id: str, text: str, soundness: Soundness = Soundness.ANNOTATED
    ) -> None:
        """An expression that made an instance; short ones are worth more."""
        self._founded[text] = max(soundness, self._founded.get(text, soundness))
        pool = self._pool.setdefault(class_id, [])
        if text not in pool and len(text) <= _READABLE_CHARS:
            pool.append(text)
            pool.sort(key=len)
            del pool[_POOL_LIMIT:]

    def founded(self, text: str) -> Soundness:
        """How well founded the arguments are in an expression that made an instance."""
        return self._founded.get(text, Soundness.ANNOTATED)

    def is_scarce(self, class_id: str) -> bool:
        """Whether few expressions are known to make an instance of the class itself."""
        return len(self._pool.get(class_id, ())) < _FEW

    def pooled(self, class_id: str) -> list[str]:
        """Expressions known to make an instance of the class or a concrete subclass."""
        found = list(self._pool.get(class_id, ()))
        known = self.classes.get(class_id)
        for other in known.concrete if known else ():
            found.extend(self._pool.get(other, ())[:8])
        return found

    def text(self, term: Term, near: str = "", depth: int = 0) -> str:
        """Source of a value of type `term`, for the callable named `near`."""
        if term.name in _FIXED:
            return self.choices.choice(_FIXED[term.name])
        if term.name in self._plain:
            return self._plain[term.name](near)
        return self._shaped.get(term.name, self._any)(Wanted(term, near, depth))

    def _inner(self, term: Term, wanted: Wanted) -> str:
        return self.text(term, wanted.near, wanted.depth + 1)

    def _int(self, near: str) -> str:
        return repr(self.seeds.integer(near))

    def _float(self, near: str) -> str:
        if self.seeds.chance(_UNBOUNDED_SHARE):
            return self.choices.choice(_UNBOUNDED)
        return repr(self.seeds.number(near))

    def _decimal(self, near: str) -> str:
        chosen = self.seeds.integer if self.seeds.chance(0.4) else self.seeds.number
        return f'Decimal("{chosen(near)}")'

    def _str(self, wanted: Wanted) -> str:
        return quoted(self.seeds.text(wanted.near))

    def _bytes(self, wanted: Wanted) -> str:
        if self.seeds.raw and self.seeds.chance(0.4):
            return quoted(self.choices.choice(self.seeds.raw))
        return quoted(self.seeds.text(wanted.near).encode("utf-8", "replace")[:40])

    def _stringio(self, wanted: Wanted) -> str:
        return f"StringIO({quoted(self.seeds.text(wanted.near))})"

    def _any(self, wanted: Wanted) -> str:
        if not wanted.depth and self.seeds.chance(_DOCUMENT_SHARE):
            return self._document(0)
        if not wanted.depth and self.seeds.chance(0.2):
            return self._unusual(wanted)
        if wanted.depth < _DEPTH_LIMIT and self.seeds.chance(0.3):
            name = self.choices.choice(_CONTAINERS)
            return self._inner(Term(name, (Term("str"),) if name == "dict" else (ANY,)), wanted)
        return self._scalar(wanted)

    def _unusual(self, wanted: Wanted) -> str:
        """A type, a function, or an instance that an earlier call made."""
        made = [text for pool in self._pool.values() for text in pool[:6]]
        if made and self.seeds.chance(0.6):
            return self.choices.choice(made)
        return self._inner(Term(self.choices.choice(("type", "callable"))), wanted)

    def _union(self, wanted: Wanted) -> str:
        one = self.choices.choice(wanted.term.arguments or (ANY,))
        return self.text(one, wanted.near, wanted.depth)

    def _literal(self, wanted: Wanted) -> str:
        return self.choices.choice(wanted.term.literals or ("None",))

    def _items(self, wanted: Wanted) -> list[str]:
        inner = wanted.term.arguments[0] if wanted.term.arguments else ANY
        if inner == ANY:
            inner = self.choices.choice((Term("int"), Term("str"), Term("int"), ANY))
        if wanted.depth >= _DEPTH_LIMIT:
            return []
        size = self.choices.choice(_INNER_SIZES if wanted.depth else _SIZES)
        if not wanted.depth and self.seeds.chance(_MENTIONED_SIZE_SHARE):
            size = self.seeds.size(wanted.near)
        items = [self._inner(inner, wanted) for _ in range(size)]
        if len(items) > 1 and self.seeds.chance(0.15):
            items[-1] = items[0]
        return items

    def _list(self, wanted: Wanted) -> str:
        if wanted.term.name == "iterable" and self.seeds.chance(0.15):
            return self._tuple(wanted.of(Term("tuple", wanted.term.arguments, more=True)))
        return f"[{', '.join(self._items(wanted))}]"

    def _tuple(self, wanted: Wanted) -> str:
        term = wanted.term
        if term.arguments and not term.more:
            items = [self._inner(one, wanted) for one in term.arguments]
        else:
            items = self._items(wanted)
        return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"

    def _set(self, wanted: Wanted) -> str:
        items = list(dict.fromkeys(self._hashables(wanted)))
        return f"{{{', '.join(items)}}}" if items else "set()"

    def _hashables(self, wanted: Wanted) -> list[str]:
        inner = wanted.term.arguments[0] if wanted.term.arguments else ANY
        if inner.name in {"any", "list", "dict", "set"}:
            inner = self.choices.choice((Term("int"), Term("str")))
        return self._items(wanted.of(Term("list", (inner,))))

    def _frozenset(self, wanted: Wanted) -> str:
        inner = self._set(wanted)
        return "frozenset()" if inner == "set()" else f"frozenset({inner})"

    def _dict(self, wanted: Wanted) -> str:
        key, value = (*(wanted.term.arguments or (Term("str"),)), ANY, ANY)[:2]
        keys = list(dict.fromkeys(self._hashables(wanted.of(Term("list", (key,))))))
        items = (
            self._document(wanted.depth + 1)
            if value == ANY and self.seeds.chance(_NESTED_SHARE)
            else self._inner(value, wanted)
            for _ in keys
        )
        return f"{{{', '.join(f'{key}: {item}' for key, item in zip(keys, items, strict=True))}}}"

    def _document(self, depth: int) -> str:
        """What JSON could hold: tables and lists in each other, with the same few keys."""
        shape = self.choices.choice(("table", "table", "list", "rows", "leaf", "leaf"))
        if depth >= _LEAVES_DEPTH or (depth and shape == "leaf"):
            return self._scalar(Wanted(ANY, "", depth))
        count = self.choices.choice((1, 1, 2, 2, 3, 0))
        if shape in {"list", "rows"}:
            items = [self._table(depth + 1) if shape == "rows" else self._document(depth + 1)
                     for _ in range(count)]  # fmt: skip
            return f"[{', '.join(items)}]"
        return self._table(depth)

    def _table(self, depth: int) -> str:
        keys = self.choices.sample(_KEYS, self.choices.choice((1, 1, 2, 2, 3)))
        parts = [f"{quoted(key)}: {self._document(depth + 1)}" for key in keys]
        return f"{{{', '.join(parts)}}}"

    def _ordered(self, wanted: Wanted) -> str:
        return f"collections.OrderedDict({self._dict(wanted)})"

    def _counter(self, wanted: Wanted) -> str:
        return f"collections.Counter({self._list(wanted)})"

    def _deque(self, wanted: Wanted) -> str:
        return f"deque({self._list(wanted)})"

    def _iterator(self, wanted: Wanted) -> str:
        return f"iter({self._list(wanted.of(Term('list', wanted.term.arguments[:1])))})"

    def _callable(self, wanted: Wanted) -> str:
        known = wanted.term.count in _LAMBDAS
        count = wanted.term.count if known else self.choices.choice(_CALLABLE_COUNTS)
        return self.choices.choice(_LAMBDAS[count])

    def _namespace(self, wanted: Wanted) -> str:
        """An object with just the attributes and methods that the code uses."""
        parts: list[str] = []
        for name, term in zip(wanted.term.literals, wanted.term.arguments, strict=True):
            text = self._part(term, wanted)
            parts.append(
                f"{name[:-2]}=lambda *args: {text}" if name[-1] == ")" else f"{name}={text}"
            )
        return f"SimpleNamespace({', '.join(parts)})"

    def _record(self, wanted: Wanted) -> str:
        """A dictionary with the keys that the code reads, or some of them."""
        parts = [
            f"{quoted(key)}: {self._part(term, wanted)}"
            for key, term in zip(wanted.term.literals, wanted.term.arguments, strict=True)
            if self.seeds.chance(_KEY_SHARE)
        ]
        return f"{{{', '.join(parts)}}}"

    def _part(self, term: Term, wanted: Wanted) -> str:
        return self._scalar(wanted) if term == ANY else self._inner(term, wanted)

    def _scalar(self, wanted: Wanted) -> str:
        """A plain value where nothing asks for a special one; texts are short words mostly."""
        name = self.choices.choice(_SCALARS)
        if name == "str" and self.seeds.chance(_WORD_SHARE):
            return quoted(self.choices.choice(_WORDS))
        return self._inner(Term(name), wanted)

    def _instance(self, wanted: Wanted) -> str:
        known = self.classes.get(wanted.term.class_id)
        if known is None:
            return "None"
        if known.members:
            return self.choices.choice(known.members)
        pool = self.pooled(wanted.term.class_id)
        is_deep = wanted.depth >= _DEPTH_LIMIT
        if pool and (is_deep or known.is_abstract or self.seeds.chance(0.6)):
            text = pool[int(len(pool) * self.choices.random() ** 2)]
            self.worst = min(self.worst, self.founded(text))
            return text
        return self._constructed(self._concrete(known), wanted)

    def _concrete(self, known: ClassOffer) -> ClassOffer:
        others = [self.classes[one] for one in known.concrete if one in self.classes]
        others = [one for one in others if not one.name.startswith("_")]
        is_unfit = known.is_abstract or known.name.startswith("_")
        if others and (is_unfit or self.seeds.chance(_SUBCLASS_SHARE)):
            return self.choices.choice(others)
        return known

    def heir(self, known: ClassOffer) -> str | None:
        """An instance of a class of another module below this one; None where none is known."""
        others = [self.classes[one] for one in known.concrete if one in self.classes]
        others = [one for one in others if not one.is_own]
        wanted = Wanted(ANY, "", 0)
        return self._constructed(self.choices.choice(others), wanted) if others else None

    def _constructed(self, known: ClassOffer, wanted: Wanted) -> str:
        if wanted.depth > _DEPTH_LIMIT:
            return "None"
        given = [one for one in known.inputs if not one.is_optional or self.seeds.chance(0.2)]
        parts = [self._keyword(one, wanted) for one in given if not one.kind.startswith("var_")]
        name = self.subclass(known) if known.is_abstract else known.name
        return f"{name}({', '.join(parts)})"

    def subclass(self, known: ClassOffer) -> str:
        """A subclass that has what the class leaves open."""
        methods = [
            f"{quoted(name)}: lambda self, *args: {self._scalar(Wanted(ANY, '', 1))}"
            for name in known.open_methods
        ]
        return f'type("Concrete", ({known.name},), {{{", ".join(methods)}}})'

    def _keyword(self, one: Input, wanted: Wanted) -> str:
        text = self._inner(one.term, wanted)
        return text if one.kind == "positional_only" else f"{one.name}={text}"
