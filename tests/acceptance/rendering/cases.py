"""One case of the campaign: a reply and a job as any of the faces may have to show them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from random import Random

from bot.face import JobView
from handlers import Caller, Platform
from jobs.messages import (
    Action,
    Actions,
    Block,
    Code,
    Collapsible,
    Diff,
    Fields,
    File,
    Heading,
    Picture,
    Reply,
    Suggestion,
    Table,
    Text,
)
from storage.ids import ArtifactId, JobId
from storage.states import JobState
from tests.acceptance.rendering.markdown import COUNTED, TextMaker
from tests.acceptance.rendering.read import source_of

JOB = JobId("J7K2M9Q")
VERBS = ("generate", "test", "plan", "docs", "match", "review", "improve", "status", "config")
_WORD = re.compile(r"zq\d+v")
_STARTED = datetime(2026, 11, 24, 9, tzinfo=UTC)
_SIZES = (0, 900, 3_100, 9_000_000, 11_000_000, 10**10)


@dataclass(frozen=True)
class Case:
    """What is to be shown."""

    view: JobView
    reply: Reply
    has_job: bool
    width: int
    """Of the terminal."""

    @cached_property
    def source(self) -> str:
        """All that the reply says."""
        return source_of(self.reply)


def case_of(seed: int, number: int) -> tuple[Case, list[str]]:
    """The case of that number, and the words that must not be lost."""
    random = Random(f"{seed}:{number}")  # noqa: S311 - reproducible, not secret
    maker = _Maker(random)
    view = maker.view()
    maker.texts.words = 0
    blocks = tuple(maker.block(0) for _ in range(random.choice((0, 1, 1, 1, 2, 2, 3))))
    reply = Reply(summary=maker.texts.line(), blocks=blocks)
    case = Case(view, reply, random.random() < 0.5, random.choice((20, 40, 80, 120)))
    return case, words_of(case)


def words_of(case: Case) -> list[str]:
    """The words that must be found again."""
    return sorted(set(_WORD.findall(case.source)))


class _Maker:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.texts = TextMaker(random)
        self._lines = 0
        self._kinds: list[Callable[[int], Block]] = [
            *(
                self._text,
                self._text,
                self._text,
                self._code,
                self._code,
                self._heading,
                self._table,
            ),
            *(self._diff, self._fields, self._picture, self._file, self._actions),
        ]

    def view(self) -> JobView:
        random, line = self.random, self.texts.line
        state = random.choice(list(JobState))
        started = None if state in (JobState.QUEUED, JobState.WAITING) else _STARTED
        verb = random.choice(VERBS)
        name, text = random.choice(("ann", "", line())), random.choice(("", line(), self._any()))
        return JobView(
            job=JOB,
            verb=verb,
            line=f"{verb} {random.choice(('src/a.py', line(), self._any()))}",
            state=state,
            text=text,
            done=random.choice((None, 0.0, 0.42, 1.0)),
            attempt=random.choice((1, 1, 3)),
            asked_by=Caller(platform=random.choice(list(Platform)), account="U1", name=name),
            created_at=_STARTED,
            started_at=random.choice((started, None)),
            finished_at=_STARTED + timedelta(days=random.choice((0, 400))) if state.final else None,
            ahead=random.choice((None, 0, 10**9)),
            wait_s=random.choice((None, 10.0**7)),
        )

    def _any(self) -> str:
        return self.texts.text() if self.random.random() < 0.1 else self.texts.line()

    def block(self, depth: int) -> Block:
        if depth < 3 and self.random.random() < 0.1:
            inside = tuple(self.block(depth + 1) for _ in range(self.random.randint(0, 3)))
            return Collapsible(title=self._any(), blocks=inside)
        return self.random.choice(self._kinds)(depth)

    def _text(self, _depth: int) -> Block:
        return Text(markdown=self.texts.text())

    def _code(self, _depth: int) -> Block:
        return Code(text=self._coded(), language=self.texts.language())

    def _coded(self) -> str:
        if self.random.random() < 0.03:
            return "\n".join([self.texts.word()] * self.random.choice((31, 70, 900)))
        return self.texts.code()

    def _heading(self, _depth: int) -> Block:
        return Heading(text=self._any())

    def _table(self, _depth: int) -> Block:
        columns = self.random.randint(1, 4)
        rows = self.random.choice((0, 1, 2, 2, 3)) if self.random.random() < 0.97 else 45
        ragged = self.random.random() < 0.05
        return Table(
            header=self._cells(columns - ragged),
            rows=tuple(self._cells(columns + (ragged and row % 2)) for row in range(rows)),
        )

    def _cells(self, columns: int) -> tuple[str, ...]:
        return tuple(
            self.random.choice(("", "12 %", *[self.texts.inline()] * 4)) for _ in range(columns)
        )

    def _diff(self, _depth: int) -> Block:
        return Diff(path=f"src/{self.texts.line()}", text=self._coded())

    def _fields(self, _depth: int) -> Block:
        pairs = self.random.choice((0, 1, 2, 2, 3)) if self.random.random() < 0.95 else 12
        return Fields(pairs=tuple((self.texts.line(), self._any()) for _ in range(pairs)))

    def _picture(self, _depth: int) -> Block:
        return Picture(artifact=ArtifactId("Apic"), alt=self._any())

    def _file(self, _depth: int) -> Block:
        name = self.random.choice((f"a/b {self.texts.word()}.py", self._foreign_name()))
        return File(artifact=ArtifactId("Afile"), name=name, size_bytes=self.random.choice(_SIZES))

    def _foreign_name(self) -> str:
        """A platform may change what is no letter, so it holds no word that must be found."""
        return self.texts.line().replace("zq", "qz").replace(COUNTED, "x")

    def _actions(self, _depth: int) -> Block:
        count = self.random.choice((1, 2, 3)) if self.random.random() < 0.95 else 30
        return Actions(actions=tuple(self._action() for _ in range(count)))

    def _action(self) -> Action | Suggestion:
        label, words = self.texts.line(), f"{self.texts.word()} {self._some()}"
        if self.random.random() < 0.4:
            return Suggestion(line=f"test {words}", label=label)
        return Action(
            verb=self.random.choice(("apply", "retry", "cancel", "approve")),
            label=label,
            job=JOB,
            words=words,
            primary=self.random.random() < 0.3,
            destructive=self.random.random() < 0.3,
        )

    def _some(self) -> str:
        return self._any() if self.random.random() < 0.2 else ""
