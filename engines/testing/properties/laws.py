"""Laws that the forms of a module may obey, judged by their names and types."""

import builtins
import keyword
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from engines.testing.offers import Term
from engines.testing.properties.forms import Form, identity

_OPPOSITES = (
    ("encode", "decode"), ("dumps", "loads"), ("dump", "load"), ("pack", "unpack"),
    ("format", "parse"), ("str", "parse"), ("unparse", "parse"), ("render", "parse"),
    ("serialize", "deserialize"), ("serialise", "deserialise"), ("compress", "decompress"),
    ("encrypt", "decrypt"), ("escape", "unescape"), ("quote", "unquote"), ("to", "from"),
    ("marshal", "unmarshal"), ("join", "split"), ("flatten", "unflatten"), ("wrap", "unwrap"),
    ("stringify", "parse"), ("write", "read"), ("build", "parse"), ("compile", "decompile"),
)  # fmt: skip
_SETTLING = (
    "normal", "strip", "trim", "clean", "slug", "dedent", "sort", "unique", "dedup", "squeeze",
    "canonic", "sanitiz", "sanitis", "collapse", "simplif", "flatten", "compact", "expand",
    "lower", "upper", "title", "capital", "camel", "underscore", "snake", "kebab", "dash", "abs",
    "round", "truncate", "absolute", "resolve", "fold", "parameterize", "remove", "without",
)  # fmt: skip
_TURNING = (
    "reverse", "invert", "negat", "swap", "toggle", "flip", "transpose", "opposite", "mirror",
    "complement", "neg__", "rot13",
)  # fmt: skip
_SYMMETRIC = (
    "add", "sum", "gcd", "lcm", "max", "min", "distance", "similar", "hamming", "levenshtein",
    "intersect", "union", "mul", "overlap", "common", "equal", "product", "xor", "and", "or",
)  # fmt: skip
_KEEPING = ("sort", "reverse", "rotate", "shift", "swap", "shuffle")
_GROUPING = (
    "add", "gcd", "lcm", "max", "min", "union", "intersect", "concat", "compose", "merge", "mul",
)  # fmt: skip


@dataclass(frozen=True)
class Law:
    """Something that holds for all values of its variables. `expression` is true where it does.

    `body` are the lines of the test; `forms` are the callables that it is about.
    """

    name: str
    variables: tuple[tuple[str, Term], ...]
    body: tuple[str, ...]
    expression: str
    forms: tuple[Form, ...]


def laws_of(forms: Sequence[Form]) -> list[Law]:
    """The laws worth trying, the most telling first."""
    single = [one for one in forms if len(one.inputs) == 1]
    double = [one for one in forms if len(one.inputs) == 2]  # noqa: PLR2004 - a pair
    found = [
        *(law for first, second in product(single, single) for law in _undoing(first, second)),
        *(law for one in double for law in _orders(one, forms)),
        *(law for one in single for law in _turning(one)),
        *(law for one in single for law in _keeping(one)),
        *(law for one in double for law in _symmetric(one)),
        *(law for one in double for law in _grouping(one)),
        *(law for one in single for law in _settling(one)),
        *(law for one in single for law in _rising(one)),
    ]
    return list({one.name: one for one in reversed(found)}.values())[::-1]


def _undoing(there: Form, back: Form) -> Iterator[Law]:
    is_back = identity(there.inputs[0]) == back.output and identity(back.inputs[0]) == there.output
    if there.offer is back.offer or not is_back or not _are_opposites(there, back):
        return
    name = _variable(there)
    step = there.of(name)
    yield Law(
        f"test_{_words(back)}_undoes_{_words(there)}",
        ((name, there.inputs[0]),),
        (f"assert {back.of(step)} == {name}",),
        f"{back.of(step)} == {name}",
        (there, back),
    )


def _are_opposites(there: Form, back: Form) -> bool:
    """Whether the names say that one is the other's way back: `to_x` and `from_x`, `x2y`, `y2x`."""
    first, second = _bare(there), _bare(back)
    if there.name == "__str__" and back.output == identity(there.inputs[0]):
        return (
            second == there.owner.lower() or re.match(r"(parse|from_?str|of$)", second) is not None
        )
    if f"un{first}" == second or f"de{first}" == second:
        return True
    for word, other in _OPPOSITES:
        pattern = rf"(^|_){word}(_|$)|^{word}|{word}$"
        for match in re.finditer(pattern, first):
            changed = first[: match.start()] + match[0].replace(word, other) + first[match.end() :]
            if changed == second:
                return True
    halves, others = (re.split(r"_to_|2|_as_", one) for one in (first, second))
    return len(halves) > 1 and halves == others[::-1]


def _settling(form: Form) -> Iterator[Law]:
    if form.output != identity(form.inputs[0]) or not form.is_changing:
        return
    if not _is_named(form, _SETTLING):
        return
    name = _variable(form)
    yield Law(
        f"test_{_words(form)}_twice_is_{_words(form)}_once",
        ((name, form.inputs[0]),),
        (f"once = {form.of(name)}", f"assert {form.of('once')} == once"),
        f"{form.of(form.of(name))} == {form.of(name)}",
        (form,),
    )


def _turning(form: Form) -> Iterator[Law]:
    if form.output != identity(form.inputs[0]) or not _is_named(form, _TURNING):
        return
    name = _variable(form)
    text = form.of(_joined(form, name))
    yield Law(
        f"test_{_words(form)}_undoes_itself",
        ((name, form.inputs[0]),),
        (f"assert {text} == {name}",),
        f"{text} == {name}",
        (form,),
    )


def _keeping(form: Form) -> Iterator[Law]:
    is_list = form.inputs[0].name in {"list", "sequence", "iterable"}
    if not is_list or form.output != "builtins:list" or not _is_named(form, _KEEPING):
        return
    name = _variable(form)
    same = f"sorted({form.of(name)}) == sorted({name})"
    yield Law(
        f"test_{_words(form)}_keeps_every_item",
        ((name, form.inputs[0]),), (f"assert {same}",), same, (form,),
    )  # fmt: skip


def _symmetric(form: Form) -> Iterator[Law]:
    if form.inputs[0] != form.inputs[1] or not _is_named(form, _SYMMETRIC):
        return
    sides = f"{form.of('first', 'second')} == {form.of('second', 'first')}"
    yield Law(
        f"test_{_words(form)}_does_not_depend_on_the_order",
        (("first", form.inputs[0]), ("second", form.inputs[1])),
        (f"assert {sides}",), sides, (form,),
    )  # fmt: skip


def _grouping(form: Form) -> Iterator[Law]:
    same = {identity(one) for one in form.inputs} == {form.output}
    if not same or not _is_named(form, _GROUPING) or form.output == "builtins:float":
        return
    left = _joined(form, _joined(form, "first", "second"), "third")
    right = _joined(form, "first", _joined(form, "second", "third"))
    yield Law(
        f"test_{_words(form)}_can_be_grouped_at_will",
        tuple((name, form.inputs[0]) for name in ("first", "second", "third")),
        (f"left = {left}", f"right = {right}", "assert left == right"),
        f"({left}) == ({right})",
        (form,),
    )  # fmt: skip


def _joined(form: Form, *given: str) -> str:
    text = form.of(*given)
    return text if text.endswith(")") else f"({text})"


def _rising(form: Form) -> Iterator[Law]:
    numbers = {"builtins:int", "builtins:float"}
    if identity(form.inputs[0]) not in numbers or form.output not in numbers:
        return
    low, high = form.of("low"), form.of("high")
    yield Law(
        f"test_{_words(form)}_grows_with_{_variable(form)}",
        (("first", form.inputs[0]), ("second", form.inputs[0])),
        ("low, high = sorted([first, second])", f"assert {low} <= {high}"),
        f"{form.of('min(first, second)')} <= {form.of('max(first, second)')}",
        (form,),
    )


def _orders(form: Form, forms: Sequence[Form]) -> Iterator[Law]:
    """Of a class with `<`: one of less, equal, greater; of one with `==` and a hash: they agree."""
    own = form.inputs[0]
    if form.name == "__lt__":
        sides = "(first < second) + (first == second) + (second < first) == 1"
        yield Law(
            f"test_of_two_{_plural(form.owner)}_one_is_less_or_they_are_equal",
            (("first", own), ("second", own)), (f"assert {sides}",), sides,
            tuple(one for one in forms if one.owner == form.owner and one.name in _COMPARING),
        )  # fmt: skip
    has_hash = any(one.owner == form.owner and one.name == "__hash__" for one in forms)
    if form.name == "__eq__" and has_hash:
        holds = "first != second or hash(first) == hash(second)"
        yield Law(
            f"test_equal_{_plural(form.owner)}_have_equal_hashes",
            (("first", own), ("second", own)),
            ("if first == second:", "    assert hash(first) == hash(second)"), holds,
            tuple(one for one in forms if one.owner == form.owner and one.name in _HASHING),
        )  # fmt: skip


_COMPARING, _HASHING = {"__lt__", "__eq__"}, {"__eq__", "__hash__"}


def _is_named(form: Form, words: Sequence[str]) -> bool:
    bare = _bare(form)
    return any(re.search(rf"(^|_){re.escape(one)}", bare) for one in words)


def _bare(form: Form) -> str:
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", form.name)
    return name.strip("_").lower()


def _variable(form: Form) -> str:
    """The name of its first parameter, where a test may call a variable so."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", form.parameters[0]).strip("_").lower()
    is_taken = hasattr(builtins, name) or keyword.iskeyword(name) or name == form.name
    return "value" if is_taken or name in {"st", "string", "once", "self"} else name


def _words(form: Form) -> str:
    owner = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", form.owner).lower()
    return f"{owner}_{_bare(form)}" if owner else _bare(form)


def _plural(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower() + "s"
