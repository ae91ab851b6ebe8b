"""The count at the end: first what people see on the platforms, then what SQL holds."""

import asyncio
import contextlib
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import aiohttp
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from storage import audit
from tests.acceptance.campaign.discord_town import LOOSE
from tests.acceptance.campaign.load import Event, Face
from tests.acceptance.campaign.processes import now_s
from tests.acceptance.campaign.stage import Stage
from tests.fakes.slack.world import TEAM

UNFINISHED = re.compile(r"\b(waiting|queued|running|stopping|not checked yet)\b")
QUIET_S = 900.0
OPEN = {
    "events not handled": "SELECT count(*) FROM inbox WHERE handled_at IS NULL",
    "jobs not over": "SELECT count(*) FROM jobs WHERE finished_at IS NULL",
    "deliveries not over": "SELECT count(*) FROM deliveries WHERE finished_at IS NULL",
}


@dataclass
class Said:
    """One message of ours as people see it."""

    root: str
    kind: str
    """"status", "result" or "answer"; a GitHub comment of a job is "both"."""
    text: str
    at: str
    key: str


@dataclass
class Violation:
    """Something that must not be, with the event it is about."""

    what: str
    event: Event | None
    detail: str


@dataclass
class Verdict:
    """What was found."""

    violations: list[Violation] = field(default_factory=list[Violation])
    counts: Counter[str] = field(default_factory=Counter[str])
    given_up: int = 0
    """Jobs that lost three workers, which their result says."""

    def broken(self, what: str, event: Event | None, detail: str) -> None:
        """Note a violation."""
        self.violations.append(Violation(what, event, detail))
        self.counts[what] += 1


async def open_work(stage: Stage) -> dict[str, int]:
    """What is still to be done, by name; empty when it is quiet."""

    def count(session: Session) -> dict[str, int]:
        found = {
            what: int(session.connection().execute(text(query)).scalar() or 0)
            for what, query in OPEN.items()
        }
        return {what: number for what, number in found.items() if number}

    return await stage.database.read(count)


async def said(stage: Stage, events: list[Event]) -> dict[str, list[Said]]:
    """Everything we said, by root, as the platforms and the console show it."""
    found: defaultdict[str, list[Said]] = defaultdict(list)
    for each in await stage.ask("GET", "/said"):
        found[each["root"]].append(_platforms(each))
    for event in events:
        if event.face is Face.CONSOLE and event.accepted_at:
            found[event.root] += await _conversation(stage, event)
    return found


async def thread(stage: Stage, event: Event) -> list[Said]:
    """What we have said about one event so far."""
    if event.face is Face.CONSOLE:
        return await _conversation(stage, event)
    return [_platforms(e) for e in await stage.ask("GET", f"/said?root={quote(event.root)}")]


async def _conversation(stage: Stage, event: Event) -> list[Said]:
    """As any gateway that is up shows it; empty when none is."""
    headers = {"Authorization": f"Bearer {stage.token}"}
    for gateway in stage.gateways:
        url = f"{gateway}/api/v1/conversations/{event.root}"
        try:
            async with stage.http.get(url, headers=headers) as answer:
                shown = await answer.json()
        except (aiohttp.ClientError, TimeoutError):
            continue
        return [_console(event, each) for each in shown.get("messages", [])]
    return []


def _platforms(each: dict[str, Any]) -> Said:
    shown, key = each["text"], each.get("key", "")
    if each["face"] == "discord":
        return Said(each["root"], each["kind"], shown, each["at"], "")
    if each["face"] == "github":
        marked = re.search(r"<!-- gryph:.*key=(\S+) -->", shown)
        key = marked[1] if marked else ""
        kind = "answer" if key.startswith("answer") else "both"
    else:
        kind = "answer" if key.startswith("answer") else key.rpartition(":")[2]
    return Said(each["root"], kind, shown, each["at"], key)


def _console(event: Event, each: dict[str, Any]) -> Said:
    job: dict[str, Any] = each.get("job") or {}
    told = {name: job.get(name) for name in ("job", "state", "text")}
    attempt = f"attempt {job.get('attempt')}"
    shown = f"{told} {attempt} {each.get('reply') or ''}"
    return Said(event.root, each["kind"], shown, each["created_at"], str(each["id"]))


def check_outside(events: list[Event], said: dict[str, list[Said]], verdict: Verdict) -> None:
    """Every accepted event has its one effect, and no other."""
    for event in events:
        ours = said.get(event.root, [])
        if event.accepted_at is None:
            verdict.broken("never accepted", event, f"statuses {event.statuses}")
            continue
        wanted = {} if event.is_silent else _wanted(event)
        kinds = Counter(one.kind for one in ours)
        for kind in kinds.keys() | wanted.keys():
            had, due = kinds.get(kind, 0), wanted.get(kind, 0)
            if had != due:
                what = f"{'lost' if had < due else 'doubled'} {kind}"
                verdict.broken(what, event, f"{had} instead of {due}: {_told(ours)}")
        if event.is_job:
            _check_job(event, ours, verdict)
    _check_loose(events, said, verdict)


def _wanted(event: Event) -> dict[str, int]:
    """How many messages of each kind are due."""
    if event.face is Face.CONSOLE:
        return {"person": 1} | ({"status": 1, "result": 1} if event.is_job else {"answer": 1})
    if not event.is_job:
        return {"answer": 1}
    if event.face is Face.GITHUB:
        return {"both": 1}
    if event.act != "slash":
        return {"status": 1, "result": 1}
    asked = 1 + len(event.failed)  # once for each time that it was taken
    return {"request": asked, "status": asked, "result": asked}


def _check_loose(events: list[Event], said: dict[str, list[Said]], verdict: Verdict) -> None:
    """What was taken though Discord showed it as failed is answered too; nobody knows where."""
    due = sum(len(event.failed) for event in events if not event.is_job)
    had = said.get(LOOSE, [])
    if len(had) != due:
        what = f"{'lost' if len(had) < due else 'doubled'} answer"
        verdict.broken(what, None, f"{len(had)} loose instead of {due}: {_told(had)}")
    for ours in said.values():
        for one in ours:
            if one.kind == "unanswered":
                verdict.broken("left thinking", None, f"{one.root} {one.at}")


LOST = "its worker was lost 3 times"
"""A job's honest end after three killed workers."""


def _check_job(event: Event, ours: list[Said], verdict: Verdict) -> None:
    path = event.text.split()[-1]
    if any(LOST in one.text for one in ours):
        verdict.given_up += 1
        return
    for one in ours:
        if one.kind in ("status", "both") and UNFINISHED.search(one.text):
            verdict.broken("status left behind", event, one.text[:300])
        if one.kind in ("result", "both") and f"looked at {path}" not in one.text:
            verdict.broken("wrong result", event, one.text[:300])


def _told(ours: list[Said]) -> str:
    return "; ".join(f"[{one.at} {one.kind} {one.key}] {one.text[:80]!r}" for one in ours)


_JOBS = """
    SELECT count(DISTINCT j.id) FROM inbox_keys k JOIN jobs j ON j.inbox_id = k.inbox_id
    WHERE k.key = :key OR (k.key > :key || ':' AND k.key < :key || ';')
"""
"""Some keys go on after a colon."""
_ON_DISCORD = """
    SELECT key FROM inbox_keys WHERE key > 'discord:interaction:' AND key < 'discord:message;'
"""


async def check_inside(stage: Stage, events: list[Event], verdict: Verdict) -> None:
    """The same from the ledger, and that nothing is left over."""
    for what, number in (await open_work(stage)).items():
        verdict.broken(what, None, f"{number}")

    def check(session: Session) -> None:
        for event in events:
            if event.accepted_at is None:
                continue
            for key in _keys(event):
                found = session.connection().execute(text(_JOBS), {"key": key}).scalar() or 0
                if found != event.is_job:
                    verdict.broken("jobs of one event", event, f"{found} jobs")
        given_up = session.connection().execute(
            text("SELECT key, error FROM deliveries WHERE error IS NOT NULL AND attempts > 0")
        )
        for key, error in given_up:
            verdict.broken("delivery given up", None, f"{key}: {error}")
        failed = session.connection().execute(
            text(
                "SELECT id, state, failure FROM jobs WHERE state <> 'succeeded' "
                "AND NOT (state = 'failed' AND failure = 'lost' AND attempt = 3)"
            )
        )
        for job, state, failure in failed:
            verdict.broken("job did not succeed", None, f"{job} {state} {failure}")
        chain = audit.verify(session, audit.load_key(stage.home))
        if not chain.ok:
            verdict.broken("audit chain broken", None, f"at line {chain.first_bad_seq}")

    await stage.database.read(check)


def _keys(event: Event) -> list[str]:
    """Under which the event was claimed; several where a person tried again."""
    if event.face is Face.DISCORD:
        if event.act in ("chat", "react"):
            return []
        kind = "interaction" if event.act == "slash" else "message"
        return [f"discord:{kind}:{each}" for each in (event.id, *event.failed)]
    if event.face is Face.GITHUB:
        return [f"github:delivery:{event.id}"]
    if event.act == "slash":
        return [f"slack:slash:{TEAM}:{event.id}"]
    if event.face is Face.SLACK:
        return [f"slack:event:{event.id}"]
    return [f"console:api:campaign:{event.id}"]


async def taken_on_discord(stage: Stage) -> set[str]:
    """The ids of messages and slash commands that were claimed."""

    def look(session: Session) -> set[str]:
        found = session.connection().execute(text(_ON_DISCORD)).scalars()
        return {str(key).split(":")[2] for key in found}

    return await stage.database.read(look)


async def quiet(stage: Stage, events: list[Event]) -> float:
    """Wait until nothing is left to do; what never arrived GitHub is asked for."""
    started = now_s()
    while now_s() - started < QUIET_S:
        arrived = set((await stage.ask("GET", "/weather"))["arrived"])
        with contextlib.suppress(SQLAlchemyError):
            arrived |= await taken_on_discord(stage)
        for event in events:
            if event.accepted_at is None and event.id in arrived:
                event.accepted_at = now_s()
        with contextlib.suppress(SQLAlchemyError):
            missing = [e for e in events if e.accepted_at is None]
            if not missing and not await open_work(stage):
                break
        await asyncio.sleep(1.0)
    return now_s() - started


async def judged(stage: Stage, events: list[Event]) -> Verdict:
    """The whole count."""
    verdict = Verdict()
    taken = await taken_on_discord(stage)
    for event in events:
        event.failed = [each for each in event.failed if each in taken]
    check_outside(events, await said(stage, events), verdict)
    await check_inside(stage, events, verdict)
    return verdict
