"""What the search thinks of by itself: each target has a line that needs one kind of input."""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engines.sandbox.sandbox import Sandbox
from engines.source.module import parse_module
from engines.testing.budget import Budget
from engines.testing.calls import Call
from engines.testing.examples import example_calls
from engines.testing.generation import Generation
from engines.testing.jailed import Jail
from engines.testing.offers import Kind
from engines.testing.places import place_of
from engines.testing.search import Search
from engines.testing.seeds import mine
from engines.testing.targets import chosen_targets
from engines.testing.types import TestingRequest
from engines.testing.values import Values
from engines.watch import Unwatched
from tests.engines.testing.conftest import Write

Missed = Callable[[str], list[str]]

_CPU_S = 4.0


@pytest.fixture
def missed(sandbox: Sandbox, tmp_path: Path) -> Missed:
    """The lines and outcomes of a module that a short search does not reach."""

    def run(text: str) -> list[str]:
        (tmp_path / "mod.py").write_text(text)
        module, place = parse_module(text, "mod.py"), place_of(tmp_path, "mod.py")
        budget, choices = Budget(_CPU_S), random.Random(1)  # noqa: S311 - reproducible
        with Jail(sandbox, place, lambda: False, {}, budget) as jail:
            targets = chosen_targets(TestingRequest(tmp_path, "mod.py"), module, jail)
            values = Values(jail.offers, mine(module, jail.offers, choices))
            search = Search(jail, Generation(module, jail.offers, values), values, targets.goals)
            examples = example_calls(module, jail.offers, place)
            search.run(list(targets.offers), examples, budget, _CPU_S, Unwatched())
            left = sorted(targets.goals - search.reached)
            return [f"{jail.goals[one].line} {jail.goals[one].text}" for one in left]

    return run


TARGETS = {
    "the elements of a list, by what is done with them": """
def total(rows):
    found = 0
    for row in rows:
        if row.kind == "sum" and row.amount > 100:
            found += row.amount
    return found
""",
    "the keys that are read": """
def greeting(person):
    if "title" in person:
        return person["title"] + " " + person["name"]
    return person.get("nick", "you") + str(len(person["name"]))
""",
    "pairs, each part by its own use": """
KINDS = ("add", "drop")

def replay(log):
    held = set()
    for kind, name in log:
        if kind == "add":
            held.add(name.lower())
        elif kind == "drop" and name.lower() in held:
            held.remove(name.lower())
    return held
""",
    "what a constructor keeps for its methods": """
class Report:
    def __init__(self, rows, header):
        self.rows = rows
        self.header = header

    def text(self):
        lines = [self.header.upper()]
        for row in self.rows:
            lines.append(row.strip())
        return lines
""",
    "what a callee does with it": """
def outer(source):
    return _inner(source, 1)

def _inner(text, depth):
    if text.startswith("<") and text.endswith(">"):
        return text.strip("<>").split(":")
    return depth
""",
    "values the module itself defines": """
class _Marker:
    pass

MISSING = _Marker()

def shown(value, default=None):
    if value is MISSING:
        return "nothing"
    if default is MISSING:
        return "no default"
    return value
""",
    "what a class below one of the interpreter's is made from": """
class Counts(dict):
    def total(self):
        return sum(value for value in self.values() if value > 10)

class Code(str):
    def region(self):
        return self[3:] if self.startswith("EU-") else None

class Level(int):
    def up(self):
        if self > 5:
            return 5
        return self + 1
""",
    "members of an enumeration that are numbers": """
import enum

class Level(enum.IntEnum):
    LOW = 1
    HIGH = 7

NAMES = {Level.LOW: "low", Level.HIGH: "high"}

def named(level):
    if level in NAMES:
        return NAMES[level]
    return None
""",
    "tables inside lists inside tables": """
def flat(data):
    found = []
    for key, value in data.items():
        if isinstance(value, list):
            for item in value:
                if isinstance(item, dict):
                    for inner in item.values():
                        if isinstance(inner, dict):
                            found.append(key)
        elif isinstance(value, dict):
            found.extend(flat(value))
    return found
""",
    "functions with as many parameters as they are called with": """
def combined(left, right, merge):
    if not callable(merge):
        raise TypeError("merge")
    return merge(left, right, 3)
""",
    "numbers and texts that conditions name": """
def grade(score: int, mode: str = "plain") -> str:
    if score == 7741:
        return "exact"
    if score > 50_000:
        return "high"
    if mode.startswith("zz:"):
        return mode[3:]
    if len(mode) == 17:
        return "long"
    return "low"
""",
    "attributes set after the object was made": """
class Printer:
    def __init__(self):
        self.level = 0

    def say(self, text: str) -> str:
        if self.level >= 4:
            return f"[{self.level}] {text}"
        return text
""",
    "keys that an earlier call put in": """
class Store:
    def __init__(self):
        self._rows = {}

    def put(self, section, key, value):
        self._rows.setdefault(section, {})[key] = value

    def fetch(self, section, key):
        if section not in self._rows:
            return "no section"
        if key in self._rows[section]:
            return self._rows[section][key]
        return "no key"
""",
    "objects that only a public call hands out": """
class _Cursor:
    def __init__(self, rows):
        self._rows = rows

    def first(self):
        return self._rows[0] if self._rows else None

def opened(count: int):
    return _Cursor(list(range(count)))
""",
    "what an abstract class leaves open": """
import abc

class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self):
        ...

    def doubled(self, times: int = 1):
        if times > 3:
            return "many"
        return self.area() * 2
""",
    "keywords and elements of variadic parameters": """
def configured(*parts, **options):
    found = [part.upper() for part in parts]
    if "width" in options and options.get("align") == "left":
        found.append("wide")
    return found
""",
    "constants by their names": """
LIMIT = 1_321
MODES = ("rq", "wq")

def checked(text: str, mode: str):
    if len(text) > LIMIT:
        return "long"
    if mode not in MODES:
        return "unknown"
    return text
""",
    "an example without prompts": '''
class Pipe:
    """Joins steps.

    Example::

        pipe = Pipe("a")
        pipe.then("plugh", 3)
        pipe.run("xyzzy")
    """

    def __init__(self, name):
        self._name, self._steps = name, {}

    def then(self, word, count):
        self._steps[word] = count

    def run(self, word):
        if word == "xy" + "zzy" and self._steps.get("plu" + "gh") == 3:
            return "found"
        return "lost"
''',
}


@pytest.mark.parametrize("text", TARGETS.values(), ids=TARGETS)
def test_a_short_search_reaches_all_of(missed: Missed, text: str) -> None:
    assert missed(text) == []


def test_the_readme_is_read_as_examples(missed: Missed, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(
        "# Doors\n\n```python\nimport mod\nmod.opened('sesame', 5)  # => True\n```\n"
    )
    text = "def opened(word, times):\n    return 'yes' if word == 'ses' + 'ame' and times == 5 else 0\n"
    assert missed(text) == []


def test_what_leaves_the_program_is_expected_by_a_test(write: Write) -> None:
    text = "import sys\n\ndef leave(code: int) -> int:\n    if code > 3:\n        sys.exit(code)\n    return 1\n"
    result = write(text)
    assert "pytest.raises(SystemExit" in result.source
    assert result.passed == result.tests > 1
    assert result.after.line_percent == 100


def test_what_only_the_look_at_an_object_reaches_does_not_count(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "mod.py").write_text(
        "class Parcel:\n    def __init__(self):\n"
        "        self.a, self.b, self.c, self.d, self.e, self.f = 1, 2, 3, 4, 5, 6\n\n"
        "    @property\n    def rate(self):\n        return 7\n"
    )
    place = place_of(tmp_path, "mod.py")
    with Jail(sandbox, place, lambda: False, {}, Budget(_CPU_S)) as jail:
        offers = {one.kind: Call(one) for one in jail.offers.callables}
        asked = replace(offers[Kind.PROPERTY], receiver="Parcel()")
        made, looked = jail.run([offers[Kind.CONSTRUCTOR], asked], everything=True)
        lines = [{jail.goals[hit].line for hit in one.hits or ()} for one in (made, looked)]
    assert ".rate" not in dict(made.observation.attributes)
    assert lines == [{3}, {7}]
