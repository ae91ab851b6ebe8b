"""What is found out about a server by asking it."""

import json

import pytest

from engines.generation.remote.endpoint import Dialect
from engines.generation.remote.probing import ModelFacts, probe
from engines.generation.types import ModelUnavailable
from tests.engines.generation.remote.asking import asked
from tests.fakes.model_servers.faults import Kind
from tests.fakes.model_servers.world import MODEL, THINKER, Flavour, World


def facts_of(dialect: Dialect, world: World, model: str = MODEL) -> ModelFacts:
    with asked(dialect, world, model=model) as good:
        return probe(good.model.endpoint)


@pytest.mark.parametrize(
    ("flavour", "context"),
    [(Flavour.VLLM, 4096), (Flavour.LLAMA_CPP, 4096), (Flavour.OPENAI, None)],
)
def test_a_good_server_can_do_all(flavour: Flavour, context: int | None) -> None:
    models = (MODEL,) if flavour is Flavour.LLAMA_CPP else (MODEL, THINKER)
    facts = facts_of(Dialect.OPENAI, World(flavour, models=models))
    assert facts.models == models
    assert facts.context_tokens == context
    assert (facts.streams, facts.constrains_json, facts.stops) == (True, True, True)
    assert facts.tokens_per_s is not None
    assert facts.first_token_s is not None
    assert (facts.model, facts.remarks) == (MODEL, ())


def test_a_bare_server_is_seen_through() -> None:
    facts = facts_of(Dialect.OPENAI, World(Flavour.BARE))
    assert facts.constrains_json is False
    assert facts.tokens_per_s is None
    assert "only asked for" in facts.remarks[0]


def test_a_server_that_ignores_schemas_is_seen_through() -> None:
    assert facts_of(Dialect.OPENAI, World(ignores_schemas=True)).constrains_json is False
    like_json = World(ignores_schemas=True, script=lambda _turns: json.dumps({"other": 1}))
    assert facts_of(Dialect.OPENAI, like_json).constrains_json is False


def test_a_model_without_stop_strings_is_seen_through() -> None:
    facts = facts_of(Dialect.OPENAI, World(Flavour.OPENAI), THINKER)
    assert facts.stops is False
    assert facts.remarks == ("this model does not let its sampling be set",)


def test_a_server_that_does_not_stream_is_seen_through() -> None:
    world = World()
    world.faults.add(Kind.DOES_NOT_STREAM, times=9)
    assert facts_of(Dialect.OPENAI, world).streams is False


def test_anthropic() -> None:
    facts = facts_of(Dialect.ANTHROPIC, World())
    assert facts.models == (MODEL, THINKER)
    assert (facts.streams, facts.constrains_json, facts.stops) == (True, True, True)
    assert facts.context_tokens is None


def test_a_server_that_cannot_be_asked_has_no_facts() -> None:
    world = World()
    world.faults.add(Kind.FAILS, times=9)
    with pytest.raises(ModelUnavailable, match="Bad Gateway"):
        facts_of(Dialect.OPENAI, world)
