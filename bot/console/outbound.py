"""Writes our messages into the console's threads."""

from sqlmodel import Session

from bot.console.notifier import Notifier
from bot.console.thread import REFUSALS, Body
from bot.face import JobView, Posted, Undeliverable
from bot.fence import still_ours
from handlers import Place
from jobs.messages import Reply
from storage import console
from storage.clock import utc_now
from storage.console import MessageKind, NewMessage, NoConversation
from storage.database import Database


class ConsoleOutbound:
    """The console's side of the delivery loop.

    A repeated post finds the first one by its key, so a crash in between leaves one message.
    """

    def __init__(self, database: Database, notifier: Notifier) -> None:
        """Threads lie in `database`; `notifier` wakes their readers."""
        self.edit_interval_s = 0.1
        self.result_replaces_status = False
        self._database = database
        self._notifier = notifier

    async def post_status(self, place: Place, view: JobView, *, key: str) -> Posted:
        """Put the job's status into the thread. Raises Undeliverable when there is no thread."""
        return await self._post(place, MessageKind.STATUS, Body(job=view), key)

    async def edit_status(self, place: Place, status: Posted, view: JobView) -> None:
        """Show the job's present state. Raises Undeliverable when the message is gone."""
        message = int(status.data["message"])
        body = Body(job=view).stored()
        still_ours()
        try:
            changed = await self._database.write(
                lambda session: console.edit(session, message, body, utc_now())
            )
        except NoConversation as error:
            raise Undeliverable(f"no console message {message}") from error
        if changed:
            self._notifier.wake(place.channel)

    async def post_result(
        self, place: Place, status: Posted, view: JobView, reply: Reply, *, key: str
    ) -> Posted:
        """Put the job's result under its status. Raises Undeliverable when there is no thread."""
        del status  # a thread has one place only: its end
        return await self._post(place, MessageKind.RESULT, Body(job=view, reply=reply), key)

    async def answer(self, place: Place, reply: Reply, *, key: str) -> Posted:
        """Answer a message that became no job. Raises Undeliverable when there is no thread."""
        body = Body(reply=reply, refused=key.endswith(REFUSALS))
        return await self._post(place, MessageKind.ANSWER, body, key)

    async def _post(self, place: Place, kind: MessageKind, body: Body, key: str) -> Posted:
        new = NewMessage(
            conversation=place.channel,
            key=key,
            kind=kind,
            body=body.stored(),
            about=_number(place.message),
        )
        still_ours()
        try:
            message, thread = await self._database.write(lambda session: _add(session, new))
        except NoConversation as error:
            raise Undeliverable(f"no console conversation {place.channel}") from error
        self._notifier.wake(thread)
        return Posted(key=f"console:{message}", data={"message": str(message)})


def _add(session: Session, new: NewMessage) -> tuple[int, str]:
    row = console.add(session, new, utc_now())
    assert row.id is not None
    return row.id, row.conversation


def _number(message: str | None) -> int | None:
    return int(message) if message is not None and message.isdecimal() else None
