"""Git objects made byte by byte, as git itself never would, in packs that git reads."""

import hashlib
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

COMMIT, TREE, BLOB = 1, 2, 3
_REF_DELTA = 7
_NAMES = {COMMIT: b"commit", TREE: b"tree", BLOB: b"blob"}
_MODULUS = 65_521
"""Of Adler-32, which ends a compressed stream."""
_CHUNK = 1 << 24

FILE, PROGRAM, LINK, FOLDER, SUBMODULE = "100644", "100755", "120000", "40000", "160000"


@dataclass(frozen=True)
class At:
    """One entry of a tree."""

    name: bytes
    sha: str
    mode: str = FILE


@dataclass
class Pack:
    """Objects in the order they were added."""

    entries: list[Iterable[bytes]] = field(default_factory=list[Iterable[bytes]])
    contents: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def add(self, kind: int, content: bytes) -> str:
        """Add an object as it is; its sha."""
        sha = sha_of(kind, content)
        if sha not in self.contents:
            self.contents[sha] = content
            self.entries.append((_head(kind, len(content)), zlib.compress(content, 1)))
        return sha

    def blob(self, content: bytes) -> str:
        """Add a file's content."""
        return self.add(BLOB, content)

    def tree(self, *entries: At) -> str:
        """Add a folder whose entries stand in just this order, whatever they are called."""
        lines = (f"{at.mode} ".encode() + at.name + b"\0" + bytes.fromhex(at.sha) for at in entries)
        return self.add(TREE, b"".join(lines))

    def commit(self, tree: str) -> str:
        """Add a commit without history."""
        who = "Eve <eve@example.org> 1764000000 +0000"
        text = f"tree {tree}\nauthor {who}\ncommitter {who}\n\na change\n"
        return self.add(COMMIT, text.encode())

    def files(self, files: Mapping[bytes, bytes]) -> str:
        """A commit of plain files in one folder."""
        return self.commit(self.tree(*(At(n, self.blob(c)) for n, c in sorted(files.items()))))

    def zeros(self, size_bytes: int) -> str:
        """Add a file of zeros, which takes a thousandth of its size here; its sha is made up."""
        self.entries.append(_zeros(size_bytes))
        return hashlib.sha1(b"zeros %d" % size_bytes, usedforsecurity=False).hexdigest()

    def repeated(self, base: str, times: int) -> None:
        """Add a file that repeats another `times` over, in 4 bytes each time."""
        size = len(self.contents[base])
        copy = bytes([0x80 | 0x10 | 0x20 | 0x40]) + struct.pack("<I", size)[:3]
        delta = _varint(size) + _varint(size * times) + copy * times
        self.entries.append(
            (_head(_REF_DELTA, len(delta)), bytes.fromhex(base), zlib.compress(delta, 1))
        )

    def written(self) -> Iterator[bytes]:
        """The pack, a piece at a time."""
        digest = hashlib.sha1(usedforsecurity=False)
        head = b"PACK" + struct.pack(">II", 2, len(self.entries))
        for piece in chain((head,), *self.entries):
            digest.update(piece)
            yield piece
        yield digest.digest()


def sha_of(kind: int, content: bytes) -> str:
    """The name git gives to an object."""
    whole = _NAMES[kind] + b" %d\0" % len(content) + content
    return hashlib.sha1(whole, usedforsecurity=False).hexdigest()


def _head(kind: int, size: int) -> bytes:
    """The kind and the size, four bits first and then seven at a time."""
    first, size = (kind << 4) | (size & 15), size >> 4
    found = [first]
    while size:
        found[-1] |= 0x80
        found.append(size & 0x7F)
        size >>= 7
    return bytes(found)


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*found, number))


def _zeros(size_bytes: int) -> Iterator[bytes]:
    """A compressed stream made of one block of zeros, again and again."""
    yield _head(BLOB, size_bytes)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(_CHUNK)) + packer.flush(zlib.Z_FULL_FLUSH)
    yield b"\x78\x9c"
    for _ in range(size_bytes // _CHUNK):
        yield block
    rest = zlib.compressobj(9, zlib.DEFLATED, -15)
    yield rest.compress(bytes(size_bytes % _CHUNK)) + rest.flush()
    yield struct.pack(">I", (size_bytes % _MODULUS) << 16 | 1)
