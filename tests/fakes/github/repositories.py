"""Bare git repositories in a folder, changed by git itself."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_BARE = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n"
_HUNK = re.compile(
    r"^@@ -(?P<was>\d+)(?:,(?P<lost>\d+))? \+(?P<first>\d+)(?:,(?P<gained>\d+))? @@", re.MULTILINE
)
FAKE = "Fake <fake@example.invalid>"
NEW_YEAR_S = 1_767_225_600
"""2026, by Unix time."""


class NoSuchObject(Exception):
    """Git knows no such commit, branch or file."""


@dataclass(frozen=True)
class Blob:
    """A file in a commit."""

    sha: str
    content: bytes


class Git:
    """One bare repository."""

    def __init__(self, folder: Path) -> None:
        """`folder` is "…/owner/name.git"; it is made where it is missing."""
        self.folder = folder
        if not folder.exists():
            for name in ("objects/info", "objects/pack", "refs/heads", "refs/tags"):
                (folder / name).mkdir(parents=True)
            (folder / "HEAD").write_text("ref: refs/heads/main\n")
            (folder / "config").write_text(_BARE)

    @property
    def default_branch(self) -> str:
        """What HEAD points at."""
        return (self.folder / "HEAD").read_text().strip().removeprefix("ref: refs/heads/")

    def branches(self) -> dict[str, str]:
        """The branches and their newest commits."""
        form = "--format=%(refname:lstrip=2) %(objectname)"
        lines = self._run("for-each-ref", form, "refs/heads").splitlines()
        return dict(line.rsplit(" ", 1) for line in lines)

    def resolve(self, ref: str) -> str:
        """The commit a branch, tag or sha names. Raises NoSuchObject."""
        loose = self.folder / "refs" / "heads" / ref
        if loose.is_file():
            return loose.read_text().strip()
        for name in (f"refs/heads/{ref}", f"refs/tags/{ref}", ref):
            found = self._try("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
            if found:
                return found.strip()
        raise NoSuchObject(ref)

    def tree_of(self, commit: str) -> str:
        """The tree of a commit."""
        return self._run("rev-parse", f"{commit}^{{tree}}").strip()

    def parents_of(self, commit: str) -> list[str]:
        """A commit's parents."""
        return self._run("rev-parse", f"{commit}^@").split()

    def message_of(self, commit: str) -> str:
        """A commit's message."""
        return self._run("log", "-1", "--format=%B", commit).strip()

    def holds(self, commit: str, earlier: str) -> bool:
        """Whether a commit is another, or came after it."""
        return self._try("merge-base", "--is-ancestor", earlier, commit) is not None

    def kind(self, commit: str, path: str) -> str:
        """ "blob" or "tree". Raises NoSuchObject."""
        found = self._try("cat-file", "-t", f"{commit}:{path}")
        if not found:
            raise NoSuchObject(path)
        return found.strip()

    def blob(self, commit: str, path: str) -> Blob:
        """A file's content. Raises NoSuchObject."""
        if self.kind(commit, path) != "blob":
            raise NoSuchObject(path)
        sha = self._run("rev-parse", f"{commit}:{path}").strip()
        return Blob(sha, self._bytes("cat-file", "blob", sha))

    def listing(self, commit: str, path: str = "") -> list[str]:
        """The names in a folder, or every file's path with path "**"."""
        if path == "**":
            return self._run("ls-tree", "-r", "--name-only", commit).split("\n")[:-1]
        return self._run("ls-tree", "--name-only", f"{commit}:{path}").split("\n")[:-1]

    def changed(self, base: str, head: str) -> list[str]:
        """The paths that differ between where two commits parted and `head`."""
        return self._run("diff", "--name-only", f"{base}...{head}").split("\n")[:-1]

    def signed_in(self, base: str, head: str) -> list[tuple[str, str]]:
        """Name and address of who signed each commit since two parted, oldest first."""
        shown = self._run("log", "--reverse", "--format=%an%x00%ae", f"{base}..{head}")
        return [
            (name, email) for name, _, email in (x.partition("\0") for x in shown.split("\n")[:-1])
        ]

    def merge_base(self, one: str, other: str) -> str:
        """Where two commits parted. Raises NoSuchObject when they have nothing in common."""
        return self._run("merge-base", one, other).strip()

    def patch(self, base: str, head: str, path: str) -> str:
        """What changed in a file since two commits parted, from the first `@@` on."""
        whole = self._run("diff", f"{base}...{head}", "--", path)
        return whole[whole.index("@@") :] if "@@" in whole else ""

    def diff_shows(self, base: str, head: str, path: str) -> set[int]:
        """The lines of the newer file that stand in such a diff, changed or around a change."""
        shown: set[int] = set()
        number = 0
        for text in self.patch(base, head, path).split("\n"):
            if hunk := _HUNK.match(text):
                number = int(hunk["first"])
            elif text.startswith((" ", "+")):
                shown.add(number)
                number += 1
        return shown

    def line_now(self, then: str, now: str, path: str, line: int) -> int | None:
        """Where a line of an earlier commit stands in a later one; None when it was changed."""
        moved = 0
        for hunk in _HUNK.finditer(self._run("diff", "-U0", then, now, "--", path)):
            first, count, after = (
                1 if hunk[part] is None else int(hunk[part]) for part in ("was", "lost", "gained")
            )
            if first <= line < first + count:
                return None
            if first < line:
                moved += after - count
        return line + moved

    def has(self, sha: str) -> bool:
        """Whether there is an object with this id."""
        return self._try("cat-file", "-e", sha) is not None

    def make_blob(self, content: bytes) -> str:
        """Store a file's content."""
        return self._bytes("hash-object", "-w", "--stdin", stdin=content).decode().strip()

    def make_tree(self, base: str | None, blobs: Mapping[str, str]) -> str:
        """A tree like `base` with these blobs at these paths."""
        index = self.folder / f"index-{abs(hash((base, tuple(blobs.items()))))}"
        env = {"GIT_INDEX_FILE": str(index)}
        if base is not None:
            self._run("read-tree", base, env=env)
        for path, sha in blobs.items():
            self._run("update-index", "--add", "--cacheinfo", f"100644,{sha},{path}", env=env)
        tree = self._run("write-tree", env=env).strip()
        index.unlink(missing_ok=True)
        return tree

    def make_commit(self, tree: str, parents: list[str], message: str) -> str:
        """A commit."""
        named = [word for parent in parents for word in ("-p", parent)]
        return self._bytes("commit-tree", tree, *named, stdin=message.encode()).decode().strip()

    def set_ref(self, ref: str, sha: str) -> None:
        """Create or move a ref, given by its full name."""
        self._run("update-ref", ref, sha)

    def delete_ref(self, ref: str) -> None:
        """Nobody finds it any more."""
        self._run("update-ref", "-d", ref)

    def commit_files(
        self,
        branch: str,
        files: Mapping[str, bytes],
        message: str,
        *,
        signed: str = FAKE,
        at_s: int = NEW_YEAR_S,
    ) -> str:
        """A commit on top of a branch (or the first one), as if somebody had pushed it."""
        before = self._try("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}")
        text = message.encode()
        stream = [
            b"commit refs/heads/%s\n" % branch.encode(),
            f"committer {signed} {at_s} +0000\n".encode(),
            b"data %d\n%s\n" % (len(text), text),
            b"from %s\n" % before.strip().encode() if before else b"",
            *(
                b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(content), content)
                for path, content in files.items()
            ),
        ]
        self._bytes("fast-import", "--quiet", stdin=b"".join(stream))
        return self.resolve(branch)

    def take_from(self, other: "Git", sha: str, ref: str) -> None:
        """Bring a fork's commit here under `ref`."""
        name = f"refs/heads/gryph-exchange-{sha[:12]}"
        other.set_ref(name, sha)
        self._run("fetch", "--quiet", str(other.folder), f"+{name}:{ref}")

    def _run(self, *words: str, env: Mapping[str, str] | None = None) -> str:
        return self._bytes(*words, env=env).decode()

    def _try(self, *words: str) -> str | None:
        try:
            return self._run(*words)
        except NoSuchObject:
            return None

    def _bytes(
        self, *words: str, stdin: bytes = b"", env: Mapping[str, str] | None = None
    ) -> bytes:
        done = subprocess.run(
            ["git", "-C", str(self.folder), *words],
            input=stdin,
            capture_output=True,
            timeout=60,
            check=False,
            env={**environment(self.folder), **(env or {})},
        )
        if done.returncode != 0:
            raise NoSuchObject(f"git {words[0]}: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout


def environment(folder: Path) -> dict[str, str]:
    """Git without anybody's own configuration."""
    who = {"NAME": "Fake", "EMAIL": "fake@example.invalid", "DATE": "2026-01-01T00:00:00Z"}
    named = {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in who.items()
    }
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        **named,
    }
