"""The head of a test file: docstring, imports, and a path entry where one is needed."""

import io
import itertools
import tokenize
from collections.abc import Iterator

from engines.testing.assertions import Names
from engines.testing.layout import WIDTH_CHARS
from engines.testing.places import Place, TestPlace

_MODULES = frozenset(
    [
        "asyncio",
        "collections",
        "contextlib",
        "copy",
        "datetime",
        "io",
        "itertools",
        "math",
        "operator",
        "pickle",
        "random",
        "re",
    ]
)
_HYPOTHESIS = ("from hypothesis import given, settings", "from hypothesis import strategies as st")
STANDARD_MEMBERS = {
    "Decimal": "decimal", "Fraction": "fractions", "Path": "pathlib", "UUID": "uuid",
    "deque": "collections", "StringIO": "io", "BytesIO": "io",
    "SimpleNamespace": "types",
}  # fmt: skip
"""Names of classes and the modules that they are imported from in every test file."""

STANDARD_NAMES = _MODULES | set(STANDARD_MEMBERS)
"""Names that mean the same in every test file."""


class Head:
    """Finds the names a test file uses and writes the imports for them."""

    def __init__(self, place: Place, test_place: TestPlace, names: Names) -> None:
        self._place = place
        self._test_place = test_place
        self._owners = {
            name.partition(".")[0]: identity.partition(":")[0]
            for identity, name in names.importable.items()
        }
        self._whole = {
            name for identity, name in names.importable.items() if identity == f"{name}:"
        }

    def lines(self, body: str, *, is_unittest: bool) -> list[str]:
        """The lines before the first test."""
        used = set(names_in(body))
        plain = {name for name in used & _MODULES if name not in self._owners}
        needed = {name: self._source(name) for name in sorted(used)}
        modules = set(STANDARD_MEMBERS.values())
        standard = {name: source for name, source in needed.items() if source in modules}
        own = {
            name: source
            for name, source in needed.items()
            if source and name not in standard and name not in self._whole
        }
        plain |= {"unittest"} if is_unittest else set()
        plain |= {"tempfile"} if "tempfile" in used else set()
        if self._test_place.path_entry is not None:
            plain.add("sys")
            standard["Path"] = "pathlib"
        sections = [
            [f"import {name}" for name in sorted(plain)] + list(_from_lines(standard)),
            [
                *(["import pytest"] if "pytest" in used else []),
                *(_HYPOTHESIS if "given" in used and "st" in used else ()),
            ],
            [*self._path_lines()],
            [f"import {name}" for name in sorted(used & self._whole)] + list(_from_lines(own)),
        ]
        return [*itertools.chain.from_iterable(["", *one] for one in sections if one)][1:]

    def _source(self, name: str) -> str:
        """The module a name is imported from; nothing for builtins and local names."""
        if name in self._owners:
            return self._owners[name]
        return STANDARD_MEMBERS.get(name, "")

    def _path_lines(self) -> Iterator[str]:
        entry = self._test_place.path_entry
        if entry is None:
            return
        base = f"Path(__file__).resolve().parents[{self._test_place.depth}]"
        folder = base if entry == "." else f'{base} / "{entry}"'
        yield f"sys.path.insert(0, str({folder}))"


def _from_lines(names: dict[str, str]) -> Iterator[str]:
    for module in sorted(set(names.values())):
        listed = sorted(name for name, source in names.items() if source == module)
        listed.sort(key=lambda name: (not name.isupper(), not name[:1].isupper(), name))
        line = f"from {module} import {', '.join(listed)}"
        if len(line) <= WIDTH_CHARS:
            yield line
        else:
            yield f"from {module} import ("
            yield from (f"    {name}," for name in listed)
            yield ")"


def names_in(body: str) -> Iterator[str]:
    """The names a text uses, without attributes, what strings contain and what is given a value."""
    before = ""
    tokens = list(tokenize.generate_tokens(io.StringIO(body).readline))
    for token, after in itertools.pairwise(tokens):
        if token.type == tokenize.NAME and before != "." and after.string != "=":
            yield token.string
        before = token.string
