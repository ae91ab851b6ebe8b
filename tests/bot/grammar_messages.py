"""Made-up messages of mixed Markdown in which it is known what is a command, and slips of keys.

Drawn from a `random.Random`, so that Hypothesis can shrink them and the benchmark can seed them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random

_WORDS = "the parser breaks on empty input since we moved it, see above; can someone look? fine"
_KEY_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_DEEPEST = 3


@dataclass
class Message:
    """A message, and the command lines in it that must be found, in order."""

    text: str = ""
    commands: list[str] = field(default_factory=list[str])


class MessageMaker:
    """Draws messages; every command in one is different, so that each trigger can be traced."""

    def __init__(self, random: Random) -> None:
        """`random` decides everything."""
        self._random = random
        self._count = 0
        self._commands: list[str] = []

    def message(self) -> Message:
        """The next message."""
        self._commands = []
        newline = self._random.choice(["\n", "\n", "\r\n"])
        lines = self._blocks(depth=0, live=True)
        return Message(newline.join(lines), self._commands)

    def soup(self) -> str:
        """Fragments of Markdown and commands in any order: what it means is anyone's guess."""
        commands = [f"{self._address()} {self._command().replace('`', '')}" for _ in range(6)]
        pieces = [*_FRAGMENTS, *commands, *commands]
        size = self._random.randint(1, 40)
        return "".join(self._random.choice(pieces) for _ in range(size))

    def _command(self) -> str:
        self._count += 1
        form = self._random.choice(["test src/f{}.py", "test `src/f{}.py`", "status J{:06}"])
        return form.format(self._count)

    def _address(self) -> str:
        return self._random.choice(["/gryph", "@gryph", "@gryph"])

    def _words(self) -> str:
        words = _WORDS.split()
        first = self._random.randrange(len(words))
        return " ".join(words[first : first + self._random.randint(1, 5)])

    def _blocks(self, *, depth: int, live: bool) -> list[str]:
        """One to four blocks. Whatever is not `live` holds no command that counts."""
        lines: list[str] = []
        for _ in range(self._random.randint(1, 4)):
            kinds: list[Callable[[], list[str]]] = [
                partial(self._paragraph, live=live), partial(self._paragraph, live=live),
                partial(self._inline_traps, live=live), self._fence, self._indented, self._html,
                self._heading, self._table,
            ]  # fmt: skip
            if depth < _DEEPEST:
                kinds += [partial(self._quote, depth), partial(self._details, depth)]
                kinds += [partial(self._list, depth, live=live)]
            # a rule ends any list, whose items would take in what is indented below them
            lines += [*self._random.choice(kinds)(), "", "***", ""]
        return lines

    def _live_line(self, *, live: bool) -> str:
        command = self._command()
        address = self._address()
        if address == "@gryph":
            lead = self._random.choice(["", "", "hey ", "so, ", "**", "(cc @ann) "])
        else:
            lead = self._random.choice(["", "", "  ", "**"])
        if live:
            self._commands.append(command)
        tail = "**" if lead == "**" else ""
        comment = self._random.choice(["", "", " <!-- /gryph test hidden.py -->"])
        return f"{lead}{address} {command}{tail}{comment}"

    def _paragraph(self, *, live: bool) -> list[str]:
        lines: list[str] = []
        for _ in range(self._random.randint(1, 4)):
            is_command = self._random.random() < 0.4
            lines.append(self._live_line(live=live) if is_command else self._words())
        if self._random.random() < 0.1:
            lines.append("---")  # underlines the paragraph: a heading, still prose
        return lines

    def _inline_traps(self, *, live: bool) -> list[str]:
        lines = [self._trap() for _ in range(self._random.randint(1, 3))]
        if self._random.random() < 0.3:
            lines.append(self._live_line(live=live))
        return lines

    def _trap(self) -> str:
        said = f"{self._address()} {self._command().replace('`', '')}"
        form = self._random.choice(_TRAPS)
        return form.format(said=said, words=self._words())

    def _fence(self) -> list[str]:
        fence = self._random.choice(["```", "~~~", "`````"])
        info = self._random.choice(["", "python", " text"])
        return [fence + info, *self._dead_lines(), fence]

    def _indented(self) -> list[str]:
        return [f"    {line}" for line in self._dead_lines()]

    def _html(self) -> list[str]:
        first, last = self._random.choice(_HTML)
        gap = [""] if first.startswith(("<!--", "<pre", "<script", "<?")) else []
        return [first, *self._dead_lines(), *gap, *self._dead_lines(), last]

    def _heading(self) -> list[str]:
        return [f"{'#' * self._random.randint(1, 6)} {self._dead_lines()[0]}"]

    def _table(self) -> list[str]:
        rows = [f"| {line} | x |" for line in self._dead_lines()]
        return ["| a | b |", "|---|---|", *rows]

    def _dead_lines(self) -> list[str]:
        size = self._random.randint(1, 3)
        return [f"{self._address()} {self._command().replace('`', '')}" for _ in range(size)]

    def _quote(self, depth: int) -> list[str]:
        mark = self._random.choice(["> ", ">"])
        return [f"{mark}{line}" for line in self._blocks(depth=depth + 1, live=False)]

    def _list(self, depth: int, *, live: bool) -> list[str]:
        mark = self._random.choice(["- ", "* ", "1. ", "12) "])
        lines: list[str] = []
        for _ in range(self._random.randint(1, 3)):
            inner = self._item(depth, live=live)
            lines += [mark + inner[0], *(f"{' ' * len(mark)}{line}" for line in inner[1:])]
        return lines

    def _item(self, depth: int, *, live: bool) -> list[str]:
        if self._random.random() < 0.6:
            return self._paragraph(live=live)
        return ["item", "", *self._blocks(depth=depth + 1, live=live)]

    def _details(self, depth: int) -> list[str]:
        inner = self._blocks(depth=depth + 1, live=False)
        return ["<details>", "<summary>more</summary>", "", *inner, "", "</details>"]


_TRAPS = (
    "`{said}`",
    "{words} `{said}` {words}",
    "`` a ` {said} ``",
    "[{said}](https://example.com)",
    "{words} [x @gryph test no.py](https://example.com/a)",
    "![{said}](https://example.com/a.png)",
    "<https://example.com/@gryph/test>",
    "https://example.com/@gryph test no.py",
    "<b>{said}</b>",
    "<kbd>{words} {said} {words}</kbd>",
    "{words} <!-- {said} --> {words}",
    "~~{said}~~",
    "\\{said}",
    "me@gryph.dev test no.py",
    "@gryphon test no.py",
    "{words} /gryph test no.py",
    '{words} "@gryph test no.py"',
    "@gryph, {words}",
)
_HTML = (
    ("<div>", "</div>"),
    ("<!--", "-->"),
    ("<pre>", "</pre>"),
    ("<script>", "</script>"),
    ("<?php", "?>"),
    ("<table><tr><td>", "</td></tr></table>"),
)
_FRAGMENTS = (
    "\n", "\n", "\n\n", "\n\n", " ", "    ", "\t", "> ", ">", "- ", "1. ", "# ", "```", "~~~", "`",
    "``", "**", "_", "~~", "[", "](", ")", "![", "<", ">", "<!--", "-->", "<b>", "</b>", "<p>",
    "<details>", "</details>", "<div>", "|", "\n|-|\n", "---", "===", "\\", "&amp;", "\r", "\r\n",
    "\0", "\u200b", "\u00a0", "\u2028", "\x0b", "word", "@ann", "[a]: b\n", "“", "”", "é", "日本",
    "😀", "=", '"', "'",
)  # fmt: skip


def slip(word: str, random: Random) -> str:
    """`word` with one slip: two keys swapped, one left out, hit twice, or its neighbour hit."""
    kind = random.randrange(4)
    at = random.randrange(len(word) - 1) if kind == 0 else random.randrange(len(word))
    before, char, after = word[:at], word[at], word[at + 1 :]
    if kind == 0:
        return before + after[0] + char + after[1:]
    if kind == 1:
        return before + after
    return before + (char * 2 if kind == 2 else _neighbour(char, random)) + after


def _neighbour(char: str, random: Random) -> str:
    """A key beside, above or below `char`'s."""
    for number, row in enumerate(_KEY_ROWS):
        if (at := row.find(char)) >= 0:
            near = [row[i] for i in (at - 1, at + 1) if 0 <= i < len(row)]
            near += [
                _KEY_ROWS[i][at]
                for i in (number - 1, number + 1)
                if 0 <= i < len(_KEY_ROWS) and at < len(_KEY_ROWS[i])
            ]
            return random.choice(near)
    return char
