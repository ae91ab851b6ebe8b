# ruff: noqa: RUF001 (look-alike characters are the point)
"""Nasty messages, written as each face's people write them, in which it is known what is a command.

A message is a list of blocks; each is closed in itself, so that a wrong one can be found by
leaving the others out. `mangled` breaks a message at places that nobody knows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from random import Random

from bot.discord.markdown import from_discord
from bot.github.mention import Mention
from bot.slack.mrkdwn import to_markdown

US = "\ue8ff"
"""Our mention before it is spelled as a face spells it."""
_DISCORD_NAMES = {"<@1>": "@gryph", "<@!1>": "@gryph", "<@2>": "@ann"}
_APP = Mention("gryph-app")
_SELF = Mention("gryph")
_DEEPEST = 2


class Face(Enum):
    """Where a message is written; on GitHub we may be called otherwise."""

    CONSOLE = ("@gryph", "@GRYPH", "@Gryph")
    SLACK = ("<@U1>", "<@U1|gryph>")
    DISCORD = ("<@1>", "<@!1>")
    GITHUB = ("@gryph", "@gryph[bot]")
    GITHUB_APP = ("@gryph-app", "@gryph-app[bot]", "@Gryph-App")


@dataclass(frozen=True)
class Block:
    """Part of a message, and the command lines in it."""

    text: str
    commands: tuple[str, ...] = ()
    is_last: bool = False
    """Whether whatever follows would belong to it."""


@dataclass(frozen=True)
class Message:
    """What somebody wrote somewhere."""

    blocks: tuple[Block, ...]
    face: Face
    newline: str

    @property
    def commands(self) -> list[str]:
        """What must be found, in order."""
        return [command for block in self.blocks for command in block.commands]

    @property
    def written(self) -> str:
        """As it stands on the face."""
        return "\n\n".join(block.text for block in self.blocks).replace("\n", self.newline)


def heard(written: str, face: Face) -> str:
    """What the face hands on of what was written there."""
    match face:
        case Face.SLACK:
            return to_markdown(written, "U1")
        case Face.DISCORD:
            return from_discord(written, _DISCORD_NAMES)
        case Face.GITHUB:
            return _SELF.in_grammar(written)
        case Face.GITHUB_APP:
            return _APP.in_grammar(written)
        case Face.CONSOLE:
            return written


class Writer:
    """Draws messages; every command in one is different, so that each can be traced."""

    def __init__(self, random: Random) -> None:
        """`random` decides everything."""
        self._random = random
        self._pick = random.choice
        self._count = 0
        self._face = Face.CONSOLE

    def message(self) -> Message:
        """The next message."""
        self._face = self._pick(_FACES)
        is_chat = self._face in {Face.SLACK, Face.DISCORD}
        blocks: list[Block] = []
        for _ in range(self._random.randint(1, 4)):
            blocks.append(self._block(0))
            if blocks[-1].is_last:
                break
        newline = "\n" if is_chat else self._pick(("\n", "\n", "\n", "\r\n", "\r"))
        return Message(tuple(self._spelled(block) for block in blocks), self._face, newline)

    def soup(self) -> str:
        """Fragments and addresses in any order: what it means is anyone's guess."""
        self._face = Face.CONSOLE
        pieces = [self._said().replace(US, "@gryph") for _ in range(4)]
        size = self._random.randint(1, 25)
        return "".join(
            self._pick(pieces if self._random.random() < 0.2 else FRAGMENTS) for _ in range(size)
        )

    def command(self) -> str:
        """A correct command line that was not there before."""
        self._count += 1
        forms = _COMMANDS if self._face is Face.SLACK else (*_COMMANDS, *_ODD_COMMANDS)
        return self._pick(forms).format(n=self._count)

    def _said(self) -> str:
        address = self._pick(("/gryph", US))
        return f"{address} {self._pick(_COMMANDS).format(n=self._next())}"

    def _next(self) -> int:
        self._count += 1
        return self._count

    def _spelled(self, block: Block) -> Block:
        """The block as typed on the face, where `US` is called by name."""
        text = block.text
        if self._face is Face.SLACK:
            text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        while US in text:
            text = text.replace(US, self._pick(self._face.value), 1)
        return Block(text, block.commands, block.is_last)

    def _block(self, depth: int) -> Block:
        makers: list[Callable[[int], Block]] = [self._prose, self._prose, self._trap, self._dead]
        if self._is_chat():
            makers += [self._line_by_line] + ([self._quote_to_the_end] if depth == 0 else [])
        if depth < _DEEPEST:
            makers += [self._list, self._quote]
        else:
            makers += [self._markup, self._markup]
            makers += [self._unclosed] if depth == 0 else []
        return self._pick(makers)(depth)

    def _prose(self, depth: int) -> Block:
        del depth
        lines: list[str] = []
        commands: list[str] = []
        for _ in range(self._random.randint(1, 3)):
            if self._random.random() < 0.5:
                command = self.command()
                commands.append(command)
                lines.append(self._live(command))
            else:
                lines.append(self._pick(_WORDS))
        return Block("\n".join(lines), tuple(commands))

    def _live(self, command: str) -> str:
        gap = self._pick(_GAPS)
        tail = "" if self._random.random() < 0.8 else self._pick(_TAILS)
        form = self._pick(self._pick((_SLASHES, _MENTIONS)))
        return form.format(us=US, gap=gap, c=command) + tail

    def _trap(self, depth: int) -> Block:
        del depth
        form = self._pick(_TRAPS)
        return Block(form.format(said=self._said(), us=US, w=self._pick(_WORDS), n=self._next()))

    def _dead(self, depth: int) -> Block:
        """Code, and answers of ours that somebody pasted."""
        del depth
        form = self._pick(_DEAD)
        return Block(form.format(said=self._said(), more=self._said()))

    def _markup(self, depth: int) -> Block:
        """What only Markdown and HTML can hide."""
        del depth
        said, more = self._said(), self._said()
        return Block(self._pick(_MARKUP).format(said=said, more=more, us=US, n=self._next()))

    def _unclosed(self, depth: int) -> Block:
        del depth
        form = self._pick(_UNCLOSED)
        return Block(form.format(said=self._said(), more=self._said()), is_last=True)

    def _list(self, depth: int) -> Block:
        mark = self._pick(("- ", "* ", "+ ", "1. ", "7) ", "10. "))
        indent = "\n" + " " * len(mark)
        blocks = [self._block(_DEEPEST if self._is_chat() else depth + 1) for _ in range(2)]
        blocks = [block for block in blocks if not block.text[:1].isspace()]
        items = [mark + "item\n\n" + block.text for block in blocks]
        if self._is_chat():
            blocks = [self._prose(depth) for _ in range(2)]
            items = [mark + block.text.lstrip() for block in blocks]
        text = "\n".join(item.replace("\n", indent) for item in items) + "\n\n***"
        return Block(text, tuple(command for block in blocks for command in block.commands))

    def _is_chat(self) -> bool:
        return self._face in {Face.SLACK, Face.DISCORD}

    def _line_by_line(self, depth: int) -> Block:
        """What CommonMark would take into a quote or for code, and a chat does not."""
        del depth
        command = self.command()
        return Block(self._pick(_CHAT_LINES).format(us=US, c=command), (command,))

    def _quote_to_the_end(self, depth: int) -> Block:
        del depth
        form = self._pick((">>> {said}\n\n{more}", "w\n>>> w\n\n{said}\n```\n{more}\n```"))
        return Block(form.format(said=self._said(), more=self._said()), is_last=True)

    def _quote(self, depth: int) -> Block:
        if self._is_chat():
            return Block(self._pick(_CHAT_QUOTES).format(said=self._said(), more=self._said()))
        inner = self._block(depth + 1)
        mark = self._pick(("> ", ">", " > ", "> > ", ">>> "))
        lines = [mark + line for line in inner.text.split("\n")]
        return Block("\n".join(lines))


def mangled(text: str, random: Random) -> str:
    """`text` broken at one to six places."""
    for _ in range(random.randint(1, 6)):
        text = _broken(text, random)
    return text


def _broken(text: str, random: Random) -> str:
    at = random.randrange(len(text) + 1)
    if random.random() < 0.4:
        near = text.find("gryph", at)
        at = max(0, near - 1 + random.choice((0, 0, 6, 7))) if near >= 0 else at
    kind = random.randrange(6)
    if kind == 0:
        return text[:at] + text[at + random.randint(1, 3) :]
    if kind == 1:
        start = text.rfind("\n", 0, at) + 1
        return text[:start] + random.choice(_LINE_STARTS) + text[start:]
    if kind == 2:
        lines = text.split("\n")
        return "\n".join([*lines, random.choice(lines)])
    if kind == 3:
        before, after = random.choice(_PAIRS)
        end = at + random.randint(0, 40)
        return text[:at] + before + text[at:end] + after + text[end:]
    return text[:at] + random.choice(FRAGMENTS) + text[at:]


_FACES = (Face.CONSOLE, Face.GITHUB, Face.GITHUB_APP, Face.SLACK, Face.DISCORD)
_WORDS = (
    "the parser breaks on empty input", "see above; can someone look?", "fine", "Größe prüfen",
    "你好，请看一下", "テストが落ちます", "проверь, пожалуйста", "שלום עולם", "مرحبا بالعالم", "안녕하세요",
    "ok 👍🏽 👩\u200d💻", "a\u200bb", "x = 1", "thanks, gryph", "@ann has it", "/deploy now",
    "test src/a.py", "we test it", "status?", "w " * 60 + "end", "e\u0301te\u0301",
)  # fmt: skip
_COMMANDS = (
    "test src/f{n}.py", "test src/f{n}.py style=pytest", "test src/f{n}.py#L10-40",
    "test src/f{n}.py::Stack.push --style unittest", "test octo/repo@main:src/f{n}.py",
    "test 'src/f{n}.py' seed=7", "status J{n:06}", "feedback J{n:06} up it's good",
    "test `src/f{n}.py`", "test https://github.com/o/r/blob/main/f{n}.py#L3-L9",
    "test src/f{n}.py budget=20s --seed=3", "help f{n}",
)  # fmt: skip
_ODD_COMMANDS = (
    "test “src/f{n}.py”", "test src/f{n}.py —style=unittest", "test «src/f{n}.py»", "TEST src/f{n}.py",
    "test src/日本/f{n}.py", "feedback J{n:06} down 👎 \"names\" say – nothing", "status j{n:06}",
    "test src/f{n}.py " + "seed=" + "7" * 300,
)  # fmt: skip
_GAPS = (" ", " ", " ", "  ", "\u00a0", "\u200b", "\t", "\u3000", ": ", ", ", " \u2060", "\u2028")
_TAILS = ("  ", " \t", "\u00a0", " <!-- /gryph test hidden.py -->", "<!---->", "\u200b")
_SLASHES = (
    "/gryph{gap}{c}", "/gryph{gap}{c}", "  /gryph{gap}{c}", "/GRYPH{gap}{c}", "**/gryph{gap}{c}**",
    "**/gryph**{gap}{c}", "\u200b/gryph{gap}{c}", "\u00a0/gryph{gap}{c}", "_/gryph_{gap}{c}",
)  # fmt: skip
_MENTIONS = (
    "_{us}{gap}{c}_", "so _{us}_{gap}{c}",
    "{us}{gap}{c}", "{us}{gap}{c}", "   {us}{gap}{c}", "**{us}{gap}{c}**", "**{us}**{gap}{c}",
    "hey {us}{gap}{c}", "(cc @ann) {us}{gap}{c}", "好\u3000{us}{gap}{c}", "👍🏽 {us}{gap}{c}",
    "`code` {us}{gap}{c}", "@ann {us}{gap}{c}", "w\u2028{us}{gap}{c}", "/deploy, {us}{gap}{c}",
    "~~no~~ {us}{gap}{c}", "*so* **{us}{gap}{c}**", "{us} and {us}{gap}{c}",
    "[x](https://e.com) {us}{gap}{c}", "a & b; {us}{gap}{c}", "שלום {us}{gap}{c}",
)  # fmt: skip
_TRAPS = (
    "`{said}`", "{w} `{said}` {w}", "`` a ` {said} ``", "`a\n{said}`", "~~{said}~~", "\\{said}",
    "{w} /gryph test f{n}.py", "{w}: /gryph test f{n}.py", "$ /gryph test f{n}.py",
    "- [ ] /gryph test f{n}.py\n\n***", "w\u2028/gryph test f{n}.py", "w\x0b/gryph test f{n}.py",
    "./gryph test f{n}.py", "~/gryph test f{n}.py", "/usr/bin/gryph test f{n}.py",
    "//gryph test f{n}.py", "/gryph-ci test f{n}.py", "/gryphon test f{n}.py", "/gryph/test f{n}.py",
    "/gryph.test f{n}.py", "/gryphgen test f{n}.py", "/deploy gryph test f{n}.py", "!gryph test f{n}.py",
    "gryph test f{n}.py", "gryph: test f{n}.py", "@gryphon test f{n}.py", "@gryph-ci test f{n}.py",
    "@gryph_ci test f{n}.py".replace("_", "9"), "@team/gryph test f{n}.py", "@gryph.dev test f{n}.py",
    "gryph@example.com test f{n}.py", "a@gryph test f{n}.py", "https://host/gryph test f{n}.py",
    "https://host/@gryph test f{n}.py", "https://gryph.dev/test/f{n}.py", "@@gryph test f{n}.py",
    '{w} "{us} test f{n}.py"', "{w} “{us} test f{n}.py”", "'{us} test f{n}.py'", "{us}", "thanks {us}",
    "{us} thanks for f{n}.py", "{us} can you test f{n}.py", "{us} please test f{n}.py",
    "{us} the test of f{n}.py", "hey {us} tset f{n}.py", "hey {us} tests f{n}.py", "hey {us} te f{n}.py",
    "{us} 你好 f{n}.py", "{us} привет f{n}.py", "{us} مرحبا f{n}.py", "{us}, why f{n}.py?",
    "{us}'s test f{n}.py", "{us}\u2019s test f{n}.py", "{us}) test f{n}.py", "{us}! test f{n}.py",
    "{us}? test f{n}.py", "{us}; test f{n}.py", "{us}. test f{n}.py", "{us}\u200d test f{n}.py",
    "＠gryph test f{n}.py", "／gryph test f{n}.py", "@ｇｒｙｐｈ test f{n}.py", "@gr\u200byph test f{n}.py",
    "@\u200bgryph test f{n}.py", "\u202e/gryph test f{n}.py", "\u202e{us} test f{n}.py",
    "\u2066{us}\u2069 test f{n}.py", "x{us} test f{n}.py", "é{us} test f{n}.py", "日{us} test f{n}.py",
    "=/gryph test f{n}.py", "a, b/gryph test f{n}.py", "#/gryph test f{n}.py", "[/gryph] test f{n}.py",
    "-/gryph test f{n}.py", "@ann/gryph test f{n}.py", "w /gryph, /gryph test f{n}.py",
    "{us}{us} test f{n}.py", "x" + "_" * 150 + "{us} test f{n}.py", "w " + "\u00a0" * 120 + "/gryph f{n}",
)  # fmt: skip
_FENCES = (
    "```\n{said}\n```", "```python\n{said}\n{more}\n```", "``` \n\n{said}\n\n```"
)  # fmt: skip
_OURS = (
    "There is no command `tset`.\n```text\n/gryph tset a.py\n       ^^^^\n```\nExample: `{more}`",
    "`test` needs a file.\nNearest correct command:\n```text\n{said}\n```",
    "Reply `{said}` to stop it.", "Rerun: `{said}`, or `{more}`",
)  # fmt: skip
_DEAD = (*_FENCES, *_FENCES, *_OURS)
_CHAT_LINES = (
    "> w\n{us} {c}", "> w\nw\n/gryph {c}", "    {us} {c}", "\t/gryph {c}", "w\n\n  \t{us} {c}\n        w",
    "• w\n    ◦ {us} {c}", "> w\n\n        /gryph {c}",
)  # fmt: skip
_CHAT_QUOTES = (
    "> {said}", "> {said}\n> {more}", "On Monday ann wrote:\n> {said}", "> w\n> `x` {said}",
)  # fmt: skip
_HTML = (
    "<details><summary>{said}</summary>\n\n{more}\n\n</details>", "<div>\n{said}\n</div>",
    "<details open>\n<summary>x</summary>\n\n> {said}\n\n{more}\n</details>", "<!-- {said} -->",
    "<!--\n\n{said}\n\n-->", "w <!-- {said}\n{more} --> w", "<pre>\n{said}\n\n{more}\n</pre>",
    "<script>\n{said}\n</script>", "<style>\n\n{said}\n</style>", "<?php\n{said}\n\n{more}\n?>",
    "<![CDATA[\n{said}\n]]>", "<!DOCTYPE {said}>", "<b>{said}</b>", "w <kbd>w {said} w</kbd> w",
    '<a title="{said}">x</a>', "<img alt='{said}'>", "<table><tr><td>\n\n{said}\n\n</td></tr></table>",
    "<B>\n\n{said}\n\n</b>", "<sub>{said}</sub>", "<textarea>\n{said}\n</textarea>", "w <br>{said}",
    "<custom-tag a=1>\n\n- {said}\n\n</custom-tag>", "<div><div>\n\n{said}\n\n</div>\n\n{more}\n\n</div>",
)  # fmt: skip
_MARKUP = (
    *_HTML, *_HTML,
    "> w\n{said}", "> w\n> > w\n{said}", "> - w\n{said}", "> [!NOTE]\n> {said}", ">{said}\n>>{more}",
    "> ```\n> {said}\n> ```", "On Mon, 3 Nov ann wrote:\n\n> {said}\n>\n> {more}", "- > {said}\n\n***",
    "***\n\n    {said}", "***\n\n    \t{said}\n\n    {more}", "~~~\n{said}\n~~~", "~~~~ sh\n~~~\n{said}\n~~~~",
    "  ```\n  {said}\n  ```", "```\n~~~\n{said}\n```", "````\n```\n{said}\n````", "- w\n\n  ```\n  {said}\n  ```\n\n***",
    "- w\n\n      {said}\n\n***", "1. ```\n   {said}\n   ```\n\n***", "# {said}", "###### {said} #",
    "| a | b |\n|---|---|\n| {said} | x |\n| x | {more} |", "a | b\n:-|-:\n{said} | x\n{more}",
    "[{said}](https://e.com)", "[w {said} w](<a b> 'c')", "![{said}](a.png)", "[x](u \"{said}\")",
    "[{said}][r{n}]\n\n[r{n}]: https://e.com", "[r{n}]: /gryph", "[r{n}]: /gryph\n'{said}'",
    "[^{n}]: /gryph test f{n}.py", "<https://e.com/@gryph>", "&#64;gryph test f{n}.py",
    "&sol;gryph test f{n}.py", "{us}&nbsp;test f{n}.py", "``\n{said}\n``", "[w\n{said}](u)",
    "**`{said}`**", "_~~{said}~~_", "[*{said}*](u)", "[![{said}](i)](u)", "w\\\n\\{said}",
)  # fmt: skip
_UNCLOSED = (
    "```\n{said}\n\n{more}", "~~~ sh\n{said}\n```\n{more}", "<!-- {said}\n\n{more}", "````\n```\n{said}",
    "<pre>\n{said}\n\n{more}", "<![CDATA[ {said}\n\n{more}", "<script>\n\n{said}", "- w\n  ```\n  {said}",
    "<div>\n<!--\n\n{said}\n\n{more}", "> ```\n> {said}",
)  # fmt: skip
_LINE_STARTS = (
    "> ", ">", ">> ", "    ", "\t", " ", "   ", "- ", "* ", "1. ", "# ", "```", "~~~", "| ", "<div>",
    "</div>", "<!--", "-->", "[a]: ", "\\", "***\n", "===\n", "\u200b", "\u2028", "-   ", "-\t",
)  # fmt: skip
_PAIRS = (
    ("`", "`"), ("``", "``"), ("**", "**"), ("_", "_"), ("~~", "~~"), ("[", "](u)"), ("![", "](u)"),
    ("<b>", "</b>"), ("<!--", "-->"), ("<details>\n\n", "\n\n</details>"), ('"', '"'), ("“", "”"),
    ("(", ")"), ("<", ">"), ("\n```\n", "\n```\n"), ("<a title='", "'>"), ("\n\n", "\n\n"), ("\n> ", "\n"),
)  # fmt: skip
FRAGMENTS = (
    "\n", "\n", "\n\n", "\r", "\r\n", " ", "\t", "    ", ">", "- ", "#", "```", "~~~", "`", "``", "*", "**",
    "_", "~~", "[", "]", "](", ")", "![", "<", ">", "<!--", "-->", "<!-->", "<b>", "</b>", "<p>", "<details>",
    "</details>", "<br/>", "<div>", "|", "\n|-|\n", "---", "===", "\\", "&amp;", "&#64;", "\0", "\x1b[31m",
    "\x07", "\x7f", "\x85", "\u200b", "\u200d", "\u200e", "\u202e", "\u2066", "\u2060", "\ufeff", "\u00a0",
    "\u2028", "\u2029", "\x0b", "\x0c", "\x1c", "\u3000", "\u00ad", "word", "@ann", "[a]: b\n", "“", "”",
    "„", "«", "»", "é", "e\u0301", "日本", "😀", "👩\u200d💻", "＠", "／", "＝", "ﬁ", "İ", "ſ", "=", "--", "—", "–",
    '"', "'", "’", ",", ":", "::", "#", "@", "/", "@gryph ", "/gryph ", "\n@gryph test x.py", "\n/gryph status",
    "test ", "status ", "style=", "--style ", "#L9-1", "J000001", "https://e.com/", "{}", "%s", "$(x)", "\ud800",
)  # fmt: skip
