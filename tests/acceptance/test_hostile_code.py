"""Whatever a module under test does, its worker goes on and serves the next job."""

import asyncio
from pathlib import Path

import pytest

from storage.states import JobState
from tests.acceptance.conftest import SLUGS
from tests.acceptance.stack import Stack

pytestmark = pytest.mark.slow

HOSTILE = {
    "hangs.py": "def wait(n: int) -> int:\n    while True:\n        n += 1\n",
    "crashes.py": (
        "import os, signal\n\n\ndef end(n: int) -> int:\n    os.kill(os.getpid(), signal.SIGSEGV)\n"
        "    return n\n"
    ),
    "swells.py": "def fill(n: int) -> int:\n    return len(bytearray(10 * 2**30))\n",
    "deletes.py": (
        "import os, shutil\n\n\ndef tidy(n: int) -> int:\n    os.unlink(__file__)\n"
        "    shutil.rmtree(os.path.dirname(__file__), ignore_errors=True)\n    return n\n"
    ),
}


async def test_module_that_hangs_crashes_swells_or_deletes_itself_costs_its_own_job_only(
    stack: Stack, repository: Path
) -> None:
    for name, text in HOSTILE.items():
        (repository / name).write_text(text)
    asked = [await stack.say(f"test {name} budget=3s", repository) for name in HOSTILE]
    await asyncio.gather(*(each.result() for each in asked))
    assert {each.state for each in asked} <= {JobState.SUCCEEDED, JobState.FAILED}
    assert all((repository / name).read_text() == text for name, text in HOSTILE.items())
    (repository / "text/slugs.py").write_text(SLUGS.replace('"-".join', '"_".join'))
    next_one = await stack.say("test text/slugs.py base=HEAD budget=3s", repository)
    result = await next_one.result()
    assert next_one.state is JobState.SUCCEEDED
    assert result.reply is not None
    assert [each.path for each in result.reply.remarks] == ["text/slugs.py"]
    assert len(stack.starts("worker-1")) == 1
