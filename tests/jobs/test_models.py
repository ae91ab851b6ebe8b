"""The models of a worker: opened once, one at a time on the device, and only where code may go."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from sqlmodel import Session

from engines.generation.routing import FAILURES, NoModel, Task
from engines.generation.types import (
    BackendStats,
    Finish,
    Message,
    ModelRequest,
    ModelUnavailable,
    Writing,
    Written,
)
from jobs.models import Asked, Models
from storage import models
from storage.database import Database
from storage.models import ModelKind, Purpose, RegisteredModel

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
REQUEST = ModelRequest((Message("user", "add"),), 8)
ONE = RegisteredModel("one", ModelKind.LOCAL, "/one")
TWO = RegisteredModel("two", ModelKind.LOCAL, "/two", context_tokens=50)
CLOUD = RegisteredModel("cloud", ModelKind.OPENAI, "https://example.com/v1", model="m")
HOUSE = RegisteredModel("house", ModelKind.OPENAI, "http://127.0.0.1:8000/v1", model="m")
ASKED = Asked(Task.GENERATE, "slack:T1", "acme/app")
WAIT_S = 20.0


@dataclass
class Echo:
    """A backend that writes its own name; `busy` requests are under way in it."""

    name: str
    context_tokens: int = 100
    busy: int = 0
    is_closed: bool = False
    asked: int = 0

    def count_tokens(self, text: str) -> int:
        return len(text)

    def submit(self, request: ModelRequest) -> Writing:
        if self.is_closed:
            raise ModelUnavailable("it was closed")
        self.asked += request.max_tokens
        return EchoWriting(self.name)

    def stats(self) -> BackendStats:
        return BackendStats(running=self.busy)

    def close(self) -> None:
        self.is_closed = True


@dataclass
class EchoWriting:
    text: str

    def pieces(self, *, wait_s: float) -> Iterator[str]:
        assert wait_s > 0
        yield self.text

    def cancel(self) -> None:
        """Too late."""

    def written(self) -> Written:
        return Written(self.text, Finish.STOP)


@dataclass
class Cellar:
    """Opens models, and remembers in which order; one may be held back, or missing."""

    opened: list[Echo] = field(default_factory=list[Echo])
    held: dict[str, threading.Event] = field(default_factory=dict[str, threading.Event])
    missing: set[str] = field(default_factory=set[str])
    begun: threading.Event = field(default_factory=threading.Event)

    def __call__(self, model: RegisteredModel) -> Echo:
        self.begun.set()
        if model.name in self.held:
            assert self.held[model.name].wait(WAIT_S)
        if model.name in self.missing:
            raise ModelUnavailable("there is no folder")
        self.opened.append(Echo(model.name))
        return self.opened[-1]

    @property
    def names(self) -> list[str]:
        return [each.name for each in self.opened]

    def of(self, name: str) -> Echo:
        return next(each for each in reversed(self.opened) if each.name == name)


@pytest.fixture
def cellar() -> Cellar:
    return Cellar()


@pytest.fixture
def live(sqlite: Database, cellar: Cellar) -> Iterator[Models]:
    made = Models(sqlite, cellar)
    yield made
    made.close()


def add(database: Database, *several: RegisteredModel) -> None:
    for each in several:
        database.write_now(lambda s, each=each: models.add(s, each, NOW))


def change(database: Database, work: Callable[[Session], None]) -> None:
    database.write_now(work)


def ask(live: Models, asked: Asked = ASKED) -> str:
    return "".join(live.backend(asked).submit(REQUEST).pieces(wait_s=1))


def choose(name: str) -> Asked:
    return replace(ASKED, chosen=name)


def test_without_models_the_remedy_is_told(live: Models) -> None:
    with pytest.raises(NoModel, match="gryph model add"):
        live.backend(ASKED)


def test_a_model_is_opened_on_first_use_and_once(
    live: Models, cellar: Cellar, sqlite: Database
) -> None:
    add(sqlite, ONE)
    backend = live.backend(ASKED)
    assert cellar.names == []
    assert (backend.name, backend.context_tokens) == ("one", 100)
    assert [ask(live) for _ in range(3)] == ["one"] * 3
    assert cellar.names == ["one"]
    assert live.loaded() == ("one",)


def test_many_who_ask_at_once_share_one(live: Models, cellar: Cellar, sqlite: Database) -> None:
    add(sqlite, ONE)
    said: list[str] = []
    threads = [threading.Thread(target=lambda: said.append(ask(live))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    assert (said, cellar.names) == (["one"] * 16, ["one"])


def test_the_operator_may_have_less_read_than_the_model_can(live: Models, sqlite: Database) -> None:
    add(sqlite, TWO)
    assert live.backend(ASKED).context_tokens == 50
    with pytest.raises(NoModel, match="takes 50 tokens"):
        live.backend(replace(ASKED, prompt_tokens=60))


def test_defaults_decide_who_is_asked_first(live: Models, sqlite: Database) -> None:
    add(sqlite, ONE, TWO)
    change(sqlite, lambda s: models.set_default(s, "two", Purpose.FIX))
    assert live.backend(ASKED).name == "one"
    assert live.backend(replace(ASKED, task=Task.FIX)).name == "two"


# Ahead of the first request


@pytest.fixture
def eager(sqlite: Database, cellar: Cellar) -> Iterator[Models]:
    made = Models(sqlite, cellar, loads_ahead=True)
    yield made
    made.close()


def until_loaded(live: Models, *names: str) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while live.loaded() != names:
        assert time.monotonic() < deadline_s, live.loaded()
        time.sleep(0.01)


def test_the_model_that_is_asked_first_is_loaded_before_anybody_asks(
    eager: Models, cellar: Cellar, sqlite: Database
) -> None:
    add(sqlite, ONE, replace(TWO, context_tokens=None))
    change(sqlite, lambda s: models.set_default(s, "two", Purpose.ALL))
    eager.look()
    until_loaded(eager, "two")
    eager.look()
    assert (ask(eager), cellar.names) == ("two", ["two"])


def test_an_endpoint_that_comes_first_is_nothing_to_load(
    eager: Models, cellar: Cellar, sqlite: Database
) -> None:
    add(sqlite, HOUSE, ONE)
    change(sqlite, lambda s: models.set_default(s, "house", Purpose.ALL))
    eager.look()
    assert (eager.loaded(), cellar.begun.is_set()) == ((), False)


def test_what_is_in_use_stays_when_another_becomes_the_first(
    eager: Models, cellar: Cellar, sqlite: Database
) -> None:
    add(sqlite, ONE, replace(TWO, context_tokens=None))
    eager.look()
    until_loaded(eager, "one")
    change(sqlite, lambda s: models.set_default(s, "two", Purpose.ALL))
    eager.look()
    assert (eager.loaded(), cellar.names) == (("one",), ["one"])


def test_a_model_that_cannot_be_loaded_is_not_tried_again_and_again(
    eager: Models, cellar: Cellar, sqlite: Database
) -> None:
    add(sqlite, ONE)
    cellar.missing.add("one")
    eager.look()
    assert cellar.begun.wait(WAIT_S)
    with pytest.raises(ModelUnavailable, match="there is no folder"):
        eager.backend(ASKED).submit(REQUEST)
    cellar.begun.clear()
    eager.look()
    assert not cellar.begun.is_set()
    cellar.missing.clear()
    assert ask(eager) == "one"


# One at a time on the device


def test_of_loaded_models_the_newest_takes_the_place_of_the_other(
    live: Models, cellar: Cellar, sqlite: Database
) -> None:
    add(sqlite, ONE, TWO, HOUSE)
    assert ask(live, choose("house")) == "house"
    kept = live.backend(choose("one"))
    assert kept.context_tokens == 100
    assert ask(live, choose("two")) == "two"
    assert cellar.of("one").is_closed
    assert set(live.loaded()) == {"house", "two"}
    assert "".join(kept.submit(REQUEST).pieces(wait_s=1)) == "one"
    assert cellar.names == ["house", "one", "two", "one"]


def test_a_model_at_work_keeps_its_place_and_the_answer_says_who_wrote_instead(
    live: Models, cellar: Cellar, sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.models.SWITCH_S", 0.0)
    add(sqlite, ONE, TWO)
    ask(live, choose("one"))
    cellar.of("one").busy = 1
    backend = live.backend(choose("two"))
    assert "".join(backend.submit(REQUEST).pieces(wait_s=1)) == "one"
    assert backend.said == ("`two` gave no answer (the device is busy with one); `one` was asked.",)
    assert not cellar.of("one").is_closed


def test_a_model_that_waits_loads_as_soon_as_the_other_is_done(
    live: Models, cellar: Cellar, sqlite: Database
) -> None:
    add(sqlite, ONE, TWO)
    ask(live, choose("one"))
    cellar.of("one").busy = 1
    looks: list[None] = []

    def look() -> None:
        looks.append(None)
        cellar.of("one").busy = 0

    backend = live.backend(choose("two"), look)
    assert "".join(backend.submit(REQUEST).pieces(wait_s=1)) == "two"
    assert looks


def test_while_one_loads_others_are_served(live: Models, cellar: Cellar, sqlite: Database) -> None:
    add(sqlite, ONE, HOUSE)
    cellar.held["one"] = threading.Event()
    said: list[str] = []
    waiting = threading.Thread(target=lambda: said.append(ask(live, choose("one"))))
    waiting.start()
    assert cellar.begun.wait(WAIT_S)
    assert ask(live, choose("house")) == "house"
    assert said == []
    cellar.held["one"].set()
    waiting.join(WAIT_S)
    assert said == ["one"]


def test_who_waits_for_a_model_can_be_called_off(
    live: Models, cellar: Cellar, sqlite: Database
) -> None:
    class CalledOff(Exception):
        pass

    def look() -> None:
        raise CalledOff

    add(sqlite, ONE)
    cellar.held["one"] = threading.Event()
    with pytest.raises(CalledOff):
        live.backend(ASKED, look).submit(REQUEST)
    cellar.held["one"].set()
    assert ask(live) == "one"


def test_a_model_that_cannot_be_opened_is_tried_again_later(
    live: Models, cellar: Cellar, sqlite: Database
) -> None:
    add(sqlite, ONE, TWO)
    cellar.missing.add("one")
    backend = live.backend(ASKED)
    assert "".join(backend.submit(REQUEST).pieces(wait_s=1)) == "two"
    assert backend.said == ("`one` gave no answer (there is no folder); `two` was asked.",)
    cellar.missing.clear()
    assert ask(live) == "one"


# Whose code may leave


def test_nothing_goes_to_a_remote_model_before_both_sides_allow_it(
    live: Models, cellar: Cellar, sqlite: Database
) -> None:
    add(sqlite, CLOUD)
    for scope in ("slack:T1", "github:acme"):
        with pytest.raises(NoModel, match=r"`gryph model allow-remote github:acme(/app)?`"):
            live.backend(ASKED)
        change(sqlite, lambda s, scope=scope: models.rule(s, scope, NOW, is_allowed=True))
    assert ask(live) == "cloud"
    with pytest.raises(NoModel, match="allow-remote github:other/app"):
        live.backend(replace(ASKED, repository="other/app"))
    assert ask(live, replace(ASKED, repository="local:/folder")) == "cloud"


def test_a_permission_that_was_taken_back_counts_for_the_next_request_of_a_running_job(
    live: Models, cellar: Cellar, sqlite: Database
) -> None:
    add(sqlite, CLOUD)
    change(sqlite, lambda s: models.rule(s, "*", NOW, is_allowed=True))
    backend = live.backend(ASKED)
    backend.submit(REQUEST)
    change(sqlite, lambda s: models.rule(s, "*", NOW, is_allowed=False))
    with pytest.raises(ModelUnavailable, match="code may not leave the premises"):
        backend.submit(REQUEST)
    assert cellar.of("cloud").asked == REQUEST.max_tokens


def test_a_local_model_that_fails_is_not_followed_by_a_remote_one_without_permission(
    live: Models, cellar: Cellar, sqlite: Database
) -> None:
    add(sqlite, ONE, CLOUD)
    cellar.missing.add("one")
    with pytest.raises(ModelUnavailable, match="there is no folder"):
        ask(live)
    change(sqlite, lambda s: models.rule(s, "*", NOW, is_allowed=True))
    backend = live.backend(ASKED)
    assert "".join(backend.submit(REQUEST).pieces(wait_s=1)) == "cloud"
    assert "`cloud`, which is remote, was asked" in backend.said[0]
    with pytest.raises(ModelUnavailable, match="there is no folder"):
        ask(live, choose("one"))


# The registry changes


def test_a_changed_model_is_opened_anew_and_the_old_one_closed_when_it_is_done(
    live: Models, cellar: Cellar, sqlite: Database
) -> None:
    add(sqlite, HOUSE)
    ask(live)
    old = cellar.of("house")
    old.busy = 1
    change(sqlite, lambda s: models.put_key(s, "house", "other"))
    assert ask(live) == "house"
    assert (cellar.names, old.is_closed) == (["house", "house"], False)
    old.busy = 0
    assert ask(live) == "house"
    assert old.is_closed


def test_a_model_that_was_registered_anew_is_not_left_alone_for_what_it_was(
    live: Models, cellar: Cellar, sqlite: Database
) -> None:
    add(sqlite, ONE)
    cellar.missing.add("one")
    for _ in range(FAILURES):
        with pytest.raises(ModelUnavailable, match="there is no folder"):
            ask(live)
    with pytest.raises(NoModel, match="3 times in a row"):
        ask(live)
    change(sqlite, lambda s: models.remove(s, "one"))
    with pytest.raises(NoModel, match="No model is configured"):
        ask(live)
    cellar.missing.clear()
    add(sqlite, replace(ONE, address="/right"))
    assert ask(live) == "one"


@pytest.mark.parametrize("way", ["remove", "disable"])
def test_a_model_that_is_gone_is_not_asked_by_a_job_that_runs(
    live: Models, cellar: Cellar, sqlite: Database, way: str
) -> None:
    add(sqlite, ONE)
    backend = live.backend(ASKED)
    backend.submit(REQUEST)
    if way == "remove":
        change(sqlite, lambda s: models.remove(s, "one"))
    else:
        change(sqlite, lambda s: models.set_enabled(s, "one", is_enabled=False))
    with pytest.raises(ModelUnavailable, match="removed or disabled"):
        backend.submit(REQUEST)
    assert cellar.of("one").is_closed


def test_closing_ends_everything_also_what_is_still_loading(
    live: Models, cellar: Cellar, sqlite: Database
) -> None:
    add(sqlite, ONE, HOUSE)
    ask(live, choose("house"))
    cellar.held["one"] = threading.Event()

    def ask_too_late() -> None:
        with pytest.raises(ModelUnavailable, match="stopping"):
            ask(live, choose("one"))

    waiting = threading.Thread(target=ask_too_late)
    waiting.start()
    assert cellar.begun.wait(WAIT_S)
    live.close()
    live.close()
    cellar.held["one"].set()
    waiting.join(WAIT_S)
    assert all(each.is_closed for each in cellar.opened)
    with pytest.raises(ModelUnavailable, match="stopping"):
        ask(live)
