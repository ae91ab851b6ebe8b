"""The fake serves a gateway of another process."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE

import httpx

from tests.bot.slack.conftest import Team


async def test_people_are_moved_from_another_process(listening: Team) -> None:
    command = ("-m", "tests.fakes.slack", "--app-url", listening.slack.app_url)
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=PIPE)
    assert process.stdout is not None
    try:
        settings = json.loads(await asyncio.wait_for(process.stdout.readline(), 60))
        base = settings["GRYPH_SLACK_API_URL"].removesuffix("/api/")
        async with httpx.AsyncClient(base_url=base, trust_env=False) as people:
            said = {"user": "ann", "channel": "ann", "text": "status"}
            answer = await people.post("/_fake/say", json=said)
            state = (await people.get("/_fake/state")).json()
    finally:
        process.terminate()
        await process.wait()
    assert listening.heard().text == "@gryph status"
    assert [m["ts"] for m in state["channels"]["ann"]] == [answer.json()["ts"]]
