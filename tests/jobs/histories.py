"""Git histories in which everybody did what a test says."""

import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.fakes.git_host import git

DAY_S = 86_400
NOW_S = 1_796_040_000
"""30 November 2026, noon UTC."""
ANN, BO, CY = "Ann Lee <ann@lee.dev>", "Bo Ray <7+bo@users.noreply.github.com>", "Cy <cy@x.org>"


@dataclass(frozen=True)
class Did:
    """One commit."""

    who: str
    days_ago: float
    files: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    """None removes one."""
    message: str = "A change"


def write_history(folder: Path, commits: Iterable[Did]) -> Path:
    """A bare repository whose only branch is these commits, oldest first."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main")
    stream: list[bytes] = []
    for one in sorted(commits, key=lambda each: -each.days_ago):
        at = f"{NOW_S - int(one.days_ago * DAY_S)} +0000"
        text = one.message.encode()
        stream += [
            b"commit refs/heads/main\n",
            f"author {one.who} {at}\ncommitter {one.who} {at}\n".encode(),
            b"data %d\n%s\n" % (len(text), text),
            *(_change(path, content) for path, content in one.files.items()),
        ]
    subprocess.run(
        ["git", "fast-import", "--quiet"],
        cwd=folder,
        input=b"".join(stream),
        check=True,
    )
    return folder


def often(who: str, times: int, path: str, message: str = "Work on it") -> list[Did]:
    """Somebody changes a file once a day, until yesterday."""
    return [Did(who, day, {path: f"{who} {day}\n"}, message) for day in range(1, times + 1)]


def _change(path: str, content: str | None) -> bytes:
    if content is None:
        return f"D {path}\n".encode()
    raw = content.encode()
    return b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(raw), raw)
