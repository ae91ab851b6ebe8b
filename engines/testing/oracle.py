"""What a test may assert of a call, or whether its crash is news instead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from engines.source.docstrings import documented, sentence_naming
from engines.source.symbols import Class, Function
from engines.testing.calls import Call, Soundness
from engines.testing.observations import Observation, Result
from engines.testing.search import Kept

_NEVER_RAISED = frozenset({
    "StopIteration", "StopAsyncIteration", "GeneratorExit", "KeyboardInterrupt",
    "MemoryError", "RecursionError", "DeprecationWarning", "UserWarning",
})  # fmt: skip
_PROTOCOL = {
    "__getitem__": {"KeyError", "IndexError"}, "__delitem__": {"KeyError", "IndexError"},
    "__getattr__": {"AttributeError"}, "__setitem__": {"IndexError", "KeyError"},
    "__missing__": {"KeyError"},
}  # fmt: skip
_REFUSING = frozenset({
    "__lt__", "__le__", "__gt__", "__ge__", "__add__", "__sub__", "__mul__", "__truediv__",
    "__floordiv__", "__mod__", "__and__", "__or__", "__xor__", "__radd__", "__rsub__", "__rmul__",
})  # fmt: skip
"""Operators that return NotImplemented for what they do not know, which raises TypeError."""
_NEVER_EXPECTED = frozenset({
    "ZeroDivisionError", "IndexError", "UnboundLocalError", "NameError", "RecursionError",
    "KeyError", "RuntimeError",
})  # fmt: skip
_PARSERS = frozenset({"re", "json.decoder", "binascii", "struct", "decimal", "csv", "zlib"})
"""Modules whose own exceptions say that a text or some bytes are malformed."""
_REFUSALS = (
    "invalid literal for int()", "could not convert string to float", "unknown encoding",
    "codec can't", "expected a character", "must be a unicode character", "unhashable type",
    "embedded null", "only ASCII characters", "dictionary is empty", "is not in list",
    "x not in tuple",
)  # fmt: skip
"""What Python says of a text that is no number, of two letters for one, of a key that is a list."""
_GUESSED_TYPES_RAISE = frozenset({"TypeError", "AttributeError"})


class Verdict(StrEnum):
    """What becomes of an executed call."""

    TEST = "test"
    FINDING = "finding"
    DROP = "drop"


@dataclass(frozen=True)
class Texts:
    """The code and the docstrings that speak about an offer. `goals` are those in its body."""

    function: Function | None
    owner: Class | None
    goals: frozenset[int] = frozenset()

    def names(self, exception: str, bases: tuple[str, ...]) -> bool:
        """Whether a docstring or a raise statement announces the exception or one it extends."""
        plain = {exception, *(one.rpartition(":")[2] for one in bases)} - {
            "Exception", "BaseException", "object",
        }  # fmt: skip
        function = self.function.docstring if self.function else None
        owner = self.owner.docstring if self.owner else None
        said = {one.rpartition(".")[2] for one in documented(function).raises}
        return bool(plain & said) or any(
            name in (text or "") for name in plain for text in (function, owner)
        )

    def sentence(self, exception: str, parameters: list[str]) -> str | None:
        """The sentence of the docstring a crash seems to contradict."""
        docstring = self.function.docstring if self.function else None
        for word in (exception, "empty", *parameters):
            found = sentence_naming(docstring, word)
            if found:
                return found
        return None


def verdict(call: Call, result: Result, texts: Texts) -> Verdict:
    """Judge one execution."""
    seen = result.observation
    if seen.kind == "error" and texts.goals and not texts.goals & (result.hits or frozenset()):
        return Verdict.DROP  # an argument could not be made
    if seen.kind == "error" and not texts.function and any("(" in x.text for x in call.arguments):
        return Verdict.DROP
    if seen.kind in {"setup", "hang", "killed"}:
        return Verdict.DROP
    if seen.kind != "error":
        return Verdict.TEST
    name = seen.type_name
    if name in _NEVER_RAISED and not seen.deliberate:
        finding = name == "RecursionError" and call.soundness > 0
        return Verdict.FINDING if finding else Verdict.DROP
    if name == "TypeError" and "support" in seen.message and call.offer.name in _REFUSING:
        return Verdict.TEST
    if name in _NEVER_RAISED or not seen.line:
        return Verdict.DROP
    if seen.deliberate or texts.names(name, seen.bases):
        return Verdict.TEST if seen.deliberate or call.soundness > 0 else Verdict.DROP
    if name == "SystemExit" or name in _PROTOCOL.get(call.offer.name, ()):
        return Verdict.TEST
    return Verdict.FINDING if _is_news(call, seen) else Verdict.DROP


@dataclass(frozen=True)
class Judge:
    """Judges the executions of a module's calls; `texts` by the keys of their offers."""

    texts: Mapping[str, Texts]

    def tests(self, kept: Sequence[Kept]) -> list[Kept]:
        """Those that can become tests."""
        return [one for one in kept if self._verdict(one) is Verdict.TEST]

    def findings(self, kept: Sequence[Kept]) -> list[Kept]:
        """Those that crash where they should not."""
        return [one for one in kept if self._verdict(one) is Verdict.FINDING]

    def _verdict(self, one: Kept) -> Verdict:
        return verdict(one.call, one.result, self.texts[one.call.offer.key])


def _is_news(call: Call, seen: Observation) -> bool:
    """Whether the input was such that the code has no excuse for crashing."""
    if "builtins:OSError" in seen.bases or seen.type.partition(":")[0] in _PARSERS:
        return False
    if call.is_example or any(_is_function(one.text) for one in call.arguments):
        return False
    if _is_part(call.offer.owner) and f"'{call.offer.owner}' object has no" in seen.message:
        return False
    if _is_refused_value(call, seen):
        return False
    if seen.type_name in _GUESSED_TYPES_RAISE:
        return call.soundness is Soundness.ANNOTATED and _is_annotated(call)
    if seen.type_name == "KeyError" and any("{" in one.text for one in call.arguments):
        return False
    if call.soundness < Soundness.ANNOTATED:
        return seen.type_name in _NEVER_EXPECTED and call.soundness > 0
    return True


def _is_refused_value(call: Call, seen: Observation) -> bool:
    """Whether Python itself says that a value is none of those that its type is for."""
    if any(words in seen.message for words in _REFUSALS):
        return True
    given = {one.text.strip("\"'") for one in call.arguments}
    return seen.type_name == "KeyError" and seen.message.strip("\"'") in given


def _is_function(text: str) -> bool:
    """Whether it is a function or a class: only the callee knows which one it wants."""
    is_name = text.isidentifier() and text not in {"None", "True", "False"}
    return is_name or text.startswith(("lambda", "str.", "operator."))


def _is_part(owner: str) -> bool:
    """Whether a class only makes sense as a part of another, by its name."""
    return owner.endswith("Mixin") or owner.startswith(("Base", "Abstract"))


def _is_annotated(call: Call) -> bool:
    return all(_is_exact(one.term.name) for one in call.offer.inputs)


def _is_exact(name: str) -> bool:
    return name not in {"any", "callable", "class", "hashable", "list", "dict", "iterable",
                        "sequence", "mapping", "type"}  # fmt: skip
