"""`generate` over the whole stack: without a model, with an endpoint, with a local model."""

from pathlib import Path

import pytest

from engines.generation.tiny import make_tiny
from storage.states import JobState
from tests.acceptance.stack import Stack, gryph, json_of
from tests.acceptance.test_job import passes
from tests.fakes.model_servers.running import openai_server
from tests.fakes.model_servers.world import Turn, World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

FIRST = """\
Counts words.

FILE: text/counts.py
```python
def words(text: str) -> int:
    return len(text.split())
```

FILE: tests/test_counts.py
```python
from text.counts import words


def test_words_are_counted():
    assert words("a b") == 2
```
"""
BROKEN = FIRST.replace("def words(text: str) -> int:", "def words(text: str -> int:")
SECOND = """\
Without numbers.

FILE: text/counts.py
```python
<<<<<<< SEARCH
    return len(text.split())
=======
    return sum(not word.isdigit() for word in text.split())
>>>>>>> REPLACE
```
"""


def answers(turns: list[Turn]) -> str:
    """A model that slips once, and leaves numbers out when it is asked to."""
    said = "\n".join(text for _, text in turns)
    if "leave numbers out" in said:
        return SECOND
    return FIRST if any(role == "assistant" for role, _ in turns) else BROKEN


@pytest.fixture
def tiny_model(tmp_path: Path) -> Path:
    return make_tiny(tmp_path / "tiny")


async def added(stack: Stack, *arguments: str) -> None:
    code, out, err = await gryph(stack.home, "model", "add", *arguments)
    assert (code, err) == (0, ""), out


async def test_code_is_repaired_tested_applied_and_changed_in_the_next_turn(
    stack: Stack, repository: Path
) -> None:
    with openai_server(World(key="", script=answers)) as server:
        await added(stack, "coder", "--openai", server.address, "--model", "fake-coder-7b")
        thread = await stack.say(
            'generate "count the words of a text" in=text/counts.py --tests', repository
        )
        result = await thread.result()
        assert thread.states[-1] is JobState.SUCCEEDED
        assert result.reply is not None
        assert result.reply.summary == "Code for 2 files: verified, 1 test passed"
        assert "What failed on the way: 1 attempt" in result.reply.model_dump_json()
        await (await stack.say(f"apply {thread.job}", repository)).until(lambda t: bool(t.newest))
        assert passes(repository, "tests/test_counts.py")
        second = await stack.say(f'generate "leave numbers out" after={thread.job}', repository)
        reply = (await second.result()).reply
        assert reply is not None
        assert "isdigit" in reply.model_dump_json()
        asked = server.world.seen[-1].body["messages"]
        assert any("count the words of a text" in each["content"] for each in asked)
    ended, out, _ = await gryph(
        stack.home, "ask", 'generate "count the lines of a text"', "--repo", str(repository),
        "--json", "--timeout", "90",
    )  # fmt: skip
    assert ended == 1, "its server is gone"
    told = json_of(out)
    assert "No model" in told["reply"]["summary"] or "Nothing was generated" in out
    code, _, _ = await gryph(stack.home, "model", "remove", "coder")
    assert code == 0


async def test_without_a_model_the_remedy_and_the_closest_code_are_told(
    stack: Stack, repository: Path
) -> None:
    line = 'generate "turn a title into a slug"'
    ended, out, err = await gryph(
        stack.home, "ask", line, "--repo", str(repository), "--timeout", "90"
    )
    assert (ended, err) == (1, "")
    assert "gryph model add" in out
    assert "text/slugs.py:" in out
    assert "def slug(title: str" in out


async def test_a_local_model_is_loaded_and_what_it_writes_is_judged(
    stack: Stack, repository: Path, tiny_model: Path
) -> None:
    await added(stack, "tiny", "--local", str(tiny_model))
    thread = await stack.say('generate "a parser of ini files"', repository)
    result = await thread.result()
    assert result.reply is not None
    assert thread.state is JobState.FAILED, "random weights write no code"
    assert "Nothing came of it" in result.reply.summary, result.reply.model_dump_json()
    code, _, _ = await gryph(stack.home, "model", "remove", "tiny")
    assert code == 0
