"""What the tests of warm starts call inside the jail."""

import builtins
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from engines.sandbox.channel import open_channel

SEEN: list[str] = []
_ENV = os.environ  # noqa: TID251 - the jail's own
_SHARED = ("/tmp", "/dev/shm", "/dev", "..")  # noqa: S108 - places of the jail


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")


def describe() -> None:
    say(Path.cwd(), *sorted(_ENV))
    sys.stderr.write(sys.stdin.read())
    sys.exit(3)


def echo() -> None:
    channel = open_channel()
    while True:
        channel.send(channel.receive())


def list_descriptors() -> None:
    say(*open_descriptors())


def echo_descriptors() -> None:
    open_channel().send(open_descriptors())


def open_descriptors() -> list[int]:
    found: list[int] = []
    for descriptor in range(256):
        with contextlib.suppress(OSError):
            os.fstat(descriptor)
            found.append(descriptor)
    return found


def fail() -> None:
    raise ZeroDivisionError


def give_up() -> None:
    sys.exit("given up")


def remember() -> None:
    """Say what earlier runs of this server left to be seen, then leave the same."""
    places = [Path(place) for place in (*_SHARED, tempfile.gettempdir())]
    found = [str(path) for place in places for path in seen(place) if "mark" in path.name]
    say(SEEN, getattr(builtins, "mark", None), found)
    SEEN.append("mark")
    builtins.mark = True  # pyright: ignore[reportAttributeAccessIssue] - a trace to be looked for
    for place in places:
        try:
            (place / "mark").write_text("x")
        except OSError:
            continue


def seen(place: Path) -> list[Path]:
    try:
        return list(place.iterdir())
    except OSError:
        return []


def draw() -> None:
    say(hash("text"), random.random(), time.localtime(0).tm_hour)  # noqa: S311 - no secret


def read() -> None:
    for place in _ENV["PLACES"].split(":"):
        try:
            say(Path(place).read_text())
        except OSError:
            say("refused")


def hold() -> None:
    """Keep a secret in the work folder, open to all, until the end."""
    Path.cwd().chmod(0o777)
    Path("secret").write_text("secret")
    Path("secret").chmod(0o666)
    channel = open_channel()
    channel.send(os.getpid())
    channel.receive()


def pry() -> None:
    """Go for a neighbour by its process and its folder."""
    neighbour, folder = _ENV["NEIGHBOUR"].split(",")
    found: list[str] = []
    for pid in {int(neighbour), os.getppid()} - {0, 1, os.getpid()}:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGTERM)
            found.append(f"signalled {pid}")
    for place in (Path(folder, "secret"), Path("..", Path(folder).name, "secret")):
        with contextlib.suppress(OSError):
            found.append(place.read_text())
    mine = {".", "..", Path.cwd().name}
    found += [path.name for path in seen(Path("..")) if path.name not in mine]
    say(found)


def leave_a_daemon() -> None:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            while True:
                with Path("alive").open("a") as file:
                    file.write("x")
                time.sleep(0.005)
        os._exit(0)
    os.wait()
    while not Path("alive").exists():
        time.sleep(0.005)


def end_the_server() -> None:
    os.kill(os.getppid(), signal.SIGKILL)
