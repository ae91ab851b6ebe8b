"""What the code and its docstring tell of a parameter's type where no annotation does."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from engines.source.docstrings import documented
from engines.source.module import Module
from engines.source.symbols import Class, Function
from engines.testing.bodies import Bodies
from engines.testing.calls import Soundness
from engines.testing.offers import ANY, Input, Offers, Term
from engines.testing.terms import (
    BOOL,
    BYTES,
    CALLABLE,
    DICT,
    FLOAT,
    INT,
    LIST,
    NONE,
    NUMBERS,
    PATH,
    SET,
    STR,
    TEXTS,
    TUPLE,
    Evidence,
)  # fmt: skip
from engines.testing.usage import Usage

_NAMES: tuple[tuple[str, Term], ...] = (
    (r"^(is|has|use|allow|should|include|ignore|strict|reverse)_|^(strict|verbose|flag)$", BOOL),
    (
        r"^(n|k|i|j|m|num|count|size|length|width|height|index|limit|start|stop|step|end|depth)$",
        INT,
    ),
    (r"^(year|month|day|hour|minute|second|age|precision|digits|places|base|seed|port)$", INT),
    (r"^(level|offset|times|number|max_\w+|min_\w+)$|_(count|size|len|length|index|limit)$", INT),
    (r"^(x|y|z|a|b|low|high|lower|upper|value|amount|price|rate|total|score|quantity)$", INT),
    (r"^(amount|price|rate|ratio|weight|score|angle|percent|percentage|factor|balance)$", FLOAT),
    (r"^(s|t|text|string|str|name|word|line|msg|message|title|key|label|prefix|suffix|sep)$", STR),
    (r"^(delimiter|separator|pattern|url|email|path|token|char|c|ch|phrase|sentence)$", STR),
    (
        r"^(source|content|query|fmt|format|raw|code|language|expr\w*)$|_(text|string|name|str)$",
        STR,
    ),
    (r"^(items|values|elements|numbers|nums|lst|xs|seq|sequence|iterable|array|arr|data)$", LIST),
    (r"^(list|rows|it|collection|records|args|points|words|lines|names|keys|strings|parts)$", LIST),
    (r"^(numbers|nums|values|xs|arr|array|data|scores|prices|weights)$", NUMBERS),
    (r"^(words|lines|names|keys|strings|parts|tokens)$", TEXTS),
    (r"^(d|dct|dict|mapping|config|options|settings|params|obj|doc|document|record|data)$", DICT),
    (r"^(f|fn|func|function|callback|predicate|pred|key|key_func|handler|transform)$", CALLABLE),
    (r"^(mapper|factory|reducer|binop)$", CALLABLE),
    (r"^(path|file|filename|file_path|filepath|file_name|\w+_path|\w+_file)$", PATH),
    (r"^(data|buf|buffer|payload|raw|bytes_?|blob)$", BYTES),
    (r"^(date|day|when|dt|start_date|end_date|since|until|birthday)$", Term("date")),
    (r"^(dt|when|now|timestamp|datetime)$", Term("datetime")),
    (r"^(td|delta|timedelta|duration)$", Term("timedelta")),
)
_DOC_TYPES: tuple[tuple[str, Term], ...] = (
    (r"\bbool", BOOL), (r"\bint", INT), (r"\b(float|number|numeric)", FLOAT),
    (r"\b(str|string|text)\b", STR), (r"\bbytes\b", BYTES), (r"\b(dict|mapping)", DICT),
    (r"\b(list|sequence|iterable|array)", LIST), (r"\btuple", TUPLE),
    (r"\bset\b", SET), (r"\b(callable|function)\b", CALLABLE), (r"\bNone\b", NONE),
    (r"\bdatetime\b", Term("datetime")), (r"\bdate\b", Term("date")),
    (r"\btimedelta\b", Term("timedelta")), (r"\bdecimal\b", Term("decimal")),
)  # fmt: skip


_SAME_KIND = frozenset({"other", "that", "rhs"})
_MAPPINGS, _CONSTANTS = frozenset({"record"}), frozenset({"literal"})
_REFINED = {
    "dict": _MAPPINGS, "mapping": _MAPPINGS, "mutablemapping": _MAPPINGS,
    "callable": frozenset({"callable"}), "list": frozenset({"list"}),
    "sequence": frozenset({"list"}), "iterable": frozenset({"list"}),
    "collection": frozenset({"list"}), "str": _CONSTANTS, "int": _CONSTANTS, "union": _CONSTANTS,
    "float": _CONSTANTS, "class": _CONSTANTS,
}  # fmt: skip
"""Annotations that leave open what the body shows."""
_CONSTANT_STARTS = {"str": "\"'", "int": "-0123456789", "float": "-0123456789"}
_BINARY = frozenset({
    "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__add__", "__sub__", "__mul__",
    "__and__", "__or__", "__xor__", "__iadd__", "__ior__", "__iand__", "__isub__", "__radd__",
})  # fmt: skip
"""Operators whose other operand is often of the same class."""
_VAGUE = frozenset({CALLABLE, LIST})


@dataclass
class Choice:
    """One type a parameter may have, how likely, and how well founded."""

    term: Term
    weight: float
    soundness: Soundness


class Clues:
    """Finds the types to try for the parameters of one module's functions."""

    def __init__(self, module: Module, offers: Offers) -> None:
        self._classes = {one.identity: one for one in offers.classes}
        self._bodies = Bodies(Usage(module), offers)

    def choices(self, given: Input, function: Function | None, owner: Class | None) -> list[Choice]:
        """The types to try for one parameter, the annotation first."""
        if given.term != ANY:
            return self._of_annotated(given, function)
        weights: dict[Term, Choice] = {}
        told = self._elements if given.kind == "var_positional" else self._evidence
        for term, weight, soundness in told(given, function):
            if term in weights:
                weights[term].weight += weight / 2
            else:
                weights[term] = Choice(term, weight, soundness)
        found = list(weights.values())
        is_binary = function is not None and function.name in _BINARY
        if owner and (is_binary or given.name in _SAME_KIND):
            own = [one for one in self._classes.values() if one.name == owner.name]
            found.extend(
                Choice(Term("class", class_id=one.identity), 8.0, Soundness.SUGGESTED)
                for one in own
            )
        found.append(Choice(ANY, 0.6 if found else 3.0, Soundness.GUESSED))
        return found

    def keys(self, given: Input, function: Function | None) -> list[str]:
        """The keywords that a function takes by `**`, as far as its code reads them by name."""
        return self._bodies.keys(given.name, function) if function else []

    def _of_annotated(self, given: Input, function: Function | None) -> list[Choice]:
        """The annotation, and what the body makes more precise of it."""
        is_open = given.term.name == "union" and ANY in given.term.arguments
        soundness = Soundness.SUGGESTED if is_open else Soundness.ANNOTATED
        found = [Choice(given.term, 10.0, soundness), Choice(ANY, 0.4, Soundness.GUESSED)]
        refined = _REFINED.get(given.term.name)
        if refined is None or function is None:
            return found
        told = {term for term, _, _ in self._bodies.evidence(given.name, function)}
        for term in sorted(told, key=repr):
            fit = _fitting(term, given.term.name)
            if fit.name in refined and fit not in _VAGUE:
                found.append(Choice(fit, 8.0, Soundness.ANNOTATED))
        return found

    def _elements(self, given: Input, function: Function | None) -> Iterator[Evidence]:
        """Evidence for each of the arguments that a parameter takes by `*`."""
        if function is None:
            return
        for term, weight, soundness in self._bodies.evidence(given.name, function):
            if term.name == "list" and term.arguments[0] != ANY:
                yield term.arguments[0], weight, soundness
        for name in (f"{given.name}[0]", f"{given.name}[1]"):
            yield from self._bodies.evidence(name, function)

    def _evidence(self, given: Input, function: Function | None) -> Iterator[Evidence]:
        if given.default is not None:
            yield from ((term, 4.0, Soundness.SUGGESTED) for term in _of_default(given.default))
        if function:
            yield from _of_docstring(given.name, function.docstring)
            yield from self._bodies.evidence(given.name, function)
        for pattern, term in _NAMES:
            if re.search(pattern, given.name):
                yield term, 2.5, Soundness.GUESSED


def _fitting(term: Term, annotated: str) -> Term:
    """Of constants only those of the annotated type."""
    if term.name != "literal" or annotated not in _CONSTANT_STARTS:
        return term
    fit = tuple(one for one in term.literals if one[0] in _CONSTANT_STARTS[annotated])
    return Term("literal", literals=fit) if fit else ANY


def _of_default(text: str) -> Iterator[Term]:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return
    kinds = {
        bool: BOOL, int: INT, float: FLOAT, str: STR, bytes: BYTES, list: LIST, dict: DICT,
        set: SET, tuple: TUPLE,
    }  # fmt: skip
    if type(value) in kinds:
        yield kinds[type(value)]


def _of_docstring(name: str, docstring: str | None) -> Iterator[Evidence]:
    said = documented(docstring)
    stated, described = said.types.get(name, ""), said.descriptions.get(name, "")
    for pattern, term in _DOC_TYPES:
        if re.search(pattern, stated, re.IGNORECASE):
            yield term, 6.0, Soundness.SUGGESTED
        elif re.search(pattern, described, re.IGNORECASE):
            yield term, 1.5, Soundness.GUESSED
