"""Runs one candidate call and says what came of it, as data."""

import contextlib
import io
import keyword
import re
import signal
import tempfile
import types
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, cast

from engines.testing.jail import probes
from engines.testing.jail.kinds import is_a
from engines.testing.jail.noticing import ATTRIBUTE_LIMIT
from engines.testing.jail.raising import Raised, Sites
from engines.testing.jail.rendering import Renderer

Fact = dict[str, Any]

CALL_LIMIT_S = 1.0
CALL_LIMIT_CPU_S = 0.12
REPEAT_S = 0.05
_ITEM_LIMIT = 12
_SEVERAL_ATTRIBUTES, _MANY_ATTRIBUTES = 2, 5
_SAID_LIMIT_CHARS, _TOLD_LIMIT_CHARS = 60, 120
_STATE_LIMIT = 20
"""Attributes that are compared before and after a call; a test asserts the first that differ."""
_OF_THE_INTERPRETER = re.compile(r" at 0x|<(bound|built-in|class|function|method|module|slot)\b")
_EMPTY = frozenset({"None", "False", "0", "0.0", '""', "[]", "()", "{}", "set()"})
_PRINTED_LIMIT_CHARS = 300


class Hang(BaseException):
    """The call ran longer than one call may; no ordinary handler of the target catches it."""


@dataclass(frozen=True)
class Candidate:
    """Statements that prepare, the call, and the name of the object whose state matters."""

    number: int
    group: str
    setup: tuple[str, ...]
    call: str
    subject: str | None


class Runner:
    """Executes candidates in copies of one namespace."""

    limit_s, limit_cpu_s, silence_limit_s = CALL_LIMIT_S, CALL_LIMIT_CPU_S, 2.0

    def __init__(self, names: Mapping[str, object], module: str, sites: Sites) -> None:
        self.names = names
        self._module = module
        self._sites = sites
        self._is_brief = False
        self._is_made = False
        self._folders = 0
        self._render = Renderer(names)
        self._own_types = {value for value in names.values() if isinstance(value, type)}

    def run(self, candidate: Candidate, *, is_brief: bool = False) -> Fact:
        """Execute and observe; the goals reached are left in `probes.hits`.

        A brief look leaves out the state of objects, which takes longer than most calls.
        """
        names = dict(self.names)
        if "tmp_path" not in "".join((*candidate.setup, candidate.call)):
            return self._limited(candidate, names, is_brief=is_brief)
        self._folders += 1
        prefix = "folder"[: 1 + self._folders % 6]  # a result that depends on it must differ
        with tempfile.TemporaryDirectory(prefix=prefix) as folder:
            names["tmp_path"] = Path(folder)
            return self._limited(candidate, names, is_brief=is_brief)

    def _limited(self, candidate: Candidate, names: dict[str, object], *, is_brief: bool) -> Fact:
        self._is_brief = is_brief
        probes.hits.clear()
        printed = io.StringIO()
        signal.setitimer(signal.ITIMER_REAL, self.limit_s, REPEAT_S)
        signal.setitimer(signal.ITIMER_PROF, self.limit_cpu_s, REPEAT_S)
        try:
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
                return self._observed(candidate, names, printed)
        except Hang:
            return {"kind": "hang"}
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.setitimer(signal.ITIMER_PROF, 0)

    def _observed(
        self, candidate: Candidate, names: dict[str, object], printed: io.StringIO
    ) -> Fact:
        for statement in candidate.setup:
            problem = self._attempt(lambda text=statement: exec(text, names))  # noqa: S102 - in the jail
            if isinstance(problem, Raised):
                return {"kind": "setup", "type": problem.name}
        before = self._state(names, candidate.subject)
        probes.hits.clear()
        result = self._attempt(lambda: _evaluated(candidate.call, names))
        observation: Fact
        if not isinstance(result, Raised):
            self._is_made = _makes(candidate, names)
            outcome = self._attempt(lambda: self.value(result))
            is_error = isinstance(outcome, Raised)
            observation = outcome.fact() | {"lazy": "listed"} if is_error else cast(Fact, outcome)
        else:
            observation = result.fact()
        if candidate.subject and not observation.get("more"):  # a test would read fewer items
            after = self._state(names, candidate.subject)
            observation["before"], observation["after"] = before, after
        text = printed.getvalue()
        if text and len(text) <= _PRINTED_LIMIT_CHARS:
            observation["printed"] = self._render.text(text)
        return observation

    def _attempt(self, action: Callable[[], object]) -> object:
        """The result of the action, or a Raised; a hang passes."""
        try:
            return action()
        except (Hang, MemoryError):
            raise Hang from None
        except BaseException as error:  # noqa: BLE001 - a stranger's code raises what it likes
            return self._sites.raised(error)

    def value(self, value: Any) -> Fact:
        """What can be said of a result: its text, its items, its attributes or only its type.

        An object that says itself what it is, is told so, unless the call was to make it and
        it has few attributes.
        """
        kind = _type_name(cast(object, value).__class__)
        text = self._render.text(value)
        if text is not None:
            return {"kind": "value", "type": kind, "text": text}
        if is_a(value, Iterator):
            return self._items(value, kind)
        if is_a(value, contextlib.AbstractContextManager) and not self._is_own(value):
            return self._entered(value, kind)
        if self._is_own(value):
            looks = _Looks() if self._is_brief else self._attributes(value)
            is_plain = self._is_brief or (self._is_made and len(looks.texts) < _MANY_ATTRIBUTES)
            said = _Looks() if is_plain else self._said(value, len(looks.texts))
            return {"kind": "object", "type": kind, "attributes": (said or looks).counted()}
        parts = self._iterated(value)
        if parts is not None:
            return {"kind": "parts", "type": kind, "text": parts}
        told = self._told(list(value)) if is_a(value, list, tuple) else {}
        if told:
            return {"kind": "items", "type": kind, **told}
        if is_a(value, str, bytes, list, tuple, dict, set):
            return {"kind": "sized", "type": kind, "text": str(len(value))}
        if isinstance(value, types.FunctionType | types.BuiltinFunctionType | types.MethodType):
            return {"kind": "callable", "type": kind}
        said = self._short(value, "repr")
        return (
            {"kind": "object", "type": kind, "attributes": {"repr": said}}
            if said
            else {"kind": "opaque", "type": kind}
        )

    def _entered(self, value: Any, kind: str) -> Fact:
        """What a context manager gives to its block; the block itself is empty."""

        def inside() -> str | None:
            with value as given:
                return self._render.text(given)

        text = self._attempt(inside)
        if isinstance(text, Raised):
            return text.fact() | {"lazy": "entered"}
        return {"kind": "entered", "type": kind, "text": text}

    def _items(self, value: Iterator[object], kind: str) -> Fact:
        items = list(islice(value, _ITEM_LIMIT + 1))
        text = self._render.text(items[:_ITEM_LIMIT])
        more = len(items) > _ITEM_LIMIT
        if text is not None:
            return {"kind": "items", "type": kind, "text": text, "more": more}
        if told := self._told(items[:_ITEM_LIMIT]):
            return {"kind": "items", "type": kind, "more": more, **told}
        return {"kind": "opaque", "type": kind, "count": len(items), "more": more}

    def _told(self, items: list[object]) -> dict[str, str]:
        """What objects say of themselves, where each of them says something short."""
        if self._is_brief or not items or len(items) > _ITEM_LIMIT:
            return {}
        for form in ("str", "repr"):
            said = [self._short(one, form) for one in items]
            if all(said) and sum(len(one or "") for one in said) <= _TOLD_LIMIT_CHARS:
                return {"text": f"[{', '.join(one or '' for one in said)}]", "form": form}
        return {}

    def _short(self, value: object, form: str) -> str | None:
        """The text of `str()` or `repr()` where the class says what it is, in few words."""
        name = f"__{form}__"
        if self._is_brief or getattr(type(value), name) is getattr(object, name):
            return None
        said = self._attempt(lambda: self._render.text({"str": str, "repr": repr}[form](value)))
        if not isinstance(said, str) or len(said) > _SAID_LIMIT_CHARS:
            return None
        return None if _OF_THE_INTERPRETER.search(said) else said

    def _iterated(self, value: object) -> str | None:
        """The items of every iterator in a list or tuple that holds nothing else."""
        if not isinstance(value, list | tuple) or not value:
            return None
        parts = cast(list[object], value)
        if not all(is_a(one, Iterator) for one in parts):
            return None
        listed = [list(islice(cast(Iterator[object], one), _ITEM_LIMIT + 1)) for one in parts]
        fits = all(len(one) <= _ITEM_LIMIT for one in listed)
        return self._render.text(listed) if fits else None

    def _is_own(self, value: object) -> bool:
        return type(value) in self._own_types

    def _attributes(self, value: object, limit: int = ATTRIBUTE_LIMIT) -> "_Looks":
        """Public attributes and properties with stable values, and what it holds as a container.

        Those that say something come before those that are empty.
        """
        looks = self._content(value)
        with _unseen():
            stored = [name for name in _instance_names(value) if not name.startswith("_")]
            for name in stored:
                looks.note(f".{name}", self._text(lambda name=name: getattr(value, name)), set())
            for name in _property_names(type(value)):
                probes.hits.clear()
                text = self._text(lambda name=name: getattr(value, name))
                looks.note(f".{name}", text, set(probes.hits))
        return looks.first(limit) or self._said(value, ATTRIBUTE_LIMIT)

    def _note(self, looks: "_Looks", name: str, action: Callable[[], object]) -> str | None:
        """Note the text of what the action gives, and apart from all others what it reaches."""
        with _unseen() as reached:
            text = self._text(action)
        looks.note(name, text, reached)
        return text

    def _text(self, action: Callable[[], object]) -> str | None:
        item = self._attempt(action)
        return None if isinstance(item, Raised) else self._render.text(item)

    def _content(self, value: object) -> "_Looks":
        """The content of what extends a container of Python's, else `len()` where it is defined."""
        looks = _Looks()
        containers: tuple[Any, ...] = (dict, list, tuple, set, frozenset)
        for base in containers:
            if is_a(value, base):
                self._note(looks, base.__name__, lambda base=base: base(value))
                return looks
        mro = type(value).__mro__
        if any("__len__" in vars(base) for base in mro if base.__module__ == self._module):
            self._note(looks, "len", lambda: len(cast(Any, value)))
        return looks

    def _said(self, value: object, attributes: int) -> "_Looks":
        """`str()` or else `repr()` where its class defines it and it is short."""
        defined = {name for base in type(value).__mro__ if base.__module__ == self._module
                   for name in vars(base)}  # fmt: skip
        for name, action in (("str", str), ("repr", repr)):
            if f"__{name}__" not in defined or attributes < _SEVERAL_ATTRIBUTES:
                continue
            looks = _Looks()
            said = self._note(looks, name, lambda action=action: action(value))
            if said and len(said) <= _SAID_LIMIT_CHARS and " at 0x" not in said:
                return looks
        return _Looks()

    def _state(self, names: dict[str, object], subject: str | None) -> dict[str, str]:
        if self._is_brief or not subject or subject not in names:
            return {}
        with _unseen():
            return self._attributes(names[subject], _STATE_LIMIT).texts


@dataclass
class _Looks:
    """What can be asserted of an object, by name, and the goals that each look reaches."""

    texts: dict[str, str] = field(default_factory=dict[str, str])
    reached: dict[str, set[int]] = field(default_factory=dict[str, set[int]])

    def __bool__(self) -> bool:
        return bool(self.texts)

    def note(self, name: str, text: str | None, reached: set[int]) -> None:
        """Another one, if its value has a text."""
        if text is not None:
            self.texts[name], self.reached[name] = text, reached

    def first(self, limit: int) -> "_Looks":
        """So many of them, those last that are empty."""
        telling = sorted(self.texts.items(), key=lambda one: one[1] in _EMPTY)
        return _Looks(dict(islice(telling, limit)), self.reached)

    def counted(self) -> dict[str, str]:
        """The texts; what a test reaches that asserts them counts as reached."""
        for name in self.texts:
            probes.hits.update(self.reached[name])
        return self.texts


@contextlib.contextmanager
def _unseen() -> Generator[set[int]]:
    """What is reached within does not count; it is in the set that this gives, at the end."""
    before, reached = set(probes.hits), set[int]()
    probes.hits.clear()
    try:
        yield reached
    finally:
        reached.update(probes.hits)
        probes.hits.clear()
        probes.hits.update(before)


def _evaluated(call: str, names: dict[str, object]) -> object:
    """The value of an expression; of a statement, None."""
    try:
        code = compile(call, "<candidate>", "eval")
    except SyntaxError:
        return exec(call, names)  # noqa: S102 - in the jail
    return eval(code, names)  # noqa: S307 - in the jail


def _makes(candidate: Candidate, names: dict[str, object]) -> bool:
    """Whether the call is that of a class."""
    return isinstance(names.get(candidate.group), type)


def _instance_names(value: object) -> list[str]:
    names = list(getattr(value, "__dict__", {}))
    for base in type(value).__mro__:
        slots = vars(base).get("__slots__", ())
        names.extend([slots] if isinstance(slots, str) else slots)
    return [name for name in dict.fromkeys(names) if isinstance(name, str) and _is_written(name)]


def _is_written(name: str) -> bool:
    """Whether code can name the attribute: a key or `setattr` takes any text."""
    return name.isidentifier() and not keyword.iskeyword(name)


def _property_names(kind: type) -> list[str]:
    return [
        name
        for base in kind.__mro__
        for name, raw in vars(base).items()
        if isinstance(raw, property) and not name.startswith("_")
    ]


def _type_name(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"
