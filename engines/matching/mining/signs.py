"""Who signed: bots by their signatures, and the people whom messages name."""

import re
from collections.abc import Iterator
from functools import lru_cache

from engines.matching.types import Signature

_HANDLE = r"(?=[\d-]*[A-Za-z])[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})"
_BOTS = re.compile(
    r"""allcontributors | ansibot | appveyor | autofix-ci | blunderbuss | bors(?:-ng)?
    | codecov(?:-io)? | copilot | copybara-service | crowdin | cursoragent
    | deepsource-autofix | dependabot(?:-preview)? | devin-ai-integration | elasticmachine
    | gemini-code-assist | github-actions | github-merge-queue | google-labs-jules | greenkeeper
    | homu | imgbot | istio-testing | kodiakhq | lumberbot-app | meeseeks(?:dev|machine)
    | mergify | miss-islington | patchback | pep8speaks | pre-commit-ci(?:-lite)? | pyup
    | renovate | restyled | rustbot | scala-steward | semantic-release | snyk | sourcery-ai
    | transifex | triagebot | web-flow | weblate
    | .*[\[(]bot[\])].* | (?:.*[\s._-])?(?:ro)?bot
    | .*(?:auto|deploy|docs?|github|libs|merge|py|release|sync|test|update)bot""",
    re.IGNORECASE | re.VERBOSE,
)
"""Names, and what stands before the @ of an address."""
_BOT_NAMES = re.compile(
    r"bot\b.*|buildbot|circleci|github(?:[ -](?:actions?|merge button)\b.*)?|hosted weblate|jenkins"
    r"|pre-commit|pyup\.io|.*-ci|.*\bautofix|(?-i:(?:.* )?CI)",
    re.IGNORECASE,
)
"""Such an address may be a person's."""
_BOT_HOSTS = re.compile(
    r"no-?reply@(?:.*\.)?(?:github|anthropic|openai|weblate|pyup)\.", re.IGNORECASE
)
_NUMBER = re.compile(r"^\d+\+")
_NAMED = re.compile(
    r"^[ \t]*(co-authored[- ]by|reviewed[- ]by|acked[- ]by|approved[- ]by|reviewers?)"
    r":[ \t]*(\S.*)",
    re.IGNORECASE | re.MULTILINE,
)
_ADDRESSED = re.compile(r"(.*?)<([^<>\s@]+@[^<>\s]*)>")
_NICK = re.compile(rf"@?({_HANDLE})")
_PULL = re.compile(rf"Merge pull request #\d+ from ({_HANDLE})/\S")
_HOMU = re.compile(rf"auto merge of #\d+ ?[-:] ?({_HANDLE})[:/]\S+", re.IGNORECASE)
_BORS = re.compile(r"(?:auto merge of|merge|try) #\d+", re.IGNORECASE)
_MOZILLA = re.compile(r"bug \d+", re.IGNORECASE)
_BORS_LINE = re.compile(r"^\d+: .*", re.MULTILINE)
_WROTE = re.compile(rf"\ba=({_HANDLE})")
_ACCEPTED = re.compile(r"\br=([A-Za-z0-9@`,-]+)")
_UPDATE = re.compile(
    r"merge (?:remote-tracking )?branch '(?:(?:origin|upstream)/)?"
    r"(?:master|main|trunk|devel|develop|default)'"
    r"|automated merge\b|merged?(?: (?:with|from|heads?)\b.*)?$",
    re.IGNORECASE,
)
_NOBODY = frozenset({"me", "try", "ghost", "rollup", "author", "self", "user", "none", "trivial"})


@lru_cache(maxsize=2**16)
def is_bot(signature: Signature) -> bool:
    """Whether a program signed, as far as the signature alone tells."""
    name = signature.name.strip()
    local = _NUMBER.sub("", signature.email.strip().partition("@")[0])
    return bool(
        _BOTS.fullmatch(name)
        or _BOTS.fullmatch(local)
        or _BOT_NAMES.fullmatch(name)
        or _BOT_HOSTS.match(signature.email)
    )


def of_handle(handle: str) -> Signature:
    """How somebody is called of whom only a handle is known."""
    return Signature(handle, f"{handle.lower()}@users.noreply.github.com")


def co_authors(message: str) -> Iterator[Signature]:
    """Whom a message names as having written part of it."""
    for role, who in _named(message):
        if role.startswith("co") and (addressed := _ADDRESSED.match(who)):
            yield Signature(_bare(addressed[1]), addressed[2])


def reviewers(message: str) -> Iterator[Signature | str]:
    """Whom a message's trailers name as having accepted it, some by their handles only."""
    for role, who in _named(message):
        if role.startswith("co"):
            continue
        if addressed := _ADDRESSED.match(who):
            yield Signature(_bare(addressed[1]), addressed[2])
            continue
        for each in who.split(","):
            nick = _NICK.fullmatch(each.strip())
            if nick and nick[1].lower() not in _NOBODY:
                yield nick[1]


def accepted_by(message: str) -> Iterator[str]:
    """Handles behind `r=`, as bors and homu write them into merges, and Mozilla into subjects."""
    if _BORS.match(message):
        subject = message.partition("\n")[0]
        lines = [subject] if "r=" in subject else _BORS_LINE.findall(message)
    elif _MOZILLA.match(message):
        lines = [message.partition("\n")[0]]
    else:
        return
    for line in lines:
        for found in _ACCEPTED.finditer(line):
            for each in found[1].split(","):
                nick = _NICK.fullmatch(each.strip("`"))
                if nick and nick[1].lower() not in _NOBODY:
                    yield nick[1]


def is_update(subject: str) -> bool:
    """Whether who merged only caught up with the others: it accepts nothing."""
    return _UPDATE.match(subject) is not None


def branch_of(message: str) -> str:
    """The handle under which the branch of a merge lies, in lower case; empty where it tells none.

    It may be an organisation's.
    """
    found = _PULL.match(message) or _HOMU.match(message)
    if not found and _BORS.match(message):
        lines = _BORS_LINE.findall(message)
        found = _WROTE.search(lines[0]) if len(lines) == 1 else None
    return found[1].lower() if found else ""


def _named(message: str) -> Iterator[tuple[str, str]]:
    lower = message.lower()
    if "by:" in lower or "\nreviewer" in lower:
        for found in _NAMED.finditer(message):
            yield found[1].lower(), found[2].rstrip(" \t")


def _bare(name: str) -> str:
    return name.strip(" \t\"'")
