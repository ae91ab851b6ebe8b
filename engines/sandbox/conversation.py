"""A long-lived program in the jail that answers messages."""

import json
import os
import select
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Self

from engines.sandbox.jail import Jail
from engines.sandbox.launching import Start, spawned
from engines.sandbox.supervision import Supervision, never
from engines.sandbox.types import Ending, Outcome

MAX_LINE_BYTES = 8 << 20
_CHUNK_BYTES = 65536
_START_TICK_S = 0.005


class Ended(Exception):
    """The program on the other side is gone; `outcome` says why."""

    def __init__(self, outcome: Outcome) -> None:
        """Carry how it ended."""
        super().__init__(f"the sandboxed program ended: {outcome.ending}")
        self.outcome = outcome


class Garbled(Exception):
    """The program wrote what is no message: not JSON, or a line longer than 8 MiB."""


class Conversation:
    """JSON lines with one jailed program, which is killed when the context is left.

    For one caller at a time. What the program says is data: it is parsed, never executed.
    """

    def __init__(self, jail: AbstractContextManager[Jail], start: Start = spawned) -> None:
        """Prepare the jail and start its program.

        Raises:
            NoIsolation: The jail could not be set up.
            ValueError: The command cannot be run as it stands.
        """
        reader, self._writer = os.pipe()
        self._reader, writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._received = bytearray()
        self._is_closed = False
        self._running: Supervision | None = None
        self._started = threading.Event()
        # The kernel ties a jail to the thread that started it, so that thread also watches it.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sandbox")
        self._outcome = self._thread.submit(self._run, jail, start, (reader, writer))
        self._wait_for_start()

    def __enter__(self) -> Self:
        """Close at the end of the context."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Kill the program, whatever happened."""
        self.close()

    def send(self, message: object) -> None:
        """Send one message; waits while the program does not read.

        Raises:
            Ended: The program is gone.
        """
        data = memoryview(json.dumps(message).encode() + b"\n")
        while data:
            select.select([], [self._writer], [])
            try:
                data = data[os.write(self._writer, data[:_CHUNK_BYTES]) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise Ended(self._outcome.result()) from None

    def receive(self, timeout_s: float) -> object:
        """Wait for the program's next message.

        Raises:
            TimeoutError: It said nothing in time; the conversation goes on.
            Ended: The program is gone, by itself or for a limit.
            Garbled: It broke the protocol; nothing more can be made of it.
        """
        deadline_s = time.monotonic() + timeout_s
        while (end := self._received.find(b"\n")) < 0:
            if len(self._received) > MAX_LINE_BYTES:
                raise Garbled(f"a line longer than {MAX_LINE_BYTES} bytes")
            self._read_more(deadline_s - time.monotonic())
        line = bytes(self._received[:end])
        del self._received[: end + 1]
        return _parse(line)

    def close(self) -> Outcome:
        """Kill the program if it still runs, and say how it ended."""
        if not self._is_closed:
            self._is_closed = True
            if self._running is not None:
                self._running.end(Ending.STOPPED)
            self._thread.shutdown()
            os.close(self._writer)
            os.close(self._reader)
        return self._outcome.result()

    def _wait_for_start(self) -> None:
        while not self._started.wait(_START_TICK_S):
            if self._outcome.done():
                self.close()

    def _run(
        self, preparing: AbstractContextManager[Jail], start: Start, channel: tuple[int, int]
    ) -> Outcome:
        with ExitStack() as ends:
            for descriptor in channel:
                ends.callback(os.close, descriptor)
            with preparing as jail:
                ends.pop_all()  # from here on they are the supervision's to close
                with Supervision(jail, channel, start) as supervision:
                    self._running = supervision
                    self._started.set()
                    return supervision.pump(never)

    def _read_more(self, timeout_s: float) -> None:
        ready, _, _ = select.select([self._reader], [], [], max(0.0, timeout_s))
        if not ready:
            raise TimeoutError("the sandboxed program did not answer in time")
        data = os.read(self._reader, _CHUNK_BYTES)
        if not data:
            raise Ended(self._outcome.result())
        self._received += data


def _parse(line: bytes) -> object:
    if len(line) > MAX_LINE_BYTES:
        raise Garbled(f"a line longer than {MAX_LINE_BYTES} bytes")
    try:
        message: object = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Garbled(f"not a JSON line: {error}") from error
    return message
