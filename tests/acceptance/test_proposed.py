"""`test` with a model behind an endpoint, over the whole stack."""

from pathlib import Path

import pytest

from storage.states import JobState
from tests.acceptance.stack import Stack, gryph
from tests.acceptance.test_job import passes
from tests.fakes.model_servers.running import openai_server
from tests.fakes.model_servers.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

LOCKS = '''\
"""Locks."""

import zlib


def unlock(word: str) -> str:
    """Open with the right word."""
    if zlib.crc32(word.encode()) == 0x3610A686:
        return "open"
    return "shut"
'''
ANSWER = """\
```python
from locks import unlock


def test_the_right_word_opens():
    assert unlock("hello") == "open"
```
"""


async def test_a_test_that_a_model_proposed_is_told_and_applied(
    stack: Stack, repository: Path
) -> None:
    (repository / "locks.py").write_text(LOCKS)
    with openai_server(World(key="", script=lambda _turns: ANSWER)) as server:
        added = await gryph(
            stack.home, "model", "add", "coder", "--openai", server.address,
            "--model", "fake-coder-7b",
        )  # fmt: skip
        assert added[0] == 0, added
        thread = await stack.say("test locks.py budget=12s model=coder", repository)
        result = await thread.result()
        assert thread.state is JobState.SUCCEEDED
        assert result.reply is not None
        told = result.reply.model_dump_json()
        assert "**1 test was proposed by `coder`**; it passed the same checks" in told
        assert "line coverage 100%" in result.reply.summary
    await (await stack.say(f"apply {thread.job}", repository)).until(lambda t: bool(t.newest))
    assert passes(repository, "tests/test_locks.py")
    assert "test_the_right_word_opens" in (repository / "tests/test_locks.py").read_text()
