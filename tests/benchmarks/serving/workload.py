"""Requests with a seed: the same for every backend."""

import random
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.benchmarks.serving.shapes import load_tokenizer

LONG_JSON: Mapping[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "path": {"type": "string"},
            "line": {"type": "integer"},
            "fixed": {"type": "boolean"},
        },
        "required": ["path", "line", "fixed"],
        "additionalProperties": False,
    },
    "minItems": 200,
}
"""Longer than any answer: a request under this schema writes as many tokens as one without."""
NEVER_WRITTEN = ("\n\n### end of answer", "<|no such token|>")
"""Stop strings that must be looked for and do not come."""


@dataclass(frozen=True)
class Job:
    """One request."""

    prompt: tuple[int, ...]
    max_tokens: int
    stop: tuple[str, ...] = ()
    json_schema: Mapping[str, Any] | None = None
    adapter: str | None = None


def seeded(seed: int) -> random.Random:
    """Chance that is the same in each run."""
    return random.Random(seed)  # noqa: S311


def source_tokens(folder: str) -> list[int]:
    """Text to cut prompts from: a part of the standard library, tokenized."""
    paths = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))[40:70]
    text = "".join(path.read_text(errors="replace") for path in paths)[:600_000]
    tokens: list[int] = load_tokenizer(folder)(text, verbose=False)["input_ids"]
    return tokens


def cut(tokens: Sequence[int], length: int, rng: random.Random) -> tuple[int, ...]:
    """A run of tokens from anywhere."""
    start = rng.randrange(len(tokens) - length)
    return tuple(tokens[start : start + length])


def mixed(folder: str, count: int, seed: int) -> list[Job]:
    """Prompts of 32 to 384 tokens, answers of 16 to 128."""
    rng, tokens = seeded(seed), source_tokens(folder)
    return [Job(cut(tokens, rng.randint(32, 384), rng), rng.randint(16, 128)) for _ in range(count)]


def layered(jobs: Sequence[Job]) -> list[Job]:
    """The same with stop strings on all and a grammar on every fourth; lengths stay as they are."""
    return [
        replace(job, stop=NEVER_WRITTEN, json_schema=None if index % 4 else LONG_JSON)
        for index, job in enumerate(jobs)
    ]


def sharing(folder: str, count: int, *, length: int, shared: int, seed: int) -> list[Job]:
    """Prompts that have their first `shared` tokens in common, and one token to write."""
    rng, tokens = seeded(seed), source_tokens(folder)
    prefix = cut(tokens, shared, rng)
    return [Job(prefix + cut(tokens, length - shared, rng), 1) for _ in range(count)]
