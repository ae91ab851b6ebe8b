"""What a worker's `/metrics` tells of its models, while requests to them come and go."""

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from sqlmodel import SQLModel
from structlog.testing import capture_logs

from engines.generation.fallback import Fall
from engines.generation.routing import FAILURES, Task, Withdrawn
from engines.generation.scripted import Answer, Pace, Script, ScriptedModel, Trouble
from engines.generation.types import (
    Backend,
    BackendStats,
    EngineLost,
    Finish,
    Message,
    ModelRequest,
    ModelUnavailable,
    RequestRefused,
    TimedOut,
    Usage,
    Writing,
    Written,
)
from jobs import worker as worker_process
from jobs.metrics import WorkerMetrics
from jobs.model_metrics import BROKEN, FALLS, Outcome
from jobs.models import Asked, Models
from jobs.settings import WorkerSettings
from jobs.workshop import NoSandbox
from storage import models, targets
from storage.database import Database
from storage.models import ModelKind, RegisteredModel
from tests.jobs.waiting import PATIENCE_S, until

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
REQUEST = ModelRequest((Message("user", "sixteen letters."),), 100)
ASKED = Asked(Task.GENERATE, "slack:T1")
HELD = Pace(piece_s=600.0)
"""A model that is asked and says nothing."""


@dataclass
class Ending:
    """A request that ends as a test wants it to."""

    end: Written | ModelUnavailable | RequestRefused

    def pieces(self, *, wait_s: float) -> Iterator[str]:
        assert wait_s > 0
        yield self.written().text

    def cancel(self) -> None:
        """It has ended already."""

    def written(self) -> Written:
        if isinstance(self.end, Written):
            return self.end
        raise self.end


@dataclass
class Stated:
    """A backend that says of itself what a test told it."""

    told: BackendStats = field(default_factory=BackendStats)
    end: Written | ModelUnavailable | RequestRefused = field(
        default_factory=lambda: Written("text", Finish.STOP)
    )
    name: str = "stated"
    context_tokens: int = 1000

    def count_tokens(self, text: str) -> int:
        return len(text)

    def submit(self, request: ModelRequest) -> Writing:
        assert request.messages
        return Ending(self.end)

    def stats(self) -> BackendStats:
        return self.told

    def close(self) -> None:
        """It holds nothing."""


@dataclass
class Watch:
    """The models of a worker, which a test wrote the answers of, and what is shown of them."""

    database: Database
    backends: dict[str, Backend] = field(default_factory=dict[str, Backend])
    missing: dict[str, ModelUnavailable] = field(default_factory=dict[str, ModelUnavailable])
    """Why of those without a backend."""

    def __post_init__(self) -> None:
        self.metrics = WorkerMetrics()
        self.models = Models(self.database, self._open)
        self.metrics.models.watch(self.models)

    def add(self, name: str, script: Script = "eight ch", pace: Pace | None = None) -> None:
        self.register(name)
        self.backends[name] = ScriptedModel(script, name="its own", pace=pace or Pace())

    def register(self, name: str) -> None:
        """A model that cannot be opened, unless a backend of that name is there."""
        kind, address = ModelKind.OPENAI, "http://127.0.0.1:9/v1"
        model = RegisteredModel(name, kind, address, model="m", context_tokens=1000)
        self.database.write_now(lambda session: models.add(session, model, NOW))

    def remove(self, name: str) -> None:
        self.database.write_now(lambda session: models.remove(session, name))

    def submit(self, request: ModelRequest = REQUEST, *, chosen: str | None = None) -> Writing:
        return self.models.backend(replace(ASKED, chosen=chosen)).submit(request)

    def ask(self, request: ModelRequest = REQUEST, *, chosen: str | None = None) -> str:
        return "".join(self.submit(request, chosen=chosen).pieces(wait_s=1))

    def shown(self, name: str, model: str = "one", **labels: str) -> float | None:
        found = {"model": model, **labels}
        return self.metrics.registry.get_sample_value(f"gryph_model_{name}", found)

    def outcomes(self, model: str = "one") -> dict[str, float]:
        """Those that happened."""
        shown = {each: self.shown("requests_total", model, outcome=each) for each in Outcome}
        return {str(each): value for each, value in shown.items() if value}

    def falls(self, model: str = "one") -> dict[str, float]:
        """Those that happened."""
        shown = {each: self.shown("falls_total", model, reason=each) for each in FALLS}
        return {each: value for each, value in shown.items() if value}

    def told_of(self) -> set[str]:
        """The models that any series is about."""
        families = self.metrics.models.collect()
        return {sample.labels["model"] for family in families for sample in family.samples}

    def _open(self, model: RegisteredModel) -> Backend:
        if model.name not in self.backends:
            raise self.missing.get(model.name) or ModelUnavailable("there is no folder")
        return self.backends[model.name]


@pytest.fixture
def watch(sqlite: Database) -> Iterator[Watch]:
    made = Watch(sqlite)
    yield made
    made.models.close()


# What requests come to


def test_an_answer_is_counted_with_its_tokens_and_times_under_the_name_that_is_registered(
    watch: Watch,
) -> None:
    watch.add("one", "eight ch")
    assert watch.ask() == "eight ch"
    assert watch.outcomes() == {"stop": 1}
    assert watch.shown("prompt_tokens_total") == 4
    assert watch.shown("written_tokens_total") == 2
    assert watch.shown("first_token_seconds_count") == 1
    assert watch.shown("request_seconds_count") == 1
    assert watch.told_of() == {"one"}


def test_tokens_from_the_prefix_cache_and_the_times_are_those_that_the_model_tells(
    watch: Watch,
) -> None:
    watch.register("one")
    usage = Usage(100, cached_tokens=90, written_tokens=5, first_token_s=0.7, total_s=3.0)
    watch.backends["one"] = Stated(end=Written("text", Finish.LENGTH, usage))
    assert watch.ask() == "text"
    told = ("prompt", "cached", "written")
    assert [watch.shown(f"{each}_tokens_total") for each in told] == [100, 90, 5]
    assert watch.shown("first_token_seconds_sum") == 0.7
    assert watch.shown("request_seconds_sum") == 3.0


@pytest.mark.parametrize(
    ("answer", "request_", "outcome"),
    [
        ("all of it", REQUEST, Outcome.STOP),
        ("all of it", replace(REQUEST, max_tokens=1), Outcome.LENGTH),
        (Answer("", Trouble.REFUSED), REQUEST, Outcome.REFUSED),
        (Answer("", Trouble.UNAVAILABLE), REQUEST, Outcome.UNAVAILABLE),
        (Answer("some", Trouble.FAILS), REQUEST, Outcome.FAILED),
        (Answer("", Trouble.HANGS), replace(REQUEST, deadline_s=0.01), Outcome.TIMEOUT),
    ],
    ids=lambda value: str(value) if isinstance(value, Outcome) else "",
)
def test_how_a_request_ended_is_its_outcome(
    watch: Watch, answer: Answer | str, request_: ModelRequest, outcome: Outcome
) -> None:
    watch.add("one", [answer])
    try:
        watch.ask(request_)
    except (ModelUnavailable, RequestRefused):
        assert outcome in {*BROKEN, Outcome.REFUSED}
    assert watch.outcomes() == {outcome: 1}


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (EngineLost("it died twice"), Outcome.LOST),
        (TimedOut("no word"), Outcome.TIMEOUT),
        (ModelUnavailable("it hung up"), Outcome.FAILED),
        (RequestRefused("no such field"), Outcome.REFUSED),
    ],
    ids=str,
)
def test_what_ends_a_request_late_is_its_outcome_once_however_often_it_is_looked_at(
    watch: Watch, error: ModelUnavailable | RequestRefused, outcome: Outcome
) -> None:
    watch.register("one")
    watch.backends["one"] = Stated(end=error)
    writing = watch.submit()
    for look in (lambda: list(writing.pieces(wait_s=1)), writing.written, writing.written):
        with pytest.raises((ModelUnavailable, RequestRefused)):
            look()
    writing.cancel()
    assert watch.outcomes() == {outcome: 1}


def test_a_cancelled_request_is_counted_with_what_it_wrote_though_nobody_reads_on(
    watch: Watch,
) -> None:
    watch.add("one", ["eight ch, and the rest"])
    writing = watch.submit()
    assert next(iter(writing.pieces(wait_s=1))) == "eight ch"
    writing.cancel()
    assert watch.outcomes() == {"cancelled": 1}
    assert watch.shown("written_tokens_total") == 2
    assert watch.shown("request_seconds_count") == 0
    writing.cancel()
    assert writing.written().finish is Finish.CANCELLED
    assert watch.outcomes() == {"cancelled": 1}


def test_a_failure_is_logged_with_the_model_and_without_a_word_of_the_request(
    watch: Watch,
) -> None:
    watch.add("one", [Answer("some", Trouble.FAILS, why="the server said: sixteen letters.")])
    with capture_logs() as logs, pytest.raises(ModelUnavailable):
        watch.ask()
    (logged,) = logs
    assert logged == {
        "event": "model gave no answer",
        "log_level": "warning",
        "model": "one",
        "outcome": "failed",
    }


# Other models take over


def test_a_request_that_another_model_took_is_a_fall_of_each_that_should_have_had_it(
    watch: Watch,
) -> None:
    watch.register("a")
    watch.add("b", [Answer("", Trouble.UNAVAILABLE)])
    watch.add("c", [Answer("", Trouble.REFUSED)])
    watch.add("d", [Answer("", Trouble.FAILS)])
    watch.add("e", "written")
    assert watch.ask() == "written"
    assert watch.falls("a") == {"not_opened": 1}
    assert watch.falls("b") == {"turned_away": 1}
    assert watch.falls("c") == {"refused": 1}
    assert watch.falls("d") == {"failed": 1}
    assert watch.falls("e") == {}


def test_a_model_that_is_left_alone_shows_and_each_request_it_misses_is_a_fall(
    watch: Watch,
) -> None:
    watch.add("one", [Answer("", Trouble.FAILS)] * FAILURES)
    watch.add("two", "written")
    for _ in range(FAILURES):
        assert watch.ask() == "written"
    assert watch.shown("circuit_open", "one") == 1
    assert watch.shown("circuit_open", "two") == 0
    assert watch.falls() == {"failed": FAILURES}
    assert watch.ask() == "written"
    assert watch.falls() == {"failed": FAILURES, "circuit": 1}
    assert watch.outcomes() == {"failed": FAILURES}


def test_a_request_that_no_model_took_is_no_fall(watch: Watch) -> None:
    watch.add("one", [Answer("", Trouble.FAILS)])
    with pytest.raises(ModelUnavailable):
        watch.ask()
    assert watch.falls() == {}


def test_the_reasons_are_those_of_the_engine() -> None:
    assert set(FALLS) == set(Fall)


# How models are


def test_what_is_under_way_is_shown_as_it_is_now(watch: Watch) -> None:
    watch.add("one", "never said", HELD)
    writings = [watch.submit() for _ in range(3)]
    assert (watch.shown("loaded"), watch.shown("running")) == (1, 3)
    for writing in writings:
        writing.cancel()
    assert watch.shown("running") == 0
    assert watch.outcomes() == {"cancelled": 3}


def test_a_loaded_model_shows_its_line_its_cache_and_its_engines(watch: Watch) -> None:
    watch.register("one")
    watch.backends["one"] = stated = Stated()
    watch.ask()
    assert watch.shown("blocks", state="used") is None
    assert watch.shown("memory_bytes") is None
    stated.told = BackendStats(
        running=4,
        waiting=2,
        restarts=3,
        hangs=1,
        oldest_waiting_s=12.5,
        blocks=100,
        free_blocks=30,
        memory_bytes=7,
    )
    assert (watch.shown("running"), watch.shown("waiting")) == (4, 2)
    assert watch.shown("oldest_waiting_seconds") == 12.5
    assert watch.shown("blocks", state="used") == 70
    assert watch.shown("blocks", state="free") == 30
    assert watch.shown("memory_bytes") == 7
    assert watch.shown("restarts_total", reason="hung") == 1
    assert watch.shown("restarts_total", reason="died") == 2


def test_openings_are_counted_also_those_that_fail(watch: Watch) -> None:
    watch.register("one")
    with pytest.raises(ModelUnavailable):
        watch.ask()
    assert watch.shown("openings_total", outcome="failed") == 1
    assert watch.shown("loaded") == 0
    watch.backends["one"] = Stated()
    watch.ask()
    watch.ask()
    assert watch.shown("openings_total", outcome="opened") == 1
    assert watch.shown("loaded") == 1


def test_a_model_that_this_worker_leaves_to_others_is_not_in_trouble(watch: Watch) -> None:
    watch.register("a")
    watch.missing["a"] = Withdrawn("its weights are loaded elsewhere")
    watch.add("b")
    with capture_logs() as logs:
        assert watch.ask() == "eight ch"
    assert watch.falls("a") == {"withdrawn": 1}
    assert watch.shown("openings_total", "a", outcome="failed") == 0
    assert watch.shown("circuit_open", "a") == 0
    assert logs == []


def test_a_model_that_was_changed_still_counts_what_its_old_self_has_under_way(
    watch: Watch,
) -> None:
    watch.register("one")
    watch.backends["one"] = Stated(BackendStats(running=2))
    watch.ask()
    watch.backends["one"] = Stated(BackendStats(running=1, blocks=8, free_blocks=8))
    watch.database.write_now(lambda session: models.put_key(session, "one", "other"))
    watch.ask()
    assert watch.shown("running") == 3
    assert watch.shown("blocks", state="free") == 8


# What is registered


async def test_before_anybody_asks_a_registered_model_is_there_with_everything_at_zero(
    watch: Watch,
) -> None:
    assert watch.told_of() == set()
    watch.add("one")
    async with asyncio.TaskGroup() as group:
        keeping_up = group.create_task(watch.models.keep_up())
        await until(lambda: watch.told_of() == {"one"})
        keeping_up.cancel()
    for outcome in Outcome:
        assert watch.shown("requests_total", outcome=outcome) == 0
    assert watch.shown("falls_total", reason="circuit") == 0
    assert watch.shown("openings_total", outcome="failed") == 0
    assert watch.shown("restarts_total", reason="hung") == 0
    assert watch.shown("first_token_seconds_count") == 0
    assert watch.shown("written_tokens_total") == 0
    assert (watch.shown("loaded"), watch.shown("circuit_open")) == (0, 0)


def test_a_model_that_is_registered_no_more_leaves_no_series_behind(watch: Watch) -> None:
    watch.add("one")
    watch.add("two")
    watch.ask(chosen="one")
    late = watch.submit(chosen="one")
    assert watch.told_of() == {"one", "two"}
    watch.remove("one")
    watch.ask()
    assert watch.told_of() == {"two"}
    late.cancel()
    assert watch.told_of() == {"two"}


def test_a_worker_that_asks_no_models_names_the_figures_and_shows_none() -> None:
    families = list(WorkerMetrics().models.collect())
    assert len(families) == len({family.name for family in families}) > 10
    assert not any(family.samples for family in families)


async def test_a_worker_of_the_gpu_queue_shows_the_models_there_are(
    tmp_path: Path, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_process, "find_sandbox", lambda: NoSandbox("not needed here"))
    settings = WorkerSettings(
        home=tmp_path, redis_url=valkey_url, queues="gpu", worker_listen="127.0.0.1:0"
    )
    database = Database(settings.sql_url)
    SQLModel.metadata.create_all(database.engine)
    Watch(database).add("one")
    async with (
        asyncio.timeout(3 * PATIENCE_S),
        asyncio.TaskGroup() as group,
        httpx.AsyncClient(trust_env=False) as http,
    ):
        serving = group.create_task(worker_process.serve(settings))

        async def is_shown() -> bool:
            for file in targets.folder(tmp_path).glob("*.json"):
                (told,) = json.loads(file.read_text())
                page = (await http.get(f"http://{told['targets'][0]}/metrics")).text
                return 'gryph_model_loaded{model="one"} 0.0' in page
            return False

        await until(is_shown)
        os.kill(os.getpid(), signal.SIGTERM)
        await serving
    database.close()
