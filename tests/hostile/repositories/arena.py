"""Where an attack is tried: hosts on loopback, a job's folder, and an eye on what it takes.

An attack holds when it ends as expected and in time, its refusal can be read, the disk is given
back, nothing outside the job's folder has changed, no process is left, and the token was shown
to nobody but the host it is for.
"""

import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from storage.checkouts import (
    Checked,
    CheckoutFailed,
    CheckoutPolicy,
    CheckoutRefused,
    CheckoutSource,
    checkout,
)
from tests.fakes.git_host import GitHost, git
from tests.fakes.git_objects import Pack
from tests.fakes.hostile_git import Host, Visits, handing_out, serving

MB = 2**20
REPOSITORY = "eve/trap"
TOKEN = "ghs_16C7e42F292c6912E7710c838347Ae178B4a"
LONGEST_REFUSAL = 700
_LAST_MOMENT_S = 5.0
_LOOK_S = 0.02

Look = Callable[[Checked], str | None]
"""What is wrong with a finished checkout, if anything."""


@dataclass(frozen=True)
class Case:
    """What is asked for in the face of an attack, and how it should end."""

    source: CheckoutSource
    policy: CheckoutPolicy
    ends: str
    """refused, failed, or checked out; several with a bar between them."""
    says: str = ""
    """A pattern that the words to the person match."""
    within_s: float = 20.0
    most_mb: float = 20.0
    """On disk at any moment."""
    look: Look | None = None


@dataclass
class Arena:
    """One attack's surroundings."""

    folder: Path
    opened: ExitStack
    host: GitHost = field(init=False)
    elsewhere: Visits = field(default_factory=Visits)
    """Who came to a host the token is not for."""

    def __post_init__(self) -> None:
        """A git host, and things outside the job's folder that are to stay as they are."""
        self.host = GitHost(self.folder / "host")
        (self.folder / "secret").write_text("secret")

    @property
    def ran(self) -> Path:
        """A file that only a command of the attacker's makes."""
        return self.folder / "ran"

    def serve(self) -> CheckoutPolicy:
        """The policy of one who asks the git host."""
        return CheckoutPolicy(self.opened.enter_context(self.host.served()), TOKEN)

    def serve_raw(self, host: Host, visits: Visits | None = None) -> str:
        """Open a host of the attacker's; its address."""
        return self.opened.enter_context(serving(host, visits or Visits()))

    def push(self, pack: Pack, sha: str) -> CheckoutSource:
        """Put crafted objects into the git host's repository."""
        self.host.push(REPOSITORY, {"README": "a trap"})
        bare = self.host.bare(REPOSITORY)
        written = self.folder / "crafted.pack"
        with written.open("wb") as file:
            file.writelines(pack.written())
        git(bare, "-c", f"alias.take=!git index-pack --stdin < {written}", "take")
        written.unlink()
        (bare / "refs" / "heads" / "main").write_text(f"{sha}\n")
        return CheckoutSource(REPOSITORY, sha)

    def hand_out(self, sha: str, pack: Pack) -> tuple[CheckoutSource, CheckoutPolicy]:
        """Serve crafted objects without keeping them anywhere."""
        url = self.serve_raw(handing_out(sha, pack.written))
        return CheckoutSource(REPOSITORY, sha), CheckoutPolicy(url, TOKEN)


@dataclass(frozen=True)
class Attack:
    """One thing a hostile repository, or its host, may try."""

    name: str
    prepare: Callable[[Arena], Case]
    is_slow: bool = False


@dataclass
class Outcome:
    """What came of an attack."""

    attack: str
    ended: str = ""
    said: str = ""
    took_s: float = 0.0
    disk_mb: float = 0.0
    memory_mb: float = 0.0
    violations: list[str] = field(default_factory=list[str])

    def expect(self, *, holds: bool, otherwise: str) -> None:
        """Note a violation."""
        if not holds:
            self.violations.append(f"{self.attack}: {otherwise}")


def tried(attack: Attack) -> Outcome:
    """Try it, and judge what came of it."""
    outcome = Outcome(attack.name)
    with tempfile.TemporaryDirectory(prefix="gryph-attack-") as name, ExitStack() as opened:
        arena = Arena(Path(name), opened)
        case = attack.prepare(arena)
        job = arena.folder / "job"
        job.mkdir()
        before = _outside(arena)
        with _watched(job, outcome):
            checked = _checked_out(case, job, outcome)
        outcome.expect(holds=_outside(arena) == before, otherwise="something outside has changed")
        outcome.expect(holds=not arena.ran.exists(), otherwise="a command of the attacker's ran")
        _judge(case, outcome)
        _judge_elsewhere(arena, outcome)
        _judge_rest(case, checked, job, outcome)
    return outcome


def _checked_out(case: Case, job: Path, outcome: Outcome) -> Checked | None:
    started = time.monotonic()
    checked = None
    try:
        checked = checkout(case.source, job / "code", case.policy, stop=lambda: False)
        outcome.ended = "checked out"
    except CheckoutRefused as error:
        outcome.ended, outcome.said = "refused", str(error)
    except CheckoutFailed as error:
        outcome.ended, outcome.said = "failed", str(error)
    except Exception as error:  # noqa: BLE001 - a crash is what is looked for
        outcome.ended, outcome.said = "crashed", f"{type(error).__name__}: {error}"
    outcome.took_s = time.monotonic() - started
    return checked


def _judge(case: Case, outcome: Outcome) -> None:
    said = outcome.said
    outcome.expect(
        holds=outcome.ended in case.ends.split("|"), otherwise=f"{outcome.ended}, not {case.ends}"
    )
    outcome.expect(holds=re.search(case.says, said) is not None, otherwise=f"it says: {said}")
    outcome.expect(holds=said.isprintable(), otherwise="the words hold what cannot be seen")
    outcome.expect(holds=len(said) <= LONGEST_REFUSAL, otherwise=f"{len(said)} characters said")
    outcome.expect(holds=TOKEN not in said, otherwise="the token is said")
    outcome.expect(
        holds=outcome.took_s <= case.within_s, otherwise=f"{outcome.took_s:.1f} s, too long"
    )
    outcome.expect(
        holds=outcome.disk_mb <= case.most_mb, otherwise=f"{outcome.disk_mb:.0f} MB on disk"
    )
    most_mb = case.policy.max_memory_bytes / MB
    outcome.expect(
        holds=outcome.memory_mb <= most_mb, otherwise=f"{outcome.memory_mb:.0f} MB of memory"
    )


def _judge_elsewhere(arena: Arena, outcome: Outcome) -> None:
    shown = [each for each in arena.elsewhere.headers if "authorization" in each.lower()]
    outcome.expect(holds=shown == [], otherwise="the token was shown to another host")


def _judge_rest(case: Case, checked: Checked | None, job: Path, outcome: Outcome) -> None:
    left = sorted(path.name for path in job.iterdir())
    expected = ["code"] if checked else []
    outcome.expect(holds=left == expected, otherwise=f"left behind: {left}")
    outcome.expect(holds=_is_quiet(job), otherwise="a process is left")
    if checked is None:
        return
    inside = checked.root.resolve()
    for path in checked.root.rglob("*"):
        if not path.resolve().is_relative_to(inside):
            outcome.violations.append(f"{outcome.attack}: {path.name!r} leads out")
        if path.name.lower() == ".git":
            outcome.violations.append(f"{outcome.attack}: a .git is left")
    wrong = case.look(checked) if case.look else None
    outcome.expect(holds=wrong is None, otherwise=str(wrong))
    shutil.rmtree(checked.root)


def _outside(arena: Arena) -> dict[str, float]:
    """Everything beside the job's folder and the hosts', with the time of its last change."""
    return {
        str(path): path.lstat().st_mtime
        for path in arena.folder.iterdir()
        if path.name not in ("job", "host")
    }


@contextmanager
def _watched(job: Path, outcome: Outcome) -> Generator[None]:
    """Look at the disk and memory all the time."""
    over = threading.Event()

    def watch() -> None:
        wait_s = _LOOK_S
        while not over.wait(wait_s):
            started = time.monotonic()
            outcome.disk_mb = max(outcome.disk_mb, _disk_bytes(job) / MB)
            for resident in _processes(job):
                outcome.memory_mb = max(outcome.memory_mb, resident / MB)
            wait_s = max(_LOOK_S, 5 * (time.monotonic() - started))  # not to slow what is timed

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _disk_bytes(folder: Path) -> int:
    total = 0
    for parent, _, files in os.walk(folder):
        for name in files:
            try:
                total += Path(parent, name).lstat().st_blocks * 512
            except FileNotFoundError:
                continue
    return total


def _is_quiet(job: Path) -> bool:
    """Whether nothing runs there any more; who was just killed may take a moment to go."""
    until_s = time.monotonic() + _LAST_MOMENT_S
    while list(_processes(job)):
        if time.monotonic() > until_s:
            return False
        time.sleep(0.05)
    return True


def _processes(job: Path) -> Generator[int]:
    """The resident bytes of each program that works in the folder. Between its fork and its start
    it is still we ourselves, with all that we hold.
    """
    ourselves = Path("/proc/self/exe").readlink()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            is_started = (process / "exe").readlink() != ourselves
            if is_started and (process / "cwd").readlink().is_relative_to(job):
                pages = int((process / "statm").read_text().split()[1])
                yield pages * os.sysconf("SC_PAGE_SIZE")
        except OSError:  # it has ended meanwhile
            continue
