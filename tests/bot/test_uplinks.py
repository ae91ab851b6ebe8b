"""What a gateway says of the connections over which it hears."""

from bot.uplinks import BRIEF_S, Uplink
from handlers import Platform


class Clock:
    """Stands still until it is put forward."""

    def __init__(self) -> None:
        """At no particular time."""
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def test_a_connection_that_is_lost_is_trouble_after_a_while_and_until_it_is_made() -> None:
    clock = Clock()
    uplink = Uplink(Platform.DISCORD, clock)
    uplink.wanted()
    uplink.made()
    clock.now_s += 1_000
    uplink.lost("Discord hung up")
    clock.now_s += BRIEF_S
    assert uplink.trouble() == ""
    assert not uplink.is_up
    uplink.lost("no login")
    clock.now_s += 60
    assert uplink.trouble() == "discord has not been connected for 90 s: no login."
    uplink.made()
    assert uplink.trouble() == ""


def test_a_connection_that_never_came_about_is_trouble_too() -> None:
    clock = Clock()
    uplink = Uplink(Platform.SLACK, clock)
    uplink.wanted()
    clock.now_s += BRIEF_S + 1
    assert (
        uplink.trouble() == "slack has not been connected for 31 s: it has not been connected yet."
    )


def test_a_connection_that_is_another_gateways_business_is_never_trouble() -> None:
    clock = Clock()
    uplink = Uplink(Platform.DISCORD, clock)
    uplink.lost("no login")
    clock.now_s += 3_600
    assert uplink.trouble() == ""
    uplink.made()
    assert not uplink.is_up, "word that came late"
    uplink.wanted()
    assert uplink.trouble() == ""
    clock.now_s += BRIEF_S + 1
    assert uplink.trouble().endswith("no login.")
    uplink.unwanted()
    assert uplink.trouble() == ""
