"""Keeps few calls that together reach what all of them reached, and makes each of them small."""

import ast
import contextlib
import heapq
import re
import string
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from engines.testing.calls import Argument, Call, Soundness
from engines.testing.constants import constants_of, with_constant
from engines.testing.jail.rendering import quoted
from engines.testing.jailed import Jail
from engines.testing.observations import Observation, Result
from engines.testing.offers import Input
from engines.testing.search import Kept

ItemT = TypeVar("ItemT", ast.expr, ast.keyword)

_TELLING_PER_OFFER = 3
_EMPTY = frozenset({"None", "0", "0.0", '""', "[]", "{}", "()", "set()", 'b""'})
_SMALL_CHARS = 12
_STUMBLING = re.compile(r"""[^\w .,()[\]{}=:"']""")
_DULL_CHARS = 25
_REPEATED_CHARS = 8
_ROUNDS = 5
_SOUNDNESS_COST = {Soundness.ANNOTATED: 1.0, Soundness.SUGGESTED: 1.1, Soundness.GUESSED: 1.6}
_VARIANTS, _PLAIN_VARIANTS = 16, 4
_LONG_CHARS = 60
_COMMON_OBJECTS = 2
_PLAIN: Mapping[type, str] = {
    str: '"a"', bytes: 'b"a"', int: "1", float: "0.5", list: "[]", tuple: "()", dict: "{}",
}  # fmt: skip
_MANY_OPTIONS, _FEW_ITEMS = 3, 2


def outcome_class(call: Call, seen: Observation) -> str:
    """What a reader would call the same kind of outcome of the same callable."""
    changed = "changes" if seen.changed else ""
    if seen.kind == "error":
        return f"{call.offer.key} error {seen.type}"
    text = seen.text or ""
    if seen.kind != "value" or (text != "None" and _is_echo(call, text)):
        return f"{call.offer.key} {seen.kind} {changed}"
    shape = text if text in {"None", "True", "False", "0", '""', "[]", "{}", "()"} else ""
    negative = "-" if text.startswith("-") else ""
    return f"{call.offer.key} {seen.kind} {shape}{negative}{changed}"


def _is_echo(call: Call, text: str) -> bool:
    """Whether the value went in as it came out, so that its type says nothing of the code."""
    return any(text in part for part in (*call.setup, *(one.text for one in call.arguments)))


def covering(kept: Iterable[Kept], wanted: frozenset[int]) -> list[Kept]:
    """A greedy cover of goals and outcome classes, sound and short calls first.

    A few more with other results come along, for what lines alone do not tell.
    """
    ordered = sorted(kept, key=reading_cost)
    shown = [_shown(one, wanted) for one in ordered]
    factors = [_cost_factor(one) for one in ordered]
    worth = [(-len(shown[place]) / factors[place], place) for place in range(len(ordered))]
    heapq.heapify(worth)
    chosen: list[Kept] = []
    found = set[object]()
    while worth:
        known, place = heapq.heappop(worth)
        shown[place] -= found
        now = -len(shown[place]) / factors[place]
        if now > known:  # what was found meanwhile is no gain any more
            heapq.heappush(worth, (now, place))
        elif shown[place]:
            chosen.append(ordered[place])
            found |= shown[place]
    return [*chosen, *_telling(ordered, chosen)]


def _telling(kept: list[Kept], chosen: list[Kept]) -> Iterator[Kept]:
    """A few more calls of each offer whose result is not yet among its results."""
    results: dict[str, set[str]] = {}
    counts: dict[str, int] = {}
    for one in chosen:
        key = one.call.offer.key
        results.setdefault(key, set()).add(_result_text(one))
        counts[key] = counts.get(key, 0) + (0 if is_dull(one) else 1)
    for one in kept:
        key = one.call.offer.key
        known = results.setdefault(key, set())
        if counts.get(key, 0) >= _TELLING_PER_OFFER or _result_text(one) in known:
            continue
        if soundness_of(one) is Soundness.GUESSED or is_dull(one) or one.call.steps:
            continue
        known.add(_result_text(one))
        counts[key] = counts.get(key, 0) + 1
        yield one


def _result_text(one: Kept) -> str:
    seen = one.result.observation
    return f"{seen.kind} {seen.type} {seen.text} {seen.attributes}"


def is_dull(one: Kept) -> bool:
    """Whether the outcome would be the same for code that does next to nothing."""
    seen = one.result.observation
    if seen.kind in {"opaque", "callable", "error"}:
        return True
    text = seen.text or ""
    if seen.kind != "value" or text in _EMPTY:
        return text in _EMPTY
    given = [item.text for item in one.call.arguments]
    if len(set(given)) > 1 and given.count(text) == 1:
        return False  # which of the arguments came back says something
    return _is_echo(one.call, text)


def _shown(one: Kept, wanted: frozenset[int]) -> set[object]:
    seen = one.result.observation
    if soundness_of(one) is Soundness.GUESSED and not seen.deliberate:
        return set(one.hits & wanted)
    return {*(one.hits & wanted), outcome_class(one.call, seen)}


def soundness_of(one: Kept) -> Soundness:
    """How well founded the inputs are; without any annotation a guess is as good as it gets."""
    is_bare = all(item.term.name == "any" for item in one.call.offer.inputs)
    if one.call.is_example:
        return Soundness.ANNOTATED
    return max(one.call.soundness, Soundness.SUGGESTED) if is_bare else one.call.soundness


def ugliness_of(call: Call) -> int:
    """How many signs a reader would stumble over."""
    return len(_STUMBLING.findall("".join(call.statements)))


def reading_cost(one: Kept) -> tuple[int, int]:
    """Sound before guessed, examples before all others, then short and telling."""
    if one.call.is_example:
        return (-1, one.call.size)
    given = [item.text for item in one.call.arguments]
    dullness = _DULL_CHARS if is_dull(one) else 0
    dullness += _REPEATED_CHARS * (len(given) - len(set(given)))
    return (2 - soundness_of(one), one.call.size + dullness + 2 * ugliness_of(one.call))


def _cost_factor(one: Kept) -> float:
    """An unsound or long call has to bring more to be chosen."""
    weak = 2.0 if one.result.observation.kind in {"opaque", "callable"} else 1.0
    weak *= 1.1 if is_dull(one) else 1.0
    return _SOUNDNESS_COST[soundness_of(one)] * weak * (1.0 + one.call.size / 400)


def shrunken(
    jail: Jail, chosen: list[Kept], wanted: frozenset[int], rounds: int = _ROUNDS
) -> list[Kept]:
    """Each call as small as it gets while it still shows what it was chosen for."""
    for _ in range(rounds):
        tries = [
            (place, variant)
            for place, one in enumerate(chosen)
            if not one.call.is_example
            for variant in (*bolder(one.call), *list(variants(one.call))[:_VARIANTS])
        ]
        if not tries:
            return chosen
        results = jail.run([call for _, call in tries], everything=True)
        better = _better(chosen, tries, results, wanted)
        if not better:
            return chosen
        chosen = [better.get(place, one) for place, one in enumerate(chosen)]
    return chosen


def distinct(kept: Iterable[Kept]) -> list[Kept]:
    """Without calls that have become the same by shrinking."""
    found: dict[tuple[str, ...], Kept] = {}
    for one in kept:
        found.setdefault(one.call.statements, one)
    return list(found.values())


def _better(
    chosen: list[Kept],
    tries: list[tuple[int, Call]],
    results: list[Result],
    wanted: frozenset[int],
) -> dict[int, Kept]:
    found: dict[int, Kept] = {}
    for (place, call), result in zip(tries, results, strict=True):
        old = chosen[place]
        if not is_same(old, call, result, wanted) or _is_duller(old, Kept(call, result)):
            continue
        if place not in found or bulk(call) < bulk(found[place].call):
            found[place] = Kept(call, result)
    return found


def _is_duller(old: Kept, new: Kept) -> bool:
    """Whether a smaller call says less: a dull result, or arguments that have become the same."""
    repeated = [
        len(one.call.arguments) - len({item.text for item in one.call.arguments})
        for one in (old, new)
    ]
    return repeated[1] > repeated[0] or (is_dull(new) and not is_dull(old))


def bulk(call: Call) -> int:
    """How much there is to read, signs to stumble over counted thrice."""
    return call.size + 2 * ugliness_of(call)


def is_same(old: Kept, call: Call, result: Result, wanted: frozenset[int]) -> bool:
    """Whether a variant shows what the old call showed."""
    seen, before = result.observation, old.result.observation
    if outcome_class(call, seen) != outcome_class(old.call, before):
        return False
    if seen.kind == "error" and (seen.line, seen.deliberate) != (before.line, before.deliberate):
        return False
    return (old.hits & wanted) <= (result.hits or frozenset())


def is_alike(old: Kept, new: Kept) -> bool:
    """Whether a variant comes out in the same way, whatever it reaches and gives."""
    before, seen = old.result.observation, new.result.observation
    if seen.kind == "error" and (seen.type, seen.deliberate) != (before.type, before.deliberate):
        return False
    return seen.kind == before.kind and bool(new.hits) and not (is_dull(new) and not is_dull(old))


def bolder(call: Call) -> Iterator[Call]:
    """Much smaller at once: few of many options, an argument plain, the receiver's values plain."""
    options = [one for one in call.arguments if _is_droppable(call, one)]
    if len(options) >= _MANY_OPTIONS:
        yield from _with_one_of(call, options)
    for place, one in enumerate(call.arguments):
        if (plain := _plain(one.text)) and len(plain) < len(one.text):
            yield call.with_argument(place, plain)
    if call.receiver and (receiver := _with_plain_constants(call.receiver)) != call.receiver:
        yield replace(call, receiver=receiver)


def _with_one_of(call: Call, options: list[Argument]) -> Iterator[Call]:
    for kept in (None, *options):
        rest = tuple(one for one in call.arguments if one is kept or one not in options)
        if kept is None or kept.name or rest == call.arguments[: len(rest)]:
            yield replace(call, arguments=rest)
        elif _input_of(call, kept).kind == "positional_or_keyword":
            named = (replace(one, name=one.parameter) if one is kept else one for one in rest)
            yield replace(call, arguments=tuple(named))


def _plain(text: str) -> str | None:
    """The shortest literal of the same type that is not empty, of a container the empty one."""
    try:
        value: object = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return next((plain for kind, plain in _PLAIN.items() if type(value) is kind), None)


def _with_plain_constants(text: str) -> str:
    """The source with the shortest value in the place of each longer number and text, one for
    each; as it was where a key would be there twice.
    """
    letters = iter(string.ascii_lowercase)
    plain: dict[object, str] = {}
    changed = text
    for place in range(len(constants_of(text))):
        node = constants_of(changed)[place]
        key = (type(node.value), node.value)
        if isinstance(node.value, str | bytes) and key not in plain:
            letter = next(letters, "")
            plain[key] = quoted(letter.encode() if isinstance(node.value, bytes) else letter)
        fresh = plain.get(key) or _PLAIN.get(type(node.value))
        written = changed.encode()[node.col_offset : node.end_col_offset].decode()
        if fresh and len(fresh) < len(written):
            changed = with_constant(changed, node, fresh)
    return text if _has_repeated_key(changed) else changed


def _has_repeated_key(text: str) -> bool:
    """Whether a dict or set in the source names a constant twice."""
    if "{" not in text:
        return False
    for node in ast.walk(ast.parse(text, mode="eval")):
        items = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", ())
        if isinstance(node, ast.Dict | ast.Set):
            names = [ast.dump(one) for one in items if isinstance(one, ast.Constant)]
            if len(names) > len(set(names)):
                return True
    return False


def _input_of(call: Call, argument: Argument) -> Input:
    return next(one for one in call.offer.inputs if one.name == argument.parameter)


def _is_droppable(call: Call, argument: Argument) -> bool:
    given = next((one for one in call.offer.inputs if one.name == argument.parameter), None)
    return given is not None and (given.is_optional or given.kind.startswith("var_"))


def shorter(call: Call) -> Iterator[Call]:
    """Without an optional argument, without a step."""
    for place, one in enumerate(call.arguments):
        positional_after = any(other.name is None for other in call.arguments[place + 1 :])
        if _is_droppable(call, one) and (one.name or not positional_after):
            rest = call.arguments[:place] + call.arguments[place + 1 :]
            yield replace(call, arguments=rest)
    for place in range(len(call.steps)):
        yield replace(call, steps=call.steps[:place] + call.steps[place + 1 :])


def simpler_calls(kept: Sequence[Kept]) -> Iterator[list[Call]]:
    """For each call, some that are easier to read: shorter ones, ones on an object of others."""
    objects: dict[str, Counter[str]] = {}
    for one in kept:
        if one.call.receiver:
            objects.setdefault(one.call.offer.owner, Counter())[one.call.receiver] += 1
    for one in kept:
        common = objects.get(one.call.offer.owner, Counter()).most_common(_COMMON_OBJECTS)
        others = [replace(one.call, receiver=text, receiver_soundness=one.call.receiver_soundness)
                  for text, _ in common if one.call.receiver not in {None, text}]  # fmt: skip
        yield [*others, *bolder(one.call), *_spread(list(variants(one.call)))]


def _spread(calls: list[Call]) -> Iterator[Call]:
    """Some of the calls: those with less to do, and a few of every size; more of a long call."""
    plain, ordered = calls[:_PLAIN_VARIANTS], sorted(calls[_PLAIN_VARIANTS:], key=bulk)
    is_long = bool(ordered) and ordered[-1].size > _LONG_CHARS
    few, rest = (ordered[:_PLAIN_VARIANTS], ordered[_PLAIN_VARIANTS:]) if is_long else ([], ordered)
    room = _PLAIN_VARIANTS + (_PLAIN_VARIANTS if is_long else 0)
    yield from [*plain, *few, *rest[:: max(1, -(-len(rest) // room))]]


def variants(call: Call) -> Iterator[Call]:
    """Smaller versions: shorter ones, then those with smaller constants."""
    yield from shorter(call)
    if call.file_text and len(call.file_text) > _SMALL_CHARS:
        yield from (replace(call, file_text=text) for text in ('""', '"a"', '"a\\nb"'))
    for place, one in enumerate(call.arguments):
        if len(one.text) > _SMALL_CHARS or one.text.lstrip("-").isdigit():
            yield from (call.with_argument(place, text) for text in smaller_texts(one.text))
    if call.receiver and len(call.receiver) > len(call.offer.owner) + _SMALL_CHARS:
        yield from (replace(call, receiver=text) for text in smaller_texts(call.receiver))


def smaller_texts(text: str) -> Iterator[str]:
    """Versions of an expression with one constant or one container item less."""
    data = text.encode()
    for node in constants_of(text):
        start, end = node.col_offset, node.end_col_offset or node.col_offset
        for fresh in _smaller_values(node.value):
            smaller = (data[:start] + fresh.encode() + data[end:]).decode()
            if not _has_repeated_key(smaller):
                yield smaller
    with contextlib.suppress(SyntaxError):
        tree = ast.parse(text, mode="eval")
        yield from _emptied(tree)
        yield from _with_fewer_items(tree)
        yield from _unwrapped(text, tree)
    yield from _repeated(text)


def _smaller_values(value: object) -> Iterator[str]:
    if isinstance(value, str) and value:
        words = ("a", "abc", "hello") if len(value) > len("hello") else ()
        halves = (value[: len(value) // 2], value[len(value) // 2 :], value[1:], value[:-1])
        sizes = halves if len(value) > 1 else ()
        yield from (quoted(one) for one in dict.fromkeys((*words, *sizes)) if _is_encodable(one))
    elif isinstance(value, bool):
        return
    elif isinstance(value, int) and abs(value) > 1:
        smaller = (1, 2, 3, 5, 10, 20, 100, -1, -5, value // 10)
        yield from (repr(one) for one in smaller if len(repr(one)) < len(repr(value)))
    elif isinstance(value, float) and len(repr(value)) > len("0.5"):
        yield from ("0.0", "1.0", "0.5")


def _is_encodable(text: str) -> bool:
    return not any("\ud800" <= one <= "\udfff" for one in text)


def _emptied(tree: ast.Expression) -> Iterator[str]:
    """The source with nothing in a container of several items, or only the first of them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.List | ast.Tuple) and len(node.elts) > _FEW_ITEMS:
            items = node.elts
            for node.elts in ([], items[:1]):
                yield ast.unparse(tree)
            node.elts = items
        elif isinstance(node, ast.Dict) and len(node.keys) > _FEW_ITEMS:
            keys, values = node.keys, node.values
            for size in (0, 1):
                node.keys, node.values = keys[:size], values[:size]
                yield ast.unparse(tree)
            node.keys, node.values = keys, values


def _with_fewer_items(tree: ast.Expression) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.List() | ast.Tuple():
                yield from _without_each(tree, node.elts)
            case ast.Set(elts) if len(elts) > 1:
                yield from _without_each(tree, elts)
            case ast.Call():
                yield from _without_each(tree, node.args)
                yield from _without_each(tree, node.keywords)
            case ast.Dict():
                yield from _without_each_pair(tree, node)
            case _:
                pass


def _unwrapped(text: str, tree: ast.Expression) -> Iterator[str]:
    """The source with what a call is given, or nothing, in the place of the call."""
    data = text.encode()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for part in node.args:
                inner = data[part.col_offset : part.end_col_offset]
                yield (data[: node.col_offset] + inner + data[node.end_col_offset :]).decode()
            if node is not tree.body:
                yield (data[: node.col_offset] + b"None" + data[node.end_col_offset :]).decode()


def _repeated(text: str) -> Iterator[str]:
    """A long text as one letter, many times."""
    try:
        value: object = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return
    if isinstance(value, str) and len(value) > _LONG_CHARS:
        yield f'"a" * {len(value)}'


def _without_each(tree: ast.Expression, items: list[ItemT]) -> Iterator[str]:
    """The source with one item less; the items of the tree are as before afterwards."""
    for place in range(len(items)):
        taken = items.pop(place)
        yield ast.unparse(tree)
        items.insert(place, taken)


def _without_each_pair(tree: ast.Expression, node: ast.Dict) -> Iterator[str]:
    keys, values = node.keys, node.values
    for place in range(len(keys)):
        node.keys = keys[:place] + keys[place + 1 :]
        node.values = values[:place] + values[place + 1 :]
        yield ast.unparse(tree)
    node.keys, node.values = keys, values
