"""Markdown as people, models and attackers write it, with words in it that are found again."""

from collections.abc import Callable
from random import Random

LONGEST = 200_000
COUNTED = "\u0436"
"""Letters of long words: none may be lost."""
_NASTY = (
    *("@ann", "@org/team", "#12", "o/r#3", "GH-4", "fixes #12", "Closes: o/r#1", "resolve GH-1"),
    *(
        "fixes https://github.com/o/r/issues/1",
        "Closed: https://github.com/o/r/pull/2",
        "\n-# J7 · result\n",
    ),
    *("<!channel>", "<!here|x>", "<@U123ABC>", "<#C1AB>", "<!subteam^S1|x>", "@here", "@channel"),
    *("@everyone", "<@1>", "<@!12>", "<@&3>", "<#4>", "</run:5>", "<id:guide>", "-# J7K2M9Q"),
    *(
        "<b>",
        "</details>",
        "<img src=x>",
        "<!--",
        "-->",
        "<!-- gryph:job=J -->",
        "<script>",
        "<a@b.c>",
    ),
    *(
        "&#64;ann",
        "&commat;ann",
        "&num;12",
        "&amp;",
        "&lt;b&gt;",
        "\\",
        "\\`",
        "\\*",
        "\\@ann",
        "\\\\",
    ),
    *("`", "``", "```", "~~~", "````", "**", "__", "_", "*", "~~", "|", "||", "[", "](", "!["),
    *(
        "\u202e",
        "\u2066x\u2069",
        "\u200b",
        "\u200f",
        "\ufeff",
        "\x00",
        "\x1b[31m",
        "\x07",
        "\x9b",
        "\x7f",
    ),
    *(
        "\r\n",
        "\r",
        "\t",
        "\x0b",
        "\x0c",
        "\u2028",
        "\x85",
        "\ud83d",
        "\ude00x",
        "\u00a0",
        "\u3000",
    ),
    *(
        "=",
        "---",
        "===",
        "> ",
        ">>> ",
        "- ",
        "+ ",
        "12. ",
        "1) ",
        "# ",
        "    ",
        ":",
        "://",
        "%",
        "\u00ad",
    ),
)
_FOREIGN = (
    *(
        "שלום עולם",
        "مرحبا بالعالم",
        "שלום abc 123",
        "漢字かな",
        "한국어",
        "\u1112\u1161\u11ab",
        "नमस्ते",
    ),
    *(
        "👨‍👩‍👧‍👦",
        "🇩🇪🇫🇷",
        "👍🏽",
        "1️⃣",
        "❤️",
        "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "🐍",
        "e\u0301",
        "Z\u0351\u036b\u0343\u032a",
        "ﷺ",
        "ß",
        "İ",
    ),
)
_CONSTANT = (
    *(
        "`",
        "~",
        ">",
        "- ",
        "* ",
        "# ",
        "[",
        "](",
        "![a](",
        "<a",
        "&#",
        "\\",
        "|",
        "|a",
        "\n",
        "\n\n",
        " ",
    ),
    *(
        "`a",
        "``a`",
        "a\n\n",
        "- a\n",
        "> a\n",
        "1. a\n",
        "```\n",
        "~~~\n",
        "- ```\n",
        "> ```\n",
        "*a ",
        "_a",
    ),
    *(
        "fix-",
        "fixes a/a#",
        "@a",
        "#1",
        "a.b/",
        "http://a.",
        "<!channel>",
        "@everyone",
        "👨‍👩‍👧",
        "🇩🇪",
        "e\u0301",
    ),
    *(
        "    a\n\n",
        "|a|b|\n|-|-|\n|c|d|\n\n",
        "|a|b|\n",
        "a\n=\n",
        "---\n",
        "\u202e",
        "\ud83d",
        "\x00",
        "\t",
    ),
    *(
        "- a\n\n      b\n",
        "-\n",
        "<!--",
        "a" * 97 + " ",
        "**a** `b` [c](http://d) ",
        "\u0301",
        "\u200d",
        "-# a\n",
    ),
)
_LANGUAGES = ("", "python", "py", "diff", "c++", "suggestion", "a b", "{.x}", "🐍", "text title=x")


class TextMaker:
    """Makes texts; words that must be found again look like `zq12v`."""

    def __init__(self, random: Random) -> None:
        """Everything is drawn from `random`."""
        self.random = random
        self.words = 0
        self._inline: list[Callable[[], str]] = [
            *(self.word, self.word, self._plain, self._plain, self._nasty, self._foreign),
            *(self._code, self._strong, self._link, self._picture, self._address, self._long_word),
        ]
        self._blocks: list[Callable[[int], str]] = [
            *(self._paragraph, self._paragraph, self._paragraph, self._heading, self._list),
            *(self._list, self._quote, self._fence, self._fence, self._indented, self._table),
            *(self._markup, self._rule, self._definition, self._soup),
        ]

    def word(self) -> str:
        """A word that stands nowhere else."""
        self.words += 1
        return f"zq{self.words}v"

    def text(self) -> str:
        """A text in Markdown, mostly short."""
        scale = self.random.random()
        if scale < 0.02:
            return ""
        if scale < 0.08:
            return self._beginning_deep()
        if scale < 0.085:
            return self._nested()
        if scale < 0.92:
            return self._document(self.random.choice((1, 1, 2, 3)))
        if scale < 0.994:
            return self._document(self.random.randint(4, 9))
        if scale < 0.999:
            return self._repeated(self.random.choice((800, 2_100, 4_000, 13_000)))
        return self._repeated(self.random.choice((30_000, 70_000, LONGEST)))

    def code(self) -> str:
        """What is inside a code block: any text at all."""
        if self.random.random() < 0.006:
            return self.text()
        lines = [self._code_line() for _ in range(self.random.randint(0, 5))]
        return "\n".join(lines) + self.random.choice(("", "", "\n", "\n\n"))

    def line(self) -> str:
        """A short text that is meant to be one line."""
        parts = [self.inline() for _ in range(self.random.randint(1, 3))]
        return " ".join(parts)

    def inline(self) -> str:
        """One piece of a paragraph."""
        return self.random.choice(self._inline)()

    def language(self) -> str:
        """What a fence says of its code."""
        return self.random.choice(_LANGUAGES)

    def _document(self, blocks: int) -> str:
        gap = self.random.choice(("\n\n", "\n\n", "\n", "\r\n\r\n", "\n\n\n"))
        text = gap.join(self._block(0) for _ in range(blocks))
        return text[: self.random.randint(0, len(text))] if self.random.random() < 0.03 else text

    def _beginning_deep(self) -> str:
        """A text that a list before it may draw in; one before it may end in an open fence."""
        first = self.random.choice(
            (f"    {self._code_line()}", f"   {self.word()}", f"  - {self.word()}")
        )
        last = self.random.choice(
            ("- ```\n  {}", "> - ~~~\n>   {}", "1. {}", "```\n{}", "- {}\n\n  - {}")
        )
        return self.random.choice((first, last.replace("{}", self.word()), self._definition(0)))

    def _nested(self) -> str:
        """Lists and quotes within each other, further than people go, and a block behind them."""
        levels = self.random.randint(8, 15)
        marker = self.random.choice(("- ", "> ", "1. ", "> - ", ""))
        lines = [marker * levels + self.word()]
        if not marker:
            lines = ["  " * level + f"- {self.word()}" for level in range(levels)]
        return "\n".join([*lines, "", self._block(0)])

    def _repeated(self, length: int) -> str:
        """A text of that length, most of it the same again and again."""
        if self.random.random() < 0.5:
            part = self.random.choice(_CONSTANT)
        else:
            part = self._block(0) + self.random.choice(("\n\n", "\n", " "))
        text = part * (length // max(len(part), 1) + 1)
        return f"{self.word()} {text[: length - 40]} {self.word()}"

    def _block(self, depth: int) -> str:
        choices = self._blocks if depth < 3 else self._blocks[:4]
        return self.random.choice(choices)(depth)

    def _plain(self) -> str:
        return self.random.choice(("some words", "it passes,", "and so on.", "x = 1", "(a)"))

    def _nasty(self) -> str:
        return "".join(self.random.choices(_NASTY, k=self.random.choice((1, 1, 2, 3))))

    def _foreign(self) -> str:
        return self.random.choice(_FOREIGN)

    def _code(self) -> str:
        ticks = "`" * self.random.choice((1, 1, 1, 2, 3))
        return f"{ticks}{self.random.choice((self.word, self._nasty, self._plain))()}{ticks}"

    def _strong(self) -> str:
        mark = self.random.choice(("**", "*", "_", "__", "~~", "***"))
        return f"{mark}{self.random.choice((self.word, self._plain, self._foreign))()}{mark}"

    def _link(self) -> str:
        return f"[{self.random.choice((self.word, self._code, self._nasty))()}](http://x.invalid/{self.word()})"

    def _picture(self) -> str:
        return f"![{self.word()}](http://x.invalid/{self.word()}.png)"

    def _address(self) -> str:
        return self.random.choice(
            ("<https://x.invalid/{}>", "https://x.invalid/{}/@ann?a=1&b=#2")
        ).format(self.word())

    def _long_word(self) -> str:
        if self.random.random() < 0.7:
            return self._plain()
        return self.random.choice((COUNTED, "👍🏽", "a", COUNTED + "\u0301")) * self.random.choice(
            (70, 300, 2_500)
        )

    def _paragraph(self, _depth: int) -> str:
        pieces = [self.inline() for _ in range(self.random.randint(1, 6))]
        return "".join(
            piece + self.random.choice((" ", " ", " ", "\n", "  \n", "")) for piece in pieces
        )

    def _heading(self, _depth: int) -> str:
        if self.random.random() < 0.3:
            return f"{self.line()}\n{self.random.choice('=-') * 3}"
        return f"{'#' * self.random.randint(1, 6)} {self.line()}"

    def _list(self, depth: int) -> str:
        marker = self.random.choice(("- ", "* ", "1. ", "10) ", "-   ", " - ", "- [ ] "))
        return "\n".join(
            _prefixed(self._inside(depth), marker, " " * len(marker))
            for _ in range(self.random.randint(1, 3))
        )

    def _quote(self, depth: int) -> str:
        return _prefixed(self._inside(depth), "> ", self.random.choice(("> ", ">", "> ", "")))

    def _inside(self, depth: int) -> str:
        blocks = [self._block(depth + 1) for _ in range(self.random.choice((1, 1, 2)))]
        return self.random.choice(("\n", "\n\n")).join(blocks)

    def _code_line(self) -> str:
        indent = self.random.choice(("", "", "    ", "  ", "\t"))
        kind = self.random.choice((self.word, self._nasty, self._plain, self._foreign, self._code))
        return f"{indent}{kind()}{self.random.choice(('', ' ', '()', ''))}"

    def _fence(self, _depth: int) -> str:
        mark = self.random.choice("``~") * self.random.choice((3, 3, 3, 4, 6))
        lines = [self._code_line() for _ in range(self.random.randint(0, 4))]
        if self.random.random() < 0.1:
            lines = [self.word()] * self.random.choice((12, 40, 70))
        end = [] if self.random.random() < 0.15 else [mark]
        indent = self.random.choice(("", "", "", " ", "   "))
        return "\n".join(indent + line for line in [mark + self.language(), *lines, *end])

    def _indented(self, _depth: int) -> str:
        return "\n".join(f"    {self._code_line()}" for _ in range(self.random.randint(1, 3)))

    def _table(self, _depth: int) -> str:
        columns = self.random.randint(1, 3)
        rows = [self._row(columns + self.random.choice((0, 0, 0, 1, -1))) for _ in range(3)]
        return "\n".join([self._row(columns), "|" + "---|" * columns, *rows])

    def _row(self, columns: int) -> str:
        return "|" + "".join(f" {self.inline()} |" for _ in range(columns))

    def _markup(self, depth: int) -> str:
        opened, closed = self.random.choice(
            (
                ("<details><summary>", "</summary>"),
                ("<div>\n", "\n</div>"),
                ("<!-- ", " -->"),
                ("<!-- ", ""),
                ("<pre>\n", ""),
                ("<table><tr><td>", ""),
                ("<?php ", "?>"),
            )
        )
        return f"{opened}{self._paragraph(depth)}{closed}"

    def _rule(self, _depth: int) -> str:
        return self.random.choice(("---", "***", "- - -", "___"))

    def _definition(self, _depth: int) -> str:
        return f'[{self.word()}]: http://x.invalid/{self.word()} "{self.word()}"'

    def _soup(self, _depth: int) -> str:
        return "".join(
            self.random.choice((self._nasty, self._nasty, self.word, self._foreign))()
            + self.random.choice(("", " ", "\n"))
            for _ in range(self.random.randint(1, 8))
        )


def _prefixed(text: str, first: str, others: str) -> str:
    return "\n".join(
        (others if index else first) + line for index, line in enumerate(text.split("\n"))
    )
