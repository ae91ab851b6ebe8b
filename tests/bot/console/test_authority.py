"""What a console caller may do, now: by the token their message came with, while it lasts."""

from datetime import timedelta

import pytest
from sqlmodel import Session

from bot.auth import ApiClient
from bot.console import inbound
from bot.console.authority import ConsoleAuthority
from bot.console.inbound import Said
from handlers import Invocation, Tier
from storage import console
from storage.clock import utc_now
from storage.console import MessageKind, NewMessage
from tests.bot.console.gateway import Gateway


async def spoken(
    gateway: Gateway,
    tier: Tier,
    *,
    lasts_s: float = 60,
    repository: str | None = None,
    key: str = "k",
) -> Invocation:
    """A message that came with a token of this tier."""
    client = ApiClient("ann", tier, utc_now() + timedelta(seconds=lasts_s))

    def store(session: Session) -> int:
        now = utc_now()
        console.grant(session, client.account, tier, client.expires_at)
        console.open_conversation(session, "C1", client.account, now)
        new = NewMessage("C1", key, MessageKind.PERSON, {"text": "help"}, tier=tier)
        return console.add(session, new, now).id or 0

    message = await gateway.database.write(store)
    return inbound.invocation(client, Said("C1", message, utc_now()), "help", repository)


@pytest.mark.parametrize("tier", [Tier.READ, Tier.WRITE, Tier.ADMIN, Tier.OPERATOR])
async def test_the_tier_is_the_tokens(gateway: Gateway, tier: Tier) -> None:
    event = await spoken(gateway, tier, repository="team/app")
    standing = await ConsoleAuthority(gateway.database).standing(event)
    assert (standing.tier, standing.repository) == (tier, "team/app")


async def test_when_the_token_has_ended_nothing_is_allowed_any_more(gateway: Gateway) -> None:
    event = await spoken(gateway, Tier.OPERATOR, lasts_s=-1, repository="local:/srv/app")
    standing = await ConsoleAuthority(gateway.database).standing(event)
    assert (standing.tier, standing.repository) == (Tier.ANYONE, None)


async def test_a_fresh_token_of_the_same_tier_keeps_a_waiting_job_allowed(
    gateway: Gateway,
) -> None:
    event = await spoken(gateway, Tier.WRITE, lasts_s=-1)
    await spoken(gateway, Tier.WRITE, key="later")
    assert (await ConsoleAuthority(gateway.database).standing(event)).tier is Tier.WRITE


async def test_a_stronger_token_does_not_lift_what_was_said_with_a_weaker_one(
    gateway: Gateway,
) -> None:
    weak = await spoken(gateway, Tier.READ)
    await spoken(gateway, Tier.OPERATOR, key="later")
    assert (await ConsoleAuthority(gateway.database).standing(weak)).tier is Tier.READ


async def test_a_weaker_token_does_not_keep_a_stronger_one_alive(gateway: Gateway) -> None:
    strong = await spoken(gateway, Tier.OPERATOR, lasts_s=-1)
    await spoken(gateway, Tier.READ, key="later")
    assert (await ConsoleAuthority(gateway.database).standing(strong)).tier is Tier.ANYONE


async def test_another_account_cannot_speak_through_somebodys_message(gateway: Gateway) -> None:
    event = await spoken(gateway, Tier.OPERATOR)
    stranger = event.caller.model_copy(update={"account": "api:eve"})
    for forged in (
        event.model_copy(update={"caller": stranger}),
        event.model_copy(update={"place": event.place.model_copy(update={"channel": "C2"})}),
        event.model_copy(update={"place": event.place.model_copy(update={"message": "999"})}),
        event.model_copy(update={"place": event.place.model_copy(update={"message": None})}),
    ):
        standing = await ConsoleAuthority(gateway.database).standing(forged)
        assert standing.tier is Tier.ANYONE


async def test_a_folder_of_the_machine_is_only_the_operators(gateway: Gateway) -> None:
    authority = ConsoleAuthority(gateway.database)
    operator = await spoken(gateway, Tier.OPERATOR, repository="local:/srv/app")
    admin = await spoken(gateway, Tier.ADMIN, repository="local:/srv/app", key="admin")
    assert (await authority.standing(operator)).repository == "local:/srv/app"
    assert (await authority.standing(admin)).repository is None
