"""What is asked of a language model, and what comes back: the same for every backend."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol


class ModelUnavailable(Exception):
    """No answer can be had from this model now; the message says why, for a person.

    Another model may serve the same request.
    """


class RequestRefused(Exception):
    """The model will never take this request as it is (too long, malformed); says why."""


class TimedOut(ModelUnavailable):
    """The answer, or the next word of it, did not come in time."""


class EngineLost(ModelUnavailable):
    """The engine died or hung under this request, and again when it was run once more."""


@dataclass(frozen=True)
class Message:
    """One turn of a conversation with a model."""

    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True)
class Sampling:
    """How tokens are chosen. Temperature 0 is greedy, and then the others mean nothing."""

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    """0 for all tokens."""
    seed: int | None = None
    """None for a seed of the backend's own."""


GREEDY = Sampling()


@dataclass(frozen=True)
class ModelRequest:
    """One request to a model.

    Put what many requests share first in `messages` and keep it byte for byte the same: backends
    reuse the work done for a prefix they have seen.
    """

    messages: tuple[Message, ...]
    max_tokens: int
    """Most tokens written, at least 1."""
    sampling: Sampling = GREEDY
    stop: tuple[str, ...] = ()
    """Ends the text before the first of them; they are not part of it."""
    json_schema: Mapping[str, Any] | None = None
    """What is written is JSON valid for this schema (or cut off by `max_tokens`)."""
    adapter: str | None = None
    """Name of a LoRA adapter that the backend was told of."""
    deadline_s: float | None = None
    """Seconds from submission within which the whole answer is wanted; a backend that can tell
    that it will be later refuses at once with `ModelUnavailable`."""


class Finish(StrEnum):
    """Why a text ended."""

    STOP = "stop"
    """The model ended it, or a stop string came."""
    LENGTH = "length"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True)
class Usage:
    """What one request took, as far as the backend tells."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    """Of the prompt, found in the prefix cache."""
    written_tokens: int = 0
    first_token_s: float | None = None
    """From submission."""
    total_s: float = 0.0


@dataclass(frozen=True)
class Written:
    """A text that ended."""

    text: str
    finish: Finish
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    """The model that wrote it, as it calls itself."""
    remarks: tuple[str, ...] = ()
    """What of the request could not be kept, in words for a person."""


class Writing(Protocol):
    """A request under way. For one reader; `cancel` may come from any thread."""

    def pieces(self, *, wait_s: float) -> Iterator[str]:
        """Text as it is written. "" after each `wait_s` seconds without news, so that the reader
        can look up. Ends with the text, whatever the reason; never raises for a cancel.

        Raises:
            ModelUnavailable: It ended without a reason of its own; nothing more will come.
            RequestRefused: The backend does not take it.
        """
        ...

    def cancel(self) -> None:
        """Stop writing and free what it holds. It has ended then: `written` waits no more, and the
        reader still sees the end. Idempotent.
        """
        ...

    def written(self) -> Written:
        """All of it, once `pieces` has ended (waits for the end otherwise). Raises as `pieces`."""
        ...


@dataclass(frozen=True)
class BackendStats:
    """How a backend is doing, at one moment."""

    running: int = 0
    waiting: int = 0
    written_tokens: int = 0
    """Since it was started."""
    restarts: int = 0
    hangs: int = 0
    """Of the restarts, those of an engine that hung; the others died."""
    oldest_waiting_s: float = 0.0
    """How long the request that waits longest has waited; 0 where none does."""
    blocks: int | None = None
    """Of its key-value cache; None where it has none of its own."""
    free_blocks: int | None = None
    memory_bytes: int | None = None
    is_broken: bool = False
    """Whether it will serve nothing more until another process opens it."""


class Backend(Protocol):
    """A model that can be asked. All methods may be called from any thread."""

    @property
    def name(self) -> str:
        """As the operator named it."""
        ...

    @property
    def context_tokens(self) -> int:
        """The most tokens of prompt and answer together."""
        ...

    def count_tokens(self, text: str) -> int:
        """Tokens of a text, estimated where the model's tokenizer is not at hand."""
        ...

    def submit(self, request: ModelRequest) -> Writing:
        """Begin to write; returns at once.

        Raises:
            RequestRefused: It can never be served.
            ModelUnavailable: Not now: overloaded, too late for the deadline, or down.
        """
        ...

    def stats(self) -> BackendStats:
        """Never blocks."""
        ...

    def close(self) -> None:
        """End everything under way and free the device. Idempotent."""
        ...
