"""Whether constrained answers are valid, and what the constraint costs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import jsonschema_rs

from engines.generation.types import Finish
from tests.benchmarks.serving import ours
from tests.benchmarks.serving.asked import Asked
from tests.benchmarks.serving.served import metered
from tests.benchmarks.serving.workload import LONG_JSON, Job, cut, mixed, seeded, source_tokens

_ROUNDS = 5
_MOST_TOKENS = 400
_WORD = {"type": "string", "maxLength": 12}
_BOUNDED = {"type": "array", "items": {"type": "string", "maxLength": 40}, "minItems": 200}
"""Counting characters is what costs a grammar most."""
_SCHEMAS: Sequence[Mapping[str, Any]] = (
    {"enum": ["python", "go", "rust"]},
    {
        "type": "object",
        "properties": {"path": _WORD, "line": {"type": "integer", "minimum": 1, "maximum": 999}},
        "required": ["path", "line"],
        "additionalProperties": False,
    },
    {
        "type": "object",
        "properties": {
            "passed": {"type": "boolean"},
            "tests": {"type": "array", "items": _WORD, "minItems": 1, "maxItems": 3},
            "note": {"anyOf": [_WORD, {"type": "null"}]},
        },
        "required": ["passed", "tests", "note"],
        "additionalProperties": False,
    },
    {"type": "array", "items": {"enum": ["low", "high"]}, "minItems": 2, "maxItems": 6},
)


def measure(asked: Asked) -> dict[str, Any]:
    """Valid answers of all that were asked for; CPU seconds per token with and without."""
    with ours.opened(asked) as backend:
        ended, valid = _validity(backend, asked)
        jobs = mixed(asked.folder, asked.requests, asked.seed)
        kinds = {"free": None, "constrained": LONG_JSON, "bounded": _BOUNDED}
        costs: dict[str, list[float]] = {name: [] for name in kinds}
        for turn in range(_ROUNDS + 1):
            for name, schema in kinds.items():
                cost = _cost(asked, backend, [replace(job, json_schema=schema) for job in jobs])
                if turn:  # the first compiles the schemas
                    costs[name].append(cost)
    return {"asked": asked.requests, "ended": ended, "valid": valid, **costs}


def _cost(asked: Asked, backend: Any, jobs: Sequence[Job]) -> float:
    with metered(cuda=asked.cuda) as meter:
        served = ours.serve(backend, jobs, streaming=False)
    spent_s = meter.wall_s if asked.cuda else meter.cpu_s
    return spent_s / sum(len(one.tokens) for one in served)


def _validity(backend: Any, asked: Asked) -> tuple[int, int]:
    """Answers that ended by themselves, and those of them that are valid."""
    rng, tokens = seeded(asked.seed), source_tokens(asked.folder)
    schemas = [_SCHEMAS[index % len(_SCHEMAS)] for index in range(asked.requests)]
    streams = [
        ours.submit(
            backend, Job(cut(tokens, rng.randint(8, 64), rng), _MOST_TOKENS, json_schema=schema)
        )
        for schema in schemas
    ]
    ended = valid = 0
    for schema, stream in zip(schemas, streams, strict=True):
        written = stream.written()
        ended += written.finish is Finish.STOP
        valid += written.finish is Finish.STOP and _is_valid(schema, written.text)
    return ended, valid


def _is_valid(schema: Mapping[str, Any], text: str) -> bool:
    try:
        return jsonschema_rs.is_valid(dict(schema), json.loads(text))
    except json.JSONDecodeError:
        return False
