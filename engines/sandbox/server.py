"""A warm start: runs as forks of one process that has imported what they need.

Every run is confined from nothing in its fork, as a cold one is in its interpreter: own uid,
limits, filter, work folder, and own mounts and processes or own Landlock rules.
"""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from engines.sandbox import spare, zygote
from engines.sandbox.bubblewrap import Walls, bubblewrap_arguments
from engines.sandbox.conversation import Conversation
from engines.sandbox.jail import OWN_PATH, House, Jail, bubblewrap, prepared
from engines.sandbox.launching import Ends, Launched, plan_file
from engines.sandbox.places import closed_to_others, search_path, system_places
from engines.sandbox.supervision import Supervision, never
from engines.sandbox.types import Command, Entry, NoIsolation, Outcome, Preparation, Rung

_BOOT = OWN_PATH + "from engines.sandbox.zygote import run; run()"
_START_LIMIT_S = 60.0
_ANSWER_LIMIT_S = 10.0
_FORK_TRIES = 2
_TEMPORARY_BYTES = 1 << 20
_SETTLED_AT_START = ("PYTHON", "LC_", "LANG")


class Server:
    """Starts runs from one preparation; may be used from any thread, and from several at once."""

    def __init__(self, rung: Rung, preparation: Preparation, *, forks: bool = True) -> None:
        """Make ready; without `forks` each run is a fresh interpreter, slower and no different.

        Raises:
            NoIsolation: The server could not be started.
        """
        self.rung = rung
        self._preparation = preparation
        self._folder = TemporaryDirectory(prefix="gryph-arena-")
        arena = Path(self._folder.name).resolve()
        arena.chmod(0o711)
        self._house = _house(rung, arena, preparation)
        self._asking = threading.Lock()
        try:
            self._zygote = _Zygote(rung, preparation, self._house) if forks else None
        except BaseException:
            self._folder.cleanup()
            raise

    def __enter__(self) -> Self:
        """Close at the end of the context."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the server, and under bubblewrap every run that is still open."""
        self.close()

    @property
    def is_warm(self) -> bool:
        """Whether its runs are forks."""
        return self._zygote is not None

    def close(self) -> None:
        """End the server; close its conversations before."""
        if self._zygote is not None:
            self._zygote.close()
        self._folder.cleanup()

    @contextmanager
    def folder(self) -> Generator[Path]:
        """A work folder for one run, or for several after each other; gone afterwards."""
        with TemporaryDirectory(dir=self._house.arena) as name:
            yield Path(name)

    def open(self, entry: Entry) -> Conversation:
        """Start a run that answers messages over GRYPH_CHANNEL.

        Raises:
            NoIsolation: The jail could not be set up for this run.
            ValueError: The entry cannot be run on this server.
        """
        if self._zygote is None:
            return Conversation(self._prepared(entry))
        return Conversation(self._prepared(entry), self._fork)

    def run(self, entry: Entry, *, stop: Callable[[], bool] = never) -> Outcome:
        """Run an entry to its end; `stop` is asked ten times a second whether to kill it.

        Raises:
            NoIsolation: The jail could not be set up for this run.
            ValueError: The entry cannot be run on this server.
        """
        with self._prepared(entry) as jail:
            if self._zygote is None:
                supervising = Supervision(jail)
            else:
                supervising = Supervision(jail, start=self._fork)
            with supervising as supervision:
                return supervision.pump(stop)

    def _prepared(self, entry: Entry) -> AbstractContextManager[Jail]:
        command = self._command(entry)
        if self._zygote is None:
            return prepared(self.rung, command)
        return self._prepared_fork(command, entry.function)

    @contextmanager
    def _prepared_fork(self, command: Command, function: str) -> Generator[Jail]:
        with prepared(self.rung, command, self._house) as jail:
            jail.plan.entry = function
            yield jail

    def _command(self, entry: Entry) -> Command:
        """The same run as a fresh interpreter.

        Raises:
            ValueError: It wants another environment than the server's interpreter was started in.
        """
        settled = self._preparation.env
        for name, value in entry.env.items():
            if name.startswith(_SETTLED_AT_START) and settled.get(name) != value:
                raise ValueError(f"{name} is settled at the server's start, not for a run")
        module, _, function = entry.function.partition(":")
        code = OWN_PATH + f"from {module} import {function}; {function}()"
        readable = self._house.readable if entry.readable is None else entry.readable
        return Command(
            argv=(sys.executable, "-P", "-s", "-c", code),
            work=entry.work,
            readable=tuple(place.absolute() for place in readable),
            env={**settled, **entry.env},
            stdin=entry.stdin,
            limits=entry.limits,
        )

    def _fork(self, jail: Jail, ends: Ends) -> Launched:
        """Have the zygote start the jail; a zygote that was killed is replaced, once."""
        with self._asking:
            assert self._zygote is not None
            with suppress(ConnectionError):
                return self._zygote.fork(jail, ends)
            self._zygote.close()
            self._zygote = _Zygote(self.rung, self._preparation, self._house)
            try:
                return self._zygote.fork(jail, ends)
            except ConnectionError as error:
                raise NoIsolation("the sandbox's server ends when it is asked to fork") from error


class _Zygote:
    """The host's side of `zygote.py`."""

    def __init__(self, rung: Rung, preparation: Preparation, house: House) -> None:
        self._in_namespaces = rung is Rung.BUBBLEWRAP
        env = {"PATH": search_path(), "LANG": "C.UTF-8", **preparation.env}
        walls = _walls(house, env) if self._in_namespaces else []
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._said = os.memfd_create("gryph-server-stderr")
        argv = [*walls, sys.executable, "-P", "-s", "-c", _BOOT, str(theirs.fileno())]
        argv += preparation.modules
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._said,
                pass_fds=(theirs.fileno(),),
                env={} if walls else env,
                cwd="/",
                start_new_session=True,
            )
        self._await_ready()
        self._ask()

    def _await_ready(self) -> None:
        self._requests.settimeout(_START_LIMIT_S)
        try:
            answer = self._requests.recv(zygote.MESSAGE_BYTES)
        except TimeoutError:
            answer = b"it did not start in time"
        self._requests.settimeout(_ANSWER_LIMIT_S)
        if answer != zygote.READY:
            self._process.kill()
            self._process.wait()
            os.lseek(self._said, 0, os.SEEK_SET)
            reason = answer or os.read(self._said, zygote.MESSAGE_BYTES) or b"no reason given"
            self.close()
            text = reason.decode(errors="replace").strip()
            raise NoIsolation(f"the sandbox's server did not start: {text}")

    def fork(self, jail: Jail, ends: Ends) -> Launched:
        """Hand the jail to the launcher that waits, and have the next one forked meanwhile.

        Raises:
            ConnectionError: The zygote or the launcher is gone.
            NoIsolation: The zygote could not fork, or the launcher does not answer.
        """
        with plan_file(jail, ends) as plan:
            descriptors = (plan, ends.control, ends.status, *ends.standard, *ends.channel)
            launched, waiting = self._launcher(jail.rung)
            try:
                with waiting:
                    socket.send_fds(waiting, [spare.RUN], descriptors)
                    _await_taken(waiting)
            except BaseException:
                launched.kill()
                launched.close()
                raise
        return launched

    def _ask(self) -> None:
        """Have a launcher forked; the answer stays in the socket until a run needs it."""
        with suppress(ConnectionError):  # the next look for an answer finds that out
            self._requests.send(zygote.APART if self._in_namespaces else zygote.BESIDE)

    def _launcher(self, rung: Rung) -> tuple[Launched, socket.socket]:
        """The launcher that waits, and where it does."""
        answer = b""
        for _ in range(_FORK_TRIES):
            try:
                answer, received, _, _ = socket.recv_fds(
                    self._requests, zygote.MESSAGE_BYTES, 2, socket.MSG_CMSG_CLOEXEC
                )
            except TimeoutError as error:
                raise ConnectionResetError("the zygote does not answer") from error
            if not answer:
                raise ConnectionResetError("the zygote is gone")
            self._ask()
            if answer == zygote.STARTED:
                return Launched(received[0], _nothing), socket.socket(fileno=received[1])
            # It could not when it was asked, which may have been long ago.
        raise NoIsolation(f"{rung} could not fork a run: {answer.decode()}")

    def close(self) -> None:
        """Close the requests, upon which it ends; kill it when it does not."""
        self._requests.close()
        try:
            self._process.wait(_ANSWER_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._said)


def _house(rung: Rung, arena: Path, preparation: Preparation) -> House:
    readable = tuple(place.absolute() for place in preparation.readable)
    inside = (*system_places(), *readable)
    # Bubblewrap makes the folders above anew; Landlock leaves them as they are.
    passed = (*inside, arena / "work") if rung is Rung.LANDLOCK else ()
    return House(arena, readable, tuple(closed_to_others(inside, passed)))


def _walls(house: House, env: dict[str, str]) -> list[str]:
    as_root = os.geteuid() == 0
    readable = (*system_places(), *house.readable)
    walls = Walls(
        readable,
        house.arena,
        temporary_bytes=_TEMPORARY_BYTES,
        as_root=as_root,
        read_search=as_root and bool(house.closed),
        is_server=True,
        env=env,
    )
    return bubblewrap_arguments(bubblewrap(), walls)


def _await_taken(launcher: socket.socket) -> None:
    """Be sure that a launcher which ends now has started nothing.

    Raises:
        ConnectionError: It is gone, and the run may be handed to another.
        NoIsolation: It does not answer, and may start the run yet.
    """
    launcher.settimeout(_ANSWER_LIMIT_S)
    try:
        answer = launcher.recv(spare.MESSAGE_BYTES)
    except TimeoutError as error:
        raise NoIsolation("the sandbox's launcher does not answer") from error
    if answer != spare.TAKEN:
        raise ConnectionResetError("the launcher is gone")


def _nothing() -> None:
    """A fork in the server is buried there."""
