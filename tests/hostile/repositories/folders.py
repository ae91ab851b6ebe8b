"""Attacks by a folder of this machine that somebody unpacked: its git directory is hostile too."""

import hashlib
import os
import struct
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

from storage.checkouts import Checked, CheckoutPolicy, CheckoutSource
from tests.fakes.git_host import commit, git
from tests.hostile.repositories.arena import Arena, Attack, Case


def _case(folder: Path, ends: str, says: str = "", sha: str | None = None) -> Case:
    return Case(CheckoutSource(f"local:{folder}", sha), CheckoutPolicy(""), ends, says)


def _folder(arena: Arena) -> tuple[Path, str]:
    folder = arena.folder / "host" / "folder"
    return folder, commit(folder, {"a.py": "a", ".gitattributes": "* filter=evil\n"})


def _configured(settings: dict[str, str], arena: Arena, *, named: bool = False) -> Case:
    folder, sha = _folder(arena)
    command = f"touch {arena.ran}"
    for key, value in settings.items():
        git(folder, "config", key, value.format(command=command, folder=arena.folder))
    (folder / "new.py").write_text("new")
    return _case(folder, "checked out|refused", sha=sha if named else None)


_COMMANDS = {
    "core.fsmonitor": "{command}",
    "core.untrackedCache": "true",
    "core.sshCommand": "{command}",
    "core.pager": "{command}",
    "core.editor": "{command}",
    "core.askPass": "{command}",
    "core.alternateRefsCommand": "{command}",
    "core.gitProxy": "{command}",
    "core.hooksPath": "{folder}",
    "filter.evil.clean": "{command}",
    "filter.evil.smudge": "{command}",
    "filter.evil.process": "{command}",
    "diff.external": "{command}",
    "alias.ls-files": "!{command}",
    "uploadpack.packObjectsHook": "{command}",
    "credential.helper": "!{command}",
    "gpg.program": "{command}",
    "trace2.eventTarget": "{folder}/ran",
}
_LAZY = {
    "core.repositoryFormatVersion": "1",
    "extensions.partialClone": "origin",
    "remote.origin.url": "ext::{command}",
    "remote.origin.promisor": "true",
    "remote.origin.uploadpack": "{command};",
    "protocol.allow": "always",
}


def _lazy(arena: Arena) -> Case:
    """Objects are missing, and the settings say where to get them: by running a command."""
    case = _configured(_LAZY, arena, named=True)
    folder = Path(case.source.repository.removeprefix("local:"))
    blob = git(folder, "rev-parse", "HEAD:a.py")
    (folder / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    return _case(folder, "refused|failed", sha=case.source.sha)


def _indexed(path: bytes, arena: Arena) -> Case:
    """A path that git would never put into an index, written there by hand."""
    folder, _ = _folder(arena)
    (folder / "out").symlink_to(arena.folder)
    entry = struct.pack(">10I", *(0,) * 6, 0o100644, 0, 0, 6) + bytes(20)
    entry += struct.pack(">H", len(path)) + path
    entry += b"\0" * (8 - len(entry) % 8)
    content = b"DIRC" + struct.pack(">II", 2, 1) + entry
    digest = hashlib.sha1(content, usedforsecurity=False).digest()
    (folder / ".git" / "index").write_bytes(content + digest)
    case = _case(folder, "checked out|refused")
    return Case(case.source, case.policy, case.ends, look=_holds_no_secret)


def _holds_no_secret(checked: Checked) -> str | None:
    for path in checked.root.rglob("*"):
        if path.is_file() and path.read_bytes() == b"secret":
            return f"{path.name} is from outside"
    return None


def _names(what: Callable[[Path, Arena], None], says: str, arena: Arena) -> Case:
    folder = arena.folder / "host" / "folder"
    folder.mkdir()
    what(folder, arena)
    return _case(folder, "refused" if says else "checked out", says)


def _deep(folder: Path, arena: Arena) -> None:
    arena.opened.callback(subprocess.run, ["rm", "-rf", folder], check=True)
    here = os.getcwd()  # noqa: PTH109 - the whole path is too long to name
    try:
        os.chdir(folder)
        for _ in range(3000):
            os.mkdir("d")  # noqa: PTH102
            os.chdir("d")
    finally:
        os.chdir(here)


def _specials(folder: Path, arena: Arena) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "link").symlink_to(arena.folder / "secret")
    (folder / "folder").symlink_to(arena.folder)
    (folder / "devices").symlink_to("/dev/zero")


def _sparse(folder: Path, arena: Arena) -> None:
    """A file of a terabyte that takes no room."""
    del arena
    with (folder / "huge").open("wb") as file:
        file.truncate(2**40)


def _elsewhere(folder: Path, arena: Arena) -> None:
    """A `.git` file that names another repository's directory."""
    other = commit(arena.folder / "host" / "other", {"secret": "secret"})
    del other
    (folder / ".git").write_text(f"gitdir: {arena.folder}/host/other/.git\n")


def _endless_settings(folder: Path, arena: Arena) -> None:
    commit(folder, {"a": "a"})
    del arena
    with (folder / ".git" / "config").open("a") as file:
        file.write("[include]\n\tpath = /dev/zero\n")


ATTACKS = (
    Attack("folder: settings that run commands", partial(_configured, _COMMANDS)),
    Attack("folder: such settings, a commit named", partial(_configured, _COMMANDS, named=True)),
    Attack("folder: a promise to fetch what is missing", _lazy),
    Attack(
        "folder: settings from elsewhere", partial(_names, _endless_settings, "git cannot|read")
    ),
    Attack("folder: an index that leads up", partial(_indexed, b"../../secret")),
    Attack("folder: an index that leads through a link", partial(_indexed, b"out/secret")),
    Attack("folder: an absolute index", partial(_indexed, b"/etc/hostname")),
    Attack("folder: pipes, devices and links", partial(_names, _specials, "")),
    Attack("folder: a file of a terabyte", partial(_names, _sparse, "MAX_FILE_BYTES")),
    Attack("folder: somebody else's git directory", partial(_names, _elsewhere, "")),
    Attack("folder: 3,000 folders deep", partial(_names, _deep, "more than 100 folders")),
)
