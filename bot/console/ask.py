"""`gryph ask`: one message, its thread followed to the end, an exit code that tells how it went."""

import asyncio
import json
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.console.client import GatewayClient
from bot.console.heard import Heard
from bot.console.live import LiveThread
from bot.console.plain import one_line
from bot.console.thread import Receipt, files_of
from jobs.messages import File
from storage.clock import utc_now
from storage.ids import ArtifactId

_QUIET_S = 3.0
"""How long more answers are waited for when fewer came than commands were counted."""
_NAME_MAX = 120


@dataclass(frozen=True)
class Question:
    """What to ask and how long to wait for the answer."""

    text: str
    timeout_s: float
    conversation: str | None = None
    repository: str | None = None


@dataclass(frozen=True)
class Answered:
    """What came of a question."""

    receipt: Receipt
    heard: Heard


class TookTooLong(Exception):
    """The time for an answer is over; what was heard until then is in `answered`."""

    def __init__(self, answered: Answered) -> None:
        """The job, if there is one, goes on."""
        jobs = ", ".join(answered.heard.jobs) or "the message"
        super().__init__(f"no answer in time; {jobs} goes on without us")
        self.answered = answered


async def ask(client: GatewayClient, question: Question, live: LiveThread | None) -> Answered:
    """Ask, and show on `live` what is said until everything is answered.

    Raises:
        NoGateway: The gateway is not there, or went away.
        Refused: It does not take the message.
        TookTooLong: The time is over.
    """
    deadline = asyncio.get_running_loop().time() + question.timeout_s
    receipt = await client.post(
        question.text, conversation=question.conversation, repository=question.repository
    )
    answered = Answered(receipt, Heard(receipt.message, question.text))
    try:
        async with asyncio.timeout_at(deadline):
            await _listen(client, answered, live)
    except TimeoutError as error:
        raise TookTooLong(answered) from error
    finally:
        if live is not None:
            live.close()
    return answered


async def _listen(client: GatewayClient, answered: Answered, live: LiveThread | None) -> None:
    receipt, heard = answered.receipt, answered.heard
    follow = client.follow(receipt.conversation, receipt.last_event_id)
    async with aclosing(follow) as messages:
        while not heard.complete:
            coming = anext(messages)
            try:
                message = await (asyncio.wait_for(coming, _QUIET_S) if heard.settled else coming)
            except TimeoutError:
                return  # the gateway took it for fewer commands than we did
            if heard.take(message) and live is not None:
                live.show(message)


def report(client: GatewayClient, answered: Answered) -> dict[str, Any]:
    """The outcome for scripts: the last job, the last reply, and everything that was said."""
    heard = answered.heard
    view = list(heard.jobs.values())[-1] if heard.jobs else None
    replies = [said.reply for said in heard.finals if said.reply is not None]
    return {
        "conversation": answered.receipt.conversation,
        "job": view.job if view else None,
        "state": view.state if view else None,
        "reply": replies[-1].model_dump(mode="json") if replies else None,
        "messages": [said.model_dump(mode="json") for said in heard.messages.values()],
        "artifacts": [
            {"name": name, "url": client.artifact_url(artifact)}
            for artifact, name in artifacts(heard)
        ],
    }


def as_json(outcome: dict[str, Any]) -> str:
    """One JSON object in one line."""
    return json.dumps(outcome, ensure_ascii=False)


def artifacts(heard: Heard) -> list[tuple[ArtifactId, str]]:
    """What the replies offer for download, each once, with a name."""
    offered: dict[ArtifactId, str] = {}
    for said in heard.finals:
        for block in files_of(said.reply) if said.reply is not None else ():
            name = block.name if isinstance(block, File) else f"{block.alt}.png"
            offered.setdefault(block.artifact, name)
    return list(offered.items())


async def save(client: GatewayClient, heard: Heard, folder: Path) -> list[Path]:
    """Download everything into `folder`, over no file that is there; returns where it lies.

    Raises:
        NoGateway: The gateway went away.
        Refused: A file is not there any more.
        OSError: The folder does not take it.
    """
    return [
        _put(folder, _safe_name(name), await client.download(artifact))
        for artifact, name in artifacts(heard)
    ]


def _safe_name(name: str) -> str:
    """A file name and nothing but: no folder, no control character, not hidden."""
    last = one_line(name).replace("\\", "/").rpartition("/")[2]
    return last.lstrip(".")[-_NAME_MAX:] or f"file-{utc_now():%H%M%S}"


def _put(folder: Path, name: str, content: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, 1000):
        stem, dot, ending = name.partition(".")
        path = folder / (name if number == 1 else f"{stem}-{number}{dot}{ending}")
        try:
            with path.open("xb") as file:
                file.write(content)
        except FileExistsError:
            if path.is_file() and path.read_bytes() == content:
                return path
        else:
            return path
    raise FileExistsError(f"{folder} holds too many files named like {name}")
