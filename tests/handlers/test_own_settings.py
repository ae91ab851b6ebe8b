"""What people say of themselves: how much at a time, when they are away, or never."""

from datetime import UTC, date, datetime

import pytest
from inline_snapshot import snapshot

from handlers import Tier, UserError
from handlers.time_off import absences_of, told
from storage import availability, people
from storage.availability import Absence, Own
from storage.clock import utc_now
from tests.fakes.chat import Chat

SUNDAY = datetime(2026, 11, 29, 22, 30, tzinfo=UTC)
"""In Tokyo it is Monday already."""


def days(said: str, zone: str = "UTC") -> list[tuple[str, str]]:
    return [(str(one.first), str(one.last)) for one in absences_of(said, SUNDAY, zone)]


@pytest.mark.parametrize(
    ("said", "first", "last"),
    [
        ("2026-12-24", "2026-12-24", "2026-12-24"),
        ("2026-12-01..2026-12-12", "2026-12-01", "2026-12-12"),
        ("2026-12-01 to 2026-12-12", "2026-12-01", "2026-12-12"),
        ("until friday", "2026-11-29", "2026-12-04"),
        ("Until Sunday", "2026-11-29", "2026-11-29"),
        ("until 2026-12-12", "2026-11-29", "2026-12-12"),
        ("..2026-12-12", "2026-11-29", "2026-12-12"),
        ("monday..friday", "2026-11-30", "2026-12-04"),
        ("friday..monday", "2026-12-04", "2026-12-07"),
        ("from mon until wed", "2026-11-30", "2026-12-02"),
        ("tomorrow", "2026-11-30", "2026-11-30"),
        ("today", "2026-11-29", "2026-11-29"),
        ("2d", "2026-11-29", "2026-11-30"),
        ("1w", "2026-11-29", "2026-12-05"),
        ("for 2 days", "2026-11-29", "2026-11-30"),
    ],
)
def test_days_are_read_as_people_say_them(said: str, first: str, last: str) -> None:
    assert days(said) == [(first, last)]


def test_several_absences_stand_between_commas() -> None:
    assert days("2026-12-24, 2026-12-28..2026-12-31 and 2027-01-04") == [
        ("2026-12-24", "2026-12-24"),
        ("2026-12-28", "2026-12-31"),
        ("2027-01-04", "2027-01-04"),
    ]


def test_the_days_are_those_of_the_persons_zone() -> None:
    assert days("until friday", "Asia/Tokyo") == [("2026-11-30", "2026-12-04")]
    assert days("today", "America/New_York") == [("2026-11-29", "2026-11-29")]


@pytest.mark.parametrize("said", ["none", "Never", "back", "off"])
def test_nobody_is_away_for_none(said: str) -> None:
    assert days(said) == []


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("someday", "is no day that I know"),
        ("2026-12-99", "is no day that I know"),
        ("2026-12-12..2026-12-01", "is before the first"),
        ("2026-11-01", "is over already"),
        ("2026-12-01..2028-01-01", "too long or too far"),
        ("2030-01-01", "too long or too far"),
        (", ", "When are you away"),
        (",".join(["2026-12-24"] * 21), "at most 20 absences"),
    ],
)
def test_what_is_no_absence_is_told_why(said: str, why: str) -> None:
    with pytest.raises(UserError, match=why):
        days(said)


def test_what_is_over_is_no_longer_told() -> None:
    over = Absence(date(2026, 11, 1), date(2026, 11, 28))
    coming = Absence(date(2026, 12, 1), date(2026, 12, 12), "Asia/Tokyo")
    assert told([over, coming], SUNDAY) == "2026-12-01 to 2026-12-12 (Asia/Tokyo)"
    assert told([over], SUNDAY) == "no"


async def own(chat: Chat, name: str = "ann") -> Own:
    now = utc_now()

    def read() -> Own:
        return chat.database.write_now(
            lambda s: availability.of_person(
                s, people.person_of(s, platform="slack", account=f"U-{name}", name=name, now=now)
            )
        )

    return read()


async def test_config_me_says_what_holds_for_oneself(chat: Chat) -> None:
    assert await chat.say("@gryph config me") == snapshot("""\
What you said of yourself
─────────────────────────

style     pytest
capacity  as much as comes
away      no
matching  on
timezone  UTC

No GitHub account of yours is linked, so I cannot tell who of a repository you are, and what you say here changes nothing there: `/gryph link github:YOUR-LOGIN`, in a direct message to me, says it.

`/gryph config me capacity=4 away=2026-12-01..2026-12-12 matching=off` changes it.\
""")


async def test_capacity_opt_out_and_zone_are_the_persons_own(chat: Chat) -> None:
    answer = await chat.say("@gryph config me capacity=4 matching=off timezone=europe/berlin")
    assert "fewer than 4 matched items" in answer
    assert "`Europe/Berlin`" in answer
    kept = await own(chat)
    assert (kept.capacity, kept.is_out, kept.timezone) == (4, True, "Europe/Berlin")
    shown = await chat.say("@gryph config me")
    assert "off: you are never named" in shown
    assert await own(chat, "bob") == Own()
    await chat.say("@gryph config me unset=matching")
    assert not (await own(chat)).is_out


async def test_days_off_are_added_until_they_are_taken_back(chat: Chat) -> None:
    assert "You are away:" in await chat.say("@gryph config me away=1w")
    assert "You are away:" in await chat.say("@gryph config me away=until friday")
    assert "You are away:" in await chat.say('@gryph config away="until friday"')
    until = {str(each.last) for each in (await own(chat)).absences}
    assert len(until) in (1, 2)
    assert "no day off is kept" in await chat.say("@gryph config me away=none")
    assert (await own(chat)).absences == ()
    await chat.say("@gryph config me away=tomorrow")
    assert "back to its default" in await chat.say("@gryph config me unset=away")
    assert (await own(chat)).absences == ()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("config me away=2d capacity=99", "whole number from 0 to 50"),
        ("config me timezone=UTC matching=off away=whenever", "no day that I know"),
        ("config me capacity=lots", "whole number from 0 to 50"),
        ("config me capacity=51", "whole number from 0 to 50"),
        ("config me matching=maybe", "`matching` is `on` or `off`"),
        ("config me timezone=Mars/Olympus", "no time zone"),
        ("config me away=whenever", "no day that I know"),
        ("config me repository=o/r", "is a channel's"),
        ("config you", "say what is to be how"),
        ("config me away until friday", "An option is written `away=until`"),
        ("config me away", "`away`: say what is to be how"),
        ("config me away=not", "When are you there after all?"),
        ("config me capasity=4", "Did you mean `capacity`?"),
    ],
)
async def test_what_cannot_be_is_told_why(chat: Chat, line: str, why: str) -> None:
    assert why in await chat.say(f"@gryph {line}")
    assert await own(chat) == Own()


async def test_several_things_said_at_once_are_kept_together(chat: Chat) -> None:
    answer = await chat.say("@gryph config me away=2026-12-24 timezone=Asia/Tokyo style=unittest")
    assert "(Asia/Tokyo)" in answer, "the days are those of the zone that is said with them"
    assert "`style` is now `unittest` for you." in answer
    assert (await own(chat)).timezone == "Asia/Tokyo"
    answer = await chat.say("@gryph config me unset=timezone away=2026-12-28")
    assert "2026-12-24 (Asia/Tokyo), 2026-12-28." in answer


async def test_nothing_is_offered_that_deletes_what_nobody_wanted_deleted(chat: Chat) -> None:
    await chat.say("@gryph config me away=1w")
    assert "unset" not in await chat.say("@gryph config me away")
    assert "unset=repository" not in await chat.say("@gryph config me unset=all")
    assert (await own(chat)).absences


async def test_who_takes_nothing_is_told_that_they_are_not_named(chat: Chat) -> None:
    answer = await chat.say("@gryph config me capacity=0")
    assert answer.startswith("You are not named while `capacity` is 0.")
    assert "capacity  0: you are not named" in await chat.say("@gryph config me")
    assert (await own(chat)).capacity == 0


async def test_some_days_are_taken_back_and_the_others_stay(chat: Chat) -> None:
    await chat.say("@gryph config me away=tomorrow,2w")
    before = (await own(chat)).absences
    assert len(before) == 1, "what overlaps is one absence"
    answer = await chat.say("@gryph config me away=not tomorrow")
    assert answer.startswith(f"You are away: {before[0].first}, ")
    assert [one.last for one in (await own(chat)).absences][1:] == [before[0].last]
    assert "On those days you were not away." in await chat.say(
        "@gryph config me away=not tomorrow"
    )
    assert (await chat.say("@gryph config me away=not 2w")).startswith("You are here;")
    assert (await own(chat)).absences == ()


async def test_who_cannot_be_found_in_a_history_is_told_so(chat: Chat) -> None:
    hint = "I cannot tell who of a repository you are"
    for said in ("matching=off", "away=1d", "capacity=2 away=2d"):
        assert (await chat.say(f"@gryph config me {said}")).count(hint) == 1
    assert hint not in await chat.say("@gryph config me style=unittest timezone=UTC")
    chat.platform.tiers["Ann Lee"] = Tier.READ
    answer = await chat.say("@gryph config me matching=off", by="Ann Lee")
    assert "only where its history has your full name, `Ann Lee`" in answer
    await chat.link("ann", "ann-lee")
    for said in ("", "matching=off"):
        assert "linked" not in await chat.say(f"@gryph config me {said}".rstrip())
