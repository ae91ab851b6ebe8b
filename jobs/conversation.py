"""What a job makes of a conversation: what is to be fixed, and what a model is shown of it."""

import re
from collections.abc import Iterator

from jobs.requests import GenerateCode, Snippet, Talk

TALK_CHARS = 6_000
"""Of an issue's text that are shown, and of what was said below it."""
_REPORT = re.compile(
    r"""^[ \t>]*(?:
        Traceback\ \(most\ recent\ call\ last\)
        | File\ "[^"\n]+",\ line\ \d+
        | [\w.$]*(?:Error|Exception|Failure)(?::|$|\ \[[^\]\n]{1,40}\]:)
        | (?:FAILED|ERROR|FAIL|FAILURES?)\b
        | ={3,}\ [^=\n]*(?:FAILURES|ERRORS|failed|short\ test\ summary)[^=\n]*={3,}
        | _{3,}\ [\w.\[\]-]+\ _{3,}$
        | E\ {3}\ *\S
        | at\ [^\n]{0,200}\.\w{1,5}:\d+
        | ---\ FAIL:
        | thread\ '[^'\n]*'[^\n]{0,40}\ panicked\ at
        | panic:
        | error(?:\[\w+\])?:
        | [●✕✗✖][ ]
        | not\ ok\ \d+
        | \d+\ (?:failed|failing)\b
        | Caused\ by:
    )""",
    re.MULTILINE | re.VERBOSE,
)
"""Lines of Python, pytest, unittest, Jest, Mocha, TAP, Go, Rust, Java and compilers."""
_SEARCHED = 40_000


def looks_like_a_report(text: str) -> bool:
    """Whether it could be a traceback, or what tests or a compiler said."""
    return _REPORT.search(text[-_SEARCHED:]) is not None


def report(request: GenerateCode) -> str:
    """What is to be fixed: what was pasted or attached, else the newest report of the thread, else
    the issue; empty where there is nothing, or nothing is to be fixed.
    """
    if request.task != "fix":
        return ""
    talk = request.talk or Talk()
    attached = [one.text for one in talk.snippets]
    own = [one.text for one in request.snippets] + list(filter(looks_like_a_report, attached))
    found = "\n\n".join(own) or next(_reports(talk), "") or "\n\n".join(attached)
    return found or topic(talk)


def _reports(talk: Talk) -> Iterator[str]:
    """The newest first; of a report that nobody put into a fence, the whole remark."""
    for remark in reversed(talk.remarks):
        texts = (*(one.text for one in reversed(remark.snippets)), remark.text)
        yield from filter(looks_like_a_report, texts)


def topic(talk: Talk) -> str:
    """The text of the issue or pull request."""
    return f"{talk.title}\n\n{talk.body}".strip()[:TALK_CHARS]


def said(talk: Talk) -> str:
    """All of it as one text, the newest last; of too much below the issue the beginning is left
    out.
    """
    room, kept = TALK_CHARS, list[str]()
    for remark in reversed(talk.remarks):
        line = f"{remark.author}: {remark.text}" if remark.text.strip() else ""
        room -= len(line)
        if room < 0:
            break
        kept += [line] if line else []
    return "\n\n".join(filter(None, (topic(talk), *reversed(kept))))


def shared(talk: Talk) -> Iterator[Snippet]:
    """Files, and blocks of code that `said` may not show whole, the newest first."""
    told = said(talk)
    for remark in reversed(talk.remarks):
        yield from (one for one in reversed(remark.snippets) if one.text.strip() not in told)
