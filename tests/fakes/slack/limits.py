"""Slack's rules for a message, enforced as Slack enforces them: by error code.

The figures are Slack's own (docs.slack.dev, slack_sdk's models) or users' measurements, taken on
the strict side: lengths count UTF-16 units, and each top-level element of a `markdown` block
counts as one block of the message.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from markdown_it import MarkdownIt

BLOCKS = 50
TEXT = 40_000
ALL_BLOCKS = 13_200
MARKDOWN = 12_000
SECTION = 3_000
CONTEXT_ELEMENTS = 10
FIELDS = 10
FIELD = 2_000
HEADER = 150
BUTTONS = 25
BUTTON_TEXT = 75
BUTTON_VALUE = 2_000
ID = 255
METADATA = 8_000

_parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable("inline")


class Refused(Exception):
    """Slack's answer `ok: false`; `code` is its error code."""

    def __init__(self, code: str, detail: str = "", *, needed: str = "") -> None:
        """`detail` goes into `response_metadata`, as Slack explains itself there; `needed` is the
        scope that is missing.
        """
        super().__init__(f"{code} {detail}".rstrip())
        self.code = code
        self.detail = detail
        self.needed = needed


def units(text: str) -> int:
    """Length in UTF-16 units."""
    return len(text) + sum(character > "\uffff" for character in text)


def content(args: Mapping[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    """Text and blocks of a message. Raises Refused when Slack would not take them."""
    text: str = args.get("text") or ""
    blocks: list[dict[str, Any]] = args.get("blocks") or []
    check_message(text, blocks)
    return text, blocks


def check_message(text: str, blocks: list[dict[str, Any]]) -> None:
    """Raise Refused when Slack would not take the message."""
    if not text and not blocks:
        raise Refused("no_text")
    _clean(text)
    if units(text) > TEXT:
        raise Refused("msg_too_long")
    for block in blocks:
        _check_block(block)
    if sum(map(_weight, blocks)) > BLOCKS:
        raise Refused("invalid_blocks", f"more than {BLOCKS} blocks")
    _check_whole(blocks)


def check_metadata(metadata: dict[str, Any]) -> None:
    """Raise Refused when Slack would not take the metadata."""
    if not isinstance(metadata.get("event_type"), str):
        raise Refused("metadata_must_be_sent_from_app")
    if len(json.dumps(metadata)) > METADATA:
        raise Refused("metadata_too_large")


def _check_whole(blocks: list[dict[str, Any]]) -> None:
    markdown = sum(units(block["text"]) for block in blocks if block["type"] == "markdown")
    if markdown > MARKDOWN:
        raise Refused("msg_blocks_too_long", "markdown")
    if sum(units(text) for block in blocks for text in texts(block)) > ALL_BLOCKS:
        raise Refused("msg_blocks_too_long")
    ids = [element["action_id"] for block in blocks for element in _buttons(block)]
    _require(len(ids) == len(set(ids)), "action_id must be unique")
    block_ids = [block["block_id"] for block in blocks if "block_id" in block]
    _require(len(block_ids) == len(set(block_ids)), "block_id must be unique")


def texts(node: object) -> Iterator[str]:
    """Every text a person reads in a block, button labels included."""
    match node:
        case {"text": str(text)}:
            yield text
        case dict():
            for value in node.values():  # pyright: ignore[reportUnknownVariableType] - any JSON
                yield from texts(value)  # pyright: ignore[reportUnknownArgumentType] - any JSON
        case list():
            for value in node:  # pyright: ignore[reportUnknownVariableType] - any JSON
                yield from texts(value)  # pyright: ignore[reportUnknownArgumentType] - any JSON
        case _:
            return


def _weight(block: dict[str, Any]) -> int:
    if block["type"] != "markdown":
        return 1
    return sum(token.level == 0 and token.nesting >= 0 for token in _parser.parse(block["text"]))


def _check_block(block: dict[str, Any]) -> None:
    check = _CHECKS.get(block.get("type", ""))
    if check is None:
        raise Refused("invalid_blocks", f"unsupported type {block.get('type')}")
    if "block_id" in block:
        _require(1 <= units(block["block_id"]) <= ID, "block_id")
    check(block)


def _header(block: dict[str, Any]) -> None:
    _text(block["text"], HEADER, ("plain_text",))


def _section(block: dict[str, Any]) -> None:
    _require("text" in block or "fields" in block, "section needs text or fields")
    if "text" in block:
        _text(block["text"], SECTION)
    if "fields" in block:
        _require(1 <= len(block["fields"]) <= FIELDS, "fields")
        for field in block["fields"]:
            _text(field, FIELD)
    if "accessory" in block:
        _button(block["accessory"])


def _markdown(block: dict[str, Any]) -> None:
    _clean(block["text"])
    _require(bool(block["text"].strip()), "markdown must not be empty")
    _require(units(block["text"]) <= MARKDOWN, "markdown too long")


def _context(block: dict[str, Any]) -> None:
    _require(1 <= len(block["elements"]) <= CONTEXT_ELEMENTS, "context elements")
    for element in block["elements"]:
        _text(element, SECTION)


def _actions(block: dict[str, Any]) -> None:
    _require(1 <= len(block["elements"]) <= BUTTONS, "actions elements")
    for element in block["elements"]:
        _button(element)


def _divider(block: dict[str, Any]) -> None:
    _require(set(block) <= {"type", "block_id"}, "divider takes nothing")


_CHECKS = {
    "header": _header,
    "section": _section,
    "markdown": _markdown,
    "context": _context,
    "actions": _actions,
    "divider": _divider,
}


def _text(
    node: dict[str, Any], most: int, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")
) -> None:
    _require(node.get("type") in kinds, f"text type {node.get('type')}")
    _clean(node["text"])
    _require(1 <= units(node["text"]) <= most, f"text must be 1 to {most} characters")


def _button(node: dict[str, Any]) -> None:
    _require(node.get("type") == "button", "only buttons")
    _text(node["text"], BUTTON_TEXT, ("plain_text",))
    _require(1 <= units(node["action_id"]) <= ID, "action_id")
    _require(units(node.get("value", "")) <= BUTTON_VALUE, "value")
    _require(node.get("style", "primary") in ("primary", "danger"), "style")


def _buttons(block: dict[str, Any]) -> list[dict[str, Any]]:
    if block["type"] == "actions":
        return block["elements"]
    return [block["accessory"]] if "accessory" in block else []


def _clean(text: str) -> None:
    bad = any("\ud800" <= character <= "\udfff" or character == "\0" for character in text)
    _require(not bad, "text is not valid Unicode")


def _require(holds: bool, detail: str) -> None:  # noqa: FBT001 - reads as an assertion
    if not holds:
        raise Refused("invalid_blocks", detail)
