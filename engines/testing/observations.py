"""What one execution of a call showed, as reported by the jail."""

from dataclasses import dataclass

from engines.testing.facts import (
    Fact,
    fact,
    items,
    number,
    optional_text,
    seconds,
    text,
    text_map,
    texts,
)


@dataclass(frozen=True)
class Observation:
    """How a call came out.

    `kind` is "value", "object", "items", "parts", "sized", "callable", "opaque", "error",
    "setup", "hang", "killed" or "skipped". `text` is the value's source where it has one.
    Attributes map ".name", or a function such as "len", "repr", "dict", to source texts.
    """

    kind: str
    type: str = ""
    text: str | None = None
    more: bool = False
    attributes: tuple[tuple[str, str], ...] = ()
    before: tuple[tuple[str, str], ...] = ()
    after: tuple[tuple[str, str], ...] = ()
    printed: str | None = None
    bases: tuple[str, ...] = ()
    message: str = ""
    line: int = 0
    deliberate: bool = False
    count: int = -1
    """How many items an iterator gave whose items have no text."""
    form: str = ""
    """Of items: "str" or "repr" where `text` is what they say of themselves."""
    lazy: str = ""
    """When an error came only later: "listed" while the returned iterator was read, "entered" on
    entering the returned context manager."""

    @property
    def type_name(self) -> str:
        """The class's own name, without module."""
        return self.type.rpartition(":")[2]

    @property
    def changed(self) -> tuple[tuple[str, str], ...]:
        """Attributes of the receiver that the call changed, as they are afterwards."""
        earlier = dict(self.before)
        return tuple((name, value) for name, value in self.after if earlier.get(name) != value)


@dataclass(frozen=True)
class Result:
    """One candidate's execution; `hits` is None where it showed nothing new and was not asked."""

    number: int
    hits: frozenset[int] | None
    observation: Observation
    operands: tuple[str, ...] = ()
    cpu_s: float = 0.0
    """What it took, where that is known."""


def read_result(value: object) -> Result:
    """A result from the jail.

    Raises:
        BadFact: it is none.
    """
    one = fact(value)
    hits = one.get("hits")
    return Result(
        number=number(one.get("number")),
        hits=None if hits is None else frozenset(number(item) for item in items(hits)),
        observation=_observation(fact(one.get("outcome"))),
        operands=texts(one.get("operands")),
        cpu_s=seconds(one.get("cpu_s", 0.0)),
    )


def _observation(one: Fact) -> Observation:
    return Observation(
        kind=text(one.get("kind")),
        type=optional_text(one.get("type")) or "",
        text=optional_text(one.get("text")),
        more=bool(one.get("more")),
        attributes=tuple(text_map(one.get("attributes")).items()),
        before=tuple(text_map(one.get("before")).items()),
        after=tuple(text_map(one.get("after")).items()),
        printed=optional_text(one.get("printed")),
        bases=texts(one.get("bases")),
        message=optional_text(one.get("message")) or "",
        line=number(one.get("line")),
        deliberate=bool(one.get("deliberate")),
        form=optional_text(one.get("form")) or "",
        lazy=optional_text(one.get("lazy")) or "",
        count=number(one["count"]) if "count" in one else -1,
    )
