"""Jobs that a repository asks for itself: on each push to a pull request, what it changes; once it
is ready for others, who could review it.

Nobody said anything, so nobody is answered: what cannot be done, or is not wished for, is left.
The wish on the default branch stands in the place of a person's permission; a fork's code waits
for an approval all the same.
"""

import structlog

from bot import commands as registry
from bot.effects import Asked, Spoken
from bot.face import Busy, CodeHost
from bot.quotas import Quotas
from bot.standings import Standings
from bot.trigger import Trigger
from bot.wishes.reading import RepositoryFiles
from handlers import Invocation, UserError, match
from handlers.test import COMMAND, comparison
from jobs.requests import JobRequest
from storage import matches
from storage.database import Database
from storage.inbox import Taken
from storage.states import Urgency

log = structlog.get_logger()

LINE = COMMAND.verb
REVIEWERS_LINE = match.COMMAND.verb
FRESH_S = 3.0
"""What a host tells may be older than its own event by so much."""


class Pushes:
    """Makes jobs of pushes."""

    def __init__(
        self,
        host: CodeHost | None,
        trigger: Trigger,
        wishes: RepositoryFiles,
        standings: Standings,
        quotas: Quotas,
        database: Database,
    ) -> None:
        """Without a host nothing is pushed that we hear of."""
        self._database = database
        self._host = host
        self._trigger = trigger
        self._wishes = wishes
        self._standings = standings
        self._quotas = quotas

    async def asked(self, taken: Taken, pushed: Invocation) -> Spoken | None:
        """The job of a push, if the repository wishes for it and the push is still the newest; or
        of a pull request that is ready for others.

        Raises:
            Busy: The host does not answer now.
        """
        if pushed.wants_reviewers:
            return await self._reviewers(taken, pushed)
        repository, number, sha = pushed.repository, pushed.number, pushed.pushed
        if self._host is None or repository is None or number is None:
            return None
        wished = await self._wishes.of(repository)
        if not wished.behaviour:
            return None
        try:
            pull = await self._host.pull_of(repository, number)
            if pull.head_sha != sha and taken.attempt == 1:
                raise Busy("the host does not know of its own push yet", retry_after_s=FRESH_S)
            if pull.head_sha != sha or not pull.is_open:
                return None
            if taken.attempt == 1 and not await self._quotas.has_room(repository):
                log.warning("too many pushes to look at all", repository=repository, number=number)
                return None
            request = await self._trigger.hold(comparison(pull, wished), pushed)
        except UserError as error:
            log.info("push not looked at", repository=repository, number=number, why=str(error))
            return None
        command = registry.COMMANDS[request.verb]
        waits_for = await self._standings.waits_for(command, request.source, pushed)
        return Spoken(LINE, LINE, 0, Asked(request, waits_for, None, Urgency.BACKGROUND))

    async def _reviewers(self, taken: Taken, opened: Invocation) -> Spoken | None:
        """Who could review a pull request: asked once, whatever it is called meanwhile."""
        repository, number = opened.repository, opened.number
        if self._host is None or repository is None or number is None:
            return None
        wished = await self._wishes.of(repository)
        if not wished.suggest_reviewers:
            return None
        if await self._database.read(
            lambda s: matches.were_reviewers_sought(s, repository, number)
        ):
            return None
        if taken.attempt == 1 and not await self._quotas.has_room(repository):
            log.warning("too much to name reviewers", repository=repository, number=number)
            return None
        try:
            request = await self._review(repository, number, opened, spread=wished.spread)
        except UserError as error:
            log.info("no reviewers named", repository=repository, number=number, why=str(error))
            return None
        asked = Asked(request, None, None, Urgency.BACKGROUND)
        return Spoken(REVIEWERS_LINE, REVIEWERS_LINE, 0, asked)

    async def _review(
        self, repository: str, number: int, opened: Invocation, *, spread: bool
    ) -> JobRequest:
        """Raises UserError where the pull request cannot be read, or is closed by now."""
        assert self._host is not None
        task = await self._host.task_of(repository, number)
        if not task.is_open:
            raise UserError("it is closed by now")
        work = await self._host.work_of(repository)
        request = match.reviewers_of(repository, task, work, opened.received_at, spread=spread)
        return await self._trigger.hold(request, opened)

    async def refusal(self, pushed: Invocation) -> str | None:
        """Why a job that was made of a push may no longer start. Raises Busy."""
        wished = await self._wishes.of(pushed.repository or "")
        is_wished = wished.suggest_reviewers if pushed.wants_reviewers else wished.behaviour
        return None if is_wished else "the repository does not ask for it any more."
