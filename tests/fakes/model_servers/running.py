"""Starts a fake model's server on the loopback."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.fakes.model_servers.chat_completions import chat_completions_app
from tests.fakes.model_servers.messages import messages_app
from tests.fakes.model_servers.world import World
from tests.fakes.served import served


@dataclass(frozen=True)
class ModelServer:
    """A server that runs."""

    address: str
    """As it is given to `gryph model add`."""
    world: World
    """To look at what was asked, and to order faults."""


@contextmanager
def openai_server(world: World | None = None) -> Generator[ModelServer]:
    """An OpenAI-compatible server; its flavour is the world's."""
    world = world or World()
    with served(chat_completions_app(world)) as root:
        yield ModelServer(f"{root}/v1", world)


@contextmanager
def anthropic_server(world: World | None = None) -> Generator[ModelServer]:
    """A server of Anthropic's API."""
    world = world or World()
    with served(messages_app(world)) as root:
        yield ModelServer(root, world)
