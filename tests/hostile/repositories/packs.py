"""Attacks by packs that are small on the way and large when they are opened."""

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from storage.checkouts import CheckoutPolicy, CheckoutSource
from tests.fakes.git_objects import At, Pack
from tests.fakes.hostile_git import handing_out
from tests.hostile.repositories.arena import MB, REPOSITORY, Arena, Attack, Case

_COSTLY = "cannot be read here: git may use"


def _zeros(size_mb: int, cpu_s: float, says: str, arena: Arena) -> Case:
    """A file of nothing but zeros."""
    pack = Pack()
    sha = pack.commit(pack.tree(At(b"zeros", pack.zeros(size_mb * MB))))
    source, policy = arena.hand_out(sha, pack)
    return Case(source, replace(policy, max_cpu_s=cpu_s), "refused", says, 120.0, 150.0)


def _deltas(times: int, files: int, says: str, arena: Arena) -> Case:
    """A file that repeats a base of 8 MB so and so often."""
    pack = Pack()
    base = pack.blob(os.urandom(64 * 1024) * 128)
    sha = pack.commit(pack.tree(At(b"base", base)))
    for number in range(files):
        pack.repeated(base, times + number)
    source, policy = arena.hand_out(sha, pack)
    return Case(source, replace(policy, max_cpu_s=10.0), "refused", says, 120.0, 150.0)


def _endless(arena: Arena) -> Case:
    """A pack that goes on and on."""
    pack = Pack()
    sha = pack.files({b"a": b"a"})
    noise = os.urandom(MB)

    def written() -> Iterator[bytes]:
        yield b"PACK" + (2).to_bytes(4, "big") + (2**20).to_bytes(4, "big")
        number = 0
        while True:
            small = Pack()
            small.blob(noise[: MB // 8] + b"%d" % number)
            yield from list(small.written())[1:-1]
            number += 1

    url = arena.serve_raw(handing_out(sha, written))
    return Case(
        CheckoutSource(REPOSITORY, sha),
        CheckoutPolicy(url, max_bytes=32 * MB),
        "refused",
        "too large: at most 32 MiB",
        within_s=60.0,
        most_mb=70.0,
    )


def _many_objects(arena: Arena) -> Case:
    """A head that promises so many objects that there is no room for a list of them."""
    pack = Pack()
    sha = pack.files({b"a": b"a"})

    def written() -> Iterator[bytes]:
        yield b"PACK" + (2).to_bytes(4, "big") + (2**32 - 1).to_bytes(4, "big")

    url = arena.serve_raw(handing_out(sha, written))
    source = CheckoutSource(REPOSITORY, sha)
    return Case(source, CheckoutPolicy(url), "refused", _COSTLY)


ATTACKS = (
    Attack("pack: 256 MB of zeros", partial(_zeros, 256, 60.0, "damaged|too large")),
    Attack("pack: 100 GB of zeros", partial(_zeros, 100_000, 5.0, _COSTLY)),
    Attack("pack: a delta of 2 GB", partial(_deltas, 256, 1, _COSTLY)),
    Attack("pack: 300 deltas of 512 MB", partial(_deltas, 64, 300, _COSTLY), is_slow=True),
    Attack("pack: without end", _endless),
    Attack("pack: four billion objects that never come", _many_objects),
)
