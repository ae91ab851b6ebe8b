"""What is done for GitHub regularly: lost webhooks are asked for, reactions are looked up."""

from datetime import timedelta

from bot.face import Intake
from bot.github import deliveries, reactions
from bot.github.client import GitHubClient
from bot.github.reactions import Known, Watched
from handlers import Place, Platform
from storage import wishes
from storage.clock import utc_now
from storage.database import Database
from storage.deliveries import recent_messages

WATCHED_FOR = timedelta(days=14)
KEPT_BY_GITHUB = timedelta(days=3)
NEWEST = 200
OLDER = 100
"""How many comments are looked at in turn beside the newest, whose readers react most."""
OVERLAP = timedelta(minutes=10)
_WHERE = ("installation", "github-webhooks-swept")


class GitHubChores:
    """The two chores of the leader."""

    def __init__(self, client: GitHubClient, database: Database, intake: Intake) -> None:
        """What is known of reactions is read anew after a restart; delivery keys make it safe."""
        self._client = client
        self._database = database
        self._intake = intake
        self._known: Known = {}
        self._older_seen = 0
        self._asked: deliveries.Asked = {}

    async def sweep(self) -> None:
        """Ask for webhooks that did not reach us since the last sweep, at most three days ago."""
        now = utc_now()
        swept = await self._database.read(lambda s: wishes.get(s, *_WHERE))
        since = now - KEPT_BY_GITHUB
        if swept is not None:
            since = max(since, type(now).fromisoformat(swept) - OVERLAP)
        await deliveries.sweep(self._client, since, self._asked)
        await self._database.write(lambda s: wishes.put(s, *_WHERE, now.isoformat(), now))

    async def look_at_reactions(self) -> None:
        """Take in what people put on our comments of the last fortnight: always on the newest, in
        turn on the older ones, so that a busy fortnight costs no more than a quiet one.
        """
        since, skipped = utc_now() - WATCHED_FOR, NEWEST + self._older_seen
        newest = await self._database.read(
            lambda s: recent_messages(s, Platform.GITHUB, since, NEWEST)
        )
        older = await self._database.read(
            lambda s: recent_messages(s, Platform.GITHUB, since, OLDER, skipped=skipped)
        )
        watched = [
            Watched(row.key, Place.model_validate(row.place), str(row.data.get("node", "")))
            for row in (*newest, *older)
        ]
        await reactions.poll(self._client, watched, self._intake, self._known)
        self._older_seen = self._older_seen + OLDER if len(older) == OLDER else 0
