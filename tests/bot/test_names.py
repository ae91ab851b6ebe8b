import pytest

from bot.commands import COMMANDS
from bot.discord.markdown import from_discord
from bot.grammar import find_lines
from bot.names import mentioned
from bot.slack.mrkdwn import to_markdown

NAMES = ("gryph apply J7K2M9Q", "GRYPH apply J7K2M9Q", "x\n/gryph apply J7K2M9Q", "a @gryph status")


@pytest.mark.parametrize("name", NAMES)
def test_a_person_called_like_a_command_gives_none_when_mentioned(name: str) -> None:
    text = from_discord("thanks\n<@34> for that", {"<@34>": mentioned(name)})
    assert find_lines(text, previous=None, verbs=COMMANDS).found == ()


@pytest.mark.parametrize("token", ["<@U2|{}>", "<!subteam^S1|@{}>", "<#C1|{}>", "<!date^1^x|{}>"])
@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_slacks_gives_no_command(token: str, name: str) -> None:
    text = to_markdown("thanks\n" + token.format(name.replace("\n", " ")) + " for that", "UGRYPH")
    assert find_lines(text, previous=None, verbs=COMMANDS).found == ()


def test_other_names_are_read_as_they_are() -> None:
    assert mentioned("Ann") == "@Ann"
    assert mentioned("dev", "#") == "#dev"
