"""Attacks by the host: sending elsewhere, stalling, and saying what is not git."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from storage.checkouts import CheckoutPolicy, CheckoutSource
from tests.fakes.git_objects import Pack
from tests.fakes.hostile_git import (
    ADVERTISED,
    RESULT,
    Answer,
    Host,
    Visits,
    advertisement,
    handing_out,
    line,
    serving,
)
from tests.hostile.repositories.arena import MB, REPOSITORY, TOKEN, Arena, Attack, Case

SHA = "a" * 40
_PIECE = bytes(64 * 1024)


def _case(arena: Arena, host: Host, ends: str, says: str = "", **policy: float) -> Case:
    url = arena.serve_raw(host)
    bounds = replace(CheckoutPolicy(url, TOKEN), **policy)
    return Case(CheckoutSource(REPOSITORY, SHA), bounds, ends, says)


def _sends_elsewhere(status: int, arena: Arena) -> Case:
    """To a host that would hand everything out."""
    pack = Pack()
    sha = pack.files({b"a": b"a"})
    elsewhere = arena.serve_raw(handing_out(sha, pack.written), arena.elsewhere)

    def host(path: str, body: bytes) -> Answer:
        return Answer(status=status, location=f"{elsewhere}{path}")

    return replace(
        _case(arena, host, "refused", "sends whoever asks .* elsewhere"),
        source=CheckoutSource(REPOSITORY, sha),
    )


def _sends_elsewhere_later(arena: Arena) -> Case:
    pack = Pack()
    sha = pack.files({b"a": b"a"})
    elsewhere = arena.serve_raw(handing_out(sha, pack.written), arena.elsewhere)

    def host(path: str, body: bytes) -> Answer:
        if "info/refs" in path:
            return Answer(advertisement(sha), ADVERTISED)
        return Answer(status=307, location=f"{elsewhere}{path}")

    return replace(
        _case(arena, host, "refused", "sends whoever asks .* elsewhere"),
        source=CheckoutSource(REPOSITORY, sha),
    )


def _sends_to(address: str, arena: Arena) -> Case:
    def host(path: str, body: bytes) -> Answer:
        return Answer(status=302, location=address.format(folder=arena.folder))

    return _case(arena, host, "refused", "sends whoever asks .* elsewhere")


def _borrows(arena: Arena) -> Case:
    """The old protocol of plain files, with objects to be had from another host."""
    elsewhere = arena.serve_raw(lambda _p, _b: Answer(), arena.elsewhere)

    def host(path: str, body: bytes) -> Answer:
        if "info/refs" in path:
            return Answer([f"{SHA}\trefs/heads/main\n".encode()])
        if "alternates" in path:
            return Answer([f"{elsewhere}/objects\n".encode()])
        return Answer(status=404)

    return _case(arena, host, "failed|refused")


def _asks_for_a_password(arena: Arena) -> Case:
    return _case(arena, lambda _p, _b: Answer(status=401), "refused", "may not read it")


def _stalls(within: str, arena: Arena) -> Case:
    """Answers, and then says nothing more."""
    visits = Visits()

    def pieces(first: Iterator[bytes]) -> Iterator[bytes]:
        yield next(first)
        visits.closing.wait()

    def host(path: str, body: bytes) -> Answer:
        if "info/refs" in path and within == "advertisement":
            return Answer(pieces(advertisement(SHA)), ADVERTISED)
        if "info/refs" in path:
            return Answer(advertisement(SHA), ADVERTISED)
        return Answer(pieces(iter([line(f"shallow {SHA}\n")])), RESULT)

    url = arena.opened.enter_context(serving(host, visits))
    policy = CheckoutPolicy(url, TOKEN, timeout_s=2.0)
    return Case(CheckoutSource(REPOSITORY, SHA), policy, "failed", "took longer than 2 s", 6.0)


def _trickles(arena: Arena) -> Case:
    """Faster than git takes for dead, slower than anybody can wait."""

    def pieces() -> Iterator[bytes]:
        yield from advertisement(SHA, (line(b"%040x refs/heads/b%d\n" % (n, n)) for n in range(9)))
        while True:
            time.sleep(0.01)
            yield b" "

    host: Host = lambda _p, _b: Answer(pieces(), ADVERTISED)  # noqa: E731
    return _case(arena, host, "failed", "took longer than 3 s", timeout_s=3.0)


def _says(kind: str, pieces: Callable[[], Iterator[bytes]], says: str, arena: Arena) -> Case:
    """What is not git at all."""
    host: Host = lambda _p, _b: Answer(pieces(), kind)  # noqa: E731
    return replace(
        _case(arena, host, "failed|refused", says, max_memory_bytes=512 * MB, timeout_s=30.0),
        within_s=60.0,
    )


def _noise() -> Iterator[bytes]:
    yield random.Random(7).randbytes(MB)


def _endless() -> Iterator[bytes]:
    while True:
        yield _PIECE


def _page() -> Iterator[bytes]:
    yield b"<html><script>alert(1)</script>\x1b[2J@everyone</html>" * 1000


def _short_lines() -> Iterator[bytes]:
    yield line("# service=git-upload-pack\n") + b"0000" + b"0003" + b"zzzz" + b"ffff"


def _endless_branches() -> Iterator[bytes]:
    names = (line(b"%040x refs/heads/%s%d\n" % (n, b"b" * 200, n)) for n in iter(int, 1))
    return advertisement(SHA, names)


def _odd_branches() -> Iterator[bytes]:
    names = (b"-x", b"a/../../../x", b"x\ny", b"\x1b[31m", b"\xff\xfe", b"x" * 5000, b"a..b")
    more = (line(b"%s refs/heads/%s\n" % (SHA.encode(), name)) for name in names)
    return advertisement(SHA, more)


def _talks_on(arena: Arena) -> Case:
    """Messages to the person at the terminal, without end."""
    word = b"\x02\x1b[2J@everyone " + TOKEN[::-1].encode() + b"\n" * 1000

    def pieces(body: bytes) -> Iterator[bytes]:
        if b"deepen" in body:
            yield line(f"shallow {SHA}\n") + b"0000"
        if body.endswith(line("done\n")):
            yield line("NAK\n")
            while True:
                yield line(word) * 50

    def host(path: str, body: bytes) -> Answer:
        if "info/refs" in path:
            able = "shallow allow-tip-sha1-in-want side-band-64k"
            return Answer(advertisement(SHA, able=able), ADVERTISED)
        return Answer(pieces(body), RESULT)

    return _case(arena, host, "failed", "says more than", timeout_s=30.0)


def _last_words(arena: Arena) -> Case:
    """An error made to look like ours, with escapes and mentions."""
    text = "ERR \x1b[2J\u202e`@everyone` https://u:p@h/ " + "x" * 5000
    host: Host = lambda _p, _b: Answer(  # noqa: E731
        [line("# service=git-upload-pack\n"), b"0000", line(text.encode())], ADVERTISED
    )
    return _case(arena, host, "failed", "could not be fetched")


def _asked(repository: str, ref: str | None, arena: Arena) -> Case:
    """A host that agrees to whatever is asked for; the person is the attacker."""
    pack = Pack()
    sha = pack.files({b"a": b"a"})
    url = arena.serve_raw(handing_out(sha, pack.written))
    says = "no name of a branch|no branch or tag" if ref else "is no repository"
    return Case(CheckoutSource(repository, ref=ref), CheckoutPolicy(url, TOKEN), "refused", says)


REFS = (
    "--upload-pack=touch ran", "-x", "a\nb", "\x1b[31m", "a\0b", "\ud800", "x" * 4000, "*",
    "refs/heads/*", "+main", ":main", "a`@everyone`", "main:refs/heads/x", "\u202egnp",
)  # fmt: skip
REPOSITORIES = (
    "../../secret", "eve/../../secret", "-o/x", "ext::sh -c 'touch ran'/x", "file:///etc/x",
    "eve/trap\n", "eve/trap?x", "eve/trap#x", "eve@host/x", "x" * 4000, "eve/\x1b[31m", "eve/\0",
    "http://127.0.0.1/eve/trap", "eve/trap/../..", "`@everyone`/x",
)  # fmt: skip

ATTACKS = (
    *(
        Attack(f"host: sends elsewhere with {status}", partial(_sends_elsewhere, status))
        for status in (301, 302, 307, 308)
    ),
    Attack("host: sends elsewhere with the second request", _sends_elsewhere_later),
    *(
        Attack(f"host: sends to {address}", partial(_sends_to, address))
        for address in ("file://{folder}/secret", "ssh://127.0.0.1/x", "ext::touch {folder}/ran")
    ),
    Attack("host: plain files, more of them on another host", _borrows),
    Attack("host: asks for a password again and again", _asks_for_a_password),
    Attack("host: stalls in what it has", partial(_stalls, "advertisement")),
    Attack("host: stalls in the pack", partial(_stalls, "pack")),
    Attack("host: trickles", _trickles),
    Attack("host: a web page", partial(_says, "text/html", _page, "")),
    Attack("host: noise", partial(_says, ADVERTISED, _noise, "")),
    Attack("host: zeros without end", partial(_says, ADVERTISED, _endless, "")),
    Attack("host: plain zeros without end", partial(_says, "text/plain", _endless, "")),
    Attack("host: broken packet lines", partial(_says, ADVERTISED, _short_lines, "")),
    Attack("host: branches with odd names", partial(_says, ADVERTISED, _odd_branches, "")),
    Attack(
        "host: branches without end",
        partial(_says, ADVERTISED, _endless_branches, ""),
        is_slow=True,
    ),
    Attack("host: words without end", _talks_on),
    Attack("host: last words with escapes", _last_words),
    *(Attack(f"asked: ref {ref[:30]!a}", partial(_asked, REPOSITORY, ref)) for ref in REFS),
    *(Attack(f"asked: {name[:30]!a}", partial(_asked, name, None)) for name in REPOSITORIES),
)
