"""Scripted work: a reply as `test` gives it, about code that was really checked out."""

import re
import threading
from pathlib import Path

from jobs.changes_told import told
from jobs.desk import Declined, Desk, Done, NewArtifact, Work
from jobs.messages import (
    Action,
    Actions,
    Block,
    Code,
    Collapsible,
    Fields,
    File,
    Heading,
    Reply,
    Table,
    Text,
    say,
)
from jobs.requests import GenerateCode, MatchTask, PlanFile, TestChanges, TestCode
from storage.ids import ArtifactId
from tests.jobs.differences import diff

FILES = {
    "src/a.py": b"def double(n: int) -> int:\n    return 2 * n\n",
    "src/b.py": b"def half(n: int) -> int:\n    return n // 2\n",
}
MOST_WAIT_S = 20.0
DRAFT = "I double it, says <!channel> @everyone and @ann (fixes #1).\n\n```python\ndef double(n):\n"
TOKEN = "ghp_" + "aB3dE6gH9" * 4
_FUNCTION = re.compile(r"^def (\w+)", re.MULTILINE)


class Engine:
    """Writes one test for each function, or compares two versions, when it is let."""

    def __init__(self) -> None:
        """Every job runs through at once."""
        self.may_end = threading.Event()
        self.may_end.set()
        self.seen: list[str] = []
        """The code of each job, as it was checked out."""
        self.written = ""
        """What jobs that wait have written so far."""
        self.found = diff()
        """What every comparison comes to."""

    @property
    def works(self) -> dict[str, Work]:
        """By kind of request."""
        return {
            "test": self,
            "changes": self.compare,
            "generate": self.write,
            "plan": self.plan,
            "match": self.match,
        }

    def __call__(self, request: TestCode, desk: Desk) -> Done:
        """See `jobs.desk.Work`."""
        desk.watch.report("checking out the code")
        source = _read(desk.checkout(request.source, request.path), request.path)
        self.seen.append(source)
        desk.watch.report("searched 1,200 calls, 84 % of lines", 0.4)
        while not self.may_end.wait(0.02) and not desk.watch.stop_requested():
            desk.watch.draft(self.written)
        names = _FUNCTION.findall(source)
        test_path = f"tests/test_{request.path.rpartition('/')[2]}"
        lines = [f"def test_{name}() -> None:\n    assert callable({name})" for name in names]
        content = "\n\n\n".join(lines) + "\n"
        kept = NewArtifact(
            test_path.rpartition("/")[2], "text/x-python", content.encode(), apply_to=test_path
        )
        artifact = desk.keep(kept)
        return Done(
            "1 test passes, 100 % of lines",
            _reply(request.path, (test_path, content), desk, artifact),
        )

    def compare(self, request: TestChanges, desk: Desk) -> Done:
        """Look at `src/a.py` before and after."""
        for source in (request.base, request.source):
            self.seen.append(_read(desk.checkout(source, "."), "src/a.py"))
        desk.watch.report("compared 0 of 1 files, 1,200 calls, 1 differences", 0.4)
        while not self.may_end.wait(0.02) and not desk.watch.stop_requested():
            pass
        return told(request, self.found, desk.job)

    def write(self, request: GenerateCode, desk: Desk) -> Done:
        """Nothing, though the code is there for it."""
        self.seen.append(_read(desk.checkout(request.source, "."), "src/a.py"))
        return Done("unverified", say("Something was written."))

    def plan(self, request: PlanFile, desk: Desk) -> Done:
        """Nothing, though the code is there for it."""
        self.seen.append(_read(desk.checkout(request.source, "."), "src/a.py"))
        return Done("planned", say(f"{request.path} was planned."))

    def match(self, request: MatchTask, desk: Desk) -> Done:
        """Nobody, though the code is there for it."""
        self.seen.append(_read(desk.checkout(request.source, "."), "src/a.py"))
        return Done("matched", say(f"Nobody is named for {request.task.named}."))


def _read(root: Path, path: str) -> str:
    try:
        return (root / path).read_text()
    except FileNotFoundError as error:
        raise Declined(f"There is no file `{path}` in this repository.") from error


def _reply(path: str, written: tuple[str, str], desk: Desk, artifact: ArtifactId) -> Reply:
    test_path, content = written
    summary = f"1 test for {path}: 1 passed, line coverage 100%"
    facts = (
        ("Tests", "1, 1 passed"),
        ("Line coverage", "100% (import alone: 50%)"),
        ("File", f"`{test_path}`"),
    )
    bugs = Table(
        header=("Smallest input", "What happens", "Line"),
        rows=(("`double('|')`", "`TypeError: @everyone <!channel>`", "2"),),
    )
    unreached = Collapsible(
        title="Not reached: 1 place",
        blocks=(Table(header=("Lines", "Why"), rows=(("4-6", "needs the network"),)),),
    )
    name = test_path.rpartition("/")[2]
    blocks: tuple[Block, ...] = (
        Heading(text=f"Tests for {path}"),
        Fields(pairs=facts),
        Text(markdown="**1 possible bug** — calls that crash (closes #1, says @ann):"),
        bugs,
        Code(text=content, language="python"),
        File(artifact=artifact, name=name, size_bytes=len(content)),
        unreached,
        Actions(actions=_buttons(desk)),
    )
    return Reply(summary=summary, blocks=blocks)


def _buttons(desk: Desk) -> tuple[Action, ...]:
    return (
        Action(verb="apply", label="Apply", job=desk.job, primary=True),
        Action(verb="retry", label="Retry", job=desk.job),
        Action(verb="feedback", label="👍", job=desk.job, words="up"),
        Action(verb="feedback", label="👎", job=desk.job, words="down"),
    )
