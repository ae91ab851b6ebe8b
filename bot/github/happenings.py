"""What people do to issues and pull requests on GitHub itself, as far as it tells who does what;
pure.
"""

from collections.abc import Callable, Mapping

from bot.github.payloads import Delivery, Payload
from bot.github.place import Thread, place_of
from bot.github.wire import User
from handlers import Caller, Happening, Platform
from storage.match_events import Event


def _nobody(payload: Payload) -> User | None:
    _ = payload


def _assignee(payload: Payload) -> User | None:
    return payload.assignee


def _reviewer(payload: Payload) -> User | None:
    return payload.requested_reviewer


HAPPENINGS: Mapping[tuple[str, str], tuple[Event, Callable[[Payload], User | None]]] = {
    ("issues", "assigned"): (Event.ASSIGNED, _assignee),
    ("issues", "unassigned"): (Event.UNASSIGNED, _assignee),
    ("issues", "closed"): (Event.CLOSED, _nobody),
    ("issues", "reopened"): (Event.REOPENED, _nobody),
    ("pull_request", "assigned"): (Event.ASSIGNED, _assignee),
    ("pull_request", "unassigned"): (Event.UNASSIGNED, _assignee),
    ("pull_request", "review_requested"): (Event.REVIEW_REQUESTED, _reviewer),
    ("pull_request", "review_request_removed"): (Event.REVIEW_UNREQUESTED, _reviewer),
    ("pull_request", "closed"): (Event.CLOSED, _nobody),
    ("pull_request", "reopened"): (Event.REOPENED, _nobody),
    ("pull_request_review", "submitted"): (Event.REVIEWED, _nobody),
}
"""By event and action: what it is, and whom it is about."""


def happened(delivery: Delivery) -> tuple[Happening, tuple[str, ...]] | None:
    """What a delivery tells, and the keys it is known by; None where it tells nothing of the kind.

    Of a team or a bot that is asked for a review nothing is told: it is nobody.
    """
    found, payload = HAPPENINGS.get((delivery.event, delivery.payload.action)), delivery.payload
    about, by = payload.pull_request or payload.issue, payload.sender
    if found is None or payload.repository is None or about is None or by is None:
        return None
    event, whom = found
    who = whom(payload)
    if about.number is None or (whom is not _nobody and (who is None or who.type == "Bot")):
        return None
    installation = payload.installation
    happening = Happening(
        caller=Caller(
            platform=Platform.GITHUB,
            account=str(by.id if by.id is not None else by.login),
            name=by.login,
            is_bot=by.type == "Bot",
        ),
        place=place_of(
            payload.repository.full_name,
            Thread(about.number),
            None if installation is None else str(installation.id),
        ),
        what=event,
        repository=payload.repository.full_name,
        number=about.number,
        who=who.login if who else None,
        received_at=delivery.received_at,
    )
    told = f"{happening.repository}:{about.number}:{event}"
    keys = (f"github:delivery:{delivery.guid}:{told}",)
    if about.updated_at is not None:  # else it might be another one of the kind
        keys += (f"github:happening:{told}:{happening.who}:{by.login}:{about.updated_at}",)
    return happening, keys
