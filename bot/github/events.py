"""From a webhook's payload to an `Invocation` and the keys it is known by; pure."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.github.happenings import HAPPENINGS
from bot.github.marker import MARKER
from bot.github.mention import Mention
from bot.github.payloads import Delivery, Note, Payload, Repository
from bot.github.place import Thread, place_of
from bot.github.wire import User
from handlers import Caller, Invocation, Platform, Topic

_ACTION = re.compile(r"[a-z]{2,12} J[0-9A-Z]{6}[a-z ]{0,8}")


@dataclass(frozen=True)
class Heard:
    """What a webhook comes to."""

    invocation: Invocation
    keys: tuple[str, ...]


@dataclass(frozen=True)
class _Message:
    """Something a person wrote, and where an answer to it goes."""

    note: Note
    thread: Thread
    kind: str
    is_comment: bool = True


def heard(delivery: Delivery, mention: Mention) -> list[Heard]:
    """What the delivery asks of us; nothing when it is not for us."""
    found = (_said(delivery, mention), _pushed(delivery), _opened_for_review(delivery))
    return [each for each in found if each is not None]


def _said(delivery: Delivery, mention: Mention) -> Heard | None:
    read = _EVENTS.get((delivery.event, delivery.payload.action))
    payload = delivery.payload
    if read is None or payload.repository is None or _is_bot(payload.sender):
        return None
    if delivery.event == "check_run":
        return _pressed(delivery, payload.repository)
    message = read(payload)
    if message is None or _is_bot(message.note.user):
        return None
    return _spoken(delivery, payload.repository, message, mention)


def _pushed(delivery: Delivery) -> Heard | None:
    """New code in a pull request, whoever brought it there; our own tests need no comparing."""
    payload, note = delivery.payload, delivery.payload.pull_request
    is_push = delivery.event == "pull_request" and payload.action in _PUSHES
    speaker = payload.sender or (note.user if note else None)
    if not is_push or payload.repository is None or note is None or speaker is None:
        return None
    sha = note.head.sha if note.head else None
    if note.number is None or sha is None or MARKER in (note.body or ""):
        return None
    invocation = _invocation(delivery, payload.repository, Thread(note.number), speaker)
    about = f"{payload.repository.full_name}:{note.number}:{sha}"
    return Heard(
        invocation.model_copy(update={"pushed": sha}),
        (f"github:delivery:{delivery.guid}:push", f"github:push:{about}"),
    )


def _opened_for_review(delivery: Delivery) -> Heard | None:
    """A person's pull request that others may look at from now on; drafts wait until they are
    ready.
    """
    payload, note = delivery.payload, delivery.payload.pull_request
    is_opened = delivery.event == "pull_request" and payload.action in _READY
    if not is_opened or payload.repository is None or note is None or note.draft:
        return None
    sha, by = note.head.sha if note.head else None, note.user or payload.sender
    if note.number is None or sha is None or by is None or _is_bot(by):
        return None
    if MARKER in (note.body or ""):
        return None
    invocation = _invocation(delivery, payload.repository, Thread(note.number), by)
    about = f"{payload.repository.full_name}:{note.number}:{payload.action}:{sha}"
    return Heard(
        invocation.model_copy(update={"pushed": sha, "wants_reviewers": True}),
        (f"github:delivery:{delivery.guid}:review", f"github:review:{about}"),
    )


def _issue_comment(payload: Payload) -> _Message | None:
    if payload.comment is None or payload.issue is None or payload.issue.number is None:
        return None
    return _Message(payload.comment, Thread(payload.issue.number), "comment")


def _review_comment(payload: Payload) -> _Message | None:
    note, pull = payload.comment, payload.pull_request
    if note is None or pull is None or pull.number is None:
        return None
    first = note.in_reply_to_id or note.id
    return _Message(note, Thread(pull.number, first), "review-comment")


def _opened(payload: Payload) -> _Message | None:
    note = payload.pull_request or payload.issue
    if note is None or note.number is None:
        return None
    return _Message(note, Thread(note.number), "opened", is_comment=False)


def _no_message(payload: Payload) -> None:
    _ = payload


_EVENTS: dict[tuple[str, str], Callable[[Payload], _Message | None]] = {
    ("issue_comment", "created"): _issue_comment,
    ("issue_comment", "edited"): _issue_comment,
    ("pull_request_review_comment", "created"): _review_comment,
    ("pull_request_review_comment", "edited"): _review_comment,
    ("pull_request", "opened"): _opened,
    ("issues", "opened"): _opened,
    ("check_run", "requested_action"): _no_message,
}
_PUSHES = frozenset({"opened", "reopened", "synchronize"})
"""What happens to a pull request when it has new code to look at."""
_READY = frozenset({"opened", "ready_for_review"})
"""What makes others look at a pull request."""
EVENTS = frozenset(event for event, _ in (*_EVENTS, *HAPPENINGS))
"""The events the App has to subscribe to."""


def _spoken(
    delivery: Delivery, repository: Repository, message: _Message, mention: Mention
) -> Heard | None:
    payload, text = delivery.payload, message.note.body or ""
    before = _text_before(payload)
    unchanged = payload.action == "edited" and before is None
    if unchanged or MARKER in text or not mention.may_hold_command(text):
        return None
    speaker = payload.sender or message.note.user
    if speaker is None:
        return None
    addressed = mention.addresses(text) and not (before and mention.addresses(before))
    invocation = _invocation(delivery, repository, message.thread, speaker)
    invocation = invocation.model_copy(
        update={
            "text": mention.in_grammar(text),
            "previous_text": None if before is None else mention.in_grammar(before),
            "addressed": addressed,
            "topic": _topic(payload, message),
        }
    )
    if message.is_comment:
        place = invocation.place.model_copy(update={"message": str(message.note.id)})
        invocation = invocation.model_copy(update={"place": place})
    return Heard(
        invocation,
        (_delivery_key(delivery, message.note.id), _message_key(repository, message, before)),
    )


def _topic(payload: Payload, message: _Message) -> Topic:
    """The title and text as they were: the event brought them, so no later edit is in them."""
    above, note = payload.pull_request or payload.issue, message.note
    head = payload.pull_request.head if payload.pull_request else None
    return Topic(
        title=(above.title if above else None) or "",
        body=(above.body if above else None) or "",
        author=above.user.login if above and above.user else "",
        head_sha=head.sha if head else None,
        said_at=_moment(note.updated_at or note.created_at),
        message=note.id if message.kind == "comment" else None,
    )


def _moment(text: str | None) -> datetime | None:
    """The time a payload names; None where it is not one."""
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def _pressed(delivery: Delivery, repository: Repository) -> Heard | None:
    payload = delivery.payload
    run, action, speaker = payload.check_run, payload.requested_action, payload.sender
    if run is None or action is None or speaker is None:
        return None
    number = _number_of(run.external_id) or next((p.number for p in run.pull_requests), None)
    if number is None or not _ACTION.fullmatch(action.identifier):
        return None
    invocation = _invocation(delivery, repository, Thread(number), speaker)
    update = {"text": f"/gryph {action.identifier}", "addressed": True}
    return Heard(invocation.model_copy(update=update), (_delivery_key(delivery, run.id),))


def _invocation(
    delivery: Delivery, repository: Repository, thread: Thread, speaker: User
) -> Invocation:
    installation = delivery.payload.installation
    return Invocation(
        caller=Caller(
            platform=Platform.GITHUB,
            account=str(speaker.id if speaker.id is not None else speaker.login),
            name=speaker.login,
        ),
        place=place_of(
            repository.full_name, thread, None if installation is None else str(installation.id)
        ),
        text="",
        received_at=delivery.received_at,
        repository=repository.full_name,
        number=thread.number,
    )


def _text_before(payload: Payload) -> str | None:
    if payload.action != "edited" or payload.changes is None or payload.changes.body is None:
        return None
    return payload.changes.body.was or ""


def _delivery_key(delivery: Delivery, about: int) -> str:
    """With the id of what it is about, since not every server's delivery ids are unique."""
    return f"github:delivery:{delivery.guid}:{about}"


def _message_key(repository: Repository, message: _Message, before: str | None) -> str:
    """The same for every delivery of this text or edit; GitHub's times are whole seconds."""
    note = message.note
    text = f"{note.body or ''}\0{'' if before is None else before}"
    digest = hashlib.sha256(text.encode(errors="replace")).hexdigest()[:12]
    at = note.updated_at if message.is_comment else "opened"
    return f"github:{message.kind}:{repository.full_name}:{note.id}:{at}:{digest}"


def _number_of(external_id: str | None) -> int | None:
    """Our check runs are called "<job>#<pull request>"."""
    number = (external_id or "").partition("#")[2]
    return int(number) if number.isdecimal() else None


def _is_bot(user: User | None) -> bool:
    return user is not None and (user.type == "Bot" or user.login.endswith("[bot]"))
