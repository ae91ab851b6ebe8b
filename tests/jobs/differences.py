"""Behaviour diffs by hand."""

from engines.sandbox.types import Rung
from engines.testing.behaviour.types import (
    BehaviourDiff,
    Change,
    Difference,
    NotCompared,
    TestChange,
)

SLUG = Difference(
    path="text/slugs.py",
    function="slugify",
    line=7,
    change=Change.RETURNS_OTHER,
    call='slugify("a--b")',
    code='from text.slugs import slugify\nslugify("a--b")',
    base="'a-b'",
    head="'a--b'",
)
EMPTY = Difference(
    path="text/slugs.py",
    function="slugify",
    line=9,
    change=Change.NO_LONGER_RAISES,
    call='slugify("")',
    code='from text.slugs import slugify\nslugify("")',
    base="raises ValueError: nothing to name",
    head="''",
)
POP = Difference(
    path="stack.py",
    function="Stack.pop",
    line=12,
    change=Change.NEVER_ENDS,
    call="stack = Stack()\nstack.push(1)\nstack.pop()",
    code="from stack import Stack\nstack = Stack()\nstack.push(1)\nstack.pop()",
    base="1",
    head="does not end",
)
FAILS = TestChange("tests/test_slugs.py::test_dashes", passes=False, message="'a--b' != 'a-b'")
MENDED = TestChange("tests/test_slugs.py::test_empty", passes=True, message="ValueError")
LEFT_OUT = NotCompared("text/new.py", "new")


def diff(
    *differences: Difference,
    tests: tuple[TestChange, ...] = (),
    lines: tuple[int, int] = (23, 25),
    left_out: tuple[NotCompared, ...] = (),
    complete: bool = True,
) -> BehaviourDiff:
    """What came of 4,321 calls; `lines` are those that were run, and all that changed."""
    return BehaviourDiff(
        differences=differences,
        tests=tests,
        changed_lines=lines[1],
        exercised_lines=lines[0],
        not_compared=left_out,
        calls=4_321,
        cpu_s=9.6,
        rung=Rung.BUBBLEWRAP,
        complete=complete,
    )
