"""What a platform would make of a text of ours: whom it would call, refer to, show and fetch.

Written from the platforms' own documentation, and on the strict side; nothing here uses our own
neutralising, so that a mistake in it is not repeated here.
https://docs.github.com/en/get-started/writing-on-github ·
https://docs.slack.dev/messaging/formatting-message-text ·
https://docs.discord.com/developers/reference#message-formatting
"""

import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token
from typing_extensions import override


class _Reader(MarkdownIt):
    """To which `javascript:` is a link as any other."""

    @override
    def validateLink(self, url: str) -> bool:
        return True


GFM = _Reader("commonmark").enable(["table", "strikethrough"])
_SLACK = _Reader("commonmark", {"html": False}).enable(["table", "strikethrough"])
_OUR_TAGS = ("details", "summary", "sub")
_ACTIVE = ("suggestion", "mermaid", "geojson", "topojson", "stl", "math")
"""Languages of a fence that GitHub shows as something other than code."""
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_TERMINAL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_TAGS = re.compile("(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0000-\U000e007f]")

_AUTOLINK = re.compile(r"(?<![^\s*_~(])(?:https?://|www\.)[^\s<]+", re.IGNORECASE)
_CALL = re.compile(r"(?<![A-Za-z0-9])@[A-Za-z0-9]")
_NUMBER = re.compile(r"#\d|\bGH-\d", re.IGNORECASE)
_COMMIT = re.compile(r"(?<![\w-])(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{7,40}(?![\w-])")
_ISSUE = re.compile(
    r"https?://(?:www\.)?github\.com(?::\d+)?/[^/\s]+/[^/\s]+/"
    r"(?:issues|pull|pulls|discussions|commit)/\w",
    re.IGNORECASE,
)
_CLOSES = re.compile(
    r"(?<![A-Za-z0-9])(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)\W{0,4}"
    r"(?:#\d|GH-\d|[\w.-]+/[\w.-]+#\d|https?://(?:www\.)?github\.com)",
    re.IGNORECASE,
)
_SHOWN_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//([^/\s]+)|(www\.[^/\s]+)", re.IGNORECASE)
_SHOWN_HOST = re.compile(r"(?:[\w-]+\.)+(?:com|org|net|io|dev|example|gg|app)\b", re.IGNORECASE)

_SLACK_TOKEN = re.compile(r"<([^<>\n]*)>?")
_SLACK_LIVE = re.compile(r"<(?:@[UW]\w|#C\w|!\w)")
_SLACK_LABELLED = re.compile(r"<[a-z]+:[^<>|\s]*\|[^<>]*>", re.IGNORECASE)
_SLACK_BROADCAST = re.compile(r"@(?:channel|here|everyone|group)\b", re.IGNORECASE)

_DISCORD_LIVE = re.compile(r"<@[!&]?\d+>|<#\d+>|<id:\w|</[^<>\n]{1,100}:\d+>|@everyone|@here")
_DISCORD_LINK = re.compile(r"(?<!\\)\[([^\[\]\n]+)\]\(\s*<?([^)\s>]*)")
_DISCORD_FENCE = re.compile(r"```.*?```", re.DOTALL)
_DISCORD_CODE = re.compile(r"`[^`\n]+`")
_DISCORD_MARKER = re.compile(r"^\s*-# ", re.MULTILINE)


def steering(text: str) -> list[str]:
    """What cannot be seen and changes how the rest is seen."""
    found = [*_STEERING.findall(text), *_TAGS.findall(text)]
    return [f"cannot be seen: {each!a}" for each in found[:3]]


def on_terminal(text: str) -> list[str]:
    """What would steer a terminal."""
    return [f"steers a terminal: {each!a}" for each in _TERMINAL.findall(text)[:3]]


def lies(shown: str, address: str, *, own: str = "") -> bool:
    """Whether a link's text names another address than the link leads to.

    A file's name, under an address of our `own`, may look like a host.
    """
    try:
        host = (urlsplit(address).hostname or "").removeprefix("www.")
    except ValueError:  # "http://[": it leads nowhere
        host = ""
    named = [first or second for first, second in _SHOWN_ADDRESS.findall(shown)]
    if not (own and address.startswith(own)):
        named += _SHOWN_HOST.findall(shown)
    return any(_host_in(each) != host for each in named)


def _host_in(authority: str) -> str:
    host = authority.lower().rpartition("@")[2].partition(":")[0]
    return host.strip("*_`~<>()[]\"'").removeprefix("www.")


def _leads(shown: str, address: str, own: str) -> Iterator[str]:
    """What is wrong with a link."""
    scheme = address.partition(":")[0].lower()
    if scheme not in ("http", "https", "mailto"):
        yield f"a link with {address[:30]!r}"
    if lies(shown, address, own=own):
        yield f"a link that shows {shown[:40]!r} and leads to {address[:40]!r}"
    authority = address.partition("//")[2].partition("/")[0]
    if not authority.isascii() or "@" in authority or "%" in authority:
        yield f"a link to {address[:40]!r}, which looks like another"


# GitHub


def github_plain(text: str) -> list[str]:
    """Faults of a title or a commit message, where no Markdown hides anything."""
    return [*steering(text), *_said(text), *_addresses(text, "")]


def github(markdown: str, *, marker: str = "", own: str = "") -> list[str]:
    """Faults of a comment, a check run's text or a pull request's body.

    Args:
        markdown: What was posted.
        marker: The hidden last line that only we may write.
        own: How our own addresses begin.
    """
    body = markdown.rstrip().removesuffix(marker) if marker else markdown
    return [*steering(body), *(fault for token in GFM.parse(body) for fault in _block(token, own))]


def _block(token: Token, own: str) -> Iterator[str]:
    if token.type == "fence":
        language = unescape(token.info).split()[:1]
        if language and language[0].lower().partition(":")[0] in _ACTIVE:
            yield f"a fence that acts: {token.info!r}"
    elif token.type == "html_block":
        yield from _html(token.content)
    elif token.type == "inline":
        yield from _inline(token.children or [], own)


def _inline(children: list[Token], own: str) -> Iterator[str]:
    address, shown = "", ""
    for child in children:
        match child.type:
            case "link_open":
                address, shown = str(child.attrs.get("href", "")), ""
            case "link_close":
                yield from _leads(shown, address, own)
                if _ISSUE.match(address) and not (own and address.startswith(own)):
                    yield f"a link that refers to {address}"
                address = ""
            case "image":
                if not own or not str(child.attrs.get("src", "")).startswith(own):
                    yield f"a picture from {child.attrs.get('src')}"
            case "html_inline":
                yield from _html(child.content)
            case "text":
                yield from [] if address else _addresses(child.content, own)
                yield from _said(_AUTOLINK.sub("", child.content))
            case _:
                pass
        shown += child.content if address else ""


def _addresses(text: str, own: str) -> Iterator[str]:
    for found in _AUTOLINK.findall(text):
        address = found if "://" in found else f"http://{found}"
        yield from _leads("", address, own)
        if _ISSUE.match(address) and not (own and address.startswith(own)):
            yield f"refers to {address}"


def _said(text: str) -> Iterator[str]:
    for rule, what in ((_CALL, "calls"), (_NUMBER, "refers to"), (_COMMIT, "refers to commit")):
        for found in rule.finditer(text):
            yield f"{what} {text[found.start() : found.start() + 20]!r}"
    if found := _CLOSES.search(text):
        yield f"closes with {found[0]!r}"


class _Tags(HTMLParser):
    """What GitHub would make of HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _OUR_TAGS or attrs:
            self.faults.append(f"HTML: <{tag} {attrs}>")

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag not in _OUR_TAGS:
            self.faults.append(f"HTML: </{tag}>")

    @override
    def handle_comment(self, data: str) -> None:
        self.faults.append(f"hidden: {data[:40]!r}")

    @override
    def handle_decl(self, decl: str) -> None:
        self.faults.append(f"HTML: {decl[:40]!r}")

    @override
    def handle_data(self, data: str) -> None:
        self.faults += _said(data)
        self.faults += _addresses(data, "")


def _html(text: str) -> list[str]:
    tags = _Tags()
    tags.feed(text)
    tags.close()
    return tags.faults


# Slack


def slack_mrkdwn(text: str, *, asker: str, own: str = "") -> list[str]:
    """Faults of a text in Slack's own markup, in which code does not stop mentions."""
    return [*steering(text), *_tokens(text, asker, own)]


def _tokens(text: str, asker: str, own: str) -> Iterator[str]:
    if found := _SLACK_BROADCAST.search(text):
        yield f"calls {found[0]}"
    for inside in _SLACK_TOKEN.findall(text):
        target, bar, label = inside.partition("|")
        if target == f"@{asker}" and not bar:
            continue
        if re.match(r"(?:https?://|mailto:)", target):
            yield from _leads(label, target, own)
        else:
            yield f"a token of Slack's: <{inside}>"
    for found in _AUTOLINK.findall(_SLACK_TOKEN.sub(" ", text)):
        yield from _leads("", found if "://" in found else f"http://{found}", own)


def slack_markdown(text: str, *, own: str = "") -> list[str]:
    """Faults of a `markdown` block, in which code might not stop mentions either."""
    found = [f"a token of Slack's: {each}" for each in _SLACK_LIVE.findall(text)]
    found += [f"calls {each}" for each in _SLACK_BROADCAST.findall(text)]
    for token in _SLACK.parse(text):
        if token.type == "inline":
            found += _slack_inline(token.children or [], own)
    return [*steering(text), *found]


def _slack_inline(children: list[Token], own: str) -> Iterator[str]:
    address, shown = "", ""
    for child in children:
        match child.type:
            case "link_open":
                address, shown = str(child.attrs.get("href", "")), ""
            case "link_close":
                yield from _leads(shown, address, own)
                if "|" in address or "%7C" in address:
                    yield f"a link that Slack may cut at its bar: {address[:50]!r}"
                address = ""
            case "image":
                yield f"a picture from {child.attrs.get('src')}"
            case "text" if not address:
                yield from _addresses_on_slack(child.content, own)
            case _:
                pass
        shown += child.content if address else ""


def _addresses_on_slack(text: str, own: str) -> Iterator[str]:
    yield from (f"a labelled link: {each}" for each in _SLACK_LABELLED.findall(text))
    for found in _AUTOLINK.findall(text):
        yield from _leads("", found if "://" in found else f"http://{found}", own)


# Discord


def discord(content: str, *, own: str = "") -> list[str]:
    """Faults of a message's content; the last line may be our marker."""
    spoken = _DISCORD_FENCE.sub(" ", content)
    uncoded = _DISCORD_CODE.sub("code", spoken)
    found = [f"live on Discord: {each}" for each in _DISCORD_LIVE.findall(uncoded)]
    kept = _DISCORD_CODE.sub(lambda code: " " if "](" in code[0] else code[0], spoken)
    for shown, address in _DISCORD_LINK.findall(kept):
        found += _leads(shown, address, own)
    for each in _AUTOLINK.findall(uncoded):
        found += _leads("", each if "://" in each else f"http://{each}", own)
    markers = _DISCORD_MARKER.findall(spoken.rstrip("\n").rpartition("\n")[0])
    found += ["a line like our marker" for _ in markers]
    return [*steering(content), *found]
