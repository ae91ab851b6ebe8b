"""Small repositories, told commit by commit and written by git at once."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from engines.matching.types import Signature

GIT = shutil.which("git") or "git"
START_S = 1_600_000_000
HOUR_S = 3600
ANN = Signature("Ann Lee", "ann@work.org")
BOB = Signature("Bob Moe", "bob@work.org")
CYD = Signature("Cyd Noe", "cyd@work.org")
BORS = Signature("bors", "bors@rust-lang.org")
BOT = Signature("dependabot[bot]", "49699333+dependabot[bot]@users.noreply.github.com")
DAY_S = 86_400


def git(folder: Path, *arguments: str | Path) -> str:
    """Run a git command of no settings and return what it printed."""
    done = subprocess.run(
        [GIT, *arguments],
        cwd=folder,
        env={
            "PATH": os.defpath,
            "HOME": str(folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
        },
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().strip()


class Moved(NamedTuple):
    """What a file's content is taken from, in place of a content."""

    was: str


Files = Mapping[str | bytes, str | bytes | Moved | None]
"""Contents by path; None for what is deleted."""


class Story:
    """A repository that is written when it is told."""

    def __init__(self, folder: Path) -> None:
        """Nothing has happened; every commit is an hour after the one before."""
        self._folder = folder
        self._stream: list[bytes] = []
        self._count = 0
        self._trees: list[dict[bytes, bytes]] = [{}]

    def commit(
        self,
        author: Signature,
        message: str | bytes,
        files: Files | None = None,
        *,
        after: Sequence[int] | None = None,
        authored_s: int | None = None,
        committed_s: int | None = None,
    ) -> int:
        """Write a commit after others (the last, if none are given); its number, from 1.

        A merge has what any of its parents has; of two contents of a file the later parent's.
        """
        self._count += 1
        at_s = START_S + self._count * HOUR_S
        parents = ([self._count - 1] if self._count > 1 else []) if after is None else after
        text = message.encode() if isinstance(message, str) else message
        self._tell(f"commit refs/heads/at-{self._count}")
        self._tell(f"mark :{self._count}")
        for role, told_s in (("author", authored_s), ("committer", committed_s)):
            when_s = at_s if told_s is None else told_s
            self._tell(f"{role} {author.name} <{author.email}> {when_s} +0000")
        self._data(text)
        for number, parent in enumerate(parents):
            self._tell(f"{'merge' if number else 'from'} :{parent}")
        tree = dict(self._trees[parents[0]]) if parents else {}
        for parent in parents[1:]:
            for path, content in self._trees[parent].items():
                if tree.get(path) != content:
                    self._change(tree, path, content)
        for path, content in ({f"f{self._count}": "1\n"} if files is None else files).items():
            self._change(tree, path.encode() if isinstance(path, str) else path, content)
        self._trees.append(tree)
        return self._count

    def write(self, tip: int | None = None) -> Path:
        """The repository, whose HEAD is a commit: the last, if none is given."""
        if not (self._folder / "HEAD").exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            git(self._folder, "init", "--quiet", "--bare", "--initial-branch=main", ".")
        self._tell(f"reset refs/heads/main\nfrom :{tip or self._count}\n")
        subprocess.run(
            [GIT, "-C", self._folder, "fast-import", "--quiet", "--force"],
            input=b"".join(self._stream),
            check=True,
        )
        return self._folder

    def _change(
        self, tree: dict[bytes, bytes], path: bytes, content: str | bytes | Moved | None
    ) -> None:
        quoted = b'"' + path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
        quoted += b'"'
        match content:
            case None:
                del tree[path]
                self._stream.append(b"D " + quoted + b"\n")
            case Moved(was):
                tree[path] = tree.pop(was.encode())
                self._stream.append(b'R "' + was.encode() + b'" ' + quoted + b"\n")
            case str():
                self._change(tree, path, content.encode())
            case bytes():
                tree[path] = content
                self._stream.append(b"M 100644 inline " + quoted + b"\n")
                self._data(content)

    def _data(self, content: bytes) -> None:
        self._stream.append(b"data %d\n" % len(content) + content + b"\n")

    def _tell(self, line: str) -> None:
        self._stream.append(line.encode() + b"\n")


def tell_random(story: Story, seed: int, steps: int = 40) -> None:
    """Direct commits, branches of others, bots, handles, wrong clocks and renames."""
    rng = np.random.default_rng(seed)
    people = (ANN, BOB, CYD, Signature("bob", "9+moe@users.noreply.github.com"), BOT)
    handles = ("annl", "moe", "cydn", "moe", "dependabot")
    main = story.commit(ANN, "Begin")
    for step in range(steps):
        who = int(rng.integers(len(people)))
        text = f"Let {people[int(rng.integers(len(people)))].name} do {step}"
        late_s = int(rng.choice([0, 0, 0, -90 * DAY_S, 3000 * DAY_S]))
        when_s = START_S + (step + 1) * 7 * HOUR_S + late_s
        files: Files = {f"d{rng.integers(3)}/f{rng.integers(4)}": f"{step}\n"}
        if rng.random() < 0.4:
            main = story.commit(people[who], text, files, after=[main], committed_s=when_s)
            continue
        tip = main
        for _ in range(int(rng.integers(1, 4))):
            tip = story.commit(people[who], text, files, after=[tip], authored_s=when_s)
        subject = (
            f"Auto merge of #{step} - {handles[who]}:b, r={handles[int(rng.integers(5))]}\n\n{text}"
            if rng.random() < 0.5
            else f"Merge pull request #{step} from {handles[who]}/b\n\n{text}"
        )
        merger = (BORS, ANN, CYD)[int(rng.integers(3))]
        main = story.commit(merger, subject, {}, after=[main, tip], committed_s=when_s)
