"""Attacks by what a commit holds: paths, links, references, names, sizes."""

import os
from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from storage.checkouts import Checked, CheckoutPolicy, LeftOut
from tests.fakes.git_objects import FOLDER, LINK, PROGRAM, SUBMODULE, At, Pack
from tests.hostile.repositories.arena import MB, Arena, Attack, Case

LFS_POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
    b"size 12345\n"
)
_OUTWARD = "leads out of its folder or into"
_TWICE = "twice|no folder"
_LONG = "longer or deeper"

UNSAFE_NAMES = {
    "a path that leads up": (b"../stolen", _OUTWARD),
    "a folder called ..": (b"..", _OUTWARD),
    "a folder called .": (b".", _OUTWARD),
    "an absolute path": (b"/tmp/stolen", _OUTWARD),
    "a path that leads up in its middle": (b"a/../../stolen", _OUTWARD),
    ".git": (b".git", _OUTWARD),
    ".GIT": (b".GIT", _OUTWARD),
    ".git on NTFS": (b"git~1", _OUTWARD),
    ".git on NTFS, as a stream": (b".git::$INDEX_ALLOCATION", _OUTWARD),
    ".git and a blank": (b".git ", _OUTWARD),
    ".git on HFS": (".g\u200cit".encode(), _OUTWARD),
    ".git on HFS, in capitals": (".\ufeffGi\u206ft".encode(), _OUTWARD),
    "a slash within a name": (b"a/b", _TWICE),
    "a name of 300 bytes": (b"n" * 300, _LONG),
}
ODD_NAMES = (
    b"..\\stolen",
    b"a\\..\\..\\stolen",
    b"line\nend.py",
    b"\x1b[2J\x1b[31mred.py",
    b"not\xffutf\xfe8.py",
    b"-rf",
    b"--upload-pack=touch ran",
    b"$(touch ran)",
    b"`touch ran`.py",
    b"README",
    b"readme",
    b"ReadMe",
    "r\u202eyp.exe".encode(),
    b"@everyone",
)


def _crafted(arena: Arena, pack: Pack, tree: str, *, ends: str = "refused", says: str = "") -> Case:
    policy = arena.serve()
    return Case(arena.push(pack, pack.commit(tree)), policy, ends, says)


def _named(name: bytes, says: str, arena: Arena) -> Case:
    pack = Pack()
    inner = pack.tree(At(b"config", pack.blob(b"[core]\n\tfsmonitor = touch ran\n")))
    as_file = At(name, pack.blob(b"stolen"))
    as_folder = At(name, inner, FOLDER)
    entry = as_folder if name.lower().startswith((b".", b"git~")) else as_file
    return _crafted(arena, pack, pack.tree(entry), says=says)


def _nameless(arena: Arena) -> Case:
    """No honest server would hand it out."""
    pack = Pack()
    sha = pack.commit(pack.tree(At(b"", pack.blob(b"stolen"))))
    return Case(*arena.hand_out(sha, pack), "refused", "damaged")


def _twice(arena: Arena) -> Case:
    """A link out, and a folder of the same name to write through it."""
    pack = Pack()
    link = At(b"out", pack.blob(str(arena.folder).encode()), LINK)
    folder = At(b"out", pack.tree(At(b"secret", pack.blob(b"overwritten"))), FOLDER)
    return _crafted(arena, pack, pack.tree(link, folder), says=_TWICE)


def _through_a_link(arena: Arena) -> Case:
    pack = Pack()
    link = At(b"out", pack.blob(str(arena.folder).encode()), LINK)
    file = At(b"out/secret", pack.blob(b"overwritten"))
    return _crafted(arena, pack, pack.tree(link, file), says=_TWICE)


def _links(arena: Arena) -> Case:
    targets = {
        b"absolute": str(arena.folder / "secret"),
        b"environment": "/proc/self/environ",
        b"root": "/",
        b"up": "../../secret",
        b"folder": "..",
        b"first": "second",
        b"second": "third",
        b"third": "../../secret",
        b"home": "../code/README",
        b"circle": "circle",
        b"good": "README",
    }
    pack = Pack()
    entries = [At(name, pack.blob(to.encode()), LINK) for name, to in targets.items()]
    readme = At(b"README", pack.blob(b"read me"))
    case = _crafted(arena, pack, pack.tree(readme, *entries), ends="checked out")
    return replace(case, look=_only_good_links)


def _only_good_links(checked: Checked) -> str | None:
    kept = {path.name for path in checked.root.iterdir() if path.is_symlink()}
    lost = set(checked.left_out.links)
    wanted = {"absolute", "environment", "root", "up", "folder", "third", "home", "circle"}
    if "good" not in kept or not wanted <= lost or kept & wanted:
        return f"kept {sorted(kept)}, told of {sorted(lost)}"
    return None


def _many_links(arena: Arena) -> Case:
    """Each through the one before: who follows them all follows without end."""
    pack = Pack()
    names = [b"%05d" % n for n in range(20_000)]
    chain = [
        At(name, pack.blob(b"/".join([before] * 2)), LINK)
        for before, name in zip([b"README", *names], names, strict=False)
    ]
    case = _crafted(arena, pack, pack.tree(*chain), ends="checked out")
    return replace(case, within_s=60.0, most_mb=200.0)


def _references(arena: Arena) -> Case:
    pack = Pack()
    modules = (
        b'[submodule "m"]\n\tpath = m\n\turl = ext::sh -c "touch ran"\n\tupdate = !touch ran\n'
    )
    attributes = b"*.bin filter=lfs diff=lfs\n* filter=evil\n"
    tree = pack.tree(
        At(b".gitattributes", pack.blob(attributes)),
        At(b".gitmodules", pack.blob(modules)),
        At(b".lfsconfig", pack.blob(b"[lfs]\n\turl = http://127.0.0.1:1\n")),
        At(b"big.bin", pack.blob(LFS_POINTER)),
        At(b"m", "ab" * 20, SUBMODULE),
        At(b"small.bin", pack.blob(b"version 1\n")),
    )
    case = _crafted(arena, pack, tree, ends="checked out")
    told = LeftOut(submodules=("m",), large_files=("big.bin",))
    return replace(case, look=partial(_tells, told))


def _tells(told: LeftOut, checked: Checked) -> str | None:
    return None if checked.left_out == told else f"told of {checked.left_out}"


def _modules_as_link(arena: Arena) -> Case:
    pack = Pack()
    link = At(b".gitmodules", pack.blob(b"/etc/passwd"), LINK)
    return _crafted(arena, pack, pack.tree(link), says="path that git does not write")


def _growing(arena: Arena) -> Case:
    """Attributes that make files four times as large when they are written."""
    pack = Pack()
    attributes = b"*.txt text working-tree-encoding=UTF-32\n*.crlf text eol=crlf\n*.id ident\n"
    text = b"\n" * (4 * MB)
    tree = pack.tree(
        At(b".gitattributes", pack.blob(attributes)),
        At(b"a.crlf", pack.blob(text)),
        At(b"a.id", pack.blob(b"$Id$" * MB)),
        At(b"a.txt", pack.blob(text)),
    )
    case = _crafted(arena, pack, tree, ends="checked out")
    return replace(case, look=_as_committed)


def _as_committed(checked: Checked) -> str | None:
    sizes = {path.name: path.stat().st_size for path in checked.root.iterdir()}
    return None if max(sizes.values()) == 4 * MB else f"files have grown: {sizes}"


def _oddly_named(arena: Arena) -> Case:
    pack = Pack()
    names = sorted(ODD_NAMES)
    tree = pack.tree(*(At(name, pack.blob(name)) for name in names))
    case = _crafted(arena, pack, tree, ends="checked out")
    return replace(case, look=partial(_holds, names))


def _holds(names: Iterable[bytes], checked: Checked) -> str | None:
    found = sorted(os.fsencode(path.name) for path in checked.root.iterdir())
    return None if found == sorted(names) else f"found {found}"


def _hooks(arena: Arena) -> Case:
    """A repository that looks like a git directory itself."""
    pack = Pack()
    script = pack.blob(f"#!/bin/sh\ntouch {arena.ran}\n".encode())
    hooks = pack.tree(At(b"post-checkout", script, PROGRAM), At(b"pre-commit", script, PROGRAM))
    config = f"[core]\n\tfsmonitor = touch {arena.ran}\n\thooksPath = hooks\n\tbare = false\n"
    tree = pack.tree(
        At(b"HEAD", pack.blob(b"ref: refs/heads/main\n")),
        At(b"config", pack.blob(config.encode())),
        At(b"hooks", hooks, FOLDER),
        At(b"objects", pack.tree(At(b"x", script)), FOLDER),
        At(b"refs", pack.tree(At(b"x", script)), FOLDER),
    )
    return _crafted(arena, pack, tree, ends="checked out")


def _deep(levels: int, arena: Arena) -> Case:
    """Handed out by a server of the attacker's: git's own does not bear 100,000 levels."""
    pack = Pack()
    tree = pack.tree(At(b"a", pack.blob(b"bottom")))
    for _ in range(levels):
        tree = pack.tree(At(b"a", tree, FOLDER))
    says = f"{_LONG}|cannot be read here"
    return Case(*arena.hand_out(pack.commit(tree), pack), "refused", says, most_mb=100.0)


def _wide(entries: int, arena: Arena) -> Case:
    pack = Pack()
    blob = pack.blob(b"")
    tree = pack.tree(*(At(b"%07d" % n, blob) for n in range(entries)))
    case = _crafted(arena, pack, tree, says="at most 50,000 files")
    return replace(case, within_s=60.0, most_mb=200.0)


def _self_similar(leaf: At, arena: Arena, pack: Pack) -> Case:
    entry = leaf
    for _ in range(10):
        tree = pack.tree(*(At(b"%d" % n, entry.sha, entry.mode) for n in range(10)))
        entry = At(b"", tree, FOLDER)
    case = _crafted(arena, pack, entry.sha, says="at most 50,000 files")
    return replace(case, within_s=60.0, most_mb=150.0)


def _billions_of_files(arena: Arena) -> Case:
    pack = Pack()
    return _self_similar(At(b"", pack.blob(b"a")), arena, pack)


def _billions_of_folders(arena: Arena) -> Case:
    pack = Pack()
    return _self_similar(At(b"", pack.tree(), FOLDER), arena, pack)


def _sized(policy: CheckoutPolicy, says: str, files: dict[bytes, bytes], arena: Arena) -> Case:
    pack = Pack()
    served = arena.serve()
    source = arena.push(pack, pack.files(files))
    bounds = replace(policy, git_url=served.git_url, token=served.token)
    return Case(source, bounds, "refused", says, most_mb=50.0)


def _look_alike(arena: Arena) -> Case:
    """Links a person means, beside a name that only looks like `.git`: all of it is kept."""
    pack = Pack()
    names = (b".gitignore", b".github", b"..a", b"a..", b"git~", b".git-x", b"...")
    tree = pack.tree(*(At(name, pack.blob(name)) for name in sorted(names)))
    case = _crafted(arena, pack, tree, ends="checked out")
    return replace(case, look=partial(_tells, LeftOut()))


_SMALL = CheckoutPolicy("", max_bytes=2 * MB, max_files=10, max_file_bytes=MB)

ATTACKS = (
    *(Attack(f"path: {name}", partial(_named, *what)) for name, what in UNSAFE_NAMES.items()),
    Attack("path: a name of nothing", _nameless),
    Attack("path: only looks unsafe", _look_alike),
    Attack("path: link and folder of one name", _twice),
    Attack("path: a file through a link", _through_a_link),
    Attack("path: 500 folders deep", partial(_deep, 500)),
    Attack("path: 1,999 folders deep (4,000 characters)", partial(_deep, 1999)),
    Attack("path: 100,000 folders deep", partial(_deep, 100_000), is_slow=True),
    Attack("names: line ends, escapes, no text, options, cases", _oddly_named),
    Attack("links: out of the folder in every way", _links),
    Attack("links: 20,000, each through the one before", _many_links, is_slow=True),
    Attack("references: submodule, LFS, filters", _references),
    Attack("references: .gitmodules as a link", _modules_as_link),
    Attack("settings: attributes that let files grow", _growing),
    Attack("settings: a tree that is a git directory with hooks", _hooks),
    Attack(
        "size: a file beyond the bound",
        partial(_sized, _SMALL, "MAX_FILE_BYTES", {b"a": bytes(MB + 1)}),
    ),
    Attack(
        "size: files beyond the bound together",
        partial(_sized, _SMALL, "MAX_BYTES", {b"%d" % n: bytes(MB - n) for n in range(3)}),
    ),
    Attack(
        "size: too many files",
        partial(_sized, _SMALL, "MAX_FILES", {b"%d" % n: b"" for n in range(11)}),
    ),
    Attack(
        "size: random bytes beyond the bound",
        partial(_sized, _SMALL, "MAX_BYTES", {b"a": os.urandom(5 * MB)}),
    ),
    Attack("size: a folder of 60,000 files", partial(_wide, 60_000)),
    Attack("size: a folder of 1,000,000 files", partial(_wide, 1_000_000), is_slow=True),
    Attack("size: ten billion files in 11 objects", _billions_of_files),
    Attack("size: ten billion empty folders in 11 objects", _billions_of_folders),
)
