"""Every example webhook that GitHub publishes, signed and posted to a real gateway.

`python -m tests.acceptance.payloads` posts each of the 329 as it is (none is for us: 2xx and no
trace, but of new code in a pull request, in whose repository a wish may wait for it, and of who is
to do what), then each that holds a comment again, with a command in place of its text: exactly one
answer where a person wrote it in a place we hear, none elsewhere, however often it is delivered.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI, Request, Response

from tests.acceptance.front import SECRET, Front, front
from tests.acceptance.octokit import COUNT, PACKAGE, VERSION, Example, NoExamples, examples
from tests.benchmarks.machine import machine, percentile
from tests.fakes.github.server import listener_on, listening
from tests.fakes.valkey import running_valkey

COMMAND = "/gryph help"
MOST_MS = 3000.0
"""The most one acknowledgement may take; GitHub waits ten seconds."""
HEARD = {
    "issue_comment": ("created", "edited"),
    "pull_request_review_comment": ("created", "edited"),
    "pull_request": ("opened",),
    "issues": ("opened",),
}


PUSHED = ("opened", "reopened", "synchronize")
READY = ("opened", "ready_for_review")
_BOTH = ("assigned", "unassigned", "closed", "reopened")
HAPPENED = {
    "issues": _BOTH,
    "pull_request": (*_BOTH, "review_requested", "review_request_removed"),
    "pull_request_review": ("submitted",),
}
_ABOUT = {"assigned": "assignee", "review_requested": "requested_reviewer"}


class Counterpart:
    """As much of GitHub's API as an answer needs, for any repository; it counts the answers."""

    def __init__(self) -> None:
        """Nothing answered yet."""
        self.answers: Counter[str] = Counter()
        """By the installation that was written through."""

    def app(self) -> FastAPI:
        """The routes."""
        app = FastAPI()
        side = {"ref": "main", "sha": "a" * 40, "repo": {"full_name": "o/r"}}

        @app.api_route("/{path:path}", methods=["GET", "POST"])
        async def answer(path: str, request: Request) -> Response:
            if path.endswith("access_tokens"):
                token = {"token": path.split("/")[-2], "expires_at": "2099-01-01T00:00:00Z"}
                return _json(token)
            if path.endswith("/permission"):
                return _json({"permission": "read"})
            if path.endswith(("/comments", "/replies")):
                if request.method == "GET":
                    return _json([])
                self.answers[request.headers["authorization"].removeprefix("Bearer ")] += 1
                return _json({"id": self.answers.total(), "node_id": "n", "html_url": ""})
            if "/pulls/" in path:
                number = int(path.rpartition("/")[2])
                return _json({"number": number, "head": side, "base": side})
            return Response('{"message": "Not Found"}', 404)

        return app


def _json(value: object) -> Response:
    return Response(json.dumps(value), media_type="application/json")


@dataclass
class Report:
    """What was seen."""

    took_ms: list[float] = field(default_factory=list[float])
    statuses: Counter[str] = field(default_factory=Counter[str])
    commands: int = 0
    answered: int = 0
    violations: list[str] = field(default_factory=list[str])


@dataclass(frozen=True)
class Command:
    """An example with a command in place of its text."""

    example: Example
    installation: str
    is_heard: bool


def commands(published: list[Example]) -> Iterator[Command]:
    """Each example that holds something a person wrote, made unlike every other one."""
    for number, example in enumerate(published, start=1):
        payload = deepcopy(example.payload)
        note = _written(example.event, payload)
        if "body" not in note:
            continue
        note |= {"body": COMMAND, "id": 7_000_000 + number}
        payload["installation"] = {"id": number}
        made = Example(example.event, payload)
        yield Command(made, str(number), _is_heard(made, note))


def _written(event: str, payload: dict[str, Any]) -> dict[str, Any]:
    """The comment, or what was opened; nothing where neither is."""
    opened = {"issues": "issue", "pull_request": "pull_request"}.get(event, "")
    return payload.get("comment") or payload.get(opened) or {}


def _is_heard(example: Example, note: dict[str, Any]) -> bool:
    """Whether a person wrote it anew, in a place where commands are taken."""
    payload = example.payload
    action = payload.get("action")
    if action not in HEARD.get(example.event, ()):
        return False
    if action == "edited" and "body" not in payload.get("changes", {}):
        return False
    return all(
        person.get("type") != "Bot" and not person.get("login", "").endswith("[bot]")
        for person in (payload["sender"], note["user"])
    )


def brings(example: Example) -> set[str]:
    """What of it is taken in though nobody says anything, each by what it is known by again."""
    payload, action = example.payload, str(example.payload.get("action"))
    about: dict[str, Any] = payload.get("pull_request") or payload.get("issue") or {}
    head = f"{about.get('url')} {about.get('head', {}).get('sha')}"
    found: set[str] = set()
    if example.event == "pull_request" and action in PUSHED:
        found.add(f"push {head}")
    if example.event == "pull_request" and action in READY:
        is_bot = about["user"]["type"] == "Bot" or about["user"]["login"].endswith("[bot]")
        found |= set() if is_bot or about.get("draft") else {f"ready {action} {head}"}
    if action in HAPPENED.get(example.event, ()):
        kind = action.replace("un", "", 1).replace("request_removed", "requested")
        who = payload.get(_ABOUT.get(kind, ""), {})
        if who or kind not in _ABOUT:
            by, at = payload["sender"]["login"], about.get("updated_at")
            found.add(f"{action} {about.get('url')} {who.get('login')} {by} {at}")
    return found


async def post(
    there: Front, http: httpx.AsyncClient, example: Example, guid: str
) -> tuple[int, str, float]:
    """Status, what was said, and milliseconds."""
    body = json.dumps(example.payload).encode()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": example.event,
        "X-GitHub-Delivery": guid,
        "X-Hub-Signature-256": "sha256="
        + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest(),
    }
    started = time.perf_counter()
    answer = await http.post(f"{there.url}/github/webhook", content=body, headers=headers)
    took_ms = (time.perf_counter() - started) * 1000
    said = answer.json().get("status", "") if answer.is_success else answer.text
    return answer.status_code, said, took_ms


async def _expect(
    there: Front, http: httpx.AsyncClient, report: Report, sent: tuple[Example, str], wanted: str
) -> None:
    example, guid = sent
    status, said, took_ms = await post(there, http, example, guid)
    report.took_ms.append(took_ms)
    report.statuses[f"{status} {said}"] += 1
    if status // 100 != 2 or said != wanted or took_ms > MOST_MS:
        name = f"{example.event}.{example.payload.get('action')} {guid}"
        report.violations.append(f"{name}: {status} {said}, wanted {wanted}, {took_ms:.0f} ms")


async def campaign(folder: Path, redis_url: str, published: list[Example]) -> Report:
    """All of it, against one gateway."""
    report, github = Report(), Counterpart()
    listener = listener_on(0)
    api_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with (
        listening(github.app(), listener),
        front(folder, redis_url, GRYPH_GITHUB_API_URL=api_url) as there,
        httpx.AsyncClient(trust_env=False, timeout=15) as http,
    ):
        heads = await _say_nothing(there, http, report, published)
        left = {name: count for name, count in (await there.rows()).items() if count}
        if left != {"inbox": heads}:
            report.violations.append(f"nothing was for us, and rows were left: {left}")
        made = list(commands(published))
        await _speak(there, http, report, made)
        await there.until_handled()
        await _judge(there, report, github, made, heads)
        report.violations += there.troubles()
    return report


async def _say_nothing(
    there: Front, http: httpx.AsyncClient, report: Report, published: list[Example]
) -> int:
    """Every example as it is; how much they brought."""
    seen: set[str] = set()
    for number, example in enumerate(published):
        wanted = "pong" if example.event == "ping" else "ignored"
        if new := brings(example):
            wanted = "known already" if new <= seen else "accepted"
            seen |= new
        await _expect(there, http, report, (example, f"plain-{number}"), wanted)
    return len(seen)


async def _speak(
    there: Front, http: httpx.AsyncClient, report: Report, made: list[Command]
) -> None:
    """Every command four times: twice under its own guid, twice under another one."""
    for each in made:
        for number, guid in enumerate(("a", "a", "b", "b")):
            wanted = "known already" if brings(each.example) else "ignored"
            if each.is_heard:
                wanted = "known already" if number else "accepted"
            await _expect(there, http, report, (each.example, f"{guid}{each.installation}"), wanted)


async def _judge(
    there: Front, report: Report, github: Counterpart, made: list[Command], heads: int
) -> None:
    wanted = {each.installation: 1 for each in made if each.is_heard}
    report.commands, report.answered = len(made), github.answers.total()
    if dict(github.answers) != wanted:
        report.violations.append(f"answers {dict(github.answers)}, wanted {wanted}")
    rows = await there.rows()
    if (rows["inbox"] - heads, rows["deliveries"], rows["jobs"]) != (len(wanted), len(wanted), 0):
        report.violations.append(f"{len(wanted)} commands left {rows}")


def main() -> int:
    """Run and print; 1 on a violation."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    print(machine("fastapi", "uvicorn"))
    try:
        published = examples()
    except NoExamples as error:
        print(f"skipped: {error}")
        return 0
    with tempfile.TemporaryDirectory(prefix="gryph-payloads-") as folder, running_valkey() as url:
        report = asyncio.run(campaign(Path(folder), url, published))
    p50, p99 = percentile(report.took_ms, 0.5), percentile(report.took_ms, 0.99)
    print(f"{PACKAGE} {VERSION}: {len(published)} of {COUNT} payloads, {len(report.took_ms)} posts")
    print(f"answers: {dict(report.statuses)}")
    print(
        f"{report.commands} with a command in their text, {report.answered} of them answered once"
    )
    print(f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, slowest {max(report.took_ms):.0f} ms")
    print(f"{len(report.violations)} violations", *report.violations, sep="\n")
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
