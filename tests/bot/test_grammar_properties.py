"""What holds for any text."""

import re
from collections import Counter
from html.parser import HTMLParser
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from typing_extensions import override

from bot.grammar import GrammarError, find_lines, parse, suggest
from handlers import Call
from tests.bot.grammar_commands import COMMANDS
from tests.bot.grammar_messages import MessageMaker

MANY = 10**6
_NOT_PROSE = frozenset({"pre", "code", "blockquote", "a", "table", "s"})
_CODE = re.compile(r"f\d+\.py|J\d{6}")
"""Which of the message's commands a text shows."""
_HIDDEN = re.compile(r"<!--->|<!-->|<!--.*?(?:-->|\Z)|<![^>]*(?:>|\Z)", re.DOTALL)
randoms = st.randoms(use_true_random=False)


@given(randoms)
@settings(max_examples=300, deadline=None)
def test_exactly_the_commands_in_top_level_prose_are_found(random: Random) -> None:
    message = MessageMaker(random).message()
    found = find_lines(message.text, limit=MANY, verbs=COMMANDS).found
    assert [each.line for each in found] == message.commands
    for each in found:
        assert message.text[each.offset :].lower().startswith(each.address)


class _Prose(HTMLParser):
    """The text of rendered Markdown outside what is not prose."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self._inside: Counter[str] = Counter()

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside[tag] += tag in _NOT_PROSE

    @override
    def handle_endtag(self, tag: str) -> None:
        self._inside[tag] -= tag in _NOT_PROSE and self._inside[tag] > 0

    @override
    def handle_data(self, data: str) -> None:
        if not self._inside.total():
            self.text += data


@given(randoms)
@settings(max_examples=300, deadline=None)
def test_whatever_is_found_is_prose_to_the_reader(random: Random) -> None:
    text = MessageMaker(random).soup()
    prose = _Prose()
    rendered = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text)
    prose.feed(_HIDDEN.sub("", rendered))
    found = find_lines(text, limit=MANY, verbs=COMMANDS).found
    ran = Counter(code for each in found for code in _CODE.findall(each.line)[:1])
    assert ran <= Counter(_CODE.findall(prose.text))


@given(st.text(max_size=300), st.text(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_without_a_crash(text: str, previous: str) -> None:
    for written in (text, f"/gryph {text}", f"@gryph test {text}"):
        lines = find_lines(written, previous=previous, verbs=COMMANDS)
        assert len(lines.found) <= 5
        suggest(written, COMMANDS)


@given(
    st.sampled_from(["", "test ", "feedback J7K2M9Q ", "config ", "status ", "test a.py style="]),
    st.text(max_size=200) | st.text("abcL019 -=#:@/.\"'`“”—\\()[]<>", max_size=60),
)
@settings(max_examples=500, deadline=None)
def test_a_line_is_read_or_answered(start: str, rest: str) -> None:
    line = start + rest
    read = _read(line)
    if isinstance(read, GrammarError):
        assert 0 <= read.position <= len(line) + 1
        _assert_answered(str(read))
    else:
        assert parse(read.line, COMMANDS) == read


def _read(line: str) -> Call | GrammarError:
    try:
        return parse(line, COMMANDS)
    except GrammarError as error:
        return error


def _assert_answered(message: str) -> None:
    """The carets are there, and the nearest correct command is indeed correct."""
    fences = [
        block.content
        for block in MarkdownIt("commonmark").parse(message)
        if block.type == "fence" and block.level == 0
    ]
    assert fences[0].splitlines()[1].strip("^ ") == ""
    assert "^" in fences[0]
    for nearest in fences[1:]:
        parse(nearest.removeprefix("/gryph ").removesuffix("\n"), COMMANDS)
    assert len(fences) > 1 or "Example: `/gryph " in message
