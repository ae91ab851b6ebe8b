"""The models of a worker: which one a request goes to, opened on first use or ahead, and kept.

`python -m jobs.models test NAME` asks one a tiny question and prints what it found as JSON.
"""

import argparse
import asyncio
import contextlib
import json
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial

import structlog
from sqlalchemy.exc import SQLAlchemyError

from engines.generation.fallback import Fall, Routed
from engines.generation.routing import (
    Ask,
    Candidate,
    Circuits,
    Leaving,
    NoModel,
    Task,
    Withdrawn,
    route,
)
from engines.generation.types import (
    Backend,
    BackendStats,
    ModelRequest,
    ModelUnavailable,
    RequestRefused,
    Writing,
)
from jobs.model_metrics import ModelState, ModelWatcher
from jobs.model_opening import open_backend
from jobs.model_probe import probe
from jobs.model_watch import Unwatched, state_of, watched
from jobs.settings import WorkerSettings
from storage import models, vault
from storage.database import Database
from storage.model_addresses import BadModel
from storage.models import LOADED, RegisteredModel, Registry
from storage.redaction import Redactor

log = structlog.get_logger()

LOCAL = "local:"
LOOK_S = 0.2
"""How often who waits for a model looks up."""
LONGEST_OPEN_S = 900.0
SWITCH_S = 30.0
"""How long a model that is to be loaded waits for the one on the device to have nothing to do."""
REGISTRY_S = 15.0
"""How often the registry is looked into where nobody asks."""
LOADED_FOR_TOKENS = 1024
"""As if an answer of this length were asked for; see `engines.generation.routing.Length`."""
_POLL_S = 0.05

Opener = Callable[[RegisteredModel], Backend]
"""Opens a model; may take as long as loading it. Raises ModelUnavailable."""


@dataclass(frozen=True)
class Asked:
    """What a job wants a model for, and whose code and words it is going to be shown."""

    task: Task
    workspace: str
    """Where it was asked for: "slack:T1", "github:owner"."""
    repository: str | None = None
    """Whose code: "owner/name", or "local:" and a folder."""
    chosen: str | None = None
    prompt_tokens: int = 0
    answer_tokens: int = 1

    @property
    def scopes(self) -> tuple[str, ...]:
        """Each of them has to allow that code leaves the premises."""
        if self.repository is None or self.repository.startswith(LOCAL):
            return (self.workspace,)
        return (self.workspace, f"github:{self.repository}")


def _unwatched() -> None:
    """Nobody stops it."""


@dataclass(eq=False)
class _Slot:
    """One model that is open, or being opened."""

    model: RegisteredModel
    future: "Future[Backend]" = field(default_factory=Future[Backend])
    lock: threading.Lock = field(default_factory=threading.Lock)
    is_closed: bool = False

    @property
    def backend(self) -> Backend | None:
        """None while it is being opened, and where that failed."""
        if not self.future.done() or self.future.cancelled() or self.future.exception():
            return None
        return self.future.result()

    def close_if_idle(self) -> bool:
        """Close it where nothing is under way; whether it is closed."""
        backend = self.backend
        with self.lock:
            if self.is_closed or backend is None:
                return self.future.done()
            stats = backend.stats()
            if stats.running or stats.waiting:
                return False
            self.is_closed = True
        backend.close()
        return True

    def close(self) -> None:
        """Close it, whatever is under way, and what is still being opened as soon as it is."""
        with self.lock:
            self.is_closed = True
        self.future.cancel()
        self.future.add_done_callback(_close)


def _close(opened: "Future[Backend]") -> None:
    if not opened.cancelled() and opened.exception() is None:
        opened.result().close()


class Models:
    """The live set of one worker. Thread-safe.

    Endpoints are open side by side. Of the models whose weights are loaded here one is at a time:
    another one that is asked for takes its place as soon as it has nothing to do. While one loads
    nobody waits but those who asked for one of them.
    """

    def __init__(
        self,
        database: Database,
        opener: Opener,
        *,
        loads_ahead: bool = False,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`opener` opens one model; see `open_backend`. `loads_ahead` is whether `keep_up` loads
        the model that is going to be asked first, where it is one with weights.
        """
        self.watcher: ModelWatcher = Unwatched()
        self._database = database
        self._opener = opener
        self._loads_ahead = loads_ahead
        self._loaded_ahead: RegisteredModel | None = None
        self._circuits = Circuits(clock_s)
        self._lock = threading.Lock()
        self._slots: dict[str, _Slot] = {}
        self._retired: list[_Slot] = []
        self._known = Registry()
        self._is_closed = False
        self._device = ThreadPoolExecutor(1, thread_name_prefix="model-load")
        self._endpoints = ThreadPoolExecutor(2, thread_name_prefix="model-open")

    def backend(self, asked: Asked, look: Callable[[], None] = _unwatched) -> Routed:
        """The models for one job, in order, as one backend.

        Args:
            asked: What it is for. The rules that hold now count, and once more at each request.
            look: Called several times a second while a model is waited for; what it raises ends
                the waiting.

        Raises:
            NoModel: None may or can be asked; for a person.
        """
        registry = self._registry()
        ask = Ask(
            asked.task,
            asked.prompt_tokens,
            asked.answer_tokens,
            asked.chosen,
            leaving(registry, asked.scopes),
        )
        plan = route(candidates(registry), ask, self._circuits.down)
        return Routed(plan, partial(self._open, asked.scopes, look), self._circuits, self._fell)

    def loaded(self) -> tuple[str, ...]:
        """The names of those that are open."""
        with self._lock:
            slots = self._slots.items()
            return tuple(name for name, slot in slots if slot.backend and not slot.is_closed)

    def states(self) -> list[ModelState]:
        """How every model of the registry is, as it was last read. Never blocks."""
        with self._lock:
            names = [model.name for model in self._known.models]
            slots = [*self._slots.values(), *reversed(self._retired)]
        open_ = [(each.model.name, each.backend) for each in slots if not each.is_closed]
        return [
            state_of(
                name,
                [backend.stats() for whose, backend in open_ if backend and whose == name],
                is_circuit_open=self._circuits.is_open(name),
            )
            for name in names
        ]

    async def keep_up(self) -> None:
        """Let go of models that were changed or removed, also while nobody asks for one, and load
        the first one ahead; until cancelled.
        """
        while True:
            with contextlib.suppress(SQLAlchemyError):  # away: the heart tells of it
                await asyncio.to_thread(self.look)
            await asyncio.sleep(REGISTRY_S)

    def look(self) -> None:
        """Do once what `keep_up` does again and again."""
        registry = self._registry()
        if self._loads_ahead:
            with contextlib.suppress(NoModel, ModelUnavailable):
                self._load_ahead(registry)

    def close(self) -> None:
        """End everything under way and let go of the device. Idempotent."""
        with self._lock:
            self._is_closed = True
            slots = [*self._slots.values(), *self._retired]
            self._slots, self._retired = {}, []
        self._device.shutdown(wait=False, cancel_futures=True)
        self._endpoints.shutdown(wait=False, cancel_futures=True)
        for slot in slots:
            slot.close()

    def _registry(self) -> Registry:
        """As it is now; models that changed are let go of."""
        registry = self._database.read_now(models.registry)
        with self._lock:
            changed = [each for each in self._known.models if registry.get(each.name) != each]
            self._known = registry
            for name in [each.name for each in changed]:
                self._circuits.succeeded(name)  # what failed was another one
                if name in self._slots:
                    self._retired.append(self._slots.pop(name))
            retired = list(self._retired)
        gone = [slot for slot in retired if slot.close_if_idle()]
        with self._lock:
            self._retired = [slot for slot in self._retired if slot not in gone]
        return registry

    def _load_ahead(self, registry: Registry) -> None:
        """Once for each: one that cannot be loaded tells it to those who ask for it.

        Raises:
            NoModel: There is none to ask.
            ModelUnavailable: The worker is stopping.
        """
        ask = Ask(Task.GENERATE, answer_tokens=LOADED_FOR_TOKENS)
        plan = route(candidates(registry), ask, self._circuits.down)
        first = registry.get(plan.order[0].name)
        if first is None or first.kind not in LOADED or first == self._loaded_ahead:
            return
        self._loaded_ahead = first
        with self._lock:
            is_taken = any(slot.model.kind in LOADED for slot in self._slots.values())
        if not is_taken:
            self._slot(first)

    def _open(self, scopes: tuple[str, ...], look: Callable[[], None], name: str) -> Backend:
        """The model, if it may still be asked. Raises ModelUnavailable."""
        registry = self._registry()
        model = registry.get(name)
        if model is None or not model.is_enabled:
            raise Withdrawn("it was removed or disabled meanwhile")
        if not model.is_on_premises and not (left := leaving(registry, scopes)).is_allowed:
            raise Withdrawn(f"code may not leave the premises: {left.why_not}")
        slot = self._slot(model)
        self._wait(slot, look)
        return _Live(slot, partial(self._open, scopes, look, name), self.watcher)

    def _fell(self, name: str, fall: Fall) -> None:
        self.watcher.fell(name, fall)

    def _slot(self, model: RegisteredModel) -> _Slot:
        with self._lock:
            if self._is_closed:
                raise ModelUnavailable("this worker is stopping")
            slot = self._slots.get(model.name)
            if slot is None or slot.is_closed:
                slot = self._slots[model.name] = _Slot(model)
                pool = self._device if model.kind in LOADED else self._endpoints
                pool.submit(self._fill, slot)
            return slot

    def _fill(self, slot: _Slot) -> None:
        """Open the slot's model, in a thread of its own."""
        if not slot.future.set_running_or_notify_cancel():
            return
        try:
            if slot.model.kind in LOADED:
                self._make_room(slot)
            backend = self._opener(slot.model)
            self.watcher.opened(slot.model.name, is_open=True)
            slot.future.set_result(backend)
        except BaseException as error:  # noqa: BLE001 - handed to everybody who waits for it
            if not isinstance(error, Withdrawn):
                log.warning("model not opened", model=slot.model.name, error=str(error))
                self.watcher.opened(slot.model.name, is_open=False)
            with self._lock:  # who asks again, having been told, opens it anew
                if self._slots.get(slot.model.name) is slot:
                    del self._slots[slot.model.name]
            slot.future.set_exception(error)

    def _make_room(self, coming: _Slot) -> None:
        """Have the device to itself. Raises ModelUnavailable."""
        deadline_s = time.monotonic() + SWITCH_S
        while others := self._on_device(coming):
            if all(other.close_if_idle() for other in others):
                return
            if time.monotonic() > deadline_s:
                raise ModelUnavailable(f"the device is busy with {others[0].model.name}")
            time.sleep(_POLL_S)

    def _on_device(self, coming: _Slot) -> list[_Slot]:
        with self._lock:
            slots = [*self._slots.values(), *self._retired]
            return [
                slot
                for slot in slots
                if slot is not coming and slot.model.kind in LOADED and not slot.is_closed
                and slot.backend is not None
            ]  # fmt: skip

    def _wait(self, slot: _Slot, look: Callable[[], None]) -> None:
        """Until it is open. Raises ModelUnavailable."""
        deadline_s = time.monotonic() + LONGEST_OPEN_S
        while True:
            try:
                slot.future.result(LOOK_S)
            except TimeoutError:
                look()
                if time.monotonic() > deadline_s:
                    raise ModelUnavailable("it is still being loaded") from None
            else:
                return


class _Live:
    """A backend that is opened again where its place was taken between two requests."""

    def __init__(self, slot: _Slot, again: Callable[[], Backend], watcher: ModelWatcher) -> None:
        self._slot = slot
        self._watcher = watcher
        self._backend = slot.future.result()
        self._again = again

    @property
    def name(self) -> str:
        """See `Backend.name`."""
        return self._backend.name

    @property
    def context_tokens(self) -> int:
        """See `Backend.context_tokens`; less where the operator says so."""
        own, said = self._backend.context_tokens, self._slot.model.context_tokens
        return own if said is None else min(own, said)

    def count_tokens(self, text: str) -> int:
        """See `Backend.count_tokens`."""
        return self._backend.count_tokens(text)

    def submit(self, request: ModelRequest) -> Writing:
        """See `Backend.submit`."""
        with self._slot.lock:
            if not self._slot.is_closed:
                name = self._slot.model.name
                return watched(name, self._backend.submit, request, self._watcher)
        return self._again().submit(request)

    def stats(self) -> BackendStats:
        """See `Backend.stats`."""
        return self._backend.stats()

    def close(self) -> None:
        """Nothing: the set owns it."""


def candidates(registry: Registry) -> list[Candidate]:
    """Every registered model, as routing sees it."""
    return [
        Candidate(
            name=model.name,
            is_on_premises=model.is_on_premises,
            context_tokens=model.context_tokens,
            is_enabled=model.is_enabled,
            preferred_for=frozenset(each.value for each in registry.purposes_of(model.name)),
        )
        for model in registry.models
    ]


def leaving(registry: Registry, scopes: Sequence[str]) -> Leaving:
    """Whether code and words of these may go to a remote model."""
    closed = registry.closed_scopes(*scopes)
    if not closed:
        return Leaving(is_allowed=True)
    # What its owner forbids a repository need not be named for as well.
    named = [scope for scope in closed if scope.partition("/")[0] not in closed or "/" not in scope]
    remedies = " and ".join(f"`gryph model allow-remote {scope}`" for scope in named)
    return Leaving(is_allowed=False, why_not=f"an operator may allow it with {remedies}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m jobs.models", description=__doc__)
    parser.add_argument("action", choices=["test"])
    parser.add_argument("name")
    name: str = parser.parse_args(arguments).name
    told = _tested(WorkerSettings(), name)
    sys.stdout.write(json.dumps({"name": name, **told}) + "\n")
    return 0 if told["ok"] else 1


def _tested(settings: WorkerSettings, name: str) -> dict[str, object]:
    database = Database(settings.sql_url)
    redactor = Redactor()
    try:
        model = database.read_now(models.registry).get(name)
        if model is None:
            raise BadModel(f"There is no model {name!r}; `gryph model list` shows which there are.")
        ring = vault.checkout_keys(settings.home, settings.checkout_key)
        started_s = time.monotonic()
        backend = open_backend(model, ring, settings, redactor)
        opened_s = time.monotonic() - started_s
        try:
            found = asdict(probe(backend))
        finally:
            backend.close()
    except (BadModel, NoModel, ModelUnavailable, RequestRefused) as error:
        return {"ok": False, "error": redactor.redacted(str(error))}
    else:
        found["text"] = redactor.redacted(found["text"])
        return {"ok": True, "opened_s": opened_s, **found}
    finally:
        database.close()


if __name__ == "__main__":
    sys.exit(main())
