"""How a jail's launcher comes to life: as a fresh interpreter here, as a fork in a server."""

import os
import signal
import subprocess
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from select import POLLIN, poll

from engines.sandbox.jail import Jail


@dataclass(frozen=True)
class Ends:
    """The jail's ends of what it and the host speak over."""

    control: int
    status: int
    standard: tuple[int, int, int]
    channel: tuple[int, ...] = ()
    """What the program reads from and writes to in a conversation."""

    def close(self) -> None:
        """Close them here, once the launcher has its own."""
        for descriptor in (self.control, self.status, *self.standard, *self.channel):
            os.close(descriptor)


class Launched:
    """A running launcher."""

    def __init__(self, exited: int, collect: Callable[[], object]) -> None:
        """Watch the process of the pidfd `exited`; `collect` buries it where it is our child."""
        self.exited = exited
        self._collect = collect

    def kill(self) -> None:
        """Kill the launcher itself, when it fails to end its run."""
        try:
            signal.pidfd_send_signal(self.exited, signal.SIGKILL)
        except ProcessLookupError:
            return

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for its end; false when it still runs."""
        poller = poll()
        poller.register(self.exited, POLLIN)
        if not poller.poll(None if timeout_s is None else timeout_s * 1000):
            return False
        self._collect()
        return True

    def close(self) -> None:
        """Let go of the ended launcher."""
        os.close(self.exited)


Start = Callable[[Jail, Ends], Launched]
"""Starts a prepared jail on the given ends."""


def spawned(jail: Jail, ends: Ends) -> Launched:
    """Start the launcher as a fresh interpreter."""
    with plan_file(jail, ends) as plan:
        descriptors = (plan, ends.control, ends.status, *ends.channel)
        process = subprocess.Popen(  # noqa: S603 - the launcher's own command line
            [*jail.start, *map(str, descriptors)],
            stdin=ends.standard[0],
            stdout=ends.standard[1],
            stderr=ends.standard[2],
            pass_fds=descriptors,
            env={},
            cwd="/",
            start_new_session=True,
        )
    return Launched(os.pidfd_open(process.pid), process.wait)


@contextmanager
def plan_file(jail: Jail, ends: Ends) -> Generator[int]:
    """An anonymous file that holds the jail's plan, open at its beginning."""
    plan = os.memfd_create("gryph-plan")
    try:
        os.write(plan, jail.plan_bytes(has_channel=bool(ends.channel)))
        os.lseek(plan, 0, os.SEEK_SET)
        yield plan
    finally:
        os.close(plan)
