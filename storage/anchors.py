"""Anchors of the audit log: signed notes, outside the database, of where the chain ended when.

A chain by itself does not tell that its end was cut off, or that an older copy took its place. An
anchor does: the log has to hold the line it names. Anchors are numbered and chained themselves, so
that one taken out of the middle is missed; whoever can shorten both the database and this file is
only found by a copy kept elsewhere (docs/decisions/0007).
"""

import fcntl
import hashlib
import hmac
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from storage.audit import Head, Verdict
from storage.files import PRIVATE_DIR

FIRST = "0" * 64
"""Stands for the anchor before the first."""
_TAIL_BYTES = 4096
"""More than one line has."""


class Anchor(BaseModel):
    """One line of the file: after `seq` lines the log's head was `head`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    number: int
    seq: int
    head: str
    at: datetime
    before: str
    """The `mac` of the anchor before."""
    mac: str

    def fields(self) -> dict[str, Any]:
        """For a log line or a request's body; reads back as the same anchor."""
        return self.model_dump(mode="json")


@dataclass(frozen=True)
class Trouble:
    """Something that is not as it was left; `text` is for the operator."""

    text: str


def append(path: Path, key: bytes, head: Head, at: datetime) -> Anchor | None:
    """Write an anchor for this head, to the disk; None when the newest one says the same.

    Raises:
        OSError: The file cannot be written.
    """
    path.parent.mkdir(mode=PRIVATE_DIR, parents=True, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        last, whole = _newest(fd)
        if last is not None and (last.seq, last.head) == (head.seq, head.mac):
            return None
        made = _made(key, last, head, at)
        line = json.dumps(made.fields(), separators=(",", ":")).encode() + b"\n"
        os.write(fd, line if whole else b"\n" + line)
        os.fsync(fd)
    finally:
        os.close(fd)
    _sync_folder(path.parent)
    return made


def newest(path: Path) -> Anchor | None:
    """The file's last whole anchor. Raises OSError when it cannot be read."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        return _newest(fd)[0]
    finally:
        os.close(fd)


def read(lines: Iterable[str]) -> list[Anchor]:
    """The anchors among these lines, which may hold other things (a log, a half-written line)."""
    found: list[Anchor] = []
    for line in lines:
        try:
            found.append(Anchor.model_validate_json(line[line.find("{") :] if "{" in line else ""))
        except ValidationError:
            continue
    return found


def contradictions(
    anchors: Sequence[Anchor], key: bytes, verdict: Verdict, *, is_whole: bool
) -> list[Trouble]:
    """What the anchors say against the log, or against each other.

    `verdict` has to know the heads at `seqs_of(anchors)`. With `is_whole` no anchor may be
    missing, as in our own file; a copy kept elsewhere may begin late and miss some.
    """
    found = list(_forged(anchors, key))
    if is_whole:
        found += _gaps(anchors)
    if not found and verdict.ok:
        found += _disputed(anchors, verdict.heads, verdict.rows)
    return found


def seqs_of(anchors: Iterable[Anchor]) -> frozenset[int]:
    """The lines of the log they speak of."""
    return frozenset(anchor.seq for anchor in anchors)


def _forged(anchors: Sequence[Anchor], key: bytes) -> Iterator[Trouble]:
    for anchor in anchors:
        if not hmac.compare_digest(_mac(key, anchor), anchor.mac):
            yield Trouble(f"anchor {anchor.number} was not written with this installation's key")
            return


def _gaps(anchors: Sequence[Anchor]) -> Iterator[Trouble]:
    number, before = 0, FIRST
    for anchor in anchors:
        if (anchor.number, anchor.before) != (number + 1, before):
            yield Trouble(f"anchor {number + 1} is missing from the file or was changed")
            return
        number, before = anchor.number, anchor.mac


def _disputed(anchors: Sequence[Anchor], heads: Mapping[int, str], rows: int) -> Iterator[Trouble]:
    for anchor in anchors:
        when = f"{anchor.at:%Y-%m-%d %H:%M} UTC"
        if anchor.seq > rows:
            yield Trouble(
                f"the log ends after line {rows}, but at {when} it had {anchor.seq} lines: "
                "its end was cut off, or an older copy was put in its place"
            )
            return
        if heads[anchor.seq] != anchor.head:
            yield Trouble(
                f"line {anchor.seq} is not the one that was there at {when}: the log was replaced"
            )
            return


def _newest(fd: int) -> tuple[Anchor | None, bool]:
    """The last whole anchor, and whether the file ends with a whole line."""
    size = os.fstat(fd).st_size
    tail = os.pread(fd, _TAIL_BYTES, max(0, size - _TAIL_BYTES))
    found = read(tail.decode(errors="replace").splitlines())
    return (found[-1] if found else None), not tail or tail.endswith(b"\n")


def _made(key: bytes, last: Anchor | None, head: Head, at: datetime) -> Anchor:
    unsigned = Anchor(
        number=1 if last is None else last.number + 1,
        seq=head.seq,
        head=head.mac,
        at=at,
        before=FIRST if last is None else last.mac,
        mac="",
    )
    return unsigned.model_copy(update={"mac": _mac(key, unsigned)})


def _mac(key: bytes, anchor: Anchor) -> str:
    at = anchor.at.astimezone(UTC).isoformat(timespec="microseconds")
    covered = ["anchor", anchor.number, anchor.seq, anchor.head, at, anchor.before]
    return hmac.new(key, json.dumps(covered).encode(), hashlib.sha256).hexdigest()


def _sync_folder(folder: Path) -> None:
    """A new file's name is on the disk only when its folder is."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
