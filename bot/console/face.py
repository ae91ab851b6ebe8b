"""The console as a face; it is always on."""

from bot.console.authority import ConsoleAuthority
from bot.console.notifier import Notifier
from bot.console.outbound import ConsoleOutbound
from bot.console.writer import LocalWriter
from bot.face import Face
from storage.database import Database


def console_face(database: Database, notifier: Notifier) -> Face:
    """The console face; the API must be given the same `notifier`."""
    return Face(
        outbound=ConsoleOutbound(database, notifier),
        authority=ConsoleAuthority(database),
        writer=LocalWriter(),
    )
