"""What GitHub would make of our comments and check runs."""

import re
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.github.blocks import Page
from bot.github.render import (
    Whole,
    render_answer,
    render_check,
    render_check_result,
    render_result,
    render_status,
)
from bot.whole_answer import whole_answer
from storage.ids import ArtifactId
from tests.acceptance.rendering.cases import Case
from tests.acceptance.rendering.judging import Fault, Timing, lost, parted, unseen
from tests.acceptance.rendering.read import (
    SHOWN,
    TABLED,
    UNTABLED,
    WRITTEN,
    codes,
    codes_of,
    strings,
    utf16,
)

FACE = "github"
MOST = 65_536
MOST_CHECK_BYTES = 65_535
_DRAFT = 17_000
_OURS = re.compile(
    r"(<!-- gryph:[\w.:/= -]*-->|<details><summary>[^\n<]*</summary>|</details>|</?sub>)\s*"
)
_CLOSING_ADDRESS = re.compile(
    r"\b(?:close|fix|resolve)(?:[sd]|e[sd])?:?\s+https://github\.com/[\w./-]+/\d", re.IGNORECASE
)
_ADDRESS = re.compile(r"(?<![^\s*_~(])https?://\S+")
_MENTION = re.compile(r"(?:^|[^0-9A-Za-z])@[A-Za-z0-9]")
_REFERENCE = re.compile(r"#\d|\bGH-\d", re.IGNORECASE)
_CLOSING = re.compile(
    r"\b(?:close|fix|resolve)(?:[sd]|e[sd])?\s*:?\s+(?:[\w.-]+/[\w.-]+)?#\d", re.IGNORECASE
)


def _link(artifact: ArtifactId) -> str:
    return f"https://gryph.invalid/{artifact}"


def judge(case: Case, words: Sequence[str], timing: Timing) -> Iterator[Fault]:
    """Everything wrong with the status, the result or answer, and the check run."""
    page = Page(_link)
    whole = Whole("J7K2M9Q.md", "https://gryph.invalid/whole", 7)

    def render(whole: Whole | None = None) -> tuple[str, bool]:
        if case.has_job:
            made = render_result(case.view, case.reply, page, whole)
        else:
            made = render_answer(case.reply, page, key="answer:7:0", whole=whole)
        return made.text, made.is_whole

    (text, is_whole), slow = timing.timed(FACE, render)
    yield from slow
    attached, slow = timing.timed("whole answer", lambda: whole_answer(case.reply, _link))
    yield from slow
    yield from _attached(case, attached)
    if is_whole:
        attached = ""
    else:
        text, _ = render(whole)
    yield from _comment(text)
    yield from lost(FACE, case, words, text + attached)
    yield from unseen(FACE, (text, attached))
    yield from parted(FACE, case, [text])
    if is_whole:
        yield from _same_code(codes(text, UNTABLED), case, WRITTEN)
    if case.has_job:
        yield from _status(case)
        yield from _check(case, page)


def _status(case: Case) -> Iterator[Fault]:
    text = render_status(case.view)
    yield from _comment(text)
    yield from unseen(FACE, [text])
    if utf16(text) > 4_000 + (_DRAFT if case.view.draft else 0):
        yield Fault(FACE, "limit", f"status of {utf16(text)}")


def _comment(text: str) -> Iterator[Fault]:
    if not 0 < utf16(text) <= MOST:
        yield Fault(FACE, "limit", f"comment of {utf16(text)}")
    tokens = SHOWN.parse(text)
    html = [token.content.strip() for token in tokens if token.type == "html_block"]
    if not html or not html[-1].startswith("<!-- gryph:") or not text.endswith(html[-1]):
        yield Fault(FACE, "fence", "our last line is not seen as such")
    if [each.startswith("<!-- gryph:") for each in html].count(True) != 1:
        yield Fault(FACE, "markup", "not one marker")
    if "".join(html).count("<details>") != "".join(html).count("</details>"):
        yield Fault(FACE, "fence", "a fold is not closed")
    yield from _live(tokens)


def _live(tokens: Sequence[Token]) -> Iterator[Fault]:
    """What would do something: HTML, pictures, mentions, references, promises to close."""
    shown: list[str] = []
    for token in tokens:
        if token.type == "html_block" and not _is_ours(token.content):
            yield Fault(FACE, "markup", repr(token.content[:100]))
        for child in token.children or ():
            if child.type == "image":
                yield Fault(FACE, "markup", "a picture")
            if child.type == "html_inline" and not _is_ours(child.content):
                yield Fault(FACE, "markup", repr(child.content[:100]))
            shown.append(child.content if child.type == "text" else "\n")
        shown.append("\n")
    every = "".join(shown)
    closing = _CLOSING_ADDRESS.search(every)
    if closing is not None:
        yield Fault(FACE, "closing", repr(closing[0]))
    prose = _ADDRESS.sub("", every)
    for live, kind in ((_MENTION, "mention"), (_REFERENCE, "reference"), (_CLOSING, "closing")):
        found = live.search(prose)
        if found is not None:
            yield Fault(FACE, kind, repr(prose[max(found.start() - 20, 0) :][:60]))


def _is_ours(markup: str) -> bool:
    return _OURS.sub("", markup).strip() == ""


def _attached(case: Case, whole: str) -> Iterator[Fault]:
    whole.encode()
    if whole.count("\n") < _MOST_LINES:
        yield from _same_code(codes(whole, TABLED), case, TABLED)


def _same_code(found: Sequence[str], case: Case, written: MarkdownIt) -> Iterator[Fault]:
    """All of it in order, and nothing that was no code."""
    if any(_LAZY.search(text) for text in strings(case.reply.model_dump())):
        return
    wanted = list(codes_of(case.reply.blocks, written))
    if found != wanted:
        pairs = zip(found, wanted, strict=False)
        first = next((pair for pair in pairs if pair[0] != pair[1]), (len(found), len(wanted)))
        yield Fault(FACE, "code changed", repr(first)[:300])


def _check(case: Case, page: Page) -> Iterator[Fault]:
    for made in (render_check(case.view), render_check_result(case.view, case.reply, page)):
        output = made["output"]
        if not 0 < len(output["title"].encode()) <= 1_020:
            yield Fault(FACE, "limit", "title of a check run")
        if not 0 < len(output["summary"].encode(errors="replace")) <= MOST_CHECK_BYTES:
            yield Fault(FACE, "limit", "summary of a check run")
        yield from unseen(FACE, [output["title"], output["summary"]])
        yield from _live(SHOWN.parse(output["summary"]))
        for action in made["actions"]:
            if any(len(action[part]) > most for part, most in _ACTION.items()):
                yield Fault(FACE, "limit", "action of a check run")


_LAZY = re.compile(
    r"^(?:[ \t>]+|[ \t>]*(?:[-+*]|\d{1,9}[.)])[ \t]).*\]:.*\n[ \t>]{0,3}[^ \t>\n]", re.MULTILINE
)
"""A link's definition in a list with a line behind it that GitHub draws into the list, and this
parser does not: what follows is code to only one of them."""
_MOST_LINES = 10_000
"""A longer text stands in the file as its own source."""
_ACTION = {"label": 20, "description": 40, "identifier": 20}
