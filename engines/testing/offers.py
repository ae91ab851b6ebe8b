"""What the imported module offers to be called, as the jail described it."""

from dataclasses import dataclass, field
from enum import StrEnum

from engines.testing.facts import Fact, fact, items, number, optional_text, text, text_map, texts


class Kind(StrEnum):
    """How a callable is called."""

    FUNCTION = "function"
    CONSTRUCTOR = "constructor"
    METHOD = "method"
    CLASS = "class"
    STATIC = "static"
    PROPERTY = "property"
    SETTER = "setter"


ON_INSTANCE = frozenset({Kind.METHOD, Kind.PROPERTY, Kind.SETTER})


@dataclass(frozen=True)
class Term:
    """A type: `name` is its kind ("int", "list", "class", ...), `class_id` that of a class."""

    name: str
    arguments: tuple["Term", ...] = ()
    literals: tuple[str, ...] = ()
    class_id: str = ""
    count: int = -1
    """Of a callable: how many arguments it takes; -1 where unknown."""
    more: bool = False
    """Of a tuple: any number of the one argument."""


ANY = Term("any")


@dataclass(frozen=True)
class Input:
    """One parameter. `kind` is inspect's name for it, in lower case."""

    name: str
    kind: str
    term: Term
    is_optional: bool
    default: str | None


@dataclass(frozen=True)
class Offer:
    """Something public to call. `line` is where its code begins, 0 where it has none here."""

    name: str
    owner: str
    kind: Kind
    line: int
    is_async: bool
    inputs: tuple[Input, ...]
    is_inherited: bool

    @property
    def key(self) -> str:
        """Its name in results: "Stack.push", "Stack.size=" for a setter."""
        name = f"{self.owner}.{self.name}" if self.owner else self.name
        return f"{name}=" if self.kind is Kind.SETTER else name


@dataclass(frozen=True)
class ClassOffer:
    """A class that can serve as a value: of the target, or mentioned by its annotations."""

    name: str
    identity: str
    module: str
    is_own: bool
    members: tuple[str, ...]
    is_abstract: bool
    is_exception: bool
    concrete: tuple[str, ...]
    inputs: tuple[Input, ...]
    attributes: frozenset[str]
    open_methods: tuple[str, ...] = ()
    """Abstract methods, which a subclass has to have."""


@dataclass(frozen=True)
class Offers:
    """Everything a module offers, with the values and patterns found in it at run time."""

    callables: tuple[Offer, ...]
    classes: tuple[ClassOffer, ...]
    values: tuple[str, ...]
    patterns: tuple[tuple[str, int], ...]
    named_patterns: dict[str, list[tuple[str, int]]] = field(
        default_factory=dict[str, list[tuple[str, int]]]
    )
    """The same, by the names that hold them."""
    names: frozenset[str] = frozenset()
    """The names of the module's own level."""
    instances: tuple[tuple[str, str], ...] = ()
    """Names that hold an instance of one of the classes, with the class's identity."""
    constants: dict[str, str] = field(default_factory=dict[str, str])
    """Source of plain constants, by the names that hold them in the module or a class."""
    borrowed: frozenset[str] = frozenset()
    """The names of other modules that calls may use: those that could be imported."""


def read_offers(value: object) -> Offers:
    """The offers in the jail's description of a module.

    Raises:
        BadFact: it is not such a description.
    """
    whole = fact(value)
    named: dict[str, list[tuple[str, int]]] = {}
    for one in map(items, items(whole.get("patterns"))):
        named.setdefault(text(one[2]), []).append((text(one[0]), number(one[1])))
    return Offers(
        callables=tuple(_offer(fact(one)) for one in items(whole.get("callables"))),
        classes=tuple(_class(fact(one)) for one in items(whole.get("classes"))),
        values=texts(whole.get("values")),
        patterns=tuple(dict.fromkeys(one for group in named.values() for one in group)),
        named_patterns=named,
        names=frozenset(texts(whole.get("names"))),
        constants=text_map(whole.get("constants")),
        borrowed=frozenset(texts(whole.get("borrowed"))),
        instances=tuple(
            (text(one[0]), text(one[1])) for one in map(items, items(whole.get("instances")))
        ),
    )


def _offer(one: Fact) -> Offer:
    return Offer(
        name=text(one.get("name")),
        owner=text(one.get("owner")),
        kind=Kind(text(one.get("kind"))),
        line=number(one.get("line")),
        is_async=bool(one.get("async")),
        inputs=_inputs(one.get("parameters")),
        is_inherited=bool(one.get("inherited")),
    )


def _class(one: Fact) -> ClassOffer:
    return ClassOffer(
        name=text(one.get("name")),
        identity=text(one.get("id")),
        module=text(one.get("module")),
        is_own=bool(one.get("own")),
        members=texts(one.get("members")),
        is_abstract=bool(one.get("abstract")),
        is_exception=bool(one.get("exception")),
        concrete=texts(one.get("concrete")),
        inputs=_inputs(one.get("parameters")),
        attributes=frozenset(texts(one.get("attributes"))),
        open_methods=texts(one.get("open")),
    )


def _inputs(value: object) -> tuple[Input, ...]:
    found: list[Input] = []
    for item in items(value):
        one = fact(item)
        found.append(
            Input(
                name=text(one.get("name")),
                kind=text(one.get("kind")),
                term=_term(fact(one.get("term"))),
                is_optional=bool(one.get("optional")),
                default=optional_text(one.get("default")),
            )
        )
    return tuple(found)


def _term(one: Fact) -> Term:
    return Term(
        name=text(one.get("n")),
        arguments=tuple(_term(fact(item)) for item in items(one.get("a"))),
        literals=texts(one.get("v")),
        class_id=optional_text(one.get("class")) or "",
        count=number(one.get("count")) if "count" in one else -1,
        more=bool(one.get("more")),
    )
