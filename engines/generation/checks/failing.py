"""Which tests of a checkout a pasted report speaks of."""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from engines.generation.completeness import qualified
from engines.generation.paths import UnsafePath, is_test_file, safe_path

_REPORT_CHARS = 200_000
_IDS = 20
_NODE = re.compile(r"([\w./\\-]{1,200}\.py)((?:::[\w]{1,100})+)(\[[^\]\n]{0,100}\])?")
_FRAME = re.compile(r'File "([^"\n]{1,300}\.py)", line \d+, in (\w{1,100})')
_TITLE = re.compile(r"^_{3,} ([\w.]{1,200})(?:\[[^\n]{0,100})? _{3,}$", re.MULTILINE)
_PLACE = re.compile(r"^([\w./\\-]{1,200}\.py):\d+: ", re.MULTILINE)
_UNITTEST = re.compile(r"^(?:FAIL|ERROR): (test\w{1,100}) \(([\w.]{1,200})\)", re.MULTILINE)


def failing_tests(report: str, root: Path) -> list[str]:
    """The pytest ids of tests that exist in the checkout, in the order of the report."""
    told = dict.fromkeys(_all(report[-_REPORT_CHARS:], root))
    return list(dict.fromkeys(test for one in told for test in _resolved(one, root)))[:_IDS]


def named_files(report: str, root: Path) -> list[str]:
    """The Python files of the checkout that a report's frames are in, the last frame first."""
    text = report[-_REPORT_CHARS:]
    places = [one[0] for one in _FRAME.findall(text)] + _PLACE.findall(text)
    found = dict.fromkeys(path for one in reversed(places) for path in _inside(one, root))
    return list(found)


def _resolved(test: str, root: Path) -> Iterator[str]:
    """The id as the file has it: a traceback does not name the class of a test."""
    path, *names = test.split("::")
    text = (root / path).read_text(encoding="utf-8", errors="replace")
    known = [one.replace(".", "::") for one in qualified(text)]
    if "::".join(names) in known:
        yield test
        return
    same = [one for one in known if one.rpartition("::")[2] == names[-1]]
    yield from (f"{path}::{one}" for one in same)
    if not same and len(names) > 1 and "::".join(names[:-1]) in known:
        yield test  # inherited


def _all(text: str, root: Path) -> Iterator[str]:
    for written, names, _ in _NODE.findall(text):
        yield from (f"{path}{names}" for path in _inside(written, root))
    for written, function in _FRAME.findall(text):
        if function.startswith("test"):
            yield from (f"{path}::{function}" for path in _inside(written, root, is_test=True))
    yield from _titled(text, root)
    for name, dotted in _UNITTEST.findall(text):
        yield from _dotted(name, dotted, root)


def _titled(text: str, root: Path) -> Iterator[str]:
    """`____ TestX.test_y ____` and the first place below it that is in a test file."""
    titles = list(_TITLE.finditer(text))
    ends = [*(one.start() for one in titles[1:]), len(text)] if titles else []
    for title, end in zip(titles, ends, strict=True):
        body = text[title.end() : end]
        for written in _PLACE.findall(body):
            if path := next(_inside(written, root, is_test=True), ""):
                yield f"{path}::{title[1].replace('.', '::')}"
                break


def _dotted(name: str, dotted: str, root: Path) -> Iterator[str]:
    """`tests.test_mod.Case`, since 3.11 with the test's own name behind it."""
    parts = dotted.removesuffix(f".{name}").split(".")
    for count in range(len(parts), 0, -1):
        written = "/".join(parts[:count]) + ".py"
        for path in _inside(written, root):
            yield "::".join([path, *parts[count:], name])
            return


def _inside(written: str, root: Path, *, is_test: bool = False) -> Iterator[str]:
    """The path in the checkout that ends as what is written, which may be another machine's."""
    parts = [
        one for one in PurePosixPath(written.replace("\\", "/")).parts if one not in {"/", "."}
    ]
    for start in range(len(parts)):
        path = "/".join(parts[start:])
        try:
            safe = safe_path(root, path)
        except UnsafePath:
            continue
        if (root / safe).is_file() and (is_test_file(safe) or not is_test):
            yield safe
            return
