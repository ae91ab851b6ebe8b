import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.discord.markdown import from_discord

NAMES = {"<@1>": "@gryph", "<@!1>": "@gryph", "<@2>": "@ann", "<#3>": "#general"}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("<@1> test src/a.py", "@gryph test src/a.py"),
        ("<@!1> status", "@gryph status"),
        ("ask <@2> in <#3>", "ask @ann in #general"),
        ("`<@1>` is my name", "`<@1>` is my name"),
        ("||secret|| `a || b || c`", "secret `a || b || c`"),
        ("nice <:partyparrot:123456789012345678>", "nice :partyparrot:"),
        ("        <@1> status", "@gryph status"),
        ("\t<@1> status", "@gryph status"),
        ("> quoted\n<@1> status", "> quoted\n\n@gryph status"),
        ("> one\n> two", "> one\n> two"),
        ("<@1> status\n>>> quoted\n\n<@1> cancel", "@gryph status\n\n> quoted\n> \n> <@1> cancel"),
        ("```py\n>>> x\n```\n<@1> status", "```py\n>>> x\n```\n\n@gryph status"),
        ("```x = 1```<@1> status", "```\nx = 1\n```\n@gryph status"),
        ("```not closed\n<@1> status", r"\`\`\`not closed" + "\n@gryph status"),
        ("", ""),
    ],
)
def test_discord_text_means(typed: str, meant: str) -> None:
    assert from_discord(typed, NAMES).rstrip() == meant


@given(st.text("`>|<@1 \nab-", max_size=200))
def test_any_text_is_translated(typed: str) -> None:
    assert isinstance(from_discord(typed, NAMES), str)


@given(st.text("ab \n>", max_size=40), st.sampled_from(["```\n{}\n```", "> {}", ">>> x\n{}"]))
def test_command_in_code_or_quote_stays_there(before: str, wrapped: str) -> None:
    text = before + "\n" + wrapped.format("<@1> status")
    lines = from_discord(text, NAMES).split("\n")
    assert "@gryph status" not in lines or wrapped.startswith("```")
