"""What Discord would make of our messages and files."""

import re
import unicodedata
from collections.abc import Iterator, Sequence

from bot.discord.pages import Draft
from bot.discord.render import render_reply, render_request, render_status, thread_name
from storage.ids import ArtifactId
from tests.acceptance.rendering.cases import JOB, Case
from tests.acceptance.rendering.judging import Fault, Timing, lost, parted, unseen
from tests.acceptance.rendering.read import codes_of, utf16

FACE = "discord"
CONTENT = 2_000
UPLOADS, BUTTONS, LABEL, ID, ALT, THREAD = 10, 25, 80, 100, 1_024, 100
_LIVE = re.compile(r"@everyone|@here|<@[!&]?\d|<#\d|<id:|</[^<>\n]{1,100}:\d")
_LINE = re.compile(r"^[ \t]*(?:-# |>>> )", re.MULTILINE)
_MARKER = re.compile(rf"(?:\n|^)-# {JOB}[^\n]*$")


def _link(artifact: ArtifactId) -> str:
    return f"https://gryph.invalid/{artifact}"


def judge(case: Case, words: Sequence[str], timing: Timing) -> Iterator[Fault]:
    """Everything wrong with the status, the thread, the result or answer, and the files."""
    if case.has_job:
        yield from _status(case)
    job = JOB if case.has_job else None
    drafts, slow = timing.timed(FACE, lambda: render_reply(case.reply, link=_link, job=job))
    yield from slow
    for draft in drafts:
        yield from _draft(draft)
    shown = [draft.content for draft in drafts]
    uploads = [upload for draft in drafts for upload in draft.uploads]
    buttons = [part for d in drafts for each in d.buttons for part in (each.label, each.custom_id)]
    attached = [upload.text for upload in uploads]
    others = [*attached, *(u.name for u in uploads), *(u.alt for u in uploads), *buttons]
    yield from lost(FACE, case, words, "\n".join([*shown, *others]))
    yield from unseen(FACE, [*shown, *others])
    yield from parted(FACE, case, shown)
    yield from _code(case, drafts, attached)


def _status(case: Case) -> Iterator[Fault]:
    for draft in (render_status(case.view), render_request(case.view)):
        yield from _draft(draft)
        yield from unseen(FACE, [draft.content])
    name = thread_name(case.view)
    if not 1 <= utf16(name) <= THREAD or JOB not in name:
        yield Fault(FACE, "limit", "name of a thread")
    yield from unseen(FACE, [name])


def _draft(draft: Draft) -> Iterator[Fault]:
    if utf16(draft.content) > CONTENT:
        yield Fault(FACE, "limit", f"content of {utf16(draft.content)}")
    sizes = (len(draft.uploads) <= UPLOADS, len(draft.buttons) <= BUTTONS)
    if not all(sizes) or any(utf16(upload.alt) > ALT for upload in draft.uploads):
        yield Fault(FACE, "limit", "uploads or buttons")
    if not draft.uploads and not _is_visible(draft.content):
        yield Fault(FACE, "limit", "an empty message")
    ids = [button.custom_id for button in draft.buttons]
    if len(set(ids)) != len(ids) or any(len(each.encode()) > ID for each in ids):
        yield Fault(FACE, "limit", "ids of buttons")
    if any(not 1 <= utf16(button.label) <= LABEL for button in draft.buttons):
        yield Fault(FACE, "limit", "label of a button")
    parts = draft.content.split("```")
    if len(parts) % 2 == 0:
        yield Fault(FACE, "fence", repr(draft.content[-120:]))
    prose = _MARKER.sub("", "".join(parts[::2]))
    for live, kind in ((_LIVE, "mention"), (_LINE, "live line")):
        found = live.search(prose)
        if found is not None:
            yield Fault(FACE, kind, repr(prose[max(found.start() - 20, 0) :][:60]))


def _is_visible(content: str) -> bool:
    return any(unicodedata.category(character)[0] not in "ZC" for character in content)


def _code(case: Case, drafts: Sequence[Draft], attached: Sequence[str]) -> Iterator[Fault]:
    """Every code stands in a fence as it is, or goes over several, or is attached."""
    fences = [part for draft in drafts for part in draft.content.split("```")[1::2]]
    inside = [_bare(fence.partition("\n")[2].removesuffix("\n")) for fence in fences]
    kept = {code.rstrip("\n") for code in inside}
    joined = "".join(code.replace("\n", "") for code in inside)
    whole = [_bare(text) for text in attached]
    for wanted in codes_of(case.reply.blocks):
        code = _bare(wanted).rstrip("\n")
        if not code.strip() or code in kept or any(code in text for text in whole):
            continue
        lines = [line.strip() for line in code.split("\n")]
        if utf16(code) > 1_000 and code.replace("\n", "") in joined:
            continue
        if not all(any(line in text for text in whole) for line in lines) or not whole:
            yield Fault(FACE, "code changed", repr(code[:200]))


def _bare(text: str) -> str:
    return text.replace("\u200b", "")
