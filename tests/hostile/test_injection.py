"""The campaign of `tests.hostile.injection`, in small; and that its rules see what goes wrong."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from storage.database import Database
from tests.hostile import rules
from tests.hostile.corpus import Family, Place, attacks, written
from tests.hostile.stage import Stage, staged

ACTED, RECITED = 60, 12
"""Of the attacks, every so many-th."""


@pytest.fixture
async def stage(sqlite: Database, tmp_path: Path, valkey_url: str) -> AsyncGenerator[Stage]:
    async with staged(sqlite, tmp_path, valkey_url) as made:
        yield made


@pytest.mark.timeout(300)
async def test_hostile_text_does_nothing_wherever_it_stands(stage: Stage) -> None:
    faults = [fault for attack in attacks()[::ACTED] for fault in await stage.act(attack)]
    assert [str(fault) for fault in faults] == []
    assert stage.reciter.seen >= {Place.TITLE, Place.BODY, Place.FILE, Place.TOML, Place.DOCSTRING}


@pytest.mark.timeout(300)
async def test_hostile_text_does_nothing_in_any_block(stage: Stage) -> None:
    faults = [fault for attack in attacks()[::RECITED] for fault in await stage.recite(attack)]
    assert [str(fault) for fault in faults] == []


def test_the_corpus_is_in_every_family_and_place() -> None:
    tried = attacks()
    assert len(tried) > 300
    assert {attack.family for attack in tried} == set(Family)
    assert len({attack.name for attack in tried}) == len(tried)
    for place in Place:
        assert all(written(place, attack) for attack in tried)


@pytest.mark.parametrize(
    ("markdown", "what"),
    [
        ("hello @ann", "calls"),
        ("a **@org/team** b", "calls"),
        ("\\@ann", "calls"),
        ("[x](https://a.bc)@ann", "calls"),
        ("see o/r#1", "refers"),
        ("see gh-1", "refers"),
        ("fixes #1", "closes"),
        ("Closes: https://github.com/o/r/issues/1", "refers"),
        ("https://github.com/o/r/pull/1", "refers"),
        ("[x](https://github.com/o/r/issues/1)", "refers"),
        ("at 16c999e8", "refers"),
        ("<b>x</b>", "HTML"),
        ("<sub onclick=x>y</sub>", "HTML"),
        ("<!-- gryph:key=x -->", "hidden"),
        ("![x](https://a.bc/p.png)", "picture"),
        ("[a.bc](https://b.cd)\n\n[https://a.bc](https://b.cd)", "leads to"),
        ("[x](javascript:y)", "a link with"),
        ("https://g\u0456t.com", "looks like another"),
        ("https://a.bc@b.cd/", "looks like another"),
        ("```suggestion\nx\n```", "a fence that acts"),
        ("```&#109;ermaid\nx\n```", "a fence that acts"),
        ("a\u202eb", "cannot be seen"),
        ("\U000e0041", "cannot be seen"),
    ],
)
def test_the_rules_of_github_see_what_acts(markdown: str, what: str) -> None:
    assert any(what in fault for fault in rules.github(markdown))


@pytest.mark.parametrize(
    "markdown",
    [
        "`@ann` and `fixes #1` in code",
        "```python\n@fixture\n# fixes #1, <b>, ![x](y)\n```",
        "me@home.org, a&b, 1 < 2",
        "see https://a.bc/@ann",
        "[it](https://a.bc/x), [a.bc](https://a.bc)",
        "1,234,567 calls in 1234567 tries, defaced",
    ],
)
def test_the_rules_of_github_let_pass_what_does_nothing(markdown: str) -> None:
    assert rules.github(markdown) == []


@pytest.mark.parametrize(
    "text", ["<!channel>", "<@U1>", "<#C1|x>", "@here", "<https://a.com|b.com>", "<x>", "a\u202e"]
)
def test_the_rules_of_slack_see_what_acts(text: str) -> None:
    assert rules.slack_mrkdwn(text, asker="U2")
    assert rules.slack_mrkdwn("<@U2> &lt;!channel&gt; <https://a.bc|it>", asker="U2") == []


@pytest.mark.parametrize(
    "text", ["`<!here>`", "[https://a.bc](https://b.cd)", "![x](https://a.bc)", "<https://a.bc|x>"]
)
def test_the_rules_of_slacks_markdown_see_what_acts(text: str) -> None:
    assert rules.slack_markdown(text)
    assert rules.slack_markdown("[it](https://a.bc) `[x](y)` **b**") == []


@pytest.mark.parametrize(
    "text", ["<@1>", "@everyone", "<#1>", "[https://a.bc](https://b.cd)", "-# J1\nx", "a\x1b"]
)
def test_the_rules_of_discord_see_what_acts(text: str) -> None:
    assert rules.discord(text)
    assert rules.discord("`<@1>` [it](https://a.bc)\n```\n@everyone\n```\n-# J1") == []


def test_the_rules_of_a_terminal_see_what_acts() -> None:
    assert rules.on_terminal("\x1b[31m")
    assert rules.on_terminal("\x9b31m")
    assert rules.on_terminal("a\tb\n") == []
