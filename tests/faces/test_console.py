"""A conversation on the console: the API and its events over HTTP, shown as on a terminal."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from inline_snapshot import snapshot

from bot.auth import Role
from bot.console.ask import Question, ask
from bot.console.client import GatewayClient
from bot.console.face import console_face
from bot.console.live import LiveThread
from bot.console.render import Screen
from handlers import Platform
from jobs.workshop import Workshop
from tests.bot.console.gateway import Gateway
from tests.bot.console.test_live import on_a_screen
from tests.faces.work import DRAFT, TOKEN, Engine
from tests.fakes.github.server import listener_on, listening
from tests.fakes.intake import ForwardingIntake
from tests.fakes.spine import PATIENCE_S, Scene, Spine, masked


@dataclass
class Desk:
    """The operator at a terminal, and everything behind us."""

    client: GatewayClient
    http: httpx.AsyncClient
    url: str
    token: str
    spine: Spine
    engine: Engine
    folder: Path
    screen: StringIO

    async def ask(self, text: str, *, in_place: bool) -> int:
        """As `gryph ask` does; the exit code."""
        live = LiveThread(self.screen, Screen(str, width=100), in_place=in_place)
        question = Question(text, PATIENCE_S, repository=str(self.folder))
        return (await ask(self.client, question, live)).heard.exit_code

    def seen(self) -> str:
        """What the terminal shows."""
        return masked("\n".join(on_a_screen(self.screen.getvalue())))


@pytest.fixture
async def desk(
    spine: Spine, desks: Workshop, engine: Engine, code: Path, valkey_url: str, tmp_path: Path
) -> AsyncGenerator[Desk]:
    gateway = Gateway(tmp_path, intake=ForwardingIntake(spine.intake))
    scene = Scene(
        faces={Platform.CONSOLE: console_face(spine.database, gateway.notifier)},
        desks=desks,
        works=engine.works,
    )
    listener = listener_on(0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    token = gateway.keys.mint("ann", Role.OPERATOR)
    async with (
        listening(gateway.app, listener),
        spine.running(valkey_url, scene),
        httpx.AsyncClient(trust_env=False) as http,
    ):
        client = GatewayClient(http, lambda: url, lambda: token)
        yield Desk(client, http, url, token, spine, engine, code, StringIO())
    gateway.database.close()


@pytest.mark.usefixtures("quick_reports")
async def test_draft_grows_below_the_status_and_gives_way_to_the_result(desk: Desk) -> None:
    desk.engine.may_end.clear()
    desk.engine.written = DRAFT
    asking = asyncio.ensure_future(desk.ask("test src/a.py", in_place=True))
    await desk.spine.until(lambda: "double(n)" in desk.seen())
    assert desk.seen() == snapshot("""\
test src/a.py · running · searched 1,200 calls, 84 % of lines · 40 % done · J-ID
  I double it, says <!channel> @everyone and @ann (fixes #1).

  ```python
  def double(n):\
""")
    desk.engine.written = f"{DRAFT}    return '{TOKEN}'\n" + "    # and so on\n" * 400
    await desk.spine.until(lambda: "and so on" in desk.seen())
    assert len(desk.seen().split("\n")) == 13
    desk.engine.may_end.set()
    assert await asking == 0
    assert desk.seen().split("\n")[0] == snapshot(
        "test src/a.py · succeeded · 1 test passes, 100 % of lines · N s · J-ID"
    )
    assert "Tests for src/a.py" in desk.seen()
    assert "and so on" not in desk.seen()
    assert TOKEN[:8] not in desk.screen.getvalue()


@pytest.mark.usefixtures("quick_reports")
async def test_draft_is_not_printed_into_a_file_but_told_by_the_api(desk: Desk) -> None:
    desk.engine.may_end.clear()
    desk.engine.written = f"{DRAFT}    return '{TOKEN}'\n\n"
    asking = asyncio.ensure_future(desk.ask("test src/a.py", in_place=False))
    await desk.spine.until(lambda: "40 %" in desk.seen())
    job = (await desk.spine.newest_job()).id
    told = ""
    while "double" not in told:
        await desk.spine.tick()
        told = (await _get(desk, f"jobs/{job}"))["draft"]
    assert told.startswith("I double it")
    assert told.endswith("    return '[secret removed]'\n\n")
    (listed,) = (await _get(desk, "overview"))["recent"]
    assert listed["draft"] == told
    desk.engine.may_end.set()
    assert await asking == 0
    assert "double it" not in desk.screen.getvalue()
    assert (await _get(desk, f"jobs/{job}"))["draft"] == ""


async def _get(desk: Desk, path: str) -> Any:
    headers = {"Authorization": f"Bearer {desk.token}"}
    answer = await desk.http.get(f"{desk.url}/api/v1/{path}", headers=headers)
    return answer.json()
