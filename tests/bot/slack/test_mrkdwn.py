"""What people write in Slack, as the grammar reads it, and short Markdown as Slack reads it."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.slack.mrkdwn import from_inline, to_markdown
from tests.fakes.slack.world import BOT, Message


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (f"<@{BOT}> test src/a.py", "@gryph test src/a.py"),
        (f"<@{BOT}|gryph> status", "@gryph status"),
        ("ask <@U2|bob> or <@U3>", "ask @bob or @U3"),
        ("see <#C1|dev> and <!here> and <!subteam^S1|@core>", "see #dev and @here and @core"),
        ("<https://x.invalid/a?b=1&amp;c=2|x.invalid>", "https://x.invalid/a?b=1&c=2"),
        ("<mailto:a@b.c|a@b.c> &lt;tag&gt; &amp;amp;", "a@b.c <tag> &amp;"),
        ("&gt; quoted\nnot", "> quoted\n\nnot"),
        (
            "generate \u201ca parser\u201d \u2014style unittest",
            'generate "a parser" --style unittest',
        ),
        ("well \u2014 yes", "well \u2014 yes"),
        ("```a &lt; b```", "```\na < b\n```"),
        ("see ```x = 1\ny``` now", "see \n```\nx = 1\ny\n```\n now"),
        ("open ``` only", "open \\`\\`\\` only"),
        ("", ""),
        ("see <http://a.py|a.py>", "see a.py"),
        ("\u2022 one\n    \u25e6 two", "\u2022 one\n\u25e6 two"),
        ("so\n&gt;&gt;&gt; a\n\n```b```", "so\n\n>  a\n> \n> ```b```"),
        ("```\n&gt;&gt;&gt; a```\nb", "```\n>>> a\n```\n\nb"),
    ],
)
def test_written_text_is_read_as_markdown(written: str, read: str) -> None:
    assert to_markdown(written, BOT) == read


@given(st.text(), st.text(), st.text())
def test_code_in_fences_never_reaches_the_text_around_it(a: str, code: str, b: str) -> None:
    plain = [part.replace("`", "").replace("<", "").replace("&", "") for part in (a, code, b)]
    text = f"{plain[0]}```{plain[1]}SECRET```{plain[2]}\n\nafter"
    tokens = MarkdownIt("commonmark", {"html": False}).parse(to_markdown(text, BOT))
    prose = [token.content for token in tokens if token.type == "inline"]
    assert not any("SECRET" in content for content in prose)


@pytest.mark.parametrize(
    ("markdown", "mrkdwn"),
    [
        ("84 %", "84 %"),
        ("**bold** *it* ~~no~~ `a<b`", "*bold* _it_ ~no~ `a&lt;b`"),
        ("[the PR](https://x.invalid/?a=1&b=2)", "<https://x.invalid/?a=1&amp;b=2|the PR>"),
        ("<!channel> & <@U1>", "&lt;!channel&gt; &amp; &lt;@U1&gt;"),
        ("[x](javascript:alert(1))", "[x](javascript:alert(1))"),
        ("[a](https://x.invalid/|<!here>)", "<https://x.invalid/%7C%3C!here%3E|a>"),
    ],
)
def test_inline_markdown_is_written_as_mrkdwn(markdown: str, mrkdwn: str) -> None:
    assert from_inline(markdown) == mrkdwn


@example(["[", "](", "<!channel>", ")"])
@given(st.lists(st.sampled_from(["<!channel>", "<@U1>", "@here", "*", "`", "[", "](", ")", "a"])))
def test_no_inline_markdown_pings_anybody(parts: list[str]) -> None:
    assert Message("1", "C1", BOT, from_inline("".join(parts))).pings() == set()


def test_a_link_within_a_link_loses_neither_address() -> None:
    assert from_inline("[<a@b.c>](https://d.example)") == (
        "a@b.c (mailto:a@b.c) (https://d.example)"
    )
