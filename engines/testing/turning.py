"""Changes a call so that a condition it reaches comes out the other way."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import replace

from engines.source.module import Module
from engines.source.symbols import Class
from engines.testing.calls import Argument, Call, Soundness
from engines.testing.constants import constants_of, with_constant
from engines.testing.hints import Hint
from engines.testing.jail.rendering import quoted
from engines.testing.offers import Input, Term
from engines.testing.values import Values

_LONGEST_CHARS = 400
_NAMED_SHARE, _STEP_SHARE, _WHOLE_SHARE = 0.6, 0.4, 0.3
_NORMAL = frozenset({"positional_or_keyword", "keyword_only"})


class Turning:
    """Puts what a hint says into a call, where it is likely to matter."""

    def __init__(self, module: Module, values: Values) -> None:
        self._values = values
        self._attributes = {one.name: set(_assigned(one)) for one in module.classes}
        self._random = values.choices

    def turned(self, call: Call, hint: Hint) -> Call | None:
        """The call with one part changed; None where the hint has nothing for it."""
        named = [one for one in call.offer.inputs if one.name in hint.names]
        if named and self._values.seeds.chance(_NAMED_SHARE):
            one = self._random.choice(named)
            text = self._value(hint, self._given(call, one.name))
            if text is not None:
                return _with_value(call, one, text)
        if call.receiver is not None and self._values.seeds.chance(_STEP_SHARE):
            made = self._stepped(call, hint) or self._rebuilt(call, hint)
            if made is not None:
                return made
        return self._spliced(call, hint)

    def _given(self, call: Call, name: str) -> str | None:
        return next((one.text for one in call.arguments if one.parameter == name), None)

    def _value(self, hint: Hint, given: str | None) -> str | None:
        """A whole value for what the condition names."""
        ways: list[Callable[[], str | None]] = []
        if hint.sources:
            ways.append(lambda: self._random.choice(hint.sources))
        if hint.sizes:
            ways.append(lambda: self._resized(given, self._random.choice(hint.sizes)))
        kinds = self._terms(hint)
        if kinds:
            ways.append(lambda: self._values.text(self._random.choice(kinds)))
        if given and (hint.texts or hint.integers):
            ways.append(lambda: self._changed(given, hint))
        return self._random.choice(ways)() if ways else None

    def _terms(self, hint: Hint) -> list[Term]:
        known = self._values.classes.values()
        own = [one for one in known if one.name in hint.types]
        return [*hint.terms, *(Term("class", class_id=one.identity) for one in own)]

    def _resized(self, given: str | None, size: int) -> str | None:
        """What was given, as long as wanted."""
        try:
            value: object = ast.literal_eval(given or '""')
        except (ValueError, SyntaxError, TypeError):
            return None
        if isinstance(value, str | bytes):
            unit = value or ("a" if isinstance(value, str) else b"a")
            if size > _LONGEST_CHARS:
                return f"{quoted(unit[:1])} * {size}"
            return quoted((unit * size)[:size])
        return f"[1] * {size}" if isinstance(value, list) else None

    def _stepped(self, call: Call, hint: Hint) -> Call | None:
        """The receiver with a public attribute set to what the condition asks for."""
        public = self._attributes.get(call.offer.owner, ())
        names = [one for one in hint.names if one in public]
        text = self._value(hint, None)
        if not names or text is None:
            return None
        step = f"{{s}}.{self._random.choice(names)} = {text}"
        steps = (*call.steps[-2:], step)
        return replace(call, steps=steps, receiver_soundness=Soundness.GUESSED)

    def _rebuilt(self, call: Call, hint: Hint) -> Call | None:
        """The receiver made with another argument for what the condition names."""
        try:
            tree = ast.parse(call.receiver or "", mode="eval").body
        except (SyntaxError, ValueError):
            return None
        if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name):
            return None
        made = tree.func.id
        known = next((one for one in self._values.classes.values() if one.name == made), None)
        inputs = [one.name for one in known.inputs if one.kind in _NORMAL] if known else []
        wanted = [one for one in inputs if one in hint.names]
        text = self._value(hint, None)
        if not wanted or text is None:
            return None
        name = self._random.choice(wanted)
        place, value = inputs.index(name), ast.parse(text, mode="eval").body
        if place < len(tree.args):
            tree.args[place] = value
        else:
            others = [one for one in tree.keywords if one.arg != name]
            tree.keywords = [*others, ast.keyword(name, value)]
        return replace(call, receiver=ast.unparse(tree), receiver_soundness=Soundness.GUESSED)

    def _spliced(self, call: Call, hint: Hint) -> Call | None:
        """The call with a constant changed in any of its parts."""
        if not hint.texts and not hint.integers:
            return None
        places = list(range(len(call.arguments)))
        if call.receiver is not None and (not places or self._values.seeds.chance(0.4)):
            text = self._changed(call.receiver, hint)
            return replace(call, receiver=text) if text else None
        if not places:
            return None
        place = self._random.choice(places)
        text = self._changed(call.arguments[place].text, hint)
        return call.with_argument(place, text) if text else None

    def _changed(self, text: str, hint: Hint) -> str | None:
        """The text with one of its constants nearer to what the condition names."""
        kinds = ((str,) if hint.texts else ()) + ((int,) if hint.integers else ())
        fit = [one for one in constants_of(text) if type(one.value) in kinds]
        if not fit:
            return None
        node = self._random.choice(fit)
        if isinstance(node.value, str):
            return with_constant(text, node, quoted(self._joined(node.value, hint)))
        return with_constant(text, node, repr(self._random.choice(hint.integers)))

    def _joined(self, value: str, hint: Hint) -> str:
        part = self._random.choice(hint.texts)
        if self._values.seeds.chance(_WHOLE_SHARE):
            return part
        place = self._random.choice((0, len(value), self._random.randint(0, len(value))))
        end = min(len(value), place + self._random.choice((0, 0, 1, len(part))))
        return (value[:place] + part + value[end:])[:_LONGEST_CHARS]


def _assigned(owner: Class) -> Iterator[str]:
    """The public attributes that a class assigns to its instances or itself."""
    stored = (one for one in ast.walk(owner.node) if isinstance(one, ast.Attribute))
    for item in stored:
        is_set = isinstance(item.ctx, ast.Store) and isinstance(item.value, ast.Name)
        if is_set and not item.attr.startswith("_"):
            yield item.attr
    for item in owner.node.body:
        if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name):
            yield item.targets[0].id


def _with_value(call: Call, one: Input, text: str) -> Call:
    """The call with this value for the parameter, given before or not."""
    for place, given in enumerate(call.arguments):
        if given.parameter == one.name:
            return call.with_argument(place, text, Soundness.SUGGESTED)
    if one.kind in {"positional_only", "var_positional", "var_keyword"}:
        return call
    fresh = Argument(one.name, text, Soundness.SUGGESTED, one.name)
    return replace(call, arguments=(*call.arguments, fresh))
