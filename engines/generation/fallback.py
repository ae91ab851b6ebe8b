"""A backend that is several models: when one fails, the next of its route is asked."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from engines.generation.routing import Candidate, Circuits, LeftOut, Route, Withdrawn
from engines.generation.types import (
    Backend,
    BackendStats,
    Finish,
    ModelRequest,
    ModelUnavailable,
    RequestRefused,
    Writing,
    Written,
)

Open = Callable[[str], Backend]
"""The backend of a model; may take as long as loading it. Raises ModelUnavailable."""


class Fall(StrEnum):
    """Why a request went on from a model to the next."""

    CIRCUIT = "circuit"
    """It had failed several times in a row and was left alone."""
    WITHDRAWN = "withdrawn"
    """It was removed or disabled meanwhile, or code may not leave any more."""
    NOT_OPENED = "not_opened"
    TURNED_AWAY = "turned_away"
    """It was too busy, too late for the deadline, or down."""
    REFUSED = "refused"
    """It does not take such a request."""
    FAILED = "failed"
    """It ended before the first word."""


OnFall = Callable[[str, Fall], None]
"""Told of a model's request that another one took over."""


def _untold(name: str, fall: Fall) -> None:
    del name, fall


class Routed:
    """See `engines.generation.types.Backend`. For one job: a model that failed in it is asked again
    only where no other is left.

    A request whose model fails before a word of the answer came goes on to the next model; later
    it raises, since what was read cannot be taken back, and whoever asks again is served by the
    next. Closing it closes no model: they are others' too.
    """

    def __init__(
        self, route: Route, open_: Open, circuits: Circuits, on_fall: OnFall = _untold
    ) -> None:
        """`open_` and `on_fall` are called from whichever thread asks."""
        self._route = route
        self._open = open_
        self._circuits = circuits
        self._on_fall = on_fall
        self._lock = threading.Lock()
        self._failed: dict[str, _Failure] = {}
        self._last = route.order[0]

    @property
    def name(self) -> str:
        """Of the model that was asked last, or that will be asked first."""
        return self._last.name

    @property
    def is_on_premises(self) -> bool:
        """Whether what that one is asked stays in the house."""
        return self._last.is_on_premises

    @property
    def said(self) -> tuple[str, ...]:
        """What a person is told of models that did not serve, as Markdown; a sentence each."""
        with self._lock:
            failed = [LeftOut(name, each.why) for name, each in self._failed.items()]
        where = "" if self._last.is_on_premises else ", which is remote,"
        return tuple(
            f"`{each.name}` gave no answer ({each.why}); `{self._last.name}`{where} was asked."
            for each in (*self._route.passed_over, *failed)
            if each.name != self._last.name
        )

    @property
    def context_tokens(self) -> int:
        """Of the model that is asked next, which may have to be loaded for it.

        Raises:
            ModelUnavailable: None can be opened.
        """
        return self._next_backend().context_tokens

    def count_tokens(self, text: str) -> int:
        """As that model counts. Raises as `context_tokens`."""
        return self._next_backend().count_tokens(text)

    def submit(self, request: ModelRequest) -> Writing:
        """Begin to write with the first model that takes it. Raises as `Backend.submit`."""
        return _RoutedWriting(self, request)

    def stats(self) -> BackendStats:
        """Of nothing: the models tell their own."""
        return BackendStats()

    def close(self) -> None:
        """Nothing: see the class."""

    def begin(self, request: ModelRequest, tried: "Tried") -> tuple[str, Writing]:
        """The first model that takes it, and its writing; each is tried once.

        Raises:
            RequestRefused: One did not take it for what it is, and no other could.
            ModelUnavailable: None is left.
        """
        for candidate in self._order():
            if candidate.name in tried.names:
                continue
            tried.names.add(candidate.name)
            if why := self._circuits.admit(candidate.name):
                self._note(candidate.name, Fall.CIRCUIT, why)
                continue
            try:
                backend = self._opened(candidate)
                writing = backend.submit(request)
            except _NotOpened:
                continue
            except ModelUnavailable as error:
                self.given_up(candidate.name)
                self._note(candidate.name, Fall.TURNED_AWAY, str(error))
            except RequestRefused as error:
                self._circuits.succeeded(candidate.name)
                tried.refusals[candidate.name] = error
            else:
                self._last = candidate
                self._tell_falls(candidate, tried)
                return candidate.name, writing
        raise next(iter(tried.refusals.values()), None) or self._none_left()

    def failed(self, name: str, error: ModelUnavailable) -> None:
        """A writing of that model failed."""
        self._circuits.failed(name, str(error))
        self._note(name, Fall.FAILED, str(error))

    def succeeded(self, name: str) -> None:
        """That model is there: a writing came to its end, or was refused for what it is."""
        self._circuits.succeeded(name)

    def given_up(self, name: str) -> None:
        """A request to that model ended for a reason that is not the model's."""
        self._circuits.not_now(name)

    def _next_backend(self) -> Backend:
        for candidate in self._order():
            try:
                return self._opened(candidate)
            except _NotOpened:
                continue
        raise self._none_left()

    def _opened(self, candidate: Candidate) -> Backend:
        try:
            return self._open(candidate.name)
        except Withdrawn as error:
            self.given_up(candidate.name)
            self._note(candidate.name, Fall.WITHDRAWN, str(error))
            raise _NotOpened from error
        except ModelUnavailable as error:
            self._circuits.failed(candidate.name, str(error))
            self._note(candidate.name, Fall.NOT_OPENED, str(error))
            raise _NotOpened from error
        except BaseException:  # who waited was called off
            self.given_up(candidate.name)
            raise

    def _order(self) -> list[Candidate]:
        """Those that failed in this job last."""
        with self._lock:
            return sorted(self._route.order, key=lambda each: each.name in self._failed)

    def _note(self, name: str, fall: Fall, why: str) -> None:
        with self._lock:
            self._failed[name] = _Failure(fall, why.rstrip("."))

    def _tell_falls(self, taker: Candidate, tried: "Tried") -> None:
        """Of each model that should have had the request that `taker` took, once."""
        order = self._route.order
        before = {each.name for each in order[: order.index(taker)]} | tried.names - {taker.name}
        falls = {each.name: Fall.CIRCUIT for each in self._route.passed_over}
        with self._lock:
            falls |= {name: one.fall for name, one in self._failed.items() if name in before}
        falls |= dict.fromkeys(tried.refusals, Fall.REFUSED)
        for name in falls.keys() - tried.told:
            self._on_fall(name, falls[name])
        tried.told |= falls.keys()

    def _none_left(self) -> ModelUnavailable:
        with self._lock:
            listed = "; ".join(f"`{name}`: {each.why}" for name, each in self._failed.items())
        return ModelUnavailable(f"No model answers. {listed}. `gryph doctor` tells more.")


@dataclass
class Tried:
    """What became of one request so far."""

    names: set[str] = field(default_factory=set[str])
    refusals: dict[str, RequestRefused] = field(default_factory=dict[str, RequestRefused])
    """Of models that did not take it for what it is, in order."""
    told: set[str] = field(default_factory=set[str])
    """Models it is known to have gone on from."""


@dataclass(frozen=True)
class _Failure:
    """Of a model, in one job."""

    fall: Fall
    why: str


class _NotOpened(Exception):
    """Noted already."""


class _RoutedWriting:
    """See `engines.generation.types.Writing`."""

    def __init__(self, routed: Routed, request: ModelRequest) -> None:
        self._routed = routed
        self._request = request
        self._lock = threading.Lock()
        self._cancelled = False
        self._ended = False
        self._tried = Tried()
        self._name, self._writing = routed.begin(request, self._tried)

    def pieces(self, *, wait_s: float) -> Iterator[str]:
        """See `Writing.pieces`."""
        has_begun = False
        while not self._ended:
            try:
                for piece in self._writing.pieces(wait_s=wait_s):
                    has_begun = has_begun or piece != ""
                    yield piece
                self._ended = True
                self._routed.succeeded(self._name)
            except (ModelUnavailable, RequestRefused) as error:
                self._ended = has_begun or self._cancelled
                if self._cancelled:
                    self._routed.given_up(self._name)
                    return
                self._note(error)
                if has_begun:
                    raise
                self._go_on()

    def cancel(self) -> None:
        """See `Writing.cancel`."""
        with self._lock:
            self._cancelled = True
            self._writing.cancel()

    def written(self) -> Written:
        """See `Writing.written`."""
        for _ in self.pieces(wait_s=1.0):
            pass
        try:
            return self._writing.written()
        except ModelUnavailable:
            if not self._cancelled:
                raise
            return Written("", Finish.CANCELLED)

    def _note(self, error: ModelUnavailable | RequestRefused) -> None:
        if isinstance(error, RequestRefused):
            self._tried.refusals[self._name] = error
            self._routed.succeeded(self._name)
        else:
            self._routed.failed(self._name, error)

    def _go_on(self) -> None:
        try:
            name, writing = self._routed.begin(self._request, self._tried)
        except (ModelUnavailable, RequestRefused):
            self._ended = True
            raise
        with self._lock:
            self._name, self._writing = name, writing
            if self._cancelled:
                writing.cancel()
