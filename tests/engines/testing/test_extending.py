"""New tests in a test file that is there: what stays, what is left out, what the file looks like."""

import ast
from pathlib import Path

import pytest

from engines.testing import places
from engines.testing.extending.existing import Existing, NotExtendable, existing_file
from engines.testing.extending.merging import merged
from engines.testing.extending.unrolled import cases_of
from engines.testing.types import CannotTest, Style
from tests.engines.testing.conftest import Write

CLAMP = '''\
"""Bounds."""


def clamp(value: int, low: int = 0, high: int = 10) -> int:
    """The value, moved into the bounds."""
    if low > high:
        raise ValueError("low above high")
    return max(low, min(value, high))


def spread(values: list[int]) -> int:
    """How far apart they are."""
    if not values:
        return 0
    return max(values) - min(values)
'''
TESTS = """\
import pytest
from mod import clamp


@pytest.fixture
def limits():
    return (1, 5)


def test_clamp_in_bounds(limits):
    low,   high = limits          # laid out as somebody liked it
    assert clamp(3, low, high) == 3


@pytest.mark.parametrize(("value", "expected"), [(11, 10), (-1, 0)])
def test_clamp_at_bounds(value, expected):
    assert clamp(value) == expected
"""


def written(folder: Path, tests: str, path: str = "tests/test_mod.py") -> Path:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(tests)
    (folder / "conftest.py").write_text("")
    return folder / path


def existing(text: str) -> Existing:
    return Existing("tests/test_mod.py", text, ast.parse(text))


def test_new_tests_go_to_the_end_of_the_file_that_is_there(write: Write, tmp_path: Path) -> None:
    written(tmp_path, TESTS)
    result = write(CLAMP, cpu_s=6.0, extends=True)
    assert result.test_path == "tests/test_mod.py"
    assert result.extends is not None
    assert result.extends.before == TESTS
    body = TESTS.partition("\n\n\n")[2]
    assert body.rstrip() in result.source
    assert "from mod import clamp, spread\n" in result.source
    assert result.source.count("import pytest\n") == 1
    assert result.extends.coverage.line_percent < result.after.line_percent == 100.0
    assert result.passed == result.tests > 0
    assert not [one for one in result.notes if "Hypothesis" not in one]
    added = result.source[result.source.index("test_clamp_at_bounds") :]
    assert "assert spread(" in added
    assert "ValueError" in added
    assert "clamp(3" not in added, "what the existing tests reach is not tested again"


def test_a_file_whose_tests_do_not_run_is_left_alone_and_that_is_said(
    write: Write, tmp_path: Path
) -> None:
    written(tmp_path, "import nowhere_at_all\nfrom mod import clamp\n")
    result = write(CLAMP, cpu_s=6.0, extends=True)
    assert result.extends is None
    assert result.test_path == "tests/test_mod_generated.py"
    note = next(one for one in result.notes if "`tests/test_mod.py`" in one)
    assert "nowhere_at_all" in note


def test_a_file_that_is_no_python_is_refused_with_the_line(tmp_path: Path) -> None:
    (tmp_path / "mod.py").write_text(CLAMP)
    place = places.place_of(tmp_path, "mod.py")
    written(tmp_path, "from mod import clamp\ndef test_a(:\n")
    with pytest.raises(NotExtendable, match="line 2"):
        existing_file(place, places.test_place(place))


def test_a_file_that_makes_every_call_gets_no_more(write: Write, tmp_path: Path) -> None:
    text = "def nothing() -> None:\n    return None\n"
    written(tmp_path, "import mod\n\n\ndef test_it():\n    assert mod.nothing() is None\n")
    with pytest.raises(CannotTest, match="already makes every call"):
        write(text, extends=True)


def test_inputs_of_existing_tests_are_tried(write: Write, tmp_path: Path) -> None:
    module = (
        "def unlock(code: str, times: int) -> str:\n"
        "    if sum(map(ord, code)) * 31 == 19778:\n"
        '        return "open" if times > 3 else "again"\n'
        '    return "no"\n'
    )
    tests = (
        'import mod\n\nWORD = "sesame"\n\n\ndef test_again():\n'
        '    for word in [WORD]:\n        assert mod.unlock(word, 0) == "again"\n'
    )
    written(tmp_path, tests)
    result = write(module, extends=True)
    added = result.source.removeprefix(tests)
    assert "sesame" in added
    assert "open" in added


def test_unittest_files_get_a_unittest_class(write: Write, tmp_path: Path) -> None:
    tests = (
        "import unittest\n\nfrom mod import clamp\n\n\nclass ModTest(unittest.TestCase):\n"
        "    def setUp(self):\n        self.high = 5\n\n"
        "    def test_high(self):\n        self.assertEqual(clamp(7, 0, self.high), 5)\n\n\n"
        "if __name__ == '__main__':\n    unittest.main()\n"
    )
    written(tmp_path, tests)
    result = write(CLAMP, cpu_s=6.0, extends=True)
    assert result.extends is not None
    assert "class ModFurtherTest(unittest.TestCase):" in result.source
    assert "import pytest" not in result.source
    assert result.source.endswith("if __name__ == '__main__':\n    unittest.main()\n")


def test_the_file_is_found_by_its_name_and_what_it_imports(tmp_path: Path) -> None:
    (tmp_path / "src/pkg").mkdir(parents=True)
    (tmp_path / "src/pkg/__init__.py").write_text("")
    (tmp_path / "src/pkg/mod.py").write_text(CLAMP)
    place = places.place_of(tmp_path, "src/pkg/mod.py")
    written(tmp_path, "import other\n", "tests/a/test_mod.py")
    assert existing_file(place, places.test_place(place)) is None
    written(tmp_path, "from pkg import mod\n", "tests/b/test_mod.py")
    found = existing_file(place, places.test_place(place))
    assert found is not None
    assert found.path == "tests/b/test_mod.py"
    assert found.style is Style.PYTEST


GENERATED = '''\
"""Tests for mod."""

import math
from decimal import Decimal

import pytest

from mod import clamp, spread


def test_clamp_returns_number():
    assert clamp(math.pi, Decimal("1")) == "a's"
    assert spread("x y").spread(spread=1) == b"\\n"


class ModTest:
    def test_it(self):
        with pytest.raises(ValueError):
            clamp(1)
'''


def test_what_a_name_means_in_the_file_is_respected() -> None:
    before = (
        "# about\nfrom __future__ import annotations\n\nimport os\n\nimport mod as m\n\n\n"
        "def spread():\n    return {'a': 'b'}\n\n\ndef test_clamp_returns_number(): pass\n# end\n"
    )
    after = merged(existing(before), GENERATED, "mod")
    assert after == (
        "# about\nfrom __future__ import annotations\n\nimport os\nimport math\n"
        "from decimal import Decimal\n\nimport pytest\n\nimport mod as m\n\n\n"
        "def spread():\n    return {'a': 'b'}\n\n\ndef test_clamp_returns_number(): pass\n\n\n"
        "def test_clamp_returns_number_2():\n"
        "    assert m.clamp(math.pi, Decimal('1')) == \"a's\"\n"
        "    assert m.spread('x y').spread(spread=1) == b\"\\n\"\n\n\n"
        "class ModTest:\n    def test_it(self):\n        with pytest.raises(ValueError):\n"
        "            m.clamp(1)\n# end\n"
    )


def test_a_taken_name_is_imported_under_another() -> None:
    before = 'from mod import (\n\tclamp,\n)\nfrom other import spread\n\n\ndef test_a():\n\tassert "x"\n'
    after = merged(existing(before), GENERATED, "mod")
    assert "from mod import (\n\tclamp, spread as mod_spread,\n)" in after
    assert 'mod_spread("x y").spread(spread=1)' in after
    assert "\n\tassert clamp(math.pi" in after
    compile(after, "test_mod.py", "exec")


def test_line_ends_of_the_file_are_kept() -> None:
    before = 'import mod\r\n\r\n\r\ndef test_a():\r\n    assert """\r\n"""\r\n'
    after = merged(existing(before), GENERATED, "mod")
    assert "\n" not in after.replace("\r\n", "")


def test_a_file_that_cannot_be_parsed_is_refused() -> None:
    broken = Existing("tests/test_mod.py", "def test_a(:\n", ast.parse(""))
    with pytest.raises(NotExtendable, match=r"test_mod\.py"):
        merged(broken, GENERATED, "mod")


def test_cases_are_unrolled_with_their_inputs() -> None:
    tree = ast.parse(
        "import pytest\n"
        "@pytest.fixture\ndef box():\n    return Box(3)\n"
        "@pytest.mark.parametrize('a, b', [(1, 2), pytest.param(3, 4, id='x')])\n"
        "def test_f(box, a, b):\n"
        "    with pytest.raises(ValueError):\n        f(box, a, b)\n"
    )
    texts = ["\n".join(map(ast.unparse, case)) for case in cases_of(tree)]
    assert texts == [
        "box = Box(3)\na = 1\nb = 2\nf(box, a, b)",
        "box = Box(3)\na = 3\nb = 4\nf(box, a, b)",
    ]
