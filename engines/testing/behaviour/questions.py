"""A call together with the place where its effect is looked at: what is asked of both sides."""

from dataclasses import dataclass, replace
from functools import cached_property

from engines.testing.assertions import Names
from engines.testing.behaviour.given import named, variables
from engines.testing.behaviour.sights import RESULT, Divergence, Where
from engines.testing.behaviour.types import Change
from engines.testing.calls import Call
from engines.testing.file_head import Head
from engines.testing.layout import double_quoted
from engines.testing.places import Place, TestPlace

_PRINTED = "printed"


@dataclass(frozen=True)
class Question:
    """One expression to evaluate after some statements."""

    call: Call
    where: Where = Where.RESULT
    view: str = RESULT
    name: str = ""
    """Of a subject: its variable."""
    is_first: bool = False
    """Asked to see whether anything differs: the objects that it was given are looked at, too."""

    def answered_by(self, call: Call) -> "Question":
        """The same look at the effect of another call."""
        return replace(self, call=call)

    @cached_property
    def _given(self) -> dict[int, str]:
        """The arguments that have variables: all that could change, or the one looked at."""
        if not self.is_first and self.name in ("", self.call.subject):
            return {}
        names = variables(self.call)
        return names if self.is_first else {p: one for p, one in names.items() if one == self.name}

    @property
    def subjects(self) -> str | None:
        """The variables to look at before and after, separated by spaces."""
        names = [self.call.subject, *self._given.values()] if self.is_first else [self.call.subject]
        return " ".join(one for one in names if one) or None

    @property
    def setup(self) -> tuple[str, ...]:
        """The statements before the expression."""
        call = self.call
        before, source = named(call, self._given)
        if self.where is Where.PRINTED:
            inner = call.source.replace("\n", "\n    ")
            block = f"with contextlib.redirect_stdout(io.StringIO()) as {_PRINTED}:\n    {inner}"
            return (*call.setup, block)
        if self.where is Where.SUBJECT:
            return (*before, source)
        return before

    @property
    def source(self) -> str:
        """The expression; of a call that is a statement, that statement."""
        if self.where is Where.PRINTED:
            return f"{_PRINTED}.getvalue()"
        if self.where is Where.SUBJECT:
            is_there = self.name == self.call.subject or self.name in self._given.values()
            return _filled(self.view, self.name) if is_there else "None"
        return _filled(self.view, named(self.call, self._given)[1])

    @property
    def shown(self) -> str:
        """As a person would write it."""
        if self.where is Where.PRINTED:
            return "\n".join(double_quoted(one) for one in (*self.call.setup, self.call.source))
        return "\n".join(double_quoted(one) for one in (*self.setup, self.source))

    def code(self, place: Place, importable: dict[str, str]) -> str:
        """Runnable on its own, with the checkout importable."""
        lines = [double_quoted(one) for one in (*self.setup, self.source)]
        if any("tmp_path" in one for one in lines):
            lines.insert(0, "tmp_path = Path(tempfile.mkdtemp())")
        body = "\n".join(lines)
        head = Head(place, TestPlace("", None), Names(importable)).lines(body, is_unittest=False)
        imports = [one for one in head if one]
        return "\n".join([*imports, body])


def _filled(view: str, source: str) -> str:
    """The view with an expression in the place of `{r}`, in parentheses where it needs them."""
    is_plain = view == RESULT or f"({RESULT})" in view or _is_closed(source)
    return view.replace(RESULT, source if is_plain else f"({source})")


def _is_closed(source: str) -> bool:
    """Whether an attribute or index may follow directly: a name, or a call of one."""
    depth = 0
    for place, sign in enumerate(source):
        depth += (sign in "([{") - (sign in ")]}")
        if depth == 0 and sign in " +-*/%|&^~<>=@" and place:
            return False
    return source[:1].isalpha() or source[:1] == "_"


def question_of(call: Call, found: Divergence) -> Question:
    """What shows the divergence of a call."""
    is_cut_off = found.change is Change.NEVER_ENDS
    return Question(call) if is_cut_off else Question(call, found.where, found.view, found.name)
