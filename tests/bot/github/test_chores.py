from datetime import timedelta

from sqlmodel import Session

from bot.github.chores import NEWEST, OLDER, GitHubChores
from bot.github.reactions import BATCH
from handlers import Platform
from jobs.messages import say
from storage import deliveries
from storage.clock import utc_now
from storage.database import Database
from storage.deliveries import Message
from storage.tables.deliveries import DeliveryRow
from tests.bot.github.town import Town
from tests.jobs.asked import asked


async def test_a_reaction_on_an_old_comment_is_found_in_its_turn(
    here: Town, sqlite: Database
) -> None:
    number = await here.github.people.open_issue(here.repo, "ann")
    place = (await here.asked(number, "/gryph help")).place
    posted = await here.face.outbound.answer(place, say("Here."), key="answer:1:0")
    job = await asked(sqlite)
    later = [(f"github:o/r:{n}", f"IC_kw{n}") for n in range(NEWEST + 2 * OLDER)]
    here.github.people.react(here.repo.comments[int(posted.data["comment"])], "ann", "+1")

    def fill(session: Session) -> None:
        row = session.get_one(DeliveryRow, job)
        now = utc_now()
        for age, (key, node) in enumerate([(posted.key, posted.data["node"]), *later]):
            said = Message(
                key, "result", Platform.GITHUB, place.model_dump(mode="json"), {"node": node}
            )
            deliveries.posted(session, row, said, now - timedelta(hours=9) + timedelta(seconds=age))

    await sqlite.write(fill)
    chores = GitHubChores(here.client, sqlite, here.intake)
    looks = 0
    while not here.reactions:
        looks += 1
        before = here.calls("POST", "/graphql")
        await chores.look_at_reactions()
        assert here.calls("POST", "/graphql") - before <= (NEWEST + OLDER) / BATCH
    assert looks == 3
    assert here.reactions[0].message_key == posted.key


async def test_comments_that_are_no_jobs_are_not_watched(here: Town, sqlite: Database) -> None:
    place = {"platform": "github", "workspace": "o", "channel": "o/r"}
    row = DeliveryRow(key="answer:1:0", platform="github", place=place, next_try_at=utc_now())
    said = Message("github:o/r:1", "answer", Platform.GITHUB, place, {"node": "IC_kw1"})
    await sqlite.write(lambda s: deliveries.posted(s, row, said, utc_now()))
    await GitHubChores(here.client, sqlite, here.intake).look_at_reactions()
    assert here.calls("POST", "/graphql") == 0
