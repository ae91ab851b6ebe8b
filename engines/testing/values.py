"""Writes values of a wanted type as source text."""

import random
from collections.abc import Callable

from engines.testing.calls import FILE_VALUE
from engines.testing.jail.rendering import quoted
from engines.testing.offers import ANY, ClassOffer, Input, Offers, Term
from engines.testing.seeds import Seeds

_DEPTH_LIMIT = 3
_POOL_LIMIT = 40
_SCALARS = ("int", "str", "int", "str", "float", "bool", "none")
_CONTAINERS = ("list", "dict", "tuple")
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
_LISTS = frozenset({"list", "sequence", "collection", "iterable", "mutablesequence", "reversible",
                    "sized", "container"})  # fmt: skip


class Values:
    """The value writer of one search; instances of classes come from what calls returned before."""

    def __init__(self, offers: Offers, seeds: Seeds) -> None:
        self.seeds = seeds
        self.classes = {one.identity: one for one in offers.classes}
        self._pool: dict[str, list[str]] = {}
        self._writers: dict[str, Callable[[Term, str, int], str]] = {
            "int": self._int, "integral": self._int, "number": self._int, "float": self._float,
            "real": self._float, "str": self._str, "hashable": self._any, "bytes": self._bytes,
            "bytearray": self._bytes, "decimal": self._decimal, "any": self._any,
            "union": self._union, "literal": self._literal, "tuple": self._tuple,
            "set": self._set, "frozenset": self._frozenset, "mutableset": self._set,
            "dict": self._dict, "mapping": self._dict, "mutablemapping": self._dict,
            "ordereddict": self._ordered, "defaultdict": self._dict, "counter": self._counter,
            "deque": self._deque, "iterator": self._iterator, "generator": self._iterator,
            "callable": self._callable, "class": self._instance, "stringio": self._stringio,
        }  # fmt: skip
        self._writers.update(dict.fromkeys(_LISTS, self._list))

    @property
    def choices(self) -> random.Random:
        """The search's randomness."""
        return self.seeds.choices

    def remember(self, class_id: str, text: str) -> None:
        """An expression that made an instance; short ones are worth more."""
        pool = self._pool.setdefault(class_id, [])
        if text not in pool and len(text) <= 120:  # noqa: PLR2004 -- still readable inside a call
            pool.append(text)
            pool.sort(key=len)
            del pool[_POOL_LIMIT:]

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
        return self._writers.get(term.name, self._any)(term, near, depth)

    def _int(self, term: Term, near: str, depth: int) -> str:
        return repr(self.seeds.integer())

    def _float(self, term: Term, near: str, depth: int) -> str:
        return repr(self.seeds.number())

    def _str(self, term: Term, near: str, depth: int) -> str:
        return quoted(self.seeds.text(near))

    def _bytes(self, term: Term, near: str, depth: int) -> str:
        if self.seeds.raw and self.choices.random() < 0.4:
            return quoted(self.choices.choice(self.seeds.raw))
        return quoted(self.seeds.text(near).encode("utf-8", "replace")[:40])

    def _decimal(self, term: Term, near: str, depth: int) -> str:
        is_whole = self.choices.random() < 0.4
        return f'Decimal("{self.seeds.integer() if is_whole else self.seeds.number()}")'

    def _stringio(self, term: Term, near: str, depth: int) -> str:
        return f"StringIO({quoted(self.seeds.text(near))})"

    def _any(self, term: Term, near: str, depth: int) -> str:
        if depth < _DEPTH_LIMIT and self.choices.random() < 0.3:
            name = self.choices.choice(_CONTAINERS)
            return self.text(Term(name, (STR_OR_ANY if name == "dict" else ANY,)), near, depth + 1)
        return self.text(Term(self.choices.choice(_SCALARS)), near, depth + 1)

    def _union(self, term: Term, near: str, depth: int) -> str:
        return self.text(self.choices.choice(term.arguments or (ANY,)), near, depth)

    def _literal(self, term: Term, near: str, depth: int) -> str:
        return self.choices.choice(term.literals or ("None",))

    def _items(self, term: Term, near: str, depth: int) -> list[str]:
        inner = term.arguments[0] if term.arguments else ANY
        if inner == ANY:
            inner = self.choices.choice((Term("int"), Term("str"), Term("int"), ANY))
        sizes = (0, 1, 2, 3, 3, 4) if depth == 0 else (0, 1, 2, 2)
        if depth >= _DEPTH_LIMIT:
            return []
        items = [self.text(inner, near, depth + 1) for _ in range(self.choices.choice(sizes))]
        if len(items) > 1 and self.choices.random() < 0.15:
            items[-1] = items[0]
        return items

    def _list(self, term: Term, near: str, depth: int) -> str:
        if term.name == "iterable" and self.choices.random() < 0.15:
            return self._tuple(Term("tuple", term.arguments, more=True), near, depth)
        return f"[{', '.join(self._items(term, near, depth))}]"

    def _tuple(self, term: Term, near: str, depth: int) -> str:
        if term.arguments and not term.more:
            items = [self.text(one, near, depth + 1) for one in term.arguments]
        else:
            items = self._items(term, near, depth)
        return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"

    def _set(self, term: Term, near: str, depth: int) -> str:
        items = list(dict.fromkeys(self._hashables(term, near, depth)))
        return f"{{{', '.join(items)}}}" if items else "set()"

    def _hashables(self, term: Term, near: str, depth: int) -> list[str]:
        inner = term.arguments[0] if term.arguments else ANY
        if inner.name in {"any", "list", "dict", "set"}:
            inner = self.choices.choice((Term("int"), Term("str")))
        return self._items(Term("list", (inner,)), near, depth)

    def _frozenset(self, term: Term, near: str, depth: int) -> str:
        inner = self._set(term, near, depth)
        return "frozenset()" if inner == "set()" else f"frozenset({inner})"

    def _dict(self, term: Term, near: str, depth: int) -> str:
        key, value = (*term.arguments, ANY, ANY)[:2] if term.arguments else (Term("str"), ANY)
        keys = list(dict.fromkeys(self._hashables(Term("list", (key,)), near, depth)))
        return f"{{{', '.join(f'{one}: {self.text(value, near, depth + 1)}' for one in keys)}}}"

    def _ordered(self, term: Term, near: str, depth: int) -> str:
        return f"collections.OrderedDict({self._dict(term, near, depth)})"

    def _counter(self, term: Term, near: str, depth: int) -> str:
        return f"collections.Counter({self._list(term, near, depth)})"

    def _deque(self, term: Term, near: str, depth: int) -> str:
        return f"deque({self._list(term, near, depth)})"

    def _iterator(self, term: Term, near: str, depth: int) -> str:
        return f"iter({self._list(Term('list', term.arguments[:1]), near, depth)})"

    def _callable(self, term: Term, near: str, depth: int) -> str:
        count = term.count if term.count in _LAMBDAS else self.choices.choice((1, 1, 1, 2, 0))
        return self.choices.choice(_LAMBDAS[count])

    def _instance(self, term: Term, near: str, depth: int) -> str:
        known = self.classes.get(term.class_id)
        if known is None:
            return "None"
        if known.members:
            return self.choices.choice(known.members)
        pool = self.pooled(term.class_id)
        if pool and (self.choices.random() < 0.6 or depth >= _DEPTH_LIMIT or known.is_abstract):
            place = int(len(pool) * self.choices.random() ** 2)
            return pool[place]
        return self._constructed(self._concrete(known), near, depth)

    def _concrete(self, known: ClassOffer) -> ClassOffer:
        others = [self.classes[one] for one in known.concrete if one in self.classes]
        others = [one for one in others if not one.name.startswith("_")]
        is_unfit = known.is_abstract or known.name.startswith("_")
        return self.choices.choice(others) if is_unfit and others else known

    def _constructed(self, known: ClassOffer, near: str, depth: int) -> str:
        if depth > _DEPTH_LIMIT:
            return "None"
        given = [one for one in known.inputs if not one.is_optional or self.choices.random() < 0.2]
        parts = [
            self._keyword(one, near, depth) for one in given if not one.kind.startswith("var_")
        ]
        return f"{known.name}({', '.join(parts)})"

    def _keyword(self, one: Input, near: str, depth: int) -> str:
        text = self.text(one.term, near, depth + 1)
        return text if one.kind == "positional_only" else f"{one.name}={text}"


STR_OR_ANY = Term("str")
