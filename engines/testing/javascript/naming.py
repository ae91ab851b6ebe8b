"""What tests are called: the outcome and the input, short enough to read in a list."""

from engines.testing.javascript.calls import Call, Kept
from engines.testing.javascript.literals import quoted, written

_PIECE_CHARS = 44
_COLUMN_CHARS = 70
_TITLE_CHARS = 110


def title(one: Kept) -> str:
    """`returns "a-b" for "a b"`, `throws TypeError for 3: expected a string`."""
    words = f"{_outcome(one)}{_inputs(one.call)}"
    return heading(_cut(words.strip(), _TITLE_CHARS))


def heading(words: str) -> str:
    """A title as a literal; the source it quotes is in single quotes."""
    if "'" not in words:
        return quoted(words)
    body = words.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + body + '"'


def _outcome(one: Kept) -> str:
    seen = one.seen
    target = one.call.target
    match seen.kind:
        case "error":
            name = "a value" if seen.name is None else seen.name
            said = f" {_spoken(quoted(seen.message))}" if seen.message else ""
            return f"{'rejects with' if seen.awaited else 'throws'} {name}{said}"
        case "instance":
            verb = "makes" if target.kind == "class" else "returns"
            return f"{verb} {'an' if seen.type[0] in 'AEIOU' else 'a'} {seen.type}"
        case "self":
            return "returns the same object"
        case "opaque":
            return f"returns a {seen.type}"
        case "items":
            return f"yields {_spoken(seen.text)}"
        case _:
            if seen.changed and seen.text == "undefined":
                return f"leaves {_spoken(seen.changed[0][1])}"
            if seen.text == "undefined" and seen.state:
                return f"sets {seen.state[0][0]} to {_spoken(seen.state[0][1])}"
            verb = "resolves to" if seen.awaited else "returns"
            return f"{'is' if target.kind == 'getter' else verb} {_spoken(seen.text)}"


def _inputs(call: Call) -> str:
    given = ", ".join(_spoken(written(value)) for value in call.last.args)
    words = f" for {given}" if given else ""
    if not given and call.target.parameters and call.target.kind != "getter":
        words = " without arguments"
    steps = [step for step in call.before if step.target.kind != "class"]
    if steps:
        after = ", ".join(_spoken(step.source().partition(".")[2]) for step in steps)
        return f"{words} after {after}"
    makers = [step for step in call.before if step.target.kind == "class" and step.args]
    if makers:
        return f"{words} on {_spoken(makers[0].source())}"
    return words


def _spoken(text: str) -> str:
    """Source inside a title, cut where it is long."""
    return _cut(text, _PIECE_CHARS)


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    closing = text[-1] if text[-1] in "'])}" and text[0] in "'[({" else ""
    return f"{text[: limit - 1 - len(closing)]}…{closing}"


def table_title(cases: list[Kept], slots: list[int], marks: list[str]) -> str:
    """The title of a table, unquoted; `marks` stand for its columns in the runner's own way."""
    first = cases[0]
    is_alike = len({_outcome(one) for one in cases}) == 1
    texts = [written(one.call.last.args[place]) for one in cases for place in slots]
    is_long = any(len(text) > _COLUMN_CHARS for text in texts)
    inputs = "case %#" if is_long else ", ".join(marks[: len(slots)])
    if is_alike:
        return f"{_outcome(first).replace('%', '%%')} for {inputs}"
    verb = "yields" if first.seen.kind == "items" else "returns"
    verb = "resolves to" if first.seen.awaited else verb
    if is_long or any(len(one.seen.text) > _COLUMN_CHARS for one in cases):
        return f"{verb} the expected value for {inputs}"
    return f"for {inputs} {verb} {marks[-1]}"
