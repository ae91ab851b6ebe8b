import ast
import gc
import sys
import threading
from collections.abc import Iterator

import pytest

from jobs.one_parser import parse_one_by_one


class Loop:
    """Garbage that only the collector finds, and that lets other threads run when it goes."""

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        for _ in range(200):
            pass


SOURCE = "\n".join(f"def f{n}(a, b=({n}, [{n}, {{{n}: {n}}}])):\n    return a" for n in range(150))


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads take turns as often as they can, and the collector comes often."""
    before, threshold = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-6)
    gc.set_threshold(50)
    yield
    sys.setswitchinterval(before)
    gc.set_threshold(*threshold)


@pytest.mark.usefixtures("hasty")
def test_many_threads_parse_and_none_meets_the_error_of_the_interpreter() -> None:
    parse_one_by_one()
    troubles: list[SystemError] = []

    def parse(depth: int) -> None:
        if depth:
            parse(depth - 1)
            return
        for _ in range(15):
            garbage = [Loop() for _ in range(30)]
            del garbage
            try:
                ast.parse(SOURCE)
            except SystemError as error:
                troubles.append(error)

    threads = [threading.Thread(target=parse, args=(7 * number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []


def test_a_tree_is_what_it_was_and_errors_are_told() -> None:
    parse_one_by_one()
    assert ast.dump(ast.parse("a = 1", mode="exec")).startswith("Module(")
    with pytest.raises(SyntaxError):
        ast.parse("def (")
