"""The Web API's methods over a workspace; no HTTP here."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.fakes.slack.limits import Refused, check_metadata, content
from tests.fakes.slack.world import BOT, BOT_NAME, TEAM, Channel, Ephemeral, Message, World

Args = Mapping[str, Any]
Answer = dict[str, Any]
MOST_FILES = 10


def auth_test(world: World, args: Args) -> Answer:
    del world, args
    return {"team_id": TEAM, "team": "acme", "user_id": BOT, "user": BOT_NAME, "bot_id": "BGRYPH"}


def post_message(world: World, args: Args) -> Answer:
    channel = world.writable(args["channel"])
    text, blocks = content(args)
    metadata = args.get("metadata")
    if metadata:
        check_metadata(metadata)
    thread = args.get("thread_ts")
    if thread and not any(m.ts == thread for m in channel.messages):
        raise Refused("thread_not_found")
    message = Message(world.next_ts(), channel.id, BOT, text, blocks, thread, metadata, "BGRYPH")
    message.unfurls = bool(args.get("unfurl_links", True) or args.get("unfurl_media", True))
    world.add(message)
    return {"channel": channel.id, "ts": message.ts, "message": _shown(message)}


def update(world: World, args: Args) -> Answer:
    channel = world.writable(args["channel"])
    message = world.message(channel.id, args["ts"])
    if message.user != BOT:
        raise Refused("cant_update_message")
    text, blocks = content(args)
    message.text, message.blocks = text, blocks
    message.metadata = args.get("metadata") or message.metadata
    message.edits += 1
    message.history.append(blocks)
    return {"channel": channel.id, "ts": message.ts, "text": text}


def delete(world: World, args: Args) -> Answer:
    channel = world.writable(args["channel"])
    message = world.message(channel.id, args["ts"])
    if message.user != BOT:
        raise Refused("cant_delete_message")
    channel.messages.remove(message)
    return {"channel": channel.id, "ts": message.ts}


def post_ephemeral(world: World, args: Args) -> Answer:
    channel = world.writable(args["channel"])
    if args["user"] not in channel.members:
        raise Refused("user_not_in_channel")
    text, blocks = content(args)
    world.ephemerals.append(Ephemeral(channel.id, text, blocks))
    return {"message_ts": world.next_ts()}


def history(world: World, args: Args) -> Answer:
    channel = _readable(world, args)
    roots = [m for m in channel.messages if m.thread_ts in (None, m.ts)]
    found = _between(roots, args)
    return _page(list(reversed(found)), args)


def replies(world: World, args: Args) -> Answer:
    channel = _readable(world, args)
    thread = world.thread(channel.id, args["ts"])
    if not thread:
        raise Refused("thread_not_found")
    root, *rest = thread
    return _page([root, *_between(rest, args)], args)


def conversation_info(world: World, args: Args) -> Answer:
    channel = world.channel(args["channel"])
    shown = {
        "id": channel.id,
        "name": channel.name,
        "is_private": channel.kind == "private",
        "is_im": channel.kind == "im",
        "is_member": BOT in channel.members,
        "is_archived": channel.archived,
    }
    return {"channel": shown}


def join(world: World, args: Args) -> Answer:
    channel = world.channel(args["channel"])
    if channel.kind != "public":
        raise Refused("method_not_supported_for_channel_type")
    if channel.archived:
        raise Refused("is_archived")
    channel.members.add(BOT)
    return {"channel": {"id": channel.id, "name": channel.name}}


def add_reaction(world: World, args: Args) -> Answer:
    message = world.message(world.writable(args["channel"]).id, args["timestamp"])
    people = message.reactions.setdefault(args["name"], set())
    if BOT in people:
        raise Refused("already_reacted")
    people.add(BOT)
    return {}


def remove_reaction(world: World, args: Args) -> Answer:
    message = world.message(world.writable(args["channel"]).id, args["timestamp"])
    if BOT not in message.reactions.get(args["name"], set()):
        raise Refused("no_reaction")
    message.reactions[args["name"]].discard(BOT)
    return {}


def get_reactions(world: World, args: Args) -> Answer:
    message = world.message(world.channel(args["channel"]).id, args["timestamp"])
    shown = [
        {"name": name, "users": sorted(people), "count": len(people)}
        for name, people in message.reactions.items()
    ]
    return {"type": "message", "message": {**_shown(message), "reactions": shown}}


def user_info(world: World, args: Args) -> Answer:
    user = world.users.get(args["user"])
    if user is None:
        raise Refused("user_not_found")
    return {"user": user.as_json()}


def upload_url(world: World, args: Args) -> Answer:
    if int(args["length"]) < 1:
        raise Refused("invalid_arguments", "length")
    file = f"F{len(world.uploads):03d}"
    world.uploads[file] = {
        "name": args["filename"],
        "length": int(args["length"]),
        "snippet_type": args.get("snippet_type"),
        "content": None,
    }
    return {"file_id": file, "upload_url": f"{args['_base']}/upload/{file}"}


def complete_upload(world: World, args: Args) -> Answer:
    wanted: list[dict[str, Any]] = args["files"]
    if not 1 <= len(wanted) <= MOST_FILES:
        raise Refused("invalid_arguments", "files")
    files = [_finished(world, file) for file in wanted]
    if channel_id := args.get("channel_id"):
        channel = world.writable(channel_id)
        thread = args.get("thread_ts")
        text = args.get("initial_comment") or ""
        message = Message(world.next_ts(), channel.id, BOT, text, thread_ts=thread)
        message.files = files
        world.add(message)
    return {"files": files}


def _finished(world: World, file: dict[str, Any]) -> dict[str, Any]:
    upload = world.uploads.get(file["id"])
    if upload is None or upload["content"] is None:
        raise Refused("file_not_found")
    return {
        "id": file["id"],
        "name": upload["name"],
        "title": file.get("title") or upload["name"],
        "size": len(upload["content"]),
        "permalink": f"https://acme.slack.com/files/{file['id']}",
    }


def open_view(world: World, args: Args) -> Answer:
    del world
    if len(args["view"]["title"]["text"]) > 24:
        raise Refused("invalid_arguments", "title")
    return {"view": {"id": "V1", **args["view"]}}


def _readable(world: World, args: Args) -> Channel:
    channel = world.channel(args["channel"])
    if BOT not in channel.members:
        raise Refused("not_in_channel")
    return channel


def _between(messages: list[Message], args: Args) -> list[Message]:
    oldest, latest = float(args.get("oldest") or 0), float(args.get("latest") or "inf")
    inclusive = _true(args.get("inclusive"))
    return [
        m
        for m in messages
        if oldest < float(m.ts) < latest or (inclusive and float(m.ts) in (oldest, latest))
    ]


def _page(messages: list[Message], args: Args) -> Answer:
    limit = min(int(args.get("limit") or 100), args["_most"])
    start = int(args.get("cursor") or 0)
    with_metadata = _true(args.get("include_all_metadata"))
    shown = [m.as_json(with_metadata=with_metadata) for m in messages[start : start + limit]]
    more = {"next_cursor": str(start + limit)} if len(messages) > start + limit else {}
    return {"messages": shown, "has_more": bool(more), "response_metadata": more}


def _shown(message: Message) -> dict[str, Any]:
    return message.as_json(with_metadata=True)


def _true(value: object) -> bool:
    return value in (True, 1, "1", "true", "True")


METHODS: dict[str, tuple[Callable[[World, Args], Answer], str]] = {
    "auth.test": (auth_test, ""),
    "chat.postMessage": (post_message, "chat:write"),
    "chat.update": (update, "chat:write"),
    "chat.delete": (delete, "chat:write"),
    "chat.postEphemeral": (post_ephemeral, "chat:write"),
    "conversations.history": (history, "channels:history"),
    "conversations.replies": (replies, "channels:history"),
    "conversations.info": (conversation_info, "channels:read"),
    "conversations.join": (join, "channels:join"),
    "reactions.add": (add_reaction, "reactions:write"),
    "reactions.remove": (remove_reaction, "reactions:write"),
    "reactions.get": (get_reactions, "reactions:read"),
    "users.info": (user_info, "users:read"),
    "files.getUploadURLExternal": (upload_url, "files:write"),
    "files.completeUploadExternal": (complete_upload, "files:write"),
    "views.open": (open_view, ""),
    "views.publish": (open_view, ""),
}
"""By name: the method and the scope it needs."""
