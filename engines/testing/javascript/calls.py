"""What can be called, and one call with all it needs, as data that is written as source."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from engines.testing.javascript.clues import Parameter
from engines.testing.javascript.kinds import fits
from engines.testing.javascript.literals import UNDEFINED, Value, size, written
from engines.testing.javascript.syntax import words

_RESERVED = words(
    "await break case catch class const continue debugger default delete do else enum export "
    "extends false finally for function if implements import in instanceof interface let new null "
    "package private protected public return static super switch this throw true try typeof var "
    "void while with yield arguments eval undefined"
)


@dataclass(frozen=True, eq=False)
class Target:
    """A function, class, method or getter. `callee` is how a test names it: `stack.push`."""

    key: str
    kind: str
    """function, class, method or getter."""
    callee: str
    name: str
    parameters: tuple[Parameter, ...]
    waits: bool
    owner: "Target | None" = None
    instance: str = "subject"
    """Of a class: what a test calls an object of it."""
    first_line: int = 0
    last_line: int = 0

    @property
    def title(self) -> str:
        """The heading of its tests: `slugify`, `Stack#push`."""
        if self.owner is None:
            return f"new {self.callee}" if self.kind == "class" else self.callee
        return f"{self.owner.callee}#{self.name}"


@dataclass(frozen=True)
class Step:
    """One call on the way, with the labels of the kinds its arguments are of."""

    target: Target
    args: tuple[Value, ...]
    labels: tuple[str, ...] = ()

    def source(self) -> str:
        """As an expression."""
        if self.target.kind == "getter":
            return self.target.callee
        new = "new " if self.target.kind == "class" else ""
        return f"{new}{self.target.callee}({', '.join(written(one) for one in self.args)})"


@dataclass(frozen=True)
class Call:
    """A call and the steps before it: a constructor and methods of what it made."""

    last: Step
    before: tuple[Step, ...] = ()
    is_example: bool = False
    """A person wrote its arguments, in the README or a test: they are kept as they are."""

    @property
    def target(self) -> Target:
        """What is tested."""
        return self.last.target

    @property
    def subject(self) -> str:
        """The local name of the object a method is called on; empty for functions."""
        owner = self.target.owner
        return owner.instance if owner is not None else ""

    @property
    def size(self) -> int:
        """How much there is to read."""
        steps = (self.last, *self.before)
        return sum(5 + sum(size(value) for value in step.args) for step in steps)

    @property
    def waits(self) -> bool:
        """Whether a step before it must be awaited."""
        return any(step.target.waits for step in self.before)

    def setup(self) -> list[str]:
        """The statements before it, without semicolons."""
        lines: list[str] = []
        for step in self.before:
            wait = "await " if step.target.waits else ""
            made = f"const {step.target.instance} = " if step.target.kind == "class" else ""
            lines.append(f"{made}{wait}{step.source()}")
        return lines

    def text(self) -> str:
        """All of it, to compare with."""
        return "; ".join((*self.setup(), self.last.source()))

    def request(self) -> dict[str, object]:
        """As the driver wants it."""
        forms = {"class": "new", "getter": "get"}
        return {
            "setup": self.setup(),
            "callee": self.target.callee,
            "form": forms.get(self.target.kind, "call"),
            "args": [written(one) for one in self.last.args],
            "subject": self.subject,
            "waits": self.waits,
        }

    def is_typed_right(self) -> bool:
        """Whether a compiler would accept all arguments, where parameters have types."""
        return all(_is_right(step) for step in (*self.before, self.last))

    def with_args(self, args: Sequence[Value]) -> "Call":
        """The same call with other arguments, without trailing `undefined`."""
        kept = list(args)
        while kept and kept[-1] == UNDEFINED:
            kept.pop()
        return replace(self, last=replace(self.last, args=tuple(kept)), is_example=False)


def _is_right(step: Step) -> bool:
    parameters = step.target.parameters
    needed = sum(not (one.is_optional or one.is_rest) for one in parameters)
    has_rest = bool(parameters) and parameters[-1].is_rest
    if len(step.args) < needed or (len(step.args) > len(parameters) and not has_rest):
        return False
    for place, value in enumerate(step.args):
        parameter = parameters[min(place, len(parameters) - 1)]
        if parameter.is_typed and not fits(parameter.kinds.values(), value):
            return parameter.is_optional and value == UNDEFINED
    return True


def instance_name(class_name: str, taken: Collection[str]) -> str:
    """A name for an object: `stack` for Stack."""
    word = class_name.rpartition(".")[2]
    lowered = re.sub(r"^[A-Z]+(?=[A-Z][a-z]|$)|^[A-Z]", lambda found: found[0].lower(), word)
    return "subject" if lowered == word or lowered in _RESERVED | set(taken) else lowered


def is_name(text: str) -> bool:
    """Whether a text can be a local variable."""
    return bool(re.fullmatch(r"[A-Za-z_$][\w$]*", text)) and text not in _RESERVED


@dataclass(frozen=True)
class Seen:
    """What one execution showed; texts are JavaScript source."""

    kind: str
    """value, items, instance, self, opaque, error, hang, pending, invalid, or unmade: a step before
    the call threw."""
    text: str = ""
    type: str = ""
    awaited: bool = False
    length: int | None = None
    fields: tuple[tuple[str, str], ...] = ()
    state: tuple[tuple[str, str], ...] = ()
    """Public fields of the receiver that the call changed, as they are afterwards."""
    changed: tuple[tuple[int, str], ...] = ()
    """Arguments the call changed, by place."""
    name: str | None = None
    """Of an error; None where something else was thrown."""
    code: str | None = None
    message: str = ""
    frames: tuple[tuple[str, int, int], ...] = ()
    hits: frozenset[int] = field(default_factory=frozenset[int])


@dataclass(frozen=True)
class Kept:
    """A call worth keeping, with what it showed."""

    call: Call
    seen: Seen
