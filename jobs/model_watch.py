"""Watches the requests of jobs to models, and puts the figures of backends as metrics show them."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence

import structlog

from engines.generation.types import (
    BackendStats,
    EngineLost,
    Finish,
    ModelRequest,
    ModelUnavailable,
    RequestRefused,
    TimedOut,
    Usage,
    Writing,
    Written,
)
from jobs.model_metrics import BROKEN, Ended, ModelState, ModelWatcher, Outcome

log = structlog.get_logger()

_FINISHES = {
    Finish.STOP: Outcome.STOP,
    Finish.LENGTH: Outcome.LENGTH,
    Finish.CANCELLED: Outcome.CANCELLED,
    Finish.FAILED: Outcome.FAILED,
}


class Unwatched:
    """See `jobs.model_metrics.ModelWatcher`: nobody counts."""

    def ended(self, ended: Ended) -> None:
        """Nothing."""

    def fell(self, model: str, reason: str) -> None:
        """Nothing."""

    def opened(self, model: str, *, is_open: bool) -> None:
        """Nothing."""


def watched(
    model: str,
    submit: Callable[[ModelRequest], Writing],
    request: ModelRequest,
    watcher: ModelWatcher,
) -> Writing:
    """Submit a request to the model of that name; the watcher is told once how it ended.

    Raises as `Backend.submit`.
    """

    def tell(outcome: Outcome, usage: Usage) -> None:
        if outcome in BROKEN:
            log.warning("model gave no answer", model=model, outcome=outcome)
        watcher.ended(
            Ended(
                model,
                outcome,
                usage.prompt_tokens,
                usage.cached_tokens,
                usage.written_tokens,
                usage.first_token_s,
                usage.total_s,
            )
        )

    try:
        return _Watched(submit(request), tell)
    except RequestRefused:
        tell(Outcome.REFUSED, Usage())
        raise
    except ModelUnavailable:
        tell(Outcome.UNAVAILABLE, Usage())
        raise


class _Watched:
    """See `engines.generation.types.Writing`. Its end is told as soon as the reader comes to it,
    and of a cancel at once: nobody may read on then.
    """

    def __init__(self, writing: Writing, tell: Callable[[Outcome, Usage], None]) -> None:
        self._writing = writing
        self._tell = tell
        self._lock = threading.Lock()
        self._is_told = False

    def pieces(self, *, wait_s: float) -> Iterator[str]:
        """See the protocol."""
        try:
            yield from self._writing.pieces(wait_s=wait_s)
        except (ModelUnavailable, RequestRefused) as error:
            self._once(_outcome_of(error))
            raise
        self._settle()

    def cancel(self) -> None:
        """See the protocol."""
        self._writing.cancel()
        self._settle()

    def written(self) -> Written:
        """See the protocol."""
        try:
            written = self._writing.written()
        except (ModelUnavailable, RequestRefused) as error:
            self._once(_outcome_of(error))
            raise
        self._once(_FINISHES[written.finish], written.usage)
        return written

    def _settle(self) -> None:
        """It has ended."""
        with contextlib.suppress(ModelUnavailable, RequestRefused):
            self.written()

    def _once(self, outcome: Outcome, usage: Usage | None = None) -> None:
        with self._lock:
            if self._is_told:
                return
            self._is_told = True
        self._tell(outcome, usage or Usage())


def _outcome_of(error: ModelUnavailable | RequestRefused) -> Outcome:
    match error:
        case RequestRefused():
            return Outcome.REFUSED
        case TimedOut():
            return Outcome.TIMEOUT
        case EngineLost():
            return Outcome.LOST
        case _:
            return Outcome.FAILED


def state_of(name: str, stats: Sequence[BackendStats], *, is_circuit_open: bool) -> ModelState:
    """How a model is; `stats` are of what is open under its name, the newest first. Older ones,
    from before it was changed, only finish what they began.
    """
    if not stats:
        return ModelState(name, is_circuit_open=is_circuit_open)
    newest = stats[0]
    return ModelState(
        name,
        is_loaded=True,
        is_circuit_open=is_circuit_open,
        running=sum(each.running for each in stats),
        waiting=sum(each.waiting for each in stats),
        oldest_waiting_s=max(each.oldest_waiting_s for each in stats),
        hung=newest.hangs,
        died=newest.restarts - newest.hangs,
        blocks=newest.blocks,
        free_blocks=newest.free_blocks,
        memory_bytes=newest.memory_bytes,
    )
