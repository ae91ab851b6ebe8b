"""Places at the processors: bounded, given in order, and left by whoever gives up."""

import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from engines.generation.places import Places
from engines.watch import Stopped

WAIT_S = 60.0


class Line:
    """A single place that is taken until `leave`, and those who wait for it."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.order: list[str] = []
        self._places = Places(1)
        self._pool = pool
        self._leaves = threading.Event()
        self._holder = self.comes("holder", self._leaves.wait)

    def comes(
        self,
        name: str,
        stays: Callable[[], object] = bool,
        look: Callable[[], None] = lambda: None,
        *,
        is_first: bool = False,
    ) -> Future[None]:
        """Somebody who wants the place; returns when they have it, or have looked up once."""
        seen = threading.Event()

        def looked() -> None:
            seen.set()
            look()

        def comes() -> None:
            with self._places.taken(looked, is_first=is_first):
                self.order.append(name)
                seen.set()
                stays()

        future = self._pool.submit(comes)
        assert seen.wait(WAIT_S)
        return future

    def leave(self, *waiting: Future[None]) -> None:
        """The holder goes, and everybody has their turn."""
        self._leaves.set()
        for each in (self._holder, *waiting):
            each.result(WAIT_S)


@pytest.fixture
def line() -> Generator[Line]:
    with ThreadPoolExecutor(4) as pool:
        yield Line(pool)


def test_no_more_are_inside_at_once_than_there_are_places() -> None:
    places, inside, most = Places(2), [0], [0]
    lock, both = threading.Lock(), threading.Barrier(2)

    def work() -> None:
        with places.taken(lambda: None):
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            both.wait(WAIT_S)  # two are inside together
            with lock:
                inside[0] -= 1

    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(work) for _ in range(8)]:
            future.result(WAIT_S)
    assert most == [2]


def test_a_place_is_given_in_the_order_of_coming_but_first_to_what_a_model_waits_for(
    line: Line,
) -> None:
    checks = [line.comes("check 1"), line.comes("check 2")]
    search = line.comes("search", is_first=True)
    line.leave(*checks, search)
    assert line.order == ["holder", "search", "check 1", "check 2"]


def test_who_gives_up_waiting_leaves_their_turn_to_the_next(line: Line) -> None:
    def stop() -> None:
        raise Stopped

    stopped, after = line.comes("stopped", look=stop), line.comes("after")
    with pytest.raises(Stopped):
        stopped.result(WAIT_S)
    line.leave(after)
    assert line.order == ["holder", "after"]
