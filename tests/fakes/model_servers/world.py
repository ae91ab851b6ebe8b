"""What a fake model's server knows, what it was asked, and what its model writes."""

import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, cast

from tests.fakes.model_servers.faults import Faults

KEY = "sk-fake-0123456789abcdef"
MODEL = "fake-coder-7b"
THINKER = "fake-thinker"
"""A model that takes no sampling, no stop strings and no `max_tokens`."""
_TOKEN = re.compile(r"\s*[^\s]{1,6}|\s+")

Turn = tuple[str, str]
"""Role and text."""
Script = Callable[[list[Turn]], str] | Sequence[str]


class Flavour(StrEnum):
    """Whose habits an OpenAI-compatible server has."""

    OPENAI = "openai"
    """Refuses unknown fields and open schemas."""
    VLLM = "vllm"
    """Ignores unknown fields; lists each model's context."""
    LLAMA_CPP = "llama_cpp"
    """Takes any name of a model; tells its context in /props."""
    TRANSFORMERS = "transformers"
    """`transformers serve`: ignores schemas, refuses fields of others, ends without a [DONE]."""
    BARE = "bare"
    """Refuses `response_format` and `stream_options`; tells no usage."""


@dataclass(frozen=True)
class Seen:
    """A request for an answer."""

    headers: Mapping[str, str]
    body: Mapping[str, Any]


@dataclass
class World:
    """One server."""

    flavour: Flavour = Flavour.VLLM
    key: str = KEY
    """"" where no key is wanted."""
    models: tuple[str, ...] = (MODEL, THINKER)
    context_tokens: int = 4096
    script: Script | None = None
    """What the model writes: a function of the conversation, or answers in order. Without one it
    repeats the last message.
    """
    token_s: float = 0.0
    """Before each token."""
    is_held: bool = False
    """Answers begin, but no token comes while this is true."""
    cuts_prompts: bool = False
    """Reads the end of a prompt that is too long, and says nothing."""
    most_tokens: int | None = None
    """No answer is longer, whatever is asked for."""
    ignores_schemas: bool = False
    faults: Faults = field(default_factory=Faults)
    seen: list[Seen] = field(default_factory=list[Seen])
    left: list[Seen] = field(default_factory=list[Seen])
    """Those whose client went before the answer was complete."""
    running: int = 0
    most_running: int = 0
    _prompts: list[list[str]] = field(default_factory=list[list[str]])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, headers: Mapping[str, str], body: Mapping[str, Any]) -> Seen:
        """A request for an answer came."""
        seen = Seen(dict(headers), body)
        self.seen.append(seen)
        return seen

    def enter(self) -> None:
        """An answer begins."""
        with self._lock:
            self.running += 1
            self.most_running = max(self.most_running, self.running)

    def leave(self, seen: Seen, *, is_complete: bool) -> None:
        """Its answer is over."""
        with self._lock:
            self.running -= 1
            if not is_complete:
                self.left.append(seen)

    def writes(self, turns: list[Turn], schema: Mapping[str, Any] | None) -> str:
        """The whole of an answer, before any limit."""
        if schema is not None and not self.ignores_schemas:
            return json.dumps(instance(schema, schema))
        if self.script is None:
            return f"You said: {turns[-1][1]}"
        if callable(self.script):
            return self.script(turns)
        with self._lock:
            answered = self._answered
            self._answered += 1
        return self.script[min(answered, len(self.script) - 1)]

    _answered: int = 0

    def cached(self, prompt: list[str]) -> int:
        """Tokens at the head of a prompt that an earlier one had too; remembers it."""
        with self._lock:
            longest = max((_shared(prompt, each) for each in self._prompts), default=0)
            self._prompts.append(prompt)
        return longest


def tokens(text: str) -> list[str]:
    """The fake model's tokens; joined they are the text."""
    return _TOKEN.findall(text)


def instance(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """A small value that is valid for a schema of the usual kind."""
    if "$ref" in schema:
        found: Any = root
        for step in str(schema["$ref"]).removeprefix("#/").split("/"):
            found = found[step]
        return instance(found, root)
    for name in ("const", "default"):
        if name in schema:
            return schema[name]
    for name in ("enum", "anyOf", "oneOf"):
        if name in schema:
            first: Any = schema[name][0]
            return first if name == "enum" else instance(first, root)
    return _of_type(schema, root)


def _of_type(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    kind: Any = schema.get("type", "object")
    if isinstance(kind, list):
        kind = cast("list[str]", kind)[0]
    if kind == "object":
        properties = cast("Mapping[str, Any]", schema.get("properties", {}))
        wanted = cast("list[str]", schema.get("required", list(properties)))
        return {name: instance(properties[name], root) for name in wanted}
    if kind == "array":
        return [instance(schema.get("items", {}), root)] * int(schema.get("minItems", 1))
    if kind == "string":
        return "x" * int(schema.get("minLength", 1))
    plain: dict[str, Any] = {"integer": 1, "number": 1.5, "boolean": True}
    return schema.get("minimum", plain.get(kind))


def _shared(one: list[str], other: list[str]) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(len(one), len(other)))
