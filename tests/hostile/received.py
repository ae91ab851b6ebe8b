"""Every text that the platforms received from us, with how each is read there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from bot.console.render import Screen, render_reply, render_status
from bot.console.thread import message_of
from storage.console import MessageKind
from storage.tables.console import ConsoleMessageRow
from tests.fakes.everywhere import Everywhere
from tests.fakes.spine import PUBLIC_URL

_SUPPRESSES_EMBEDS = 4


@dataclass(frozen=True)
class Posted:
    """One text, how it is read, and where it stands."""

    kind: str
    """"github", "github plain", "mrkdwn", "slack markdown", "discord", "terminal", "plain", or
    "fault" for what is wrong in itself."""
    text: str
    where: str


def on_github(world: Everywhere) -> Iterator[Posted]:
    """Comments in all their states, check runs, pull requests, commits and branches."""
    for path, body in world.github.written:
        where = path.partition("/repos/acme/shop")[2]
        for name in ("title", "message", "ref", "head", "path"):
            if isinstance(body.get(name), str):
                yield Posted("github plain", body[name], f"{where} {name}")
        if isinstance(body.get("body"), str):
            yield Posted("github", body["body"], f"{where} body")
        yield from _check_run(body, where)


def _check_run(body: Mapping[str, Any], where: str) -> Iterator[Posted]:
    output = body.get("output", {})
    if output:
        yield Posted("github plain", output["title"], f"{where} title")
        yield Posted("github", output["summary"], f"{where} summary")
    for action in body.get("actions", ()):
        for text in action.values():
            yield Posted("github plain", text, f"{where} button")


def on_slack(world: Everywhere) -> Iterator[Posted]:
    """Messages, edits, whispers and files."""
    for method, args in world.slack.server.calls:
        if method in ("chat.postMessage", "chat.update"):
            yield from _slack_message(args)
        elif method == "files.getUploadURLExternal":
            yield Posted("plain", str(args["filename"]), "file name")
        elif method == "files.completeUploadExternal":
            yield from (Posted("plain", str(each["title"]), "title") for each in args["files"])
        elif method == "response_url":
            yield from _slack_message(args)


def _slack_message(args: dict[str, Any]) -> Iterator[Posted]:
    if args.get("unfurl_links", True) or args.get("unfurl_media", True):
        yield Posted("fault", "it unfurls", "message")
    if args.get("link_names") or args.get("parse"):
        yield Posted("fault", "names are linked", "message")
    yield Posted("mrkdwn", str(args.get("text", "")), "message's text")
    for block in args.get("blocks") or ():
        yield from _slack_texts(block, "message")


def _slack_texts(node: object, where: str) -> Iterator[Posted]:
    match node:
        case {"type": "markdown", "text": str(text)}:
            yield Posted("slack markdown", text, where)
        case {"type": "mrkdwn", "text": str(text)}:
            yield Posted("mrkdwn", text, where)
        case {"type": "plain_text", "text": str(text)}:
            yield Posted("plain", text, where)
        case {"type": "image"}:
            yield Posted("fault", "a picture", where)
        case dict():
            for value in node.values():  # pyright: ignore[reportUnknownVariableType] - any JSON
                yield from _slack_texts(value, where)  # pyright: ignore[reportUnknownArgumentType] - any JSON
        case list():
            for value in node:  # pyright: ignore[reportUnknownVariableType] - any JSON
                yield from _slack_texts(value, where)  # pyright: ignore[reportUnknownArgumentType] - any JSON
        case _:
            return


def on_discord(world: Everywhere) -> Iterator[Posted]:
    """Messages, edits, threads, buttons and files."""
    for method, path, body in world.discord.rest.written:
        if "name" in body:
            yield Posted("discord name", str(body["name"]), f"{path} name")
        if "content" not in body:
            continue
        content, mentions = str(body["content"] or ""), body.get("allowed_mentions", {})
        yield Posted("discord", content, f"{method} {path}")
        if mentions.get("parse") != [] or mentions.get("users") or mentions.get("roles"):
            yield Posted("fault", f"may call: {mentions}", path)
        is_first = method == "POST" or "@original" in path
        if is_first and not int(body.get("flags") or 0) & _SUPPRESSES_EMBEDS:
            yield Posted("fault", "it embeds", path)
        for text in _labels(body.get("components") or ()):
            yield Posted("plain", text, "button")
        for file in body.get("attachments") or ():
            yield Posted("plain", f"{file.get('filename')}", "file")
            yield Posted("plain", f"{file.get('description')}", "file's text")


def _labels(components: object) -> Iterator[str]:
    match components:
        case {"label": str(label)}:
            yield label
        case dict():
            for value in components.values():  # pyright: ignore[reportUnknownVariableType] - any JSON
                yield from _labels(value)  # pyright: ignore[reportUnknownArgumentType] - any JSON
        case list() | tuple():
            for value in components:  # pyright: ignore[reportUnknownVariableType] - any JSON
                yield from _labels(value)  # pyright: ignore[reportUnknownArgumentType] - any JSON
        case _:
            return


async def on_console(world: Everywhere) -> list[Posted]:
    """What a terminal shows of threads."""

    def read(session: Session) -> list[Posted]:
        rows = session.exec(select(ConsoleMessageRow).order_by(col(ConsoleMessageRow.id))).all()
        return [each for row in rows for each in _shown(row)]

    return await world.spine.database.read(read)


def _shown(row: ConsoleMessageRow) -> Iterator[Posted]:
    if row.kind == MessageKind.PERSON:
        return
    message, screen = message_of(row), Screen(link=lambda each: f"{PUBLIC_URL}/{each}", width=100)
    if message.job is not None:
        yield Posted("terminal", render_status(message.job, screen), "status")
    if message.reply is not None:
        yield Posted("terminal", render_reply(message.reply, screen), "reply")
