"""An intake that keeps what it accepted in memory."""

from typing_extensions import override

from bot.face import Intake
from handlers import Event
from storage.ids import InboxId


class RecordingIntake:
    """Dedups on delivery keys as the real one does and keeps the accepted events in order."""

    def __init__(self) -> None:
        """Nothing accepted yet."""
        self.events: list[Event] = []
        self._seen: set[str] = set()

    async def accept(self, event: Event, keys: tuple[str, ...]) -> InboxId | None:
        """Claim the event; None when one of its keys was claimed before."""
        known = self._seen & set(keys)
        self._seen.update(keys)
        if known:
            return None
        self.events.append(event)
        return InboxId(len(self.events))


class ForwardingIntake(RecordingIntake):
    """Hands events on to the spine."""

    def __init__(self, real: Intake) -> None:
        """`real` keeps them."""
        super().__init__()
        self._real = real

    @override
    async def accept(self, event: Event, keys: tuple[str, ...]) -> InboxId | None:
        """See `bot.face.Intake`."""
        return await self._real.accept(event, keys)
