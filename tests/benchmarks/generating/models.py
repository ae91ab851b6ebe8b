"""The models of the runs: a scripted one that writes small code slowly, and a tiny local one."""

import re
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from tests.acceptance.stack import Stack, gryph
from tests.fakes.model_servers.running import openai_server
from tests.fakes.model_servers.world import Turn, World

TOKEN_S = 0.12
"""Before each token of the scripted model, so that an answer takes some seconds to write."""
_WISH = re.compile(r"way (\d+)")
_ANSWER = '''\
Counts the words of a text, and has a test.

FILE: text/way_{number}.py
```python
def words(text: str) -> int:
    """How many words a text has."""
    return len(text.split())
```

FILE: tests/test_way_{number}.py
```python
from text.way_{number} import words


def test_words_are_counted() -> None:
    assert words("one two") == 2
```
'''


def answer(turns: list[Turn]) -> str:
    """Good code at the first try, for whoever asks."""
    asked = "\n".join(text for role, text in turns if role == "user")
    numbers = _WISH.findall(asked)
    return _ANSWER.format(number=numbers[-1] if numbers else 0)


@asynccontextmanager
async def scripted(stack: Stack) -> AsyncGenerator[World]:
    """A model behind an OpenAI-compatible server; its world tells how many it wrote at once."""
    with _serving() as (address, world):
        await _added(stack, "coder", "--openai", address, "--model", "fake-coder-7b")
        yield world


@contextmanager
def _serving() -> Generator[tuple[str, World]]:
    world = World(key="", script=answer, token_s=TOKEN_S)
    with openai_server(world) as server:
        yield server.address, world


async def add_tiny(stack: Stack, folder: Path) -> None:
    """A local model with random weights: what it writes is no code, and takes as long."""
    from engines.generation.tiny import make_tiny  # noqa: PLC0415 - torch, only where it is needed

    await _added(stack, "tiny", "--local", str(make_tiny(folder)))


async def _added(stack: Stack, *arguments: str) -> None:
    code, out, err = await gryph(stack.home, "model", "add", *arguments)
    if code:
        raise AssertionError(f"{out}\n{err}")
