"""The comparison over the real engine: what it says of a small change."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from engines.sandbox.environments.declared import declared
from engines.sandbox.environments.types import Environment
from engines.sandbox.sandbox import Sandbox, find_sandbox
from engines.sandbox.types import NoIsolation
from engines.watch import Watch
from jobs import test_changes
from jobs.desk import Done, NewArtifact
from jobs.messages import Verdict
from jobs.requests import Source, TestChanges
from jobs.runner import RunningWatch
from storage.checkouts.history import History
from storage.ids import ArtifactId, JobId

JOB = JobId("J7K2M9Q")
BEFORE = '''\
"""Names of pages."""


def slug(title: str) -> str:
    """The title as a part of an address."""
    return "-".join(title.lower().split())


def half(number: int) -> int:
    """Rounded down."""
    return number // 2
'''
AFTER = BEFORE.replace('"-".join', '"_".join')
TIDIED = BEFORE.replace("number // 2", "(number // 2)")


@dataclass
class TwoVersions:
    """A desk with the code before and after a change."""

    folder: Path
    job: JobId = JOB
    watch: Watch = field(default_factory=RunningWatch)
    is_asked_for_sandbox: bool = False

    def write(self, before: dict[str, str], after: dict[str, str]) -> None:
        for name, files in (("a" * 40, before), ("b" * 40, after)):
            for path, text in files.items():
                target = self.folder / name / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text)

    def checkout(self, source: Source, path: str) -> Path:
        assert path
        return self.folder / str(source.sha)

    def history(self, source: Source) -> History:
        raise AssertionError(source)

    def environment(self, checkout: Path) -> Environment:
        return Environment(declared(checkout), (), (), "")

    def sandbox(self) -> Sandbox:
        self.is_asked_for_sandbox = True
        try:
            return find_sandbox()
        except NoIsolation as reason:
            pytest.skip(str(reason))

    def keep(self, artifact: NewArtifact) -> ArtifactId:
        raise AssertionError(artifact.name)


@pytest.fixture
def desk(tmp_path: Path) -> TwoVersions:
    return TwoVersions(tmp_path)


def run(desk: TwoVersions, path: str | None = None, ignore: tuple[str, ...] = ()) -> Done:
    request = TestChanges(
        source=Source(repository="o/r", sha="b" * 40, number=12),
        base=Source(repository="o/r", sha="a" * 40),
        base_name="main",
        path=path,
        ignore=ignore,
        cpu_s=3.0,
    )
    return test_changes.run(request, desk)


def test_a_function_that_returns_something_else_is_told_on_its_line(desk: TwoVersions) -> None:
    desk.write({"web/pages.py": BEFORE}, {"web/pages.py": AFTER})
    done = run(desk)
    assert done.text.startswith("1 function behaves differently; 100 % of the changed lines")
    assert done.reply.verdict is Verdict.DIFFERS
    (remark,) = done.reply.remarks
    assert (remark.path, remark.line) == ("web/pages.py", 6)
    assert remark.text.startswith("`slug`\n- `slug(")
    assert "half" not in str(done.reply)


def test_a_change_of_nothing_but_its_writing_passes(desk: TwoVersions) -> None:
    desk.write({"web/pages.py": BEFORE}, {"web/pages.py": TIDIED})
    done = run(desk)
    assert (done.reply.verdict, done.reply.remarks) == (Verdict.PASSES, ())


@pytest.mark.parametrize(
    ("path", "ignore"), [("src", ()), ("web/other.py", ()), (None, ("web/*",))]
)
def test_what_was_not_asked_for_is_not_run(
    desk: TwoVersions, path: str | None, ignore: tuple[str, ...]
) -> None:
    desk.write({"web/pages.py": BEFORE}, {"web/pages.py": AFTER})
    done = run(desk, path, ignore)
    assert done.text.startswith("No Python code")
    assert not desk.is_asked_for_sandbox


def test_a_cancelled_comparison_tells_what_it_has(desk: TwoVersions) -> None:
    desk.write({"web/pages.py": BEFORE}, {"web/pages.py": AFTER})
    watch = RunningWatch()
    watch.stop = True
    desk.watch = watch
    assert "stopped early" in str(run(desk).reply)
