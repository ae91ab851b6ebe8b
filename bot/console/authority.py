"""What a console caller may do: what the token they spoke with says, while it lasts."""

from sqlmodel import Session

from bot.console.writer import LOCAL
from handlers import Invocation, Platform, Standing, Tier
from storage import console, people
from storage.clock import utc_now
from storage.database import Database

WEB = "web:"
"""How accounts of people logged in on the web begin."""


class ConsoleAuthority:
    """Reads the tier a message was sent with and whether such a token still lives.

    The tier is the message's own, so that a person's stronger token does not lift what they sent
    with a weaker one.
    """

    def __init__(self, database: Database) -> None:
        """Messages and tokens shown lie in `database`."""
        self._database = database

    async def standing(self, invocation: Invocation) -> Standing:
        """The caller's standing now; a folder of this machine is only for operators."""
        tier = await self._database.read(lambda session: _tier(session, invocation))
        repository = invocation.repository
        if repository is not None and repository.startswith(LOCAL) and tier < Tier.OPERATOR:
            repository = None
        return Standing(tier=tier, repository=repository)


def _tier(session: Session, invocation: Invocation) -> Tier:
    message = invocation.place.message
    if message is None or not message.isdecimal():
        return Tier.ANYONE
    row = console.find(session, int(message))
    if row is None or row.tier is None or row.conversation != invocation.place.channel:
        return Tier.ANYONE
    account = invocation.caller.account
    if account.startswith(WEB):
        return min(Tier(row.tier), _granted(session, account))
    if not console.holds(session, account, row.tier, utc_now()):
        return Tier.ANYONE
    return Tier(row.tier)


def _granted(session: Session, account: str) -> Tier:
    """What the roles of a person on the web are now; they stay when the person logs out."""
    person = people.find_person(session, platform=Platform.CONSOLE, account=account)
    if person is None:
        return Tier.ANYONE
    return Tier(people.tier_in(session, person, (f"{Platform.CONSOLE}:local",)) or Tier.ANYONE)
