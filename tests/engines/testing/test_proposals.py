"""Tests that somebody else proposes: which are kept, which are dropped and why."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from engines.sandbox.sandbox import Sandbox
from engines.source.module import parse_module
from engines.testing.engine import write_tests
from engines.testing.proposals.gaps import Open, gaps_of, marked
from engines.testing.proposals.reading import read_tests
from engines.testing.proposals.rules import Rules
from engines.testing.proposer import NoProposal, Proposal, Wanted
from engines.testing.types import Proposed, TestingRequest, TestingResult
from engines.watch import Stopped, Watch
from tests.engines.testing.conftest import Write

SAFE = '''\
"""Locks."""

import zlib

LIMIT = 3


def unlock(word: str, tries: int = 0) -> str:
    """Open with the right word."""
    if tries > LIMIT:
        raise ValueError("too many tries")
    if zlib.crc32(word.encode()) == 0x3610A686:
        return "open"
    return "shut"


def _hidden(word: str) -> str:
    return word[0]
'''
OPENS = "def test_the_right_word_opens():\n    assert unlock('hello') == 'open'\n"
OTHERS = """\
def test_wrong():
    assert unlock("hello") == "shut"


def test_only_in_one_time_zone():
    assert datetime(2020, 1, 1).astimezone().utcoffset() == timedelta(0)
    assert unlock("hello") == "open"


def test_nothing_new():
    assert unlock("x") == "shut"


def test_starts_a_process():
    assert os.system("true") == 0 and unlock("hello") == "open"


def test_asserts_nothing():
    unlock("hello")
"""
HEAD = "import os\nfrom datetime import datetime, timedelta\n\nfrom safe import unlock\n\n\n"
POLLUTES = """\
import safe


def test_more_tries():
    safe.LIMIT = 9
    assert safe.unlock("hello", 5) == "open"
"""

Says = Callable[[Wanted], Proposal | NoProposal]


@dataclass
class Writer:
    """Answers as a test wrote for it, and keeps what it was asked."""

    says: Says
    name: str = "small"
    asked: list[Wanted] = field(default_factory=list[Wanted])

    def propose(self, wanted: Sequence[Wanted], watch: Watch) -> list[Proposal | NoProposal]:
        assert not watch.stop_requested()
        self.asked += wanted
        return [self.says(one) for one in wanted]


def answer(*code: str) -> Proposal:
    return Proposal("\n".join(code), code)


def proposed(result: TestingResult) -> Proposed:
    assert result.proposed is not None
    return result.proposed


def whys(result: TestingResult) -> dict[str, str]:
    return {one.name: one.why for one in proposed(result).dropped}


@pytest.fixture(scope="module")
def judged(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> TestingResult:
    """One answer with good and bad tests."""
    root = tmp_path_factory.mktemp("safe")
    (root / "safe.py").write_text(SAFE)
    writer = Writer(lambda _wanted: answer(HEAD + OTHERS + "\n\n" + OPENS))
    return write_tests(TestingRequest(root, "safe.py", cpu_s=10.0, proposer=writer), sandbox)


def test_a_test_that_reaches_what_the_search_left_is_kept_as_the_others_are_written(
    judged: TestingResult,
) -> None:
    assert proposed(judged).kept == ("test_the_right_word_opens",)
    assert (proposed(judged).by, proposed(judged).functions) == ("small", ("unlock", "_hidden"))
    end = 'def test_the_right_word_opens():\n    assert unlock("hello") == "open"\n'
    assert judged.source.endswith(end)
    assert "import os" not in judged.source
    assert judged.tests == judged.passed
    assert all("unlock" not in one.reason for one in judged.unreached)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("test_wrong", "fails: AssertionError: assert 'open' == 'shut'"),
        ("test_only_in_one_time_zone", "fails: "),
        ("test_nothing_new", "reaches nothing that the other tests do not"),
        ("test_starts_a_process", "imports `os`, which the module does not use"),
        ("test_asserts_nothing", "checks nothing"),
    ],
)
def test_other_tests_are_dropped_with_the_reason(
    judged: TestingResult, name: str, why: str
) -> None:
    assert whys(judged)[name].startswith(why)
    assert name not in judged.source


def test_what_is_dropped_is_no_possible_bug(judged: TestingResult) -> None:
    assert judged.findings == ()


def test_what_was_not_reached_is_asked_for_once_more_with_what_became_of_the_first_answer(
    write: Write, tmp_path: Path
) -> None:
    """And a test that harms others is found; and all goes into the test file that is there."""
    old = "from safe import unlock\n\n\ndef test_shut():\n    assert unlock('a') == 'shut'\n"
    (tmp_path / "test_safe.py").write_text(old)

    def says(wanted: Wanted) -> Proposal | NoProposal:
        if wanted.function != "unlock":
            return NoProposal("it wrote about the weather")
        if wanted.earlier is None:
            return answer(POLLUTES)
        return answer(OPENS)

    writer = Writer(says)
    result = write(SAFE, "safe.py", cpu_s=15.0, proposer=writer, extends=True)
    (first, _, again) = writer.asked
    assert "?   12|     if zlib.crc32" in first.part
    assert '!   13|         return "open"' in first.whole
    assert again.earlier is not None
    assert again.earlier.answer == POLLUTES
    assert "test_more_tries: " in again.earlier.told
    assert "Still never run: 13; never left both ways: 12." in again.earlier.told
    assert proposed(result).kept == ("test_the_right_word_opens",)
    assert proposed(result).silence == ("it wrote about the weather",)
    assert result.test_path == "test_safe.py"
    assert result.source.endswith("assert unlock('hello') == 'open'\n"), "quotes of the file"


def test_nothing_usable_leaves_the_result_as_it_is(write: Write) -> None:
    def says(wanted: Wanted) -> Proposal | NoProposal:
        if wanted.function == "unlock":
            return NoProposal("the model is gone")
        return answer("def test_(:")

    writer = Writer(says)
    result = write(SAFE, "safe.py", cpu_s=10.0, proposer=writer)
    assert result.passed == result.tests > 1
    assert result.complete
    assert proposed(result).kept == ()
    assert whys(result)[""].startswith("the answer is no Python: ")
    assert proposed(result).silence[0] == "the model is gone"


def test_a_cancel_while_others_are_asked_leaves_what_was_found(write: Write) -> None:
    def says(_wanted: Wanted) -> Proposal | NoProposal:
        raise Stopped

    result = write(SAFE, "safe.py", cpu_s=10.0, proposer=Writer(says))
    assert result.passed == result.tests > 1
    assert not result.complete


def test_where_nothing_is_left_nobody_is_asked(write: Write) -> None:
    writer = Writer(lambda _wanted: answer(OPENS))
    result = write("def half(n: int) -> int:\n    return n // 2\n", proposer=writer)
    assert writer.asked == []
    (why,) = proposed(result).silence
    assert "left nothing" in why


MODULE = '''\
"""Raises LookupError where there is nothing."""

import json

from pkg.errors import Bad


def load(text):
    if not text:
        raise ValueError("empty")
    assert text
    return json.loads(text)


class Box:
    def put(self, item):
        if item:
            return 1
        return _inner(item)


def _inner(item):
    return item
'''


@pytest.mark.parametrize(
    ("test", "why"),
    [
        ("def test_a():\n    assert load('1') == 1", ""),
        ("def test_a(tmp_path):\n    assert load(str(tmp_path))", ""),
        ("import pkg.errors\ndef test_a():\n    assert pkg.errors.Bad", ""),
        ("from unittest import mock\ndef test_a():\n    assert mock.Mock()", ""),
        (
            "import pytest\n@pytest.mark.parametrize('n', [1])\ndef test_a(n):\n    assert load(n)",
            "",
        ),
        ("def test_a():\n    with pytest.raises(ValueError):\n        load('')", ""),
        ("def test_a():\n    with pytest.raises(LookupError):\n        load('')", ""),
        ("def test_a():\n    with pytest.raises((Bad, AssertionError)):\n        load('')", ""),
        (
            "def test_a():\n    with pytest.raises(KeyError):\n        load('')",
            "expects `KeyError`",
        ),
        ("def test_a():\n    pytest.raises(kinds[0], load)", "expects an exception without"),
        ("from pkg.mod import _inner\ndef test_a():\n    assert _inner(1)", "uses the private"),
        ("def test_a():\n    assert mod._inner(1)", "uses the private `_inner`"),
        ("import subprocess\ndef test_a():\n    assert subprocess", "imports `subprocess`"),
        ("import urllib.request\ndef test_a():\n    assert urllib", "imports `urllib.request`"),
        ("def test_a():\n    import socket\n    assert socket", "imports `socket`"),
        ("def test_a():\n    from . import b\n    assert b", "imports relatively"),
        ("def test_a():\n    assert eval('1')", "uses `eval`"),
        ("def test_a():\n    assert 1 == 1", "checks nothing"),
        ("def test_a():\n    pytest.skip('no')\n    assert load", "uses `pytest.skip`"),
        ("@pytest.mark.xfail\ndef test_a():\n    assert load", "has the decorator"),
        (
            "def test_a():\n    assert pytest.param(1, marks=pytest.mark.skip)",
            "uses `pytest.mark.skip`",
        ),
        ("def test_a(mocker):\n    assert mocker", "takes `mocker`"),
        ("def test_a():\n    try:\n        assert load\n    except E:\n        pass", "catches"),
        ("X = 1\ndef test_a():\n    assert load(X)", "uses `X`, which stands outside"),
        ("async def test_a():\n    assert load", "is asynchronous"),
        ("def test_ü():\n    assert load", "has a name with other signs"),
        ("class A:\n    def test_a(self):\n        self.assertTrue(load)", "needs a class"),
        ("class A:\n    def test_a(self):\n        assert load", ""),
        ("def test_a():\n" + "    assert load\n" * 50, "has more than 40 lines"),
        (
            "def test_a():\n    assert " + "+".join(["load"] * 500),
            "the answer is nested too deeply",
        ),
        ("print(1)", "the answer has no tests in it"),
    ],
)
def test_what_a_proposed_test_may_hold(test: str, why: str) -> None:
    rules = Rules.of(parse_module(MODULE, "mod.py"), "pkg.mod", is_unittest=False)
    reading = read_tests([test], rules, set())
    assert "".join(one.why for one in reading.dropped).startswith(why)
    assert len(reading.tests) == (0 if why else 1)


def test_an_answer_without_code_has_no_tests() -> None:
    rules = Rules.of(parse_module(MODULE, "mod.py"), "pkg.mod", is_unittest=False)
    (dropped,) = read_tests([], rules, set()).dropped
    assert dropped.why == "the answer has no tests in it"


def test_a_proposed_test_is_written_in_the_style_of_the_file() -> None:
    rules = Rules.of(parse_module(MODULE, "mod.py"), "pkg.mod", is_unittest=True)
    text = "def test_a(self) -> None:\n    '''Doc.'''\n    x: str = load('a')  # why\n    assert x"
    (test,) = read_tests([text], rules, {"test_a"}).tests
    assert test.lines(is_unittest=True) == [
        "def test_a_2(self):",
        '    x: str = load("a")',
        "    self.assertTrue(x)",
    ]
    long = f"def test_b():\n    assert load('{'a' * 60}', [1, 2, 3], {{'b': 4}}, None)"
    rules = Rules.of(parse_module(MODULE, "mod.py"), "pkg.mod", is_unittest=False)
    (test,) = read_tests([long], rules, set()).tests
    assert test.lines(is_unittest=False)[:2] == ["def test_b():", "    assert load("]


def test_the_largest_gaps_come_first_and_are_marked() -> None:
    module = parse_module(MODULE, "mod.py")
    is_open = Open(frozenset({11, 18, 19}), frozenset({9, 17}))
    every = range(100)
    found = [one.qualname for one in gaps_of(module, is_open, every)]
    assert found == ["Box.put", "load"]
    assert [one.qualname for one in gaps_of(module, is_open, {9})] == ["load"]
    assert marked(module, is_open, range(16, 20)).split("\n") == [
        "    16|     def put(self, item):",
        "?   17|         if item:",
        "!   18|             return 1",
        "!   19|         return _inner(item)",
    ]
    assert is_open.told() == "never run: 11, 18-19; never left both ways: 9, 17"
