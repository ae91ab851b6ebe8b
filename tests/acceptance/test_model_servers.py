"""Our client against a model's server that was not written here: `tests.fakes.model_servers.real`."""

import json
from dataclasses import replace

import pytest

from engines.generation.remote.backend import RemoteModel
from engines.generation.remote.probing import probe
from engines.generation.types import Finish, Message, ModelRequest, ModelUnavailable
from tests.fakes.model_servers.real import REAL

pytestmark = pytest.mark.skipif(
    not REAL.address, reason="GRYPH_TEST_MODEL_SERVER names no server of a model"
)
SCHEMA = {
    "type": "object",
    "properties": {
        "ok": {"type": "boolean"},
        "steps": {"type": "array", "items": {"type": "integer"}},
    },
    "required": ["ok"],
    "additionalProperties": False,
}


def asking(text: str = "def add(a, b):", *, max_tokens: int = 24) -> ModelRequest:
    return ModelRequest((Message("system", "Be brief."), Message("user", text)), max_tokens)


def test_its_facts_are_found() -> None:
    facts = probe(REAL.endpoint)
    print(facts)
    assert facts.streams
    assert facts.tokens_per_s is None or facts.tokens_per_s > 0


def test_a_schema_is_kept_or_the_answer_says_that_it_is_not() -> None:
    model = RemoteModel(REAL.endpoint)
    written = model.submit(replace(asking(max_tokens=400), json_schema=SCHEMA)).written()
    if not written.remarks and written.finish is Finish.STOP:
        assert isinstance(json.loads(written.text)["ok"], bool)
    model.close()


def test_a_wrong_key_is_told() -> None:
    if not REAL.key:
        pytest.skip("the server wants no key")
    model = RemoteModel(replace(REAL.endpoint, key="wrong"))
    with pytest.raises(ModelUnavailable, match="gryph model key real"):
        model.submit(asking()).written()


def test_many_at_one_time_are_not_mixed() -> None:
    model = RemoteModel(REAL.endpoint)
    writings = [model.submit(asking(f"def f{number}(x):")) for number in range(16)]
    written = [writing.written() for writing in writings]
    assert all(each.text for each in written)
    assert all(each.finish in {Finish.LENGTH, Finish.STOP} for each in written)
    model.close()


def test_cancels_leave_the_server_as_it_was() -> None:
    model = RemoteModel(REAL.endpoint)
    for _ in range(10):
        writing = model.submit(asking(max_tokens=1000))
        next(writing.pieces(wait_s=30))
        writing.cancel()
        assert writing.written().finish is Finish.CANCELLED
    assert model.submit(asking()).written().text
    model.close()
