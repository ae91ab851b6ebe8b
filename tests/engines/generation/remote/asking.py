"""Both kinds of servers, and what is asked of them."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from engines.generation.remote.backend import RemoteModel
from engines.generation.remote.endpoint import Bounds, Dialect, Endpoint
from engines.generation.types import Message, ModelRequest, Written
from tests.fakes.model_servers.running import anthropic_server, openai_server
from tests.fakes.model_servers.world import KEY, MODEL, World

QUICK = Bounds(connect_s=2.0, first_token_s=20.0, between_tokens_s=20.0, backoff_s=0.01)
PROMPT = "def secret_of_the_house(x): return launch_code(x) + 42"


@dataclass(frozen=True)
class Asked:
    """A model at a server that runs."""

    model: RemoteModel
    world: World

    def ask(self, request: ModelRequest | None = None) -> Written:
        return self.model.submit(request or asking()).written()

    @property
    def last_body(self) -> dict[str, Any]:
        return dict(self.world.seen[-1].body)


def asking(text: str = PROMPT, *, max_tokens: int = 100) -> ModelRequest:
    return ModelRequest((Message("system", "Be brief."), Message("user", text)), max_tokens)


@contextmanager
def asked(
    dialect: Dialect,
    world: World | None = None,
    *,
    model: str = MODEL,
    bounds: Bounds = QUICK,
    **changes: Any,
) -> Generator[Asked]:
    """A model at a fake server of this kind."""
    server_of = openai_server if dialect is Dialect.OPENAI else anthropic_server
    with server_of(world) as server:
        endpoint = Endpoint("big", server.address, model, dialect, KEY, 4096, bounds=bounds)
        remote = RemoteModel(replace(endpoint, **changes))
        try:
            yield Asked(remote, server.world)
        finally:
            remote.close()
