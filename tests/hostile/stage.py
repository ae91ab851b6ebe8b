"""One world in which every attack is tried in every place and on every face, and what came of it.

People give one honest command on each face; the hostile text stands around it, in the repository
and in their names. What the platforms received is judged by `tests.hostile.rules`.
"""

import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from simcord.actors import MemberActor
from sqlmodel import Session, col, select
from typing_extensions import override

from bot.auth import Role
from bot.github.marker import MARKER
from handlers import Place as Spot
from handlers import Platform, Tier
from storage.database import Database
from storage.people import Account
from storage.tables import ApprovalRow, FeedbackRow, JobRow
from storage.tables.trust import AuditRow
from tests.fakes.everywhere import SHOP, Everywhere, everywhere
from tests.fakes.spine import PUBLIC_URL
from tests.hostile import rules
from tests.hostile.corpus import JOB, Attack, Family, Place, written
from tests.hostile.received import Posted, on_console, on_discord, on_github, on_slack
from tests.hostile.reciting import SOURCE, Reciter, all_kinds, files_with

OWN = f"{PUBLIC_URL}/api/v1/artifacts/"
NICKNAME_LENGTH = 32
LONGEST_SAYING = 1_950
"""Discord lets nobody write more, and our mention stands before it."""
_COMMAND = f"test {SOURCE}"
_MARKER = re.compile(r"<!-- gryph:(?:job=J[0-9A-Z]{6} )?key=[\w.:/-]+ -->\Z")
_ON_BRANCH = "test @%s:x.py"
_ABOUT = re.compile(r"^For #\d+\. (?=Applied by )", re.MULTILINE)
"""The one reference that a pull request of ours makes: to the one it comes from."""


@dataclass(frozen=True)
class Fault:
    """What a platform would have made of a text of ours."""

    attack: str
    face: Platform
    what: str

    @override
    def __str__(self) -> str:
        """For the report."""
        return f"{self.attack} on {self.face}: {self.what}"


@dataclass
class Stage:
    """Everybody in their places."""

    world: Everywhere
    reciter: Reciter
    slacker: str
    channel: str
    member: MemberActor
    thread: str | None = None
    job: str = JOB
    """One that succeeded and could be applied."""
    acts: int = 0

    async def act(self, attack: Attack) -> list[Fault]:
        """Try one attack in all places on all faces."""
        self.acts += 1
        attack = replace(attack, text=attack.text.replace(JOB, self.job))
        self.reciter.attack, self.reciter.number = attack, self.acts
        self.reciter.elsewhere = {place: written(place, attack) for place in Place}
        before = await self._effects()
        seen = await self._posted_so_far()
        number = await self._pull(attack)
        await self._ask_everywhere(attack, number)
        effects = await self._effects()
        faults = [
            Fault(attack.name, Platform.GITHUB, f"{what}: {count}")
            for what, count in effects.items()
            if what != "jobs" and count != before[what]
        ]
        # What bears our hidden marker is not heard on GitHub, whoever says it.
        is_heard = MARKER not in written(Place.COMMENT, attack)
        least, ran = 5 if is_heard else 3, effects["jobs"] - before["jobs"]
        if ran < least:
            faults.append(Fault(attack.name, Platform.GITHUB, f"{ran} jobs ran, not {least}"))
        if is_heard:
            await self._apply(number)
        posted = await self._posted_so_far()
        for face, texts in posted.items():
            fresh = texts[len(seen[face]) :]
            if is_heard or face is not Platform.GITHUB:
                faults += [Fault(attack.name, face, what) for what in self._judged(attack, fresh)]
            elif fresh:
                faults.append(Fault(attack.name, face, "what was not heard is answered"))
        faults += [Fault(attack.name, Platform.GITHUB, what) for what in await self._kept(attack)]
        self._delete_branch(number)
        return faults

    async def recite(self, attack: Attack) -> list[Fault]:
        """Say one attack in every kind of block, as an answer, on every face.

        Outbounds stand behind redaction, so secrets are not tried here.
        """
        if attack.family is Family.SECRET:
            return []
        self.acts += 1
        if self.thread is None:
            self.thread = await self.world.post("ann", Role.OPERATOR, {"text": "quota"})
            await self._a_pull()
            await self.world.until_handled()
        kept = await self.world.spine.kept.keep(None, "x.txt", b"x")
        reply = all_kinds(attack.text, kept)
        seen = await self._posted_so_far()
        for platform, face in self.world.faces.items():
            await face.outbound.answer(self._spot(platform), reply, key=f"recited:{self.acts}")
        posted = await self._posted_so_far()
        return [
            Fault(attack.name, face, what)
            for face, texts in posted.items()
            for what in self._judged(attack, texts[len(seen[face]) :])
        ]

    # What people do

    async def _a_pull(self) -> None:
        await self.world.github.people.open_pull(self.world.shop, "ann", {"b.txt": b"b"})

    async def _pull(self, attack: Attack) -> int:
        """A pull request with the attack in its title, text, branch, commit and files."""
        shop, people = self.world.shop, self.world.github.people
        files = files_with(attack, self.acts)
        number = await people.open_pull(shop, "ann", files, body=attack.text)
        shop.issues[number].title = written(Place.TITLE, attack)
        pull = shop.pulls[number]
        message = written(Place.COMMIT, attack).replace("\0", "")
        pull.head_sha = shop.git.commit_files(pull.head_ref, {"b.txt": b"b"}, message)
        shop.git.set_ref(f"refs/pull/{number}/head", pull.head_sha)
        pull.head_ref = written(Place.BRANCH, attack)
        shop.git.set_ref(f"refs/heads/{pull.head_ref}", pull.head_sha)
        shop.git.set_ref("refs/heads/main", pull.head_sha)  # where chats look
        return number

    def _delete_branch(self, number: int) -> None:
        """What Slack makes of a later attack's branch may be the name of this one."""
        self.world.shop.git.delete_ref(f"refs/heads/{self.world.shop.pulls[number].head_ref}")

    async def _ask_everywhere(self, attack: Attack, number: int) -> None:
        world, said = self.world, written(Place.COMMENT, attack)
        line = " ".join(said.split())
        branch, name = written(Place.BRANCH, attack), written(Place.NAME, attack)
        more = f"\n/gryph {_ON_BRANCH % branch}" if self.acts % 2 else ""
        text = f"{_COMMAND}\n/gryph frobnicate {line}{more}\n\n{said}"
        await world.comment("ann", number, f"@gryph {text}")
        first = await world.github.people.review_comment(
            world.shop, number, "ann", f"@gryph {_COMMAND}\n\n{said}"
        )
        await world.github.people.review_comment(
            world.shop, number, "ann", f"> {line}", reply_to=first.id
        )
        world.slack.world.users[self.slacker].name = name
        await world.mention(self.slacker, self.channel, text)
        await world.slack.slash(self.slacker, self.channel, f"{_COMMAND} style=x{line}")
        member = await self._member(name)
        await world.say(member, text[:LONGEST_SAYING])
        body = {"text": f"/gryph {text}", "conversation": self.thread, "repository": SHOP}
        self.thread = await world.post("ann", Role.OPERATOR, body)
        await world.until_handled()

    async def _member(self, name: str) -> MemberActor:
        """Who writes on Discord, called like the attack."""
        world = self.world.discord
        user = world.env.create_user(f"m{self.acts}")
        member = world.guild.add_member(user, nick=name[:NICKNAME_LENGTH] or None)
        await self.world.grant(Account("discord", str(member.id), "m"), Tier.WRITE)
        return member

    async def _apply(self, number: int) -> None:
        """Ann has the newest job's files put into the repository."""
        jobs = await self.world.spine.jobs()
        ours = [job.id for job in jobs if job.state == "succeeded" and job.number == number]
        assert ours, [(job.line, job.state, job.reply) for job in jobs[-6:]]
        self.job = ours[-1]
        await self.world.comment("ann", number, f"@gryph apply {self.job}")
        await self.world.until_handled()

    # What came of it

    async def _effects(self) -> dict[str, int]:
        """What only commands bring about."""

        def read(session: Session) -> dict[str, int]:
            jobs = session.exec(select(JobRow)).all()
            return {
                "jobs": len(jobs),
                "jobs of other lines": sum(not _is_honest(job.line) for job in jobs),
                "cancelled": sum(job.cancel_requested_by is not None for job in jobs),
                "votes": len(session.exec(select(FeedbackRow)).all()),
                "approvals": len(session.exec(select(ApprovalRow)).all()),
            }

        bot = self.world.github.world.bot
        opened = sum(each.by is bot for each in self.world.shop.issues.values())
        return {**await self.world.spine.database.read(read), "pull requests of ours": opened}

    async def _kept(self, attack: Attack) -> list[str]:
        """Secrets in what is kept of commands."""
        if not attack.secret:
            return []

        def read(session: Session) -> str:
            lines = [str(row.detail) for row in session.exec(select(AuditRow))]
            jobs = session.exec(select(JobRow).order_by(col(JobRow.created_at).desc()).limit(9))
            return "".join((*lines, *(row.line for row in jobs)))

        kept = await self.world.spine.database.read(read)
        return ["a secret is kept"] if attack.secret in kept else []

    async def _posted_so_far(self) -> dict[Platform, list[Posted]]:
        return {
            Platform.GITHUB: list(on_github(self.world)),
            Platform.SLACK: list(on_slack(self.world)),
            Platform.DISCORD: list(on_discord(self.world)),
            Platform.CONSOLE: await on_console(self.world),
        }

    def _judged(self, attack: Attack, posted: list[Posted]) -> Iterator[str]:
        assert posted, "something was said"
        for one in posted:
            yield from dict.fromkeys(f"{what} ({one.where})" for what in self._faults(one))
            if attack.secret and attack.secret in one.text.replace("\\n", "\n"):
                yield f"a secret ({one.where})"

    def _faults(self, one: Posted) -> list[str]:
        match one.kind:
            case "github":
                found = _MARKER.search(one.text.rstrip())
                text = _ABOUT.sub("", one.text)
                return rules.github(text, marker=found[0] if found else "", own=OWN)
            case "github plain":
                return rules.github_plain(one.text)
            case "mrkdwn":
                return rules.slack_mrkdwn(one.text, asker=self.slacker, own=OWN)
            case "slack markdown":
                return rules.slack_markdown(one.text, own=OWN)
            case "discord":
                return rules.discord(one.text, own=OWN)
            case "terminal":
                return rules.on_terminal(one.text)
            case "fault":
                return [one.text]
            case _:
                return rules.steering(one.text)

    def _spot(self, platform: Platform) -> Spot:
        match platform:
            case Platform.GITHUB:
                number = max(self.world.shop.pulls)
                return Spot(platform=platform, workspace="acme", channel=SHOP, thread=str(number))
            case Platform.SLACK:
                return Spot(platform=platform, workspace="T1", channel=self.channel)
            case Platform.DISCORD:
                world = self.world.discord
                guild, channel = str(world.guild.id), str(world.channel.id)
                return Spot(platform=platform, workspace=guild, channel=channel)
            case Platform.CONSOLE:
                assert self.thread is not None
                return Spot(
                    platform=platform, workspace="local", channel=self.thread, thread=self.thread
                )


def _is_honest(line: str) -> bool:
    """Whether a job's line is one that was given as a command."""
    return line == _COMMAND or (line.startswith("test @") and line.endswith(":x.py"))


@asynccontextmanager
async def staged(database: Database, folder: Path, valkey_url: str) -> AsyncGenerator[Stage]:
    """A stage in a world of its own."""
    nobody = Attack("nothing", Family.PROMPT, "nothing")
    reciter = Reciter(nobody)
    async with everywhere(
        database, folder, valkey_url, works={"test": reciter}, speaks=True
    ) as world:
        world.shop.permissions["ann"] = "write"
        slacker = world.slack.world.add_user("ann")
        channel = world.slack.world.add_channel("dev")
        yield Stage(world, reciter, slacker, channel, world.discord.mod)
