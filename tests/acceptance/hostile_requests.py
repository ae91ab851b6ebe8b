"""Requests as bytes: what is broken about each, and how it should be answered."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from bot.door import MOST_BODY_BYTES
from bot.github.inbound import LARGEST_BODY_BYTES
from tests.acceptance.front import SECRET

MB = 1024 * 1024
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
Headers = dict[str, str]


@dataclass(frozen=True)
class Case:
    """One request and the statuses it may be answered with."""

    name: str
    request: bytes
    expected: tuple[int, ...]


@dataclass(frozen=True)
class Target:
    """One of our routes and who may call it."""

    name: str
    path: bytes
    kind: str
    most_bytes: int
    sign: Callable[[bytes], Headers]
    form_field: str | None = None
    """Where the JSON stands in a form; "" when the form itself is the payload."""

    def head(self, *lines: bytes) -> bytes:
        """A request's head, signed for no body."""
        start = b"POST %b HTTP/1.1\r\nHost: g\r\n" % self.path
        given = {"Content-Type": self.kind, **self.sign(b"")}
        signed = b"".join(f"{k}: {v}\r\n".encode() for k, v in given.items())
        return start + signed + b"".join(line + b"\r\n" for line in lines) + b"\r\n"

    def request(self, body: bytes, **changes: str | None) -> bytes:
        """A signed request, but for changed headers; None leaves one out."""
        given: dict[str, str | None] = {
            "Content-Type": self.kind,
            "Content-Length": str(len(body)),
            **self.sign(body),
            **{name.replace("_", "-"): value for name, value in changes.items()},
        }
        lines = [f"{k}: {v}".encode("latin-1") for k, v in given.items() if v is not None]
        start = b"POST %b HTTP/1.1\r\nHost: g\r\nConnection: close\r\n" % self.path
        return start + b"\r\n".join(lines) + b"\r\n\r\n" + body

    def wrapped(self, content: bytes) -> bytes:
        """JSON the way this route takes it."""
        if self.form_field:
            return f"{self.form_field}={quote(content)}".encode()
        return content


def github_signature(body: bytes) -> Headers:
    """GitHub's headers."""
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return {
        "X-GitHub-Event": "issue_comment",
        "X-GitHub-Delivery": hashlib.sha256(body).hexdigest()[:32],
        "X-Hub-Signature-256": f"sha256={digest}",
    }


def slack_signature(body: bytes, at_s: float | None = None, secret: str = SECRET) -> Headers:
    """Slack's headers."""
    stamp = str(int(time.time() if at_s is None else at_s))
    signed = b"v0:%b:%b" % (stamp.encode(), body)
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}


def targets(token: str) -> tuple[Target, ...]:
    """Every route that takes a body."""

    def bearer(body: bytes) -> Headers:
        del body
        return {"Authorization": f"Bearer {token}"}

    usual = MOST_BODY_BYTES
    return (
        Target("github", b"/github/webhook", JSON, LARGEST_BODY_BYTES, github_signature),
        Target("slack events", b"/slack/events", JSON, usual, slack_signature),
        Target("slack commands", b"/slack/commands", FORM, usual, slack_signature, ""),
        Target(
            "slack interactions", b"/slack/interactions", FORM, usual, slack_signature, "payload"
        ),
        Target("api", b"/api/v1/messages", JSON, usual, bearer),
    )


BROKEN = {
    "empty": b"",
    "half an object": b"{",
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"a":' * 30_000,
    "invalid UTF-8": b"\xff\xfe{}",
    "a raw NUL": b'{"a": "\0"}',
    "only NULs": b"\0" * 1000,
    "a number of 10,000 digits": b'{"a": 1' + b"0" * 10_000 + b"}",
    "not JSON": b"<xml/>",
    "a list": b"[]",
    "a number": b"7",
    "null": b"null",
    "a text": b'"text"',
}
"""No payload at all, whoever signed it."""
ODD = {
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "an exponent without end": b'{"a": 1e999999999}',
    "duplicate keys": b'{"action": "created", "action": "edited", "action": [], "text": 1}',
    "wrong types": b'{"type": [], "event": 7, "comment": {"id": {}}, "command": null}',
    "an empty object": b"{}",
    "an escaped NUL": b'{"action": "\\u0000", "event_id": "\\u0000", "unknown": "\\u0000"}',
    "half a surrogate pair": b'{"action": "\\ud800", "unknown": "\\ud800"}',
    "ten thousand keys": json.dumps({f"k{n}": n for n in range(10_000)}).encode(),
}
"""JSON, and nothing for us."""


def refused(token: str) -> Iterator[Case]:
    """Everything that must leave no trace."""
    for target in targets(token):
        yield from _contents(target)
        yield from _kinds(target)
    github, *slack, api = targets(token)
    yield from _github(github)
    for target in slack:
        yield from _slack(target)
    yield from _api(api)


def _contents(target: Target) -> Iterator[Case]:
    clean = (200, 202) if target.name != "api" else ()
    is_form = target.form_field == ""
    told = (200,) if is_form else ()
    for name, content in BROKEN.items():
        expected = (400, 422, *told)  # a form may hold any text
        yield Case(f"{target.name}: {name}", target.request(target.wrapped(content)), expected)
    for name, content in ODD.items():
        expected = (400, 422, *clean)
        yield Case(f"{target.name}: {name}", target.request(target.wrapped(content)), expected)


def _kinds(target: Target) -> Iterator[Case]:
    body = target.wrapped(b"{}")
    clean = (200, 202) if target.name != "api" else ()
    other = target.request(body, Content_Type=FORM if target.kind == JSON else JSON)
    yield Case(f"{target.name}: the other content type", other, (400, 415, *clean))
    for kind in ("text/plain", "multipart/form-data", "", "a" * 5000, "application/json\xff", None):
        request = target.request(body, Content_Type=kind)
        yield Case(f"{target.name}: content type {str(kind)[:24]!a}", request, (415,))
    encoded = target.request(body, Content_Encoding="gzip")
    yield Case(f"{target.name}: says gzip", encoded, (400, 415, 422, *clean))


def _github(target: Target) -> Iterator[Case]:
    body = b'{"action": "created"}'
    for name, signature in {
        "wrong": "sha256=" + "0" * 64,
        "empty": "",
        "SHA-1": "sha1=" + "0" * 40,
        "not ASCII": "sha256=\xe9",
        "of another body": github_signature(b"{}")["X-Hub-Signature-256"],
        "missing": None,
    }.items():
        request = target.request(body, X_Hub_Signature_256=signature)
        yield Case(f"github: signature {name}", request, (401,))
    for header in ("X_GitHub_Event", "X_GitHub_Delivery"):
        yield Case(f"github: no {header}", target.request(body, **{header: None}), (400,))
    long = target.request(body, X_GitHub_Delivery="d" * 5000)
    yield Case("github: a guid of 5,000 characters", long, (400, 422))
    for event in ("something_new", "a" * 5000, "issue_comment, push", "\xe9"):
        request = target.request(body, X_GitHub_Event=event)
        yield Case(f"github: event {event[:24]!a}", request, (202, 400))


def _slack(target: Target) -> Iterator[Case]:
    body = target.wrapped(b'{"type": "x"}')
    now_s = time.time()
    other = slack_signature(b"other")
    for name, headers in {
        "wrong": {"X_Slack_Signature": "v0=" + "0" * 64},
        "missing": {"X_Slack_Signature": None},
        "not ASCII": {"X_Slack_Signature": "v0=\xe9"},
        "of another body": {k.replace("-", "_"): v for k, v in other.items()},
        "six minutes old": _renamed(slack_signature(body, now_s - 360)),
        "of the future": _renamed(slack_signature(body, now_s + 360)),
        "of another secret": _renamed(slack_signature(body, secret="other")),
        "without a time": {"X_Slack_Request_Timestamp": None},
        "at no time": {"X_Slack_Request_Timestamp": "yesterday"},
    }.items():
        yield Case(f"{target.name}: signature {name}", target.request(body, **headers), (401,))


def _renamed(headers: Headers) -> dict[str, str | None]:
    return {name.replace("-", "_"): value for name, value in headers.items()}


def _api(target: Target) -> Iterator[Case]:
    body = b'{"text": "help"}'
    for name, value in {
        "missing": None,
        "empty": "",
        "of another scheme": "Basic YTpi",
        "no token": "Bearer x.y.z",
        "not ASCII": "Bearer \xe9",
        "of 60,000 characters": "Bearer " + "a" * 60_000,
    }.items():
        yield Case(f"api: authorization {name}", target.request(body, Authorization=value), (401,))
    key = target.request(body, Idempotency_Key="k" * 5000)
    yield Case("api: an idempotency key of 5,000 characters", key, (422,))


def accepted(token: str) -> tuple[Case, ...]:
    """One honest event for each of three routes."""
    github, events, *_, api = targets(token)
    person = {"login": "ann", "id": 7, "type": "User"}
    comment = {
        "action": "created",
        "repository": {"full_name": "o/r"},
        "issue": {"id": 1, "number": 1},
        "comment": {"id": 1, "body": "/gryph help", "user": person},
        "sender": person,
    }
    said = {"type": "app_mention", "user": "U1", "text": "<@UB> help", "ts": "1.2", "channel": "C1"}
    event = {"type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event": said}
    return (
        Case("github: honest", github.request(json.dumps(comment).encode()), (202,)),
        Case("slack events: honest", events.request(json.dumps(event).encode()), (200,)),
        Case("api: honest", api.request(b'{"text": "help"}'), (202,)),
    )
