"""A call as a test would make it: the object, what happens to it first, the arguments."""

import re
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property

from engines.testing.offers import ON_INSTANCE, Kind, Offer

FILE_VALUE = 'tmp_path / "sample.txt"'

_OPERATORS = {
    "__len__": "len({s})", "__getitem__": "{s}[{0}]", "__setitem__": "{s}[{0}] = {1}",
    "__delitem__": "del {s}[{0}]", "__contains__": "{0} in {s}", "__iter__": "list({s})",
    "__next__": "next({s})", "__reversed__": "list(reversed({s}))", "__str__": "str({s})",
    "__repr__": "repr({s})", "__bool__": "bool({s})", "__eq__": "{s} == {0}",
    "__ne__": "{s} != {0}", "__lt__": "{s} < {0}", "__le__": "{s} <= {0}", "__gt__": "{s} > {0}",
    "__ge__": "{s} >= {0}", "__add__": "{s} + {0}", "__sub__": "{s} - {0}",
    "__mul__": "{s} * {0}", "__truediv__": "{s} / {0}", "__floordiv__": "{s} // {0}",
    "__mod__": "{s} % {0}", "__pow__": "{s} ** {0}", "__and__": "{s} & {0}",
    "__or__": "{s} | {0}", "__xor__": "{s} ^ {0}", "__matmul__": "{s} @ {0}",
    "__lshift__": "{s} << {0}", "__rshift__": "{s} >> {0}", "__radd__": "{0} + {s}",
    "__rsub__": "{0} - {s}", "__rmul__": "{0} * {s}", "__rtruediv__": "{0} / {s}",
    "__rfloordiv__": "{0} // {s}", "__rmod__": "{0} % {s}", "__rpow__": "{0} ** {s}",
    "__rand__": "{0} & {s}", "__ror__": "{0} | {s}", "__rxor__": "{0} ^ {s}",
    "__iadd__": "{s} += {0}", "__isub__": "{s} -= {0}", "__imul__": "{s} *= {0}",
    "__iand__": "{s} &= {0}", "__ior__": "{s} |= {0}", "__ixor__": "{s} ^= {0}",
    "__neg__": "-{s}", "__pos__": "+{s}", "__invert__": "~{s}", "__abs__": "abs({s})",
    "__int__": "int({s})", "__float__": "float({s})", "__complex__": "complex({s})",
    "__index__": "operator.index({s})", "__round__": "round({s})", "__divmod__": "divmod({s}, {0})",
    "__format__": "format({s}, {0})", "__getattr__": "getattr({s}, {0})",
    "__hash__": "hash({s}) == hash({r})", "__enter__": "{s}.__enter__()",
    "__exit__": "with {s}:\n    pass", "__bytes__": "bytes({s})", "__trunc__": "math.trunc({s})",
    "__copy__": "copy.copy({s})", "__deepcopy__": "copy.deepcopy({s})",
    "__reduce__": "pickle.loads(pickle.dumps({s}))", "__dir__": "dir({s})",
    "__reduce_ex__": "pickle.loads(pickle.dumps({s}))",
    "__getnewargs__": "pickle.loads(pickle.dumps({s}))",
    "__getstate__": "pickle.loads(pickle.dumps({s}))",
    "__delattr__": "delattr({s}, {0})",
    "__setstate__": "pickle.loads(pickle.dumps({s}))",
    "__setattr__": "setattr({s}, {0}, {1})",
    "__floor__": "math.floor({s})", "__ceil__": "math.ceil({s})",
}  # fmt: skip


class Soundness(IntEnum):
    """How well founded the type of an input is."""

    GUESSED = 0
    SUGGESTED = 1
    """By the code that uses it, its default or the docstring."""
    ANNOTATED = 2


@dataclass(frozen=True)
class Argument:
    """One argument as source text; `name` is None for a positional one."""

    name: str | None
    text: str
    soundness: Soundness
    parameter: str = ""
    choice: int = -1
    """Which of the parameter's types it was made from."""

    @property
    def source(self) -> str:
        """As written between the parentheses."""
        return f"{self.name}={self.text}" if self.name else self.text


@dataclass(frozen=True)
class Call:
    """One candidate. `steps` are statements on the receiver, with `{s}` for its name."""

    offer: Offer
    arguments: tuple[Argument, ...] = ()
    receiver: str | None = None
    receiver_soundness: Soundness = Soundness.ANNOTATED
    steps: tuple[str, ...] = ()
    file_text: str | None = None
    """Content of the file that `FILE_VALUE` names, as source text."""
    follow: tuple[str, ...] = ()
    """Arguments to call the result with, and that result in turn: `make(1)("x")("y")`."""
    lead: tuple[str, ...] = ()
    """Statements before all others, for what they change outside of every object."""
    example: tuple[str, ...] = ()
    """The statements of the document or test that it was taken from; it may differ since."""
    is_inline: bool = False
    """Written without a variable for the receiver: `Stack([1]).pop()`."""
    variable: str = ""
    """What the receiver is called instead of its class's name in lower case."""

    @cached_property
    def is_example(self) -> bool:
        """Whether it stands in a document or a test as it is."""
        return self.example == self.statements

    @property
    def statements(self) -> tuple[str, ...]:
        """All of it as it is written."""
        return (*self.setup, self.source)

    @cached_property
    def soundness(self) -> Soundness:
        """The least of its parts."""
        if self.follow:
            return Soundness.GUESSED
        return min([self.receiver_soundness, *(one.soundness for one in self.arguments)])

    @cached_property
    def subject(self) -> str | None:
        """The variable that holds the receiver; None for what needs no object."""
        if self.receiver is None or self.is_inline:
            return None
        return self.variable or variable_name(self.offer.owner)

    @cached_property
    def setup(self) -> tuple[str, ...]:
        """The statements before the call."""
        lines: list[str] = []
        if self.file_text is not None:
            lines.append(f"({FILE_VALUE}).write_text({self.file_text})")
        lines.extend(self.lead)
        if self.receiver is not None and not self.is_inline:
            lines.append(f"{self.subject} = {self.receiver}")
            lines.extend(step.replace("{s}", self.subject or "") for step in self.steps)
        return tuple(lines)

    @property
    def expression(self) -> str | None:
        """The call on one line, without a variable for its receiver; None where that cannot be."""
        is_more = bool(self.follow or self.steps or self.lead) or self.file_text is not None
        if is_more or self.offer.is_async:
            return None
        if self.receiver is None:
            return self.source
        if self.offer.kind is Kind.SETTER or self.offer.name.startswith("__"):
            return None
        return invocation(self.offer, self.receiver, self.arguments, self.receiver)

    @cached_property
    def source(self) -> str:
        """The call itself: an expression, or one statement."""
        text = self._plain_source() + "".join(f"({given})" for given in self.follow)
        return f"asyncio.run({text})" if self.offer.is_async else text

    def _plain_source(self) -> str:
        offer = self.offer
        given = ", ".join(one.source for one in self.arguments)
        if offer.kind in {Kind.FUNCTION, Kind.CONSTRUCTOR}:
            return f"{offer.name}({given})"
        if offer.kind not in ON_INSTANCE:
            return f"{offer.owner}.{offer.name}({given})"
        receiver = self.receiver or ""
        subject = receiver if self.is_inline else self.subject or ""
        return invocation(offer, subject, self.arguments, receiver)

    @cached_property
    def size(self) -> int:
        """How much there is to read."""
        return len(self.source) + sum(len(line) + 10 for line in self.setup)

    def with_argument(
        self, index: int, text: str, soundness: Soundness = Soundness.ANNOTATED
    ) -> "Call":
        """The same call with another text at one place, of which not more than this is known."""
        changed = list(self.arguments)
        least = min(soundness, changed[index].soundness)
        changed[index] = replace(changed[index], text=text, soundness=least)
        return replace(self, arguments=tuple(changed))


def invocation(
    offer: Offer, subject: str, arguments: tuple[Argument, ...], receiver: str = ""
) -> str:
    """Source of a use of `subject`: an operator where there is one, else a method call."""
    if offer.kind is Kind.PROPERTY:
        return f"{subject}.{offer.name}"
    if offer.kind is Kind.SETTER:
        return f"{subject}.{offer.name} = {arguments[0].text if arguments else 'None'}"
    given = ", ".join(one.source for one in arguments)
    if offer.name == "__call__":
        return f"{subject}({given})"
    template = _OPERATORS.get(offer.name)
    texts = [_operand(one.text) if "len" not in (template or "") else one.text for one in arguments]
    needed = len(set(re.findall(r"\{(\d)\}", template))) if template else 0
    if template is None or needed > len(texts):
        return f"{subject}.{offer.name}({given})"
    return (
        template.replace("{s}", subject)
        .replace("{r}", receiver)
        .replace("{0}", texts[0] if texts else "")
        .replace("{1}", texts[1] if len(texts) > 1 else "")
    )


def _operand(text: str) -> str:
    """The text, in parentheses where an operator beside it would bind closer."""
    loose = re.search(r"\blambda\b|[-+*/%|&<>=]\s|\bif\b|^-", text)
    return f"({text})" if loose and not text.endswith((")", '"', "]", "}")) else text


def variable_name(class_name: str) -> str:
    """`ShoppingCart` as `shopping_cart`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", class_name)
    name = words.lower().strip("_")
    is_free = name.isidentifier() and name not in _TAKEN and name != class_name
    return name if is_free else "subject"


_TAKEN = frozenset(
    [
        "class",
        "def",
        "for",
        "if",
        "in",
        "is",
        "not",
        "or",
        "and",
        "list",
        "dict",
        "set",
        "str",
        "int",
        "float",
        "bool",
        "type",
        "object",
        "tuple",
        "range",
        "date",
        "time",
        "path",
        "io",
        "re",
        "math",
        "random",
        "collections",
        "operator",
        "itertools",
        "asyncio",
        "deque",
        "lambda",
        "with",
        "counter",
        "iter",
        "next",
        "map",
        "filter",
        "len",
        "hash",
        "repr",
        "from",
        "import",
        "global",
        "try",
        "except",
        "pass",
    ]
)
