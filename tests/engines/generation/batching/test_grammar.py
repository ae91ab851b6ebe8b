# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# torch is typed in part.

import json
from typing import Any

import torch

from engines.generation.batching.grammar import forbidden
from engines.generation.batching.local import LocalModel
from engines.generation.types import Finish, Message, ModelRequest, Sampling
from tests.engines.generation.batching.campaigns import Reference

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z]{1,12}$"},
        "kind": {"enum": ["class", "function"]},
        "lines": {"type": "array", "items": {"type": "boolean"}, "maxItems": 3},
    },
    "required": ["name", "kind", "lines"],
}


def test_what_is_asked_as_json_is_valid_and_the_others_are_untouched(
    local: LocalModel, reference: Reference
) -> None:
    prompts = [list(range(500 + at, 540 + at)) for at in range(12)]
    free = [local.submit_tokens(prompt, ModelRequest((), max_tokens=24)) for prompt in prompts]
    bound = [
        local.submit(
            ModelRequest(
                (Message("user", f"describe part {at}"),),
                max_tokens=80,
                sampling=Sampling(1.0, seed=at) if at % 2 else Sampling(),
                json_schema=SCHEMA,
            )
        )
        for at in range(12)
    ]
    for writing in bound:
        written = writing.written()
        assert written.finish is Finish.STOP
        assert set(json.loads(written.text)) == {"name", "kind", "lines"}
        assert json.loads(written.text)["kind"] in {"class", "function"}
    for prompt, writing in zip(prompts, free, strict=True):
        assert writing.written_tokens() == reference.greedy(prompt, 24)


def test_a_device_rules_out_the_tokens_without_a_bit() -> None:
    mask = torch.tensor([[0b1101, -1], [-(2**31), 0]], dtype=torch.int32)
    ruled_out = forbidden(mask, columns=60)
    allowed = [[at for at in range(60) if not row[at]] for row in ruled_out.tolist()]
    assert allowed == [[0, 2, 3, *range(32, 60)], [31]]


def test_json_that_is_too_long_is_cut_off(local: LocalModel) -> None:
    request = ModelRequest((Message("user", "x"),), max_tokens=4, json_schema=SCHEMA)
    written = local.submit(request).written()
    assert written.finish is Finish.LENGTH
    assert written.text.startswith("{")


def test_strings_of_bounded_length_hold_no_bare_control_characters(local: LocalModel) -> None:
    schema = {"type": "array", "items": {"type": "string", "maxLength": 12}, "maxItems": 3}
    asked = [
        local.submit(
            ModelRequest(
                (Message("user", "words"),),
                max_tokens=120,
                sampling=Sampling(1.0, seed=seed),
                json_schema=schema,
            )
        )
        for seed in range(16)
    ]
    for writing in asked:
        written = writing.written()
        assert written.finish is Finish.STOP
        assert isinstance(json.loads(written.text), list)
