# ruff: noqa: RUF001 (look-alike characters are the point)
"""Command lines in every spelling, with the call each one stands for, and what an error owes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from bot.discord.slash import line_of
from bot.grammar import GrammarError
from bot.slack.mrkdwn import to_markdown
from handlers import Call, Command, Takes, Target
from storage.ids import JobId
from tests.acceptance.fuzzed_messages import FRAGMENTS

MOST_MESSAGE = 4_500
"""Characters of an error: a fence is as long as the longest run of backticks in it."""
_UNFIT = re.compile(
    "[\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u2069\\ufeff\\ud800-\\udfff]"
)
"""What moves the cursor, turns the writing round or cannot be seen, in what we say."""
_GAPS = (" ", " ", " ", "  ", "\t", "\u00a0", "\u200b", " \u2060", "\u3000", "\u2003")
_WORDS = (
    "up",
    "down",
    "good",
    "names",
    "it's",
    "ok👍🏽",
    "naïve",
    "日本",
    "שלום",
    "e.g",
    "50%",
    "a=b",
    "-",
)
_PARTS = ("src", "a", "lib-x", "日本", "тест", "x_y", "v1.2", "ünï", "node", "_private", "@scope")
_NAMES = (
    "a.py",
    "__init__.py",
    "テスト.py",
    "my file.py",
    "b-c.test.ts",
    "Makefile.in",
    "d'e.py",
    "é.go",
)
_DECORATIONS = (",", "--", "!", "🙂", "—", "…")
"""What says nothing to a command that takes no free words."""
_QUOTES = ('"{}"', "“{}”", "„{}“", "«{}»", "`{}`", "``{}``", "'{}'", "‘{}’")


@dataclass(frozen=True)
class Line:
    """A line as typed, and the call it stands for; its own `line` says nothing."""

    typed: str
    call: Call


class Typist:
    """Draws command lines."""

    def __init__(self, random: Random, commands: Mapping[str, Command]) -> None:
        """`random` decides everything."""
        self._random = random
        self._pick = random.choice
        self._commands = commands
        self._verbs = list(commands.values())

    def line(self) -> Line:
        """A correct line."""
        command = self._pick(self._verbs)
        job = f"J{self._random.randrange(10**6):06}"
        target = self._target() if command.takes is Takes.TARGET or self._coin() else None
        has_job = command.takes in {Takes.JOB, Takes.JOB_AND_WORDS} or self._coin()
        words: tuple[str, ...] = ()
        call = Call(command.verb, "", options=self._options(command), flags=self._flags(command))
        match command.takes:
            case Takes.TARGET | Takes.OPTIONAL_TARGET:
                call = _with(call, targets=() if target is None else (target,))
            case Takes.JOB | Takes.OPTIONAL_JOB | Takes.JOB_AND_WORDS if has_job:
                words = self._words() if command.takes is Takes.JOB_AND_WORDS else ()
                call = _with(call, jobs=(job,), words=words)
            case Takes.WORDS:
                call = _with(call, words=self._words())
            case _:
                pass
        if not words and not call.words and self._random.random() < 0.2:
            return Line(self._slash(call, command), call)
        return Line(self._typed(call), call)

    def wrong(self) -> str:
        """A line that is broken somewhere, or made of anything."""
        roll = self._random.random()
        if roll < 0.1:
            return "".join(self._pick(FRAGMENTS) for _ in range(self._random.randint(1, 30)))
        line = self.line().typed
        if roll < 0.2:
            line += " " + self._pick(("x", '"', "a=", "--", "(", "[a](", "\\", "`", "日", "=")) * (
                self._random.choice((1, 50, 500, 3_000, 4_200))
            )
        for _ in range(self._random.randint(1, 4)):
            at = self._random.randrange(len(line) + 1)
            cut = at + self._random.choice((0, 0, 1, 2))
            line = line[:at] + self._pick(("", *FRAGMENTS)) + line[cut:]
        return line

    def _coin(self) -> bool:
        return self._random.random() < 0.5

    def _words(self) -> tuple[str, ...]:
        return tuple(self._pick(_WORDS) for _ in range(self._random.randint(1, 4)))

    def _target(self) -> Target:
        if self._random.random() < 0.2:
            number = self._random.randint(1, 999_999)
            return Target(self._repository() if self._coin() else None, number=number)
        repository = self._repository() if self._coin() else None
        ref = self._pick(("main", "v1.2", "feature/x", "3f9d2c4", "日")) if self._coin() else None
        parts = [self._pick(_PARTS) for _ in range(self._random.randint(0, 3))]
        path = "/".join([*parts, self._pick(_NAMES)])
        if repository is None and ref is None:
            path = path.lstrip("@")  # a target that starts so names a ref
        symbol = self._pick(("Stack", "Stack.push", "_x", "größe")) if self._coin() else None
        first = self._random.randint(1, 5_000)
        lines = (first, first + self._random.choice((0, 1, 400))) if self._coin() else None
        return Target(repository, ref, path, symbol, lines)

    def _repository(self) -> str:
        return self._pick(("psf/requests", "o/r.x", "a-b/_c", "A1/.github"))

    def _options(self, command: Command) -> dict[str, str]:
        some = [option for option in command.options if not option.is_flag and self._coin()]
        return {
            option.name: self._pick(option.choices or ("8s", "x y", "日本", "7", "-1", "o/r"))
            for option in some
        }

    def _flags(self, command: Command) -> frozenset[str]:
        return frozenset(o.name for o in command.options if o.is_flag and self._coin())

    def _typed(self, call: Call) -> str:
        arguments = [self._quoted(self._place(target)) for target in call.targets]
        arguments += [self._pick((job, job.lower(), f"`{job}`", f"{job},")) for job in call.jobs]
        options = [self._option(name, value) for name, value in call.options.items()]
        options += [self._pick(("--", "—", "––")) + flag for flag in call.flags]
        rest = [*arguments, *options]
        if not call.words:
            rest += [self._pick(_DECORATIONS)] if self._random.random() < 0.1 else []
            self._random.shuffle(rest)
        else:
            rest = [*arguments, *call.words, *options]
        line = self._pick((call.verb, call.verb, call.verb.upper(), f"{call.verb}:"))
        for word in rest:
            line += self._pick(_GAPS) + word
        return line

    def _place(self, target: Target) -> str:
        if target.number is not None:
            kind = self._pick(("pull", "issues"))
            url = f"https://github.com/{target.repository}/{kind}/{target.number}"
            short = f"{target.repository or ''}#{target.number}"
            return self._pick((short, url, f"<{url}>")) if target.repository else short
        text = target.repository or ""
        text += f"@{target.ref}" if target.ref else ""
        text += f":{target.path}" if text else target.path or ""
        if target.symbol:
            text += "::" + self._pick((target.symbol, target.symbol.replace(".", "::")))
        if target.lines:
            first, last = target.lines
            text += self._pick((f"#L{first}-L{last}", f"#L{first}-{last}", f"#{first}-{last}"))
        return text

    def _quoted(self, text: str) -> str:
        if text.startswith("<"):
            return text
        ends = re.sub(r"(?<=\w)'(?=\w)", "", text)  # an apostrophe ends no quotation
        fits = [quotes for quotes in _QUOTES if not set(quotes) & set(ends)]
        spelled = self._pick(fits).format(text)
        is_bare = " " not in text and text[0] not in "'‘_" and "__" not in text
        return text if is_bare and self._coin() else spelled

    def _option(self, name: str, value: str) -> str:
        name = self._pick((name, name, name.upper(), name.replace("-", "_")))
        value = value if " " not in value and self._coin() else self._pick(_QUOTES).format(value)
        lead = self._pick(("", "--", "-", "—", "––", "‐‐"))
        spaced = lead and not value.startswith("-") and self._coin()
        return f"{lead}{name}{' ' if spaced else '='}{value}"

    def _slash(self, call: Call, command: Command) -> str:
        """As the slash commands of Discord and Slack hand it on."""
        given: dict[str, object] = {**call.options, **dict.fromkeys(call.flags, True)}
        if call.targets:
            given["target"] = re.sub("[<>]", "", self._place(call.targets[0]))
        if call.jobs:
            given["job"] = call.jobs[0]
        options = [{"name": name, "value": value} for name, value in given.items()]
        line = line_of({"options": [{"name": call.verb, "options": options}]}, self._commands)
        return line if self._coin() or command.options else to_markdown(line, None)


def _with(
    call: Call,
    *,
    targets: tuple[Target, ...] = (),
    jobs: tuple[str, ...] = (),
    words: tuple[str, ...] = (),
) -> Call:
    return Call(
        call.verb,
        "",
        words=words,
        targets=targets,
        jobs=tuple(JobId(job) for job in jobs),
        options=call.options,
        flags=call.flags,
    )


def owed(error: GrammarError, line: str) -> str | None:
    """What the error owes the person who typed `line`; None if nothing."""
    message = str(error)
    if len(message) > MOST_MESSAGE:
        return "an error without bound"
    if _UNFIT.search(message):
        return "an error that echoes control characters"
    if not 0 <= error.position <= len(line) + 1:
        return "an error that points nowhere"
    has_nearest = error.nearest is not None and "Nearest correct command:" in message
    if not has_nearest and "Example: `/gryph " not in message:
        return "an error without a remedy"
    return None
