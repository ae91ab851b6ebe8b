"""The people of the permission matrix, and what can be seen of what they bring about."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from simcord.actors import MemberActor
from sqlalchemy import ColumnElement
from sqlmodel import Session, col, delete, func, select, update

from bot.auth import Role
from handlers import Caller, Invocation, Place, Platform, Tier
from jobs.messages import say
from jobs.requests import MatchTask, Source, TestCode, Wanted
from storage import artifacts, ledger, matches
from storage.artifacts import NewArtifact
from storage.clock import utc_now
from storage.ids import InboxId, JobId, PersonId
from storage.ledger import NewJob
from storage.matches import Named, Suggested
from storage.people import Account
from storage.states import JobState
from storage.tables import ApprovalRow, ConfigRow, FeedbackRow, InboxRow, JobRow, MatchRow
from storage.tables.deliveries import DeliveryRow
from storage.tables.row import Row
from tests.acceptance.permissions_expected import ASKS, How, Outcome, Where, Who
from tests.fakes.everywhere import SECRET_REPOSITORY, SHOP, Everywhere, person_in
from tests.fakes.slack.world import TEAM

COPIES = 3
ABOUT_JOBS = tuple(ask for ask, line in ASKS.items() if "{job}" in line)
NO_JOB = "J000000"
KEEPER = "keeper"
"""Whom matches name: none of the people."""
_CHANGE = {"src/c.py": b"def triple(n: int) -> int:\n    return 3 * n\n"}
_LOGINS = {who: who.name.lower() for who in Who}
_ROLES = {
    Who.READER: Role.READER,
    Who.WRITER: Role.WRITER,
    Who.ADMIN: Role.ADMIN,
    Who.OPERATOR: Role.OPERATOR,
    Who.REQUESTER: Role.READER,
    Who.LINKED: Role.READER,
}


class Elsewhere(StrEnum):
    """Where a job was asked for that is nobody's business here; all are on another repository."""

    GITHUB = "another private repository"
    SLACK = "a private Slack channel"
    DIRECT = "somebody's direct messages"
    DISCORD = "another Discord server"
    THREAD = "a private thread on Discord"
    CONSOLE = "somebody else's console thread"


@dataclass
class Town:
    """Everybody in their places."""

    world: Everywhere
    pulls: dict[Where, int] = field(default_factory=dict[Where, int])
    slackers: dict[Who, str] = field(default_factory=dict[Who, str])
    members: dict[Who, MemberActor] = field(default_factory=dict[Who, MemberActor])
    threads: dict[Who, str] = field(default_factory=dict[Who, str])
    """Console conversations."""
    dev: str = ""
    """The Slack channel."""
    _answers_to_nothing: dict[tuple[Where, Who, str], str] = field(
        default_factory=dict[tuple[Where, Who, str], str]
    )

    async def outcome(self, where: Where, who: Who, ask: str, how: How) -> str:
        """What comes of somebody's asking; several effects, or one doubled, are all named."""
        job = await self._job_here(where, who, ask)
        before, heard = await self._seen(job), len(self.world.ears.told)
        await self.speak(where, who, self._line(where, ask, job), how)
        await self.world.until_handled()
        after = await self._seen(job)
        changes = [
            f"{name} {grown} times" if grown > 1 else name
            for name, count in after.items()
            if (grown := count - before[name]) > 0
        ]
        await self._reset()
        if changes:
            return " and ".join(changes)
        told = self.world.ears.told[heard:]
        if len(told) != 1:
            return f"told {len(told)} times"
        return Outcome.ANSWERS if told[0].key.endswith(":answer") else Outcome.REFUSED

    async def visit(
        self, where: Where, who: Who, ask: str, elsewhere: Elsewhere
    ) -> tuple[str, str, str]:
        """What comes of asking about a job from elsewhere, what is told, and what is told of a
        job that does not exist.
        """
        waits = ask.startswith("cancel")
        job = await self._made(self._place_elsewhere(elsewhere), None, SECRET_SOURCE, waits=waits)
        before = await self._seen(job)
        told = await self._told(where, who, ask, job)
        changed = [name for name, count in (await self._seen(job)).items() if count > before[name]]
        await self._reset()
        key = (where, who, ask)
        if key not in self._answers_to_nothing:
            self._answers_to_nothing[key] = await self._told(where, who, ask, JobId(NO_JOB))
        got = " and ".join(changed) or Outcome.REFUSED
        return got, told.replace(job, NO_JOB), self._answers_to_nothing[key]

    async def _told(self, where: Where, who: Who, ask: str, job: JobId) -> str:
        heard = len(self.world.ears.told)
        await self.speak(where, who, self._line(where, ask, job), How.FRESH)
        await self.world.until_handled()
        return "\n".join(one.text for one in self.world.ears.told[heard:])

    # What they say

    def _line(self, where: Where, ask: str, job: JobId) -> str:
        number = self.pulls.get(where)
        sha = self.world.shop.pulls[number].head_sha if number else "a" * 40
        return ask.format(job=job, sha=sha)

    async def speak(self, where: Where, who: Who, line: str, how: How) -> None:
        """Somebody gives a command."""
        copies = COPIES if how is How.REDELIVERED else 1
        is_edit = how is How.EDITED
        world = self.world
        match where:
            case Where.GITHUB_OWN | Where.GITHUB_FORK:
                login, number = _LOGINS[who], self.pulls[where]
                if is_edit:
                    await world.edit_comment(login, number, f"@gryph {line}")
                else:
                    await world.comment(login, number, f"@gryph {line}", copies=copies)
            case Where.SLACK if is_edit:
                await world.edit_message(self.slackers[who], self.dev, line)
            case Where.SLACK:
                await world.mention(self.slackers[who], self.dev, line, copies=copies)
            case Where.DISCORD if is_edit:
                await world.edit_saying(self.members[who], line)
            case Where.DISCORD:
                await world.say(self.members[who], line, copies=copies)
            case Where.CONSOLE:
                body = {"text": line, "conversation": self.threads.get(who), "repository": SHOP}
                thread = await world.post(_LOGINS[who], _ROLES[who], body, copies=copies)
                self.threads[who] = thread

    # What is there and what is seen of it

    async def _job_here(self, where: Where, who: Who, ask: str) -> JobId:
        number = self.pulls.get(where)
        pull = self.world.shop.pulls[number] if number is not None else None
        fork = pull.head_repository if pull and where is Where.GITHUB_FORK else None
        sha = pull.head_sha if pull else self.world.shop.git.resolve("main")
        source = Source(repository=SHOP, sha=sha, number=number, fork=fork)
        by = self.account(where, who) if who is Who.REQUESTER else None
        waits = ask.startswith("cancel")
        job = await self._made(self._place(where, who), by, source, waits=waits)
        if ask.startswith("match "):
            await self.world.spine.database.write(lambda s: _named(s, job, source))
        return job

    async def _made(
        self, place: Place, by: Account | None, source: Source, *, waits: bool
    ) -> JobId:
        """A job that waits, or one that succeeded and left a file."""
        digest = self.world.spine.store.put(b"def test_x(): ...\n")
        by = by or Account(place.platform, "boss", "boss")

        def write(session: Session) -> JobId:
            now = utc_now()
            job = ledger.create(session, _new_job(session, place, by, source), now)
            session.get_one(DeliveryRow, job.id).finished_at = now
            if not waits:
                job.state, job.finished_at = JobState.SUCCEEDED, now
                job.reply = say("Done.").model_dump(mode="json")
                path = f"tests/test_{job.id.lower()}.py"
                kept = NewArtifact("test_x.py", "text/plain", 18, digest, apply_to=path)
                artifacts.record(session, JobId(job.id), kept, now)
            session.flush()
            return JobId(job.id)

        return await self.world.spine.database.write(write)

    async def _seen(self, job: JobId) -> dict[Outcome, int]:
        def read(session: Session) -> dict[Outcome, int]:
            def count(table: type[Row], *clauses: ColumnElement[bool]) -> int:
                found = select(func.count()).select_from(table)
                return session.exec(found.where(*clauses)).one()

            row = session.get_one(JobRow, job) if job != NO_JOB else None
            state = col(JobRow.state)
            asked = col(JobRow.inbox_id) > 0, col(JobRow.line) != _MADE
            cancelled = row is not None and (
                row.state == JobState.CANCELLED or row.cancel_requested_by is not None
            )
            return {
                Outcome.RUNS: count(JobRow, state == JobState.SUCCEEDED, *asked),
                Outcome.WAITS: count(JobRow, state == JobState.WAITING, *asked),
                Outcome.CANCELS: int(cancelled),
                Outcome.APPROVES: count(ApprovalRow),
                Outcome.VOTES: count(FeedbackRow),
                Outcome.SETS: count(ConfigRow)
                + count(MatchRow, col(MatchRow.state).in_(("taken", "declined"))),
            }

        found = await self.world.spine.database.read(read)
        bot = self.world.github.world.bot
        repositories = self.world.shop, self.world.secret
        opened = sum(one.by is bot for repo in repositories for one in repo.issues.values())
        assigned = sum(len(one.assignees) for one in self.world.shop.issues.values())
        return {**found, Outcome.OPENS: opened, Outcome.ASSIGNS: assigned}

    async def _reset(self) -> None:
        def write(session: Session) -> None:
            for table in (ApprovalRow, ConfigRow, FeedbackRow, MatchRow):
                session.exec(delete(table))
            waiting = select(JobRow.id).where(col(JobRow.state) == JobState.WAITING)
            said = update(DeliveryRow).where(col(DeliveryRow.job_id).in_(waiting))
            session.exec(said.values(finished_at=utc_now()))
            over = update(JobRow).where(col(JobRow.state) == JobState.WAITING)
            session.exec(over.values(state=JobState.CANCELLED))

        await self.world.spine.database.write(write)
        for issue in self.world.shop.issues.values():
            issue.assignees.clear()

    # Who and where they are

    def account(self, where: Where, who: Who) -> Account:
        """The account somebody speaks with there."""
        login = _LOGINS[who]
        match where:
            case Where.GITHUB_OWN | Where.GITHUB_FORK:
                return Account("github", str(self.world.github.world.account(login).id), login)
            case Where.SLACK:
                return Account("slack", self.slackers[who], login)
            case Where.DISCORD:
                return Account("discord", str(self.members[who].id), login)
            case Where.CONSOLE:
                return Account("console", f"api:{login}", login)

    def _place(self, where: Where, who: Who) -> Place:
        match where:
            case Where.GITHUB_OWN | Where.GITHUB_FORK:
                return _on_github(SHOP, self.pulls[where])
            case Where.SLACK:
                return Place(platform=Platform.SLACK, workspace=TEAM, channel=self.dev)
            case Where.DISCORD:
                return self._on_server(str(self.world.discord.guild.id), None)
            case Where.CONSOLE:
                return _on_console(self.threads[who])

    def _on_server(self, guild: str, thread: str | None) -> Place:
        channel = str(self.world.discord.channel.id)
        return Place(platform=Platform.DISCORD, workspace=guild, channel=channel, thread=thread)

    def _place_elsewhere(self, elsewhere: Elsewhere) -> Place:
        match elsewhere:
            case Elsewhere.GITHUB:
                return _on_github(SECRET_REPOSITORY, 1)
            case Elsewhere.SLACK:
                return Place(platform=Platform.SLACK, workspace=TEAM, channel="C0BOARD")
            case Elsewhere.DIRECT:
                return Place(platform=Platform.SLACK, workspace=TEAM, channel="D0BOSS")
            case Elsewhere.DISCORD:
                return self._on_server("1", None)
            case Elsewhere.THREAD:
                return self._on_server(str(self.world.discord.guild.id), "12345")
            case Elsewhere.CONSOLE:
                return _on_console("Cboss")


_MADE = "test src/a.py seed=9"
"""The line of jobs that were there before."""
SECRET_SOURCE = Source(repository=SECRET_REPOSITORY, sha="b" * 40)


def _new_job(session: Session, place: Place, by: Account, source: Source) -> NewJob:
    event = InboxRow(
        platform=place.platform,
        payload={},
        received_at=utc_now(),
        handled_at=utc_now(),
        next_try_at=utc_now(),
    )
    session.add(event)
    session.flush()
    assert event.id is not None
    caller = Caller(platform=Platform(by.platform), account=by.account, name=by.name)
    asked = Invocation(
        caller=caller, place=place, text=f"/gryph {_MADE}", received_at=utc_now(), repository=None
    )
    person: PersonId = person_in(session, by)
    return NewJob(
        inbox_id=InboxId(event.id),
        line_number=0,
        verb="test",
        line=_MADE,
        queue="cpu",
        request=TestCode(source=source, path="src/a.py", seed=9).model_dump(mode="json"),
        invocation=asked.model_dump(mode="json"),
        person=person,
        platform=place.platform,
        place=place.model_dump(mode="json"),
        repository=source.repository,
        number=source.number,
        head_sha=source.sha,
        waits_for="the one who decides",
    )


def _named(session: Session, job: JobId, source: Source) -> None:
    """Have the job be one that named somebody for the first issue."""
    row = session.get_one(JobRow, job)
    task = Wanted(named="#1", number=1)
    request = MatchTask(source=source, repository=SHOP, task=task, asked_at=utc_now())
    row.request = request.model_dump(mode="json")
    keeper = Named("keeper@home", "The Keeper", KEEPER)
    target = matches.target_of(number=1)
    matches.suggest(
        session, Suggested(job, SHOP, target, "#1", (keeper,), 0.5, number=1), utc_now()
    )


def _on_github(repository: str, number: int) -> Place:
    return Place(
        platform=Platform.GITHUB,
        workspace=repository.partition("/")[0],
        channel=repository,
        thread=str(number),
    )


def _on_console(thread: str) -> Place:
    return Place(
        platform=Platform.CONSOLE, workspace="local", channel=thread, thread=thread, message="1"
    )


async def town(world: Everywhere) -> Town:
    """Everybody where they belong, with the rights they have there."""
    there = Town(world)
    held = {Who.READER: "read", Who.WRITER: "write", Who.ADMIN: "admin"}
    world.shop.permissions |= {_LOGINS[who]: name for who, name in held.items()}
    world.shop.permissions[KEEPER] = "read"
    world.github.world.account(KEEPER)
    author, folk = _LOGINS[Who.AUTHOR], world.github.people
    fork = world.github.world.repository(f"{author}/shop")
    there.pulls[Where.GITHUB_OWN] = await folk.open_pull(world.shop, author, _CHANGE)
    there.pulls[Where.GITHUB_FORK] = await folk.open_pull(world.shop, author, _CHANGE, fork=fork)
    there.dev = world.slack.world.add_channel("dev")
    there.slackers = {who: _slacker(world, who) for who in Who if who is not Who.AUTHOR}
    there.members = {who: _member(world, who) for who in Who if who is not Who.AUTHOR}
    for who in _ROLES:
        await there.speak(Where.CONSOLE, who, "help", How.FRESH)
    for where in Where:
        await world.grant(there.account(where, Who.OPERATOR), Tier.OPERATOR)
    await world.grant(there.account(Where.SLACK, Who.READER), Tier.READ, f"slack:{TEAM}")
    for where in (Where.SLACK, Where.DISCORD, Where.CONSOLE):
        login = f"linked-on-{where.name.lower()}"
        world.shop.permissions[login] = "write"
        await world.link(there.account(where, Who.LINKED), login)
    await world.until_handled()
    return there


def _slacker(world: Everywhere, who: Who) -> str:
    flags = {Who.WRITER: {}, Who.ADMIN: {"is_admin": True}}
    return world.slack.world.add_user(who.name, flags=flags.get(who, {"is_restricted": True}))


def _member(world: Everywhere, who: Who) -> MemberActor:
    known: dict[Who, Callable[[], MemberActor]] = {
        Who.WRITER: lambda: world.discord.mod,
        Who.ADMIN: lambda: world.discord.admin,
    }
    user = world.discord.env.create_user
    made = known.get(who, lambda: world.discord.guild.add_member(user(who.name.lower())))
    return made()
