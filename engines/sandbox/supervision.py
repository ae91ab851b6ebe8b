"""The host's side of a running jail: feeds it, reads it, and ends it when it goes too far."""

import contextlib
import math
import os
import selectors
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from engines.sandbox.jail import Jail, kill_everything_of
from engines.sandbox.launching import Ends, Start, spawned
from engines.sandbox.loan import extent
from engines.sandbox.plan import decode
from engines.sandbox.types import Ending, NoIsolation, Outcome

_TICK_S = 0.1
_CHUNK_BYTES = 65536
_DISK_SAMPLE_S = 0.5
_DISK_SAMPLE_SHARE = 20
_PATIENCE_S = 10.0
"""How long the launcher may take to kill a run before it is killed itself."""
_LIMITS = {"cpu": Ending.CPU_LIMIT, "memory": Ending.MEMORY_LIMIT}


def never() -> bool:
    """Nobody asks the run to stop."""
    return False


class Supervision:
    """One running jail; leaving the context ends whatever is left of it."""

    def __init__(self, jail: Jail, channel: tuple[int, ...] = (), start: Start = spawned) -> None:
        """Start the jail; `channel` are its ends of a conversation, which become the jail's."""
        self._jail = jail
        self._limits = jail.command.limits
        self._started_s = time.monotonic()
        self._ending: Ending | None = None
        self._word = threading.Lock()
        self._ended_s = math.inf
        self._stdin = jail.command.stdin
        self._output = {"stdout": bytearray(), "stderr": bytearray()}
        self._output_bytes = 0
        self._next_disk_sample_s = self._started_s + _DISK_SAMPLE_S
        self._first_disk_bytes = self._disk_bytes()
        self._status, status = os.pipe()
        control, self._control = os.pipe()
        stdin = self._open_stdin()
        self._streams, (stdout, stderr) = _pipes("stdout", "stderr")
        ends = Ends(control, status, (stdin, stdout, stderr), channel)
        try:
            self._launched = start(jail, ends)
        except BaseException:
            self._close_ends()
            raise
        finally:
            ends.close()

    def __enter__(self) -> Self:
        """Watch the jail by `pump` in this context."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the jail if it still runs, and close every descriptor."""
        self.end(Ending.STOPPED)
        self._reap()
        self._launched.close()
        self._close_ends()

    def _close_ends(self) -> None:
        with self._word:
            os.close(self._control)
            self._control = -1
        self._close_stdin()
        for descriptor in (self._status, *self._streams.values()):
            os.close(descriptor)

    def end(self, ending: Ending) -> None:
        """Have the launcher kill the run, for this reason; only the first reason counts.

        May be called from any thread, also when the run is over.
        """
        with self._word:
            if self._ending is not None or self._control < 0:
                return
            self._ending = ending
            self._ended_s = time.monotonic()
            with contextlib.suppress(BrokenPipeError):  # the launcher has already ended
                os.write(self._control, b"x")

    def pump(self, stop: Callable[[], bool]) -> Outcome:
        """Move bytes until the jail is gone; `stop` is asked ten times a second.

        Raises:
            NoIsolation: The jail could not be set up, or broke.
        """
        with selectors.DefaultSelector() as selector:
            self._register(selector)
            self._loop(selector, stop)
            self._drain()
        return self._outcome()

    def _open_stdin(self) -> int:
        """The jail's end; ours, when there is something to feed, becomes `_feeder`."""
        self._feeder: int | None = None
        if not self._stdin:
            return os.open(os.devnull, os.O_RDONLY)
        reader, self._feeder = os.pipe()
        os.set_blocking(self._feeder, False)
        return reader

    def _close_stdin(self) -> None:
        if self._feeder is not None:
            os.close(self._feeder)
            self._feeder = None

    def _register(self, selector: selectors.BaseSelector) -> None:
        selector.register(self._launched.exited, selectors.EVENT_READ)
        for name, descriptor in self._streams.items():
            selector.register(descriptor, selectors.EVENT_READ, name)
        if self._feeder is not None:
            selector.register(self._feeder, selectors.EVENT_WRITE, "stdin")

    def _loop(self, selector: selectors.BaseSelector, stop: Callable[[], bool]) -> None:
        while True:
            events = selector.select(_TICK_S)
            if any(key.fd == self._launched.exited for key, _ in events):
                return
            for key, _ in events:
                if not self._move(str(key.data)):
                    selector.unregister(key.fileobj)
                    if key.data == "stdin":
                        self._close_stdin()
            self._enforce(stop)

    def _move(self, name: str) -> bool:
        """Move what can be moved now on one stream; false when it is finished."""
        if name == "stdin":
            return self._feed()
        try:
            data = os.read(self._streams[name], _CHUNK_BYTES)
        except BlockingIOError:
            return True
        room = max(0, self._limits.output_bytes - self._output_bytes)
        self._output[name] += data[:room]
        self._output_bytes += len(data)
        if self._output_bytes > self._limits.output_bytes:
            self.end(Ending.OUTPUT_LIMIT)
        return bool(data)

    def _feed(self) -> bool:
        assert self._feeder is not None
        try:
            written = os.write(self._feeder, self._stdin[:_CHUNK_BYTES])
        except BlockingIOError:
            return True
        except BrokenPipeError:
            written = len(self._stdin)
        self._stdin = self._stdin[written:]
        return bool(self._stdin)

    def _enforce(self, stop: Callable[[], bool]) -> None:
        now_s = time.monotonic()
        if now_s - self._ended_s > _PATIENCE_S:
            self._launched.kill()
        elif self._ending is not None:
            return
        elif now_s - self._started_s > self._limits.wall_s:
            self.end(Ending.WALL_LIMIT)
        elif stop():
            self.end(Ending.STOPPED)
        elif now_s > self._next_disk_sample_s:
            self._sample_disk(now_s)

    def _sample_disk(self, now_s: float) -> None:
        if self._disk_bytes() > self._first_disk_bytes + self._limits.disk_bytes:
            self.end(Ending.DISK_LIMIT)
        took_s = time.monotonic() - now_s
        self._next_disk_sample_s = now_s + max(_DISK_SAMPLE_S, took_s * _DISK_SAMPLE_SHARE)

    def _disk_bytes(self) -> float:
        extents = [extent(folder) for folder in self._jail.watched]
        if any(found.is_unbounded for found in extents):
            return math.inf
        return sum(found.used_bytes for found in extents)

    def _drain(self) -> None:
        """Take what the dead left in the pipes."""
        for name in self._output:
            before = -1
            while before != self._output_bytes:
                before = self._output_bytes
                self._move(name)

    def _reap(self) -> None:
        if not self._launched.wait(_PATIENCE_S):
            self._launched.kill()
            self._launched.wait()

    def _report(self) -> dict[str, str]:
        """What the launcher said last.

        Raises:
            NoIsolation: It said nothing, or that the run could not be confined.
        """
        self._launched.wait()
        os.set_blocking(self._status, False)
        try:
            report = dict(decode(os.read(self._status, _CHUNK_BYTES)))
        except BlockingIOError:
            report = {}
        if "cpu_s" in report and "survivors" not in report:
            return report
        kill_everything_of(self._jail)
        said = bytes(self._output["stderr"][-500:]).decode(errors="replace").strip()
        reason = report.get("failure") or said or "the launcher ended without a report"
        raise NoIsolation(f"{self._jail.rung} could not confine the run: {reason}")

    def _outcome(self) -> Outcome:
        report = self._report()
        ending = self._ending or _LIMITS.get(report.get("limit", ""))
        if ending is None:
            ending = Ending.EXITED if "exit_code" in report else Ending.SIGNALLED
        number = report.get("signal")
        return Outcome(
            rung=self._jail.rung,
            ending=ending,
            exit_code=int(report["exit_code"]) if ending is Ending.EXITED else None,
            signal=int(number) if number else None,
            stdout=bytes(self._output["stdout"]),
            stderr=bytes(self._output["stderr"]),
            wall_s=time.monotonic() - self._started_s,
            cpu_s=float(report["cpu_s"]),
        )


def _pipes(*names: str) -> tuple[dict[str, int], list[int]]:
    """One pipe a name: our ends to read from, without waiting, and the jail's."""
    ours: dict[str, int] = {}
    theirs: list[int] = []
    for name in names:
        ours[name], writer = os.pipe()
        os.set_blocking(ours[name], False)
        theirs.append(writer)
    return ours, theirs
