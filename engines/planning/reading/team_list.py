"""A team's plan as a list in a chat message.

    team: ana (backend:3, frontend:1), bo (frontend:2, 50%, off 2026-12-24..2026-12-31)
    - DB (2d)
    - API (3d, backend:2) after DB @ana
    1. [ ] Docs (1d..2d..5d) after API, DB due 2026-12-20 !2

Tasks go by their titles, or by the `#12` in front of one. What is no item of a list is prose and
read over, but for the settings at its lines' heads (`team:`, `start:`, `timezone:`, `days:`,
`hours:`, `holidays:`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from zoneinfo import ZoneInfo

from engines.planning.calendars import Hours
from engines.planning.estimates import MILESTONE
from engines.planning.reading.drafts import DraftPerson, DraftPlan, DraftTask, mentioned_in
from engines.planning.reading.lines import Line
from engines.planning.reading.words import (
    a_load,
    a_weight,
    a_zone,
    amounts,
    called,
    dates,
    days_of_week,
    moment,
    naming,
    number,
    shown,
    skill,
    split,
    windows,
)
from engines.planning.types import CannotPlan

LONGEST_ITEM = 2_000
"""Characters."""
_ITEM = re.compile(r"(\s*)(?:[-*+•◦▪]|\d{1,9}[.)])\s+(?:\[([ xX])\]\s+)?(\S.*)")
_HEADING = re.compile(r"#{1,6}\s+(\S.*)")
_SETTING = re.compile(r"\s*(team|start|timezone|days|hours|holidays)\s*:\s*(\S.*)", re.IGNORECASE)
_LINK = re.compile(r"\[([^\[\]]*)\]\([^()\s]*\)")
_GROUP = re.compile(r"\(([^()]*)\)")
_AMOUNT = re.compile(
    rf"-?\d[\d.]*\s*[a-z]*(?:\s*\d[\d.]*\s*[a-z]+|\s*\.\.\s*-?\d.*)*|{MILESTONE}", re.IGNORECASE
)
_PINNED = re.compile(r"\s<?@([\w.|-]+)>?$|\s!(\d+(?:[.,]\d+)?)$")
_NUMBERED = re.compile(r"(#\d+)[:\s]\s*(\S.*)")
_CLAUSE = re.compile(
    r"\s*(?:<?@(?P<login>[\w.|-]+)>?"
    r"|!(?P<weight>\d+(?:[.,]\d+)?)"
    r"|(?:due|by|until)\s+(?P<due>\d\S*)"
    r"|(?:not before|from)\s+(?P<release>\d\S*)"
    r"|after:?\s+(?P<after>\S.*?)"
    r"(?=\s+(?:due|by|until|from|not before)\s+\d|\s+<?@\w|\s+!\d|\s*$)"
    r"|[,;.])",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(r"(\s*(?:[,;&]|\band\b)\s*)", re.IGNORECASE)
_MOST_SEPARATORS = 8
"""Commas and the like in a title that others call in full."""
_SOMEBODY = re.compile(r"\s*<?@?([^\s,()<>][^,()<>]*?)>?\s*(?:\(([^()]*)\))?\s*(?:,|$)")


@dataclass(frozen=True)
class _Item:
    draft: DraftTask
    waits_for: str
    """As written, for one may call others by titles with commas in them."""


@dataclass(frozen=True)
class _Titles:
    """What tasks may be called, and what their ids are."""

    ids: Mapping[str, str]
    """By title or id, as it is and folded."""
    separators: int
    """The most that any of them has."""

    @classmethod
    def of(cls, items: Sequence[_Item]) -> "_Titles":
        """Those of a list's items."""
        ids: dict[str, str] = {}
        for item in items:
            for name in (item.draft.id, item.draft.title):
                ids.setdefault(name, item.draft.id)
                ids.setdefault(name.casefold(), item.draft.id)
        most = max((len(_SEPARATOR.findall(name)) for name in ids), default=0)
        return cls(ids, min(most, _MOST_SEPARATORS))

    def named_in(self, text: str) -> list[str]:
        """The ids of those named, apart by commas or `and`, which may also stand in a title."""
        parts = _SEPARATOR.split(text.strip().removesuffix("."))  # separators at odd places
        names: list[str] = []
        at = 0
        while at < len(parts):
            longest = min(self.separators, (len(parts) - 1 - at) // 2)
            for more in range(longest, -1, -1):
                name = "".join(parts[at : at + 2 * more + 1]).strip()
                found = self.ids.get(name) or self.ids.get(name.casefold())
                if found or more == 0:
                    names.extend([found or name] if name else [])
                    at += 2 * more + 2
                    break
        return names


@dataclass
class _Found:
    """What the text's lines hold so far."""

    title: str = ""
    items: list[_Item] = field(default_factory=list[_Item])
    people: list[DraftPerson] = field(default_factory=list[DraftPerson])
    settings: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """By key, the place and the words."""
    warnings: list[str] = field(default_factory=list[str])


def is_list(text: str) -> bool:
    """Whether any line is an item of a list."""
    return any(_ITEM.match(line) for line in text.splitlines())


def drafted_list(text: str) -> DraftPlan:
    """The plan in a message as it is written.

    Raises:
        CannotPlan: Something in a line is not understood; the message names it.
    """
    found = _Found()
    for index, line in enumerate(text.splitlines(), 1):
        _read(Line(index, line), found)
    titles = _Titles.of(found.items)
    tasks = [replace(one.draft, after=tuple(titles.named_in(one.waits_for))) for one in found.items]
    return DraftPlan(
        tuple(tasks),
        tuple(found.people) or mentioned_in(tasks),
        title=found.title,
        start=_start(found),
        zone=_zone(found),
        team=_hours(found),
        warnings=tuple(found.warnings),
    )


def _read(line: Line, found: _Found) -> None:
    if len(line.text) > LONGEST_ITEM:
        raise line.wrong(f"the line is longer than {LONGEST_ITEM:,} characters")
    if matched := _HEADING.match(line.text):
        found.title = found.title or matched[1].strip()
    elif matched := _SETTING.fullmatch(line.text):
        _set(line, matched[1].lower(), matched[2].strip(), found)
    elif matched := _ITEM.fullmatch(line.text):
        done = (matched[2] or "").lower() == "x"
        _add_item(line, matched[3], found, done=done, nested=bool(matched[1]))


def _set(line: Line, key: str, words: str, found: _Found) -> None:
    if key == "team":
        found.people.extend(_team(line, words))
    else:
        found.settings[key] = f"line {line.number}: {key}", words


def _start(found: _Found) -> date | None:
    if "start" not in found.settings:
        return None
    where, words = found.settings["start"]
    with naming(where):
        start = moment(words)
        if isinstance(start, int):
            raise CannotPlan(f"{start} is no date; write 2026-12-24")
        return start


def _zone(found: _Found) -> ZoneInfo | None:
    if "timezone" not in found.settings:
        return None
    where, words = found.settings["timezone"]
    with naming(where):
        return a_zone(words)


def _hours(found: _Found) -> Hours | None:
    usual = Hours()
    days, spans, off = usual.days, usual.windows, usual.off
    for key, (where, words) in found.settings.items():
        with naming(where):
            match key:
                case "days":
                    days = days_of_week(split(words, ",; "))
                case "hours":
                    spans = windows(split(words, ",;"))
                case "holidays":
                    off = dates(split(words, ",; "))
                case _:
                    continue
    own = Hours(days, spans, off)
    return None if own == usual else own


def _team(line: Line, words: str) -> list[DraftPerson]:
    people: list[DraftPerson] = []
    at = 0
    while at < len(words):
        matched = _SOMEBODY.match(words, at)
        if matched is None or matched.end() == at:
            raise line.wrong(
                f"team: {shown(words[at:])} is not understood; write ana (backend:3, 50%), bo"
            )
        at = matched.end()
        where = f"line {line.number}: {called('person', matched[1])}"
        with naming(where):
            people.append(_somebody(where, matched[1], split(matched[2] or "", ",;")))
    return people


def _somebody(where: str, name: str, about: list[str]) -> DraftPerson:
    person = DraftPerson(where, name)
    for words in about:
        if words.endswith("%"):
            person = replace(person, load=a_load(number(words)))
        elif words.lower().startswith("off "):
            person = replace(person, off=(*person.off, *dates(words[len("off ") :].split())))
        else:
            known, level = skill(words)
            person = replace(person, skills={**person.skills, known: level})
    return person


def _add_item(line: Line, words: str, found: _Found, *, done: bool, nested: bool) -> None:
    text = " ".join(_LINK.sub(r"\1", words).replace("**", "").split())
    groups = [group for group in _GROUP.finditer(text) if _is_estimate(group[1])]
    if not groups and not done:
        if nested:
            found.warnings.append(f"line {line.number}: {shown(text)} has no estimate: read over")
            return
        raise line.wrong(
            f"{shown(text)} has no estimate; write (3d) after its title, or ({MILESTONE})"
        )
    head = text[: groups[-1].start()] if groups else text
    tail = text[groups[-1].end() :] if groups else ""
    about = split(groups[-1][1], ",;") if groups else []
    found.items.append(_item(line, head.strip(), about, tail, done=done))


def _is_estimate(group: str) -> bool:
    return _AMOUNT.fullmatch(group.partition(",")[0].strip()) is not None


def _item(line: Line, head: str, about: list[str], tail: str, *, done: bool) -> _Item:
    only: list[str] = []
    weight = ""
    while matched := _PINNED.search(head):
        head = head[: matched.start()].rstrip()
        only[:0] = [matched[1]] if matched[1] else []
        weight = matched[2] or weight
    title = head.strip(" *").rstrip(" :\u2013\u2014-")
    numbered = _NUMBERED.fullmatch(title)
    name = numbered[1] if numbered else title
    if not name:
        raise line.wrong("the task has no title")
    where = f"line {line.number}: {called('task', name)}"
    with naming(where):
        said = _clauses(tail, only)
        draft = DraftTask(
            where,
            name,
            numbered[2] if numbered else title,
            amounts(about[0].lower()) if about else (),
            needs=dict(skill(one) for one in about[1:]),
            only=tuple(only),
            not_before=moment(said["release"]) if "release" in said else None,
            deadline=moment(said["due"]) if "due" in said else None,
            weight=a_weight(number(said.get("weight", weight or "1"))),
            done=done,
        )
    return _Item(draft, said.get("after", ""))


def _clauses(tail: str, only: list[str]) -> dict[str, str]:
    """What follows the estimate, by kind; those mentioned are added to `only`."""
    said: dict[str, str] = {}
    at = 0
    while at < len(tail.rstrip()):
        matched = _CLAUSE.match(tail, at)
        if matched is None:
            raise CannotPlan(
                f"{shown(tail[at:])} is not understood; after the estimate stand `after A, B`, "
                "`due 2026-12-24`, `not before 2026-12-24`, `@login` and `!2`"
            )
        at = matched.end()
        for kind, words in matched.groupdict().items():
            if words is None:
                continue
            if kind == "login":
                only.append(words)
            else:
                said[kind] = f"{said[kind]}, {words}" if kind == "after" and kind in said else words
    return said
