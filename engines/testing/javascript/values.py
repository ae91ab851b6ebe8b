"""Makes arguments: typed, mined from the file, or near ones that worked before."""

import random
from collections.abc import Sequence

from engines.testing.javascript.calls import Call, Step, Target
from engines.testing.javascript.clues import Parameter
from engines.testing.javascript.kinds import ANY, Kind
from engines.testing.javascript.literals import UNDEFINED, Raw, Value, changed
from engines.testing.javascript.seeds import Seeds

_DEPTH_LIMIT = 3
_MAKER_LIMIT = 40
_MAKERS_ALIKE = 3
_READABLE_CHARS = 60
_LONG, _LONGEST = 16, 5_000
_STEPS = (0, 0, 1, 1, 2, 3)
_WORDS = (
    "", "a", "abc", "hello world", "Foo Bar", "fooBar", "foo-bar", "foo_bar", "FOO", "  padded  ",
    "123", "1.5", "-7", "0", "true", "a,b,c", "é", "ÀÉÎ", "日本", "💩", "foo.bar", "/a/b/",
    "a=1&b=2", "a\nb", "<b>x</b>", "$&", "user@example.com", "http://example.com/a?b=c#d",
    "2020-02-29",
)  # fmt: skip
_NUMBERS: tuple[Value, ...] = (
    0, 1, 2, 3, -1, 5, 7, 10, 12, 100, 255, 1000, 65536, 0.5, 1.5, -2.5, 1e21, 1e-7, -0.0,
)  # fmt: skip
_ODD_NUMBERS = (Raw("NaN"), Raw("Infinity"), Raw("-Infinity"))
_FUNCTIONS = tuple(
    Raw(text)
    for text in (
        "(x) => x", "() => true", "() => false", "(a, b) => a - b", "(x) => x * 2",
        "() => undefined", "(x) => String(x)", "async (x) => x", "(a, b) => [a, b]", "(x) => x > 1",
        "() => { throw new Error('boom') }",
    )
)  # fmt: skip
_FIXED: dict[str, tuple[Value, ...]] = {
    "boolean": (True, False),
    "null": (None,),
    "undefined": (UNDEFINED,),
    "bigint": (Raw("0n"), Raw("1n"), Raw("-5n"), Raw("9007199254740993n")),
    "function": _FUNCTIONS,
    "regexp": (Raw("/a/"), Raw("/a/g"), Raw("/[^a-z]+/gi"), Raw("/(\\d+)/"), Raw("/^$/")),
    "date": (
        Raw("new Date(0)"), Raw("new Date('2020-02-29T12:34:56.789Z')"), Raw("new Date(NaN)"),
        Raw("new Date('1999-12-31T23:59:59Z')"),
    ),
    "error": (Raw("new Error('boom')"), Raw("new TypeError('bad')")),
    "bytes": (Raw("new Uint8Array([1, 2, 255])"), Raw("Buffer.from('abc')")),
    "symbol": (Raw("Symbol.for('a')"), Raw("Symbol.iterator")),
}  # fmt: skip
_ANYTHING = (
    "string", "string", "number", "number", "boolean", "null", "undefined", "array", "object",
    "function", "regexp", "date",
)  # fmt: skip


class Values:
    """Makes calls of targets; the same seed makes the same ones."""

    def __init__(
        self, seeds: Seeds, constructors: dict[str, Target], choices: random.Random
    ) -> None:
        """Take what was mined, and the classes by name that instances can be made of."""
        self._seeds = seeds
        self._constructors = constructors
        self._choices = choices
        self._makers: dict[str, list[Step]] = {}
        self._weights: dict[tuple[str, int, str], float] = {}

    def examples(self, target: Target) -> list[list[Value]]:
        """Argument lists that a person wrote."""
        return self._seeds.examples.get(target.name, [])

    def fresh(self, target: Target, siblings: Sequence[Target]) -> Call:
        """A new call; `siblings` are methods that may be called before."""
        examples = self.examples(target)
        if examples and self._choices.random() < 0.25:  # noqa: PLR2004 - a share
            last = Step(target, tuple(self._choices.choice(examples)))
        else:
            last = self._step(target)
        if target.owner is None:
            return Call(last)
        count = self._choices.choice(_STEPS) if siblings else 0
        steps = [self._step(self._choices.choice(siblings)) for _ in range(count)]
        return Call(last, (self._made(target.owner), *steps))

    def add_maker(self, step: Step) -> None:
        """Remember a construction that worked."""
        known = self._makers.setdefault(step.target.key, [])
        text = step.source()
        if sum(one.args[:1] == step.args[:1] for one in known) >= _MAKERS_ALIKE:
            return
        if len(known) < _MAKER_LIMIT and text.count("new ") == 1 and len(text) < _READABLE_CHARS:
            known.append(step)
            known.sort(key=lambda one: len(one.source()))

    def plain_maker(self, owner: Target) -> Step | None:
        """The shortest construction that worked."""
        return next(iter(self._makers.get(owner.key, [])), None)

    def _made(self, owner: Target) -> Step:
        known = self._makers.get(owner.key)
        if known and self._choices.random() < 0.9:  # noqa: PLR2004 - a share
            return self._choices.choice(known)
        return self._step(owner)

    def _plain_instance(self, maker: Target) -> Step:
        """For an argument: one of the shortest, so that calls stay readable."""
        known = self._makers.get(maker.key, [])[:8]
        return self._choices.choice(known) if known else self._step(maker)

    def near(self, call: Call, siblings: Sequence[Target]) -> Call:
        """A call that differs in one thing."""
        steps = [*call.before, call.last]
        place = self._choices.randrange(len(steps))
        if siblings and call.before and self._choices.random() < 0.3:  # noqa: PLR2004 - a share
            steps.insert(max(1, place), self._step(self._choices.choice(siblings)))
        else:
            steps[place] = self._changed(steps[place])
        return Call(steps[-1], tuple(steps[:-1]))

    def learn(self, call: Call, *, is_refused: bool) -> None:
        """Kinds that were refused are tried less, others more."""
        for place, label in enumerate(call.last.labels):
            key = (call.target.key, place, label)
            weight = self._weights.get(key, 1.0)
            self._weights[key] = max(0.1, weight * 0.9) if is_refused else min(3.0, weight * 1.05)

    def _step(self, target: Target) -> Step:
        args: list[Value] = []
        labels: list[str] = []
        for place, parameter in enumerate(target.parameters):
            count = self._choices.choice((0, 1, 2, 3)) if parameter.is_rest else 1
            if parameter.is_optional and self._choices.random() < 0.35:  # noqa: PLR2004 - a share
                break
            for _ in range(count):
                value, label = self._argument(target, place, parameter)
                args.append(value)
                labels.append(label)
        while args and args[-1] == UNDEFINED:
            args.pop()
        return Step(target, tuple(args), tuple(labels[: len(args)]))

    def _argument(self, target: Target, place: int, parameter: Parameter) -> tuple[Value, str]:
        if parameter.seeds and self._choices.random() < 0.15:  # noqa: PLR2004 - a share
            return self._choices.choice(parameter.seeds), "seed"
        labels = list(parameter.weights)
        weights = [
            parameter.weights[label] * self._weights.get((target.key, place, label), 1.0)
            for label in labels
        ]
        label = self._choices.choices(labels, weights)[0]
        return self.value(parameter.kinds[label]), label

    def _changed(self, step: Step) -> Step:
        target = step.target
        if not step.args or self._choices.random() < 0.2:  # noqa: PLR2004 - a share
            return self._step(target)
        place = self._choices.randrange(len(step.args))
        args, labels = list(step.args), list(step.labels)
        parameter = target.parameters[min(place, len(target.parameters) - 1)]
        if self._choices.random() < 0.35 and place < len(labels):  # noqa: PLR2004 - a share
            args[place], labels[place] = self._argument(target, place, parameter)
        else:
            args[place] = changed(args[place], self._choices, self._seeds.texts or _WORDS)
        return Step(target, tuple(args), tuple(labels))

    def value(self, kind: Kind, depth: int = 0) -> Value:
        """One value of a kind."""
        match kind.name:
            case "literal":
                return kind.literal
            case "string":
                return self._text()
            case "number" | "integer":
                return self._number(is_whole=kind.name == "integer")
            case "array" | "tuple":
                return self._list(kind, depth)
            case "object":
                return self._object(kind, depth)
            case "instance" if isinstance(kind.literal, str):
                return self._instance(kind.literal, depth)
            case "set" | "map":
                return self._collection(kind, depth)
            case name if name in _FIXED:
                return self._choices.choice(_FIXED[name])
            case _:
                return self._anything(depth)

    def _anything(self, depth: int) -> Value:
        options = _ANYTHING[:8] if depth >= _DEPTH_LIMIT else _ANYTHING
        return self.value(Kind(self._choices.choice(options)), depth + 1)

    def _lengths(self) -> list[int]:
        """Lengths at the limits that the code names."""
        found = [one for one in self._seeds.numbers if _LONG <= one <= _LONGEST]
        return [length + more for length in found for more in (0, 1)]

    def _text(self) -> Value:
        share = self._choices.random()
        texts = self._seeds.texts
        if share < 0.02 and (lengths := self._lengths()):  # noqa: PLR2004 - a share
            return Raw(f"'a'.repeat({self._choices.choice(lengths)})")
        if texts and share < 0.45:  # noqa: PLR2004 - a share
            return self._choices.choice(texts)
        if share < 0.6:  # noqa: PLR2004 - a share
            return self._seeds.matching() or self._choices.choice(_WORDS)
        word = self._choices.choice(_WORDS)
        if share > 0.9:  # noqa: PLR2004 - a share
            return word + self._choice_of(texts) + self._choices.choice(_WORDS)
        return word

    def _choice_of(self, texts: Sequence[str]) -> str:
        return self._choices.choice(texts) if texts else "-"

    def _number(self, *, is_whole: bool) -> Value:
        share = self._choices.random()
        if self._seeds.numbers and share < 0.4:  # noqa: PLR2004 - a share
            return self._choices.choice(self._seeds.numbers) + self._choices.choice((0, 0, 1, -1))
        if share < 0.5:  # noqa: PLR2004 - a share
            return self._choices.randint(-20, 120)
        if share > 0.93 and not is_whole:  # noqa: PLR2004 - a share
            return self._choices.choice(_ODD_NUMBERS)
        pool = [one for one in _NUMBERS if isinstance(one, int)] if is_whole else _NUMBERS
        return self._choices.choice(pool)

    def _list(self, kind: Kind, depth: int) -> Value:
        if kind.name == "tuple":
            return [self.value(one, depth + 1) for one in kind.items]
        if depth >= _DEPTH_LIMIT:
            return []
        one = self._choices.choice(kind.items) if kind.items else self._item_kind()
        count = self._choices.choice((0, 1, 2, 3, 3, 4))
        made = [self.value(one, depth + 1) for _ in range(count)]
        return [*made, made[0]] if made and self._choices.random() < 0.2 else made  # noqa: PLR2004 - a share

    def _item_kind(self) -> Kind:
        return Kind(self._choices.choice(("number", "number", "string", "string", "any")))

    def _object(self, kind: Kind, depth: int) -> Value:
        if depth >= _DEPTH_LIMIT:
            return {}
        if not kind.fields:
            names = self._choices.sample(("a", "b", "c", "key", "x"), self._choices.randint(0, 3))
            items = kind.items or (ANY,)
            return {name: self.value(self._choices.choice(items), depth + 1) for name in names}
        share = self._choices.choice((0.2, 0.5, 1.0))
        made: dict[str, Value] = {}
        for name, options in kind.fields.items():
            is_needed = all(one.name != "undefined" for one in options)
            if is_needed or self._choices.random() < share:
                value = self.value(self._choices.choice(options), depth + 1)
                if value != UNDEFINED:
                    made[name] = value
        return made

    def _instance(self, name: str, depth: int) -> Value:
        maker = self._constructors.get(name)
        if maker is None or depth >= _DEPTH_LIMIT:
            return self._object(Kind("object"), depth)
        return Raw(self._plain_instance(maker).source())

    def _collection(self, kind: Kind, depth: int) -> Value:
        items = kind.items or (Kind("number"), Kind("string"))
        count = self._choices.choice((0, 1, 2, 3))
        made = [self.value(self._choices.choice(items), depth + 1) for _ in range(count)]
        if kind.name == "map":
            made = [["abc"[place % 3], one] for place, one in enumerate(made)]
        name = "Set" if kind.name == "set" else "Map"
        return Raw(Step(_constructor(name), (made,) if made else ()).source())


def _constructor(name: str) -> Target:
    return Target(name, "class", name, name, (), waits=False)
