"""What to say to a program or an application, from what it says it accepts."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from engines.testing.facts import Fact, fact, items, optional_text, text, texts

_PER_OPERATION = 24
_VARIANTS = ((0, False), (1, True), (2, False), (3, False), (2, True))
"""Which of the sample values, and whether what is optional is given too."""
_FOLDER_FILE = "{folder}/sample.txt"


@dataclass(frozen=True)
class Scenario:
    """Steps to take, one after the other; `words` say what is special about the last one."""

    name: str
    words: str
    steps: tuple[Fact, ...] = field(hash=False)


def web_scenarios(operations: list[Fact]) -> list[Scenario]:
    """Requests for every operation: as described, with parts missing or of other types; and for
    what is created, what can be done with it afterwards.
    """
    found = [
        one for operation in operations for one in islice(_requests(operation), _PER_OPERATION)
    ]
    return [*found, *_chains(operations)]


def _requests(operation: Fact) -> Iterator[Scenario]:
    name = text(operation.get("name"))
    parameters = [fact(one) for one in items(operation.get("parameters"))]
    body = operation.get("body")
    schema = fact(body) if isinstance(body, dict) else None  # pyright: ignore[reportUnknownArgumentType] -- JSON
    for variant, is_full in _VARIANTS:
        step = _step(operation, parameters, variant, is_full=is_full)
        yield Scenario(name, "", (_with_body(step, schema, variant, is_full=is_full),))
    plain = _with_body(_step(operation, parameters, 0), schema, 0)
    if schema:
        for field_name in texts(schema.get("required")):
            given = fact(plain["json"])
            given.pop(field_name, None)
            yield Scenario(name, f"without_{field_name}", ({**plain, "json": given},))
        for field_name, inner in fact(schema.get("properties", {})).items():
            wrong = _wrong(fact(inner))
            if wrong is not None:
                given = {**fact(plain["json"]), field_name: wrong}
                yield Scenario(name, f"when_{field_name}_is_wrong", ({**plain, "json": given},))
    for one in parameters:
        wrong = _wrong(fact(one.get("schema", {})))
        if wrong is not None:
            spoilt = _placed({**plain, "path": operation["path"]}, one, wrong)
            for other in (given for given in parameters if given.get("required")):
                spoilt = _placed(spoilt, other, example(fact(other.get("schema", {})), 0))
            yield Scenario(name, f"when_{text(one['name'])}_is_wrong", (spoilt,))


def _step(operation: Fact, parameters: list[Fact], variant: int, *, is_full: bool = False) -> Fact:
    """A request with its required parameters, or with all."""
    step: Fact = {"method": operation["method"], "path": operation["path"]}
    for one in parameters:
        if one.get("required") or is_full:
            step = _placed(step, one, example(fact(one.get("schema", {})), variant))
    return step


def _placed(step: Fact, parameter: Fact, value: object) -> Fact:
    """The request with a parameter, unless it has it."""
    name = text(parameter["name"])
    if parameter.get("in") == "path":
        path = text(step["path"])
        return {**step, "path": path.replace(f"{{{name}}}", str(value))}
    if parameter.get("in") == "query":
        return {**step, "params": {name: value, **fact(step.get("params", {}))}}
    return step


def _with_body(step: Fact, schema: Fact | None, variant: int, *, is_full: bool = False) -> Fact:
    return {**step, "json": example(schema, variant, is_full=is_full)} if schema else step


def example(schema: Fact, variant: int, name: str = "", *, is_full: bool = False) -> object:
    """A value that fits the schema; of objects, only what is required, or everything."""
    if schema.get("enum"):
        choices = items(schema["enum"])
        return choices[variant % len(choices)]
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            choices = [fact(one) for one in items(schema[key])]
            return example(choices[variant % len(choices)], variant, name, is_full=is_full)
    match schema.get("type"):
        case "object":
            required = texts(schema.get("required"))
            inner = fact(schema.get("properties", {}))
            return {
                key: example(fact(one), variant, key, is_full=is_full)
                for key, one in inner.items()
                if is_full or key in required
            }
        case "array":
            one = example(fact(schema.get("items", {})), variant, name, is_full=is_full)
            return [one] * (1 + variant % 2)
        case "boolean":
            return variant % 2 == 0
        case "integer" | "number":
            return _number(schema, variant)
        case "null":
            return None
        case _:
            return _string(schema, variant, name)


def _number(schema: Fact, variant: int) -> object:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    strict = "exclusiveMinimum" in schema
    value = (1, 2, 0, 999)[variant % 4]
    if isinstance(low, int | float) and value < low + strict:
        value = int(low) + 1 if strict else int(low)
    if isinstance(high, int | float) and value > high:
        value = int(high)
    return value


def _string(schema: Fact, variant: int, name: str) -> object:
    formats = {
        "date": "2024-02-29", "date-time": "2024-02-29T12:30:00Z", "email": "ann@example.org",
        "uuid": "12345678-1234-4234-8234-123456789abc", "uri": "https://example.org/a",
        "time": "12:30:00",
    }  # fmt: skip
    known = formats.get(str(schema.get("format")))
    if known:
        return known
    word = (name or "text", "b", "", "Ann")[variant % 4]
    least = schema.get("minLength", 0)
    return word.ljust(least, "x") if isinstance(least, int) else word


def _wrong(schema: Fact) -> object:
    """A value of another type, or beyond a bound; None where anything goes."""
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    if isinstance(low, int | float):
        return int(low) - 1
    return "wrong" if schema.get("type") in {"integer", "number", "boolean", "array"} else None


def _chains(operations: list[Fact]) -> Iterator[Scenario]:
    """What was created is asked for, changed and deleted by what its answer calls it."""
    for made in operations:
        if made["method"] != "POST" or "{" in text(made["path"]):
            continue
        for used in operations:
            path = text(used["path"])
            rest = path.removeprefix(text(made["path"]).rstrip("/"))
            if rest == path or rest.count("{") != 1 or not rest.startswith("/{"):
                continue
            name = rest[2:].partition("}")[0]
            for key in dict.fromkeys((name, "id", name.rpartition("_")[2])):
                first = next(_requests(made)).steps[0]
                last = next(_requests({**used, "parameters": []})).steps[0]
                last = {**last, "path": path.replace(f"{{{name}}}", f"{{{key}}}")}
                words = f"after_{text(made['name'])}"
                yield Scenario(text(used["name"]), words, (first, last))


def program_scenarios(operations: list[Fact]) -> list[Scenario]:
    """Arguments for every command: plain ones, each option, each choice, and what is refused."""
    lead = texts(operations[0].get("lead")) if operations else ()
    found = [Scenario("", "help", ({"args": [*lead, "--help"]},))]
    for operation in operations:
        found.extend(islice(_invocations(operation), _PER_OPERATION))
    return found


def _invocations(operation: Fact) -> Iterator[Scenario]:
    way = list(texts(operation.get("way")))
    lead = texts(operation.get("lead"))
    name = "_".join(way).replace("-", "_")
    parameters = [fact(one) for one in items(operation.get("parameters"))]
    needed = [one for one in parameters if one.get("required")]
    optional = [one for one in parameters if not one.get("required")]

    def said(words: str, *more: str, but: str = "", variant: int = 0) -> Scenario:
        given = [word for one in needed if one["name"] != but for word in _given(one, variant)]
        return Scenario(name, words, ({"args": [*lead, *way, *more, *given]},))

    for variant in range(3 if needed else 1):
        yield said("", variant=variant)
    for one in optional:
        choices = texts(one.get("choices"))
        for variant in range(max(2, len(choices))):
            label = f"with_{text(one['name'])}"
            label += f"_{choices[variant]}" if choices else ""
            yield said(label, *_given(one, variant))
    for one in needed:
        yield said(f"without_{text(one['name'])}", but=text(one["name"]))
    for one in parameters:
        if one.get("type") in {"integer", "number"} or one.get("choices"):
            label = f"when_{text(one['name'])}_is_wrong"
            yield said(label, *_given(one, 0, "wrong"), but=text(one["name"]))
    yield said("unknown_option", "--no-such-option")


def _given(one: Fact, variant: int, value: str | None = None) -> list[str]:
    option = optional_text(one.get("option"))
    if one.get("flag"):
        return [option] if option else []
    choices = texts(one.get("choices"))
    kinds = {
        "integer": ("1", "2", "0"), "number": ("1.5", "2", "0"),
        "path": (_FOLDER_FILE, "{folder}/missing.txt"),
    }  # fmt: skip
    is_file = any(word in text(one["name"]) for word in ("file", "path", "input", "source"))
    named = kinds["path"] if is_file else (text(one["name"]), "b", "")
    pool = choices or kinds.get(text(one.get("type")), named)
    given = value if value is not None else pool[variant % len(pool)]
    values = [given, given] if one.get("many") and value is None and variant else [given]
    return [option, *values] if option else values
