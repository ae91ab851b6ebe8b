"""Prometheus metrics of the models that a worker asks, a series for each registered model.

What happens is told to it; how things are it asks for when it is scraped. It knows no engine: the
gateway reads the names from here for its documentation.
"""

import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from prometheus_client import Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

FIRST_TOKEN_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 0.8, 1, 2.5, 5, 10, 30, 60, 120)
REQUEST_BUCKETS_S = (0.1, 0.25, 0.5, 0.8, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600)
FALLS = ("circuit", "withdrawn", "not_opened", "turned_away", "refused", "failed")
"""The values of `engines.generation.fallback.Fall`."""
OPENINGS = OPENED, NOT_OPENED = ("opened", "failed")
RESTARTS = HUNG, DIED = ("hung", "died")


class Outcome(StrEnum):
    """How a request to a model ended."""

    STOP = "stop"
    """The text was complete."""
    LENGTH = "length"
    """The text was as long as it may be."""
    CANCELLED = "cancelled"
    REFUSED = "refused"
    """The model never takes such a request."""
    UNAVAILABLE = "unavailable"
    """Turned away: too much to do, too late for its deadline, or down."""
    TIMEOUT = "timeout"
    LOST = "lost"
    """The engine died or hung under it, twice."""
    FAILED = "failed"


BROKEN = (Outcome.UNAVAILABLE, Outcome.TIMEOUT, Outcome.LOST, Outcome.FAILED)
"""No answer, by no fault of the request."""


@dataclass(frozen=True)
class Ended:
    """A request to a model that is over, with what it took as far as the model tells."""

    model: str
    outcome: Outcome
    prompt_tokens: int = 0
    cached_tokens: int = 0
    written_tokens: int = 0
    first_token_s: float | None = None
    """From submission, as `total_s`; None where no word came."""
    total_s: float = 0.0


@dataclass(frozen=True)
class ModelState:
    """How one registered model is at this moment."""

    name: str
    is_loaded: bool = False
    is_circuit_open: bool = False
    running: int = 0
    waiting: int = 0
    oldest_waiting_s: float = 0.0
    hung: int = 0
    """Engines of the loaded model that were replaced because they hung."""
    died: int = 0
    blocks: int | None = None
    """Of its key-value cache; None where it has none of its own."""
    free_blocks: int | None = None
    memory_bytes: int | None = None


class ModelWatcher(Protocol):
    """Is told what happens to models, from any thread."""

    def ended(self, ended: Ended) -> None:
        """A request is over."""
        ...

    def fell(self, model: str, reason: str) -> None:
        """Another model took a request over, for one of `FALLS`."""
        ...

    def opened(self, model: str, *, is_open: bool) -> None:
        """A model was to be opened, and is or could not be."""
        ...


class LiveModels(Protocol):
    """The models of a worker."""

    watcher: ModelWatcher

    def states(self) -> Sequence[ModelState]:
        """Of every registered model. Never blocks."""
        ...

    async def keep_up(self) -> None:
        """See that what is registered is known; until cancelled."""
        ...


class ModelMetrics:
    """Collects for a registry. A model that is registered no more has no series either."""

    def __init__(self) -> None:
        """Nothing is there to be watched yet."""
        self._live: LiveModels | None = None
        self._lock = threading.Lock()
        self._names: set[str] = set()
        """Models that series are about."""
        self._requests = Counter(
            "gryph_model_requests",
            f"Requests to models that are over, by model and outcome ({', '.join(Outcome)})",
            ["model", "outcome"],
            registry=None,
        )
        self._falls = Counter(
            "gryph_model_falls",
            "Requests that another model took over, by the model that should have had them and "
            f"why ({', '.join(FALLS)})",
            ["model", "reason"],
            registry=None,
        )
        self._openings = Counter(
            "gryph_model_openings",
            "Times a model was loaded, or an endpoint's client made, by model and outcome "
            f"({', '.join(OPENINGS)})",
            ["model", "outcome"],
            registry=None,
        )
        self._prompt_tokens = _tokens(
            "prompt", "of prompts, those from the prefix cache among them"
        )
        self._cached_tokens = _tokens(
            "cached", "of prompts found in the prefix cache, as far as the model tells"
        )
        self._written_tokens = _tokens("written", "written")
        self._first_token_s = Histogram(
            "gryph_model_first_token_seconds",
            "From a request's submission to its first token, by model",
            ["model"],
            registry=None,
            buckets=FIRST_TOKEN_BUCKETS_S,
        )
        self._request_s = Histogram(
            "gryph_model_request_seconds",
            "From a request's submission to the end of its answer, by model; only of answers",
            ["model"],
            registry=None,
            buckets=REQUEST_BUCKETS_S,
        )
        self._of_a_model = (
            *(self._prompt_tokens, self._cached_tokens, self._written_tokens),
            *(self._first_token_s, self._request_s),
        )
        self._by_label = (
            (self._requests, tuple(Outcome)),
            (self._falls, FALLS),
            (self._openings, OPENINGS),
        )

    def watch(self, live: LiveModels) -> None:
        """Show these from now on."""
        self._live = live
        live.watcher = self

    def ended(self, ended: Ended) -> None:
        """See `ModelWatcher`."""
        with self._about(ended.model) as model:
            self._requests.labels(model, ended.outcome).inc()
            self._prompt_tokens.labels(model).inc(ended.prompt_tokens)
            self._cached_tokens.labels(model).inc(ended.cached_tokens)
            self._written_tokens.labels(model).inc(ended.written_tokens)
            if ended.first_token_s is not None:
                self._first_token_s.labels(model).observe(ended.first_token_s)
            if ended.outcome in {Outcome.STOP, Outcome.LENGTH}:
                self._request_s.labels(model).observe(ended.total_s)

    def fell(self, model: str, reason: str) -> None:
        """See `ModelWatcher`."""
        with self._about(model):
            self._falls.labels(model, reason).inc()

    def opened(self, model: str, *, is_open: bool) -> None:
        """See `ModelWatcher`."""
        with self._about(model):
            self._openings.labels(model, OPENED if is_open else NOT_OPENED).inc()

    def collect(self) -> Iterator[Metric]:
        """See `prometheus_client.registry.Collector`."""
        states = () if self._live is None else self._live.states()
        with self._lock:
            self._keep({state.name for state in states})
        for metric in (*(metric for metric, _ in self._by_label), *self._of_a_model):
            yield from metric.collect()
        yield from _gauges(states)
        yield _restarts(states)

    @contextmanager
    def _about(self, model: str) -> Generator[str]:
        """It may be one that is gone, whose last request ends only now."""
        with self._lock:
            self._names.add(model)
            yield model

    def _keep(self, names: set[str]) -> None:
        """Only these, and of each everything: Prometheus sees no increase in a series that it
        first meets at one.
        """
        for name in self._names - names:
            for metric in self._of_a_model:
                metric.remove(name)
            for metric, values in self._by_label:
                for value in values:
                    metric.remove(name, value)
        for name in names:
            for metric in self._of_a_model:
                metric.labels(name)
            for metric, values in self._by_label:
                for value in values:
                    metric.labels(name, value)
        self._names = names


def _tokens(kind: str, what: str) -> Counter:
    return Counter(
        f"gryph_model_{kind}_tokens", f"Tokens {what}, by model", ["model"], registry=None
    )


def _gauges(states: Iterable[ModelState]) -> Iterator[Metric]:
    shown = {
        "loaded": "Whether this worker has a model open: its weights, or an endpoint's client",
        "circuit_open": "Whether a model failed three times in a row and answered nothing since",
        "running": "Requests that a model works on, by model",
        "waiting": "Requests that wait in this worker for a place at a model, by model",
        "oldest_waiting_seconds": "How long the request that waits longest has waited, by model",
        "memory_bytes": "Memory that a loaded model holds for weights and key-value cache",
    }
    families = {
        name: GaugeMetricFamily(f"gryph_model_{name}", what, labels=["model"])
        for name, what in shown.items()
    }
    blocks = GaugeMetricFamily(
        "gryph_model_blocks",
        "Blocks of a loaded model's key-value cache, by state (used, free); cached ones are free",
        labels=["model", "state"],
    )
    for state in states:
        for name, value in _values(state).items():
            families[name].add_metric([state.name], value)
        if state.blocks is not None and state.free_blocks is not None:
            blocks.add_metric([state.name, "used"], state.blocks - state.free_blocks)
            blocks.add_metric([state.name, "free"], state.free_blocks)
    yield from (*families.values(), blocks)


def _values(state: ModelState) -> dict[str, float]:
    values = {
        "loaded": state.is_loaded,
        "circuit_open": state.is_circuit_open,
        "running": state.running,
        "waiting": state.waiting,
        "oldest_waiting_seconds": state.oldest_waiting_s,
    }
    if state.memory_bytes is not None:
        values["memory_bytes"] = state.memory_bytes
    return values


def _restarts(states: Iterable[ModelState]) -> Metric:
    family = CounterMetricFamily(
        "gryph_model_restarts",
        "Times the engine of the loaded model was replaced, by model and reason "
        f"({', '.join(RESTARTS)}); begins anew with each loading",
        labels=["model", "reason"],
    )
    for state in states:
        family.add_metric([state.name, HUNG], state.hung)
        family.add_metric([state.name, DIED], state.died)
    return family
