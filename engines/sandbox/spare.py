"""A launcher and its program's process, both forked ahead of the run that will be theirs.

All that needs no plan is done while nobody waits: the two forks, the namespaces, and a rehearsal.
They come from the server as any fork does, have seen no run, and serve exactly one. What they are
handed decides their uid, limits, filter and mounts; its clocks start then.
"""

import os
import select
import socket

from engines.sandbox import entry, launcher, partition, rehearsal
from engines.sandbox.plan import Plan, read_plan

RUN = b"run"
"""The host's message: a run's descriptors."""
TAKEN = b"taken"
"""The answer, before anything else is done."""
MESSAGE_BYTES = 16
_MAX_DESCRIPTORS = 16
_STANDARD = 3


def stand_by(host: socket.socket, *, apart: bool) -> None:
    """Wait for a run, carry it out and report; end without one when the host closes its end.

    A run's descriptors: plan, control, status, standard input, output and error, channel.

    Args:
        host: Where the run comes from.
        apart: This process is the first of a process namespace, and needs the rest of its own.
    """
    launcher.stand_above()
    failure = _leave() if apart else ""
    program = _Program(host)
    rehearsal.of_launcher()
    if not program.is_wanted(host):
        return
    _, descriptors, _, _ = socket.recv_fds(host, MESSAGE_BYTES, _MAX_DESCRIPTORS)
    if not descriptors:
        return
    host.send(TAKEN)
    host.close()
    plan_fd, control_fd, status_fd, *others = descriptors
    report: dict[str, object]
    try:
        plan = _read(plan_fd)
        if failure:
            raise OSError(failure)
        if apart:
            partition.cover(plan)
        launcher.check_reach(plan)
        child = program.start([plan_fd, *others])
        report = launcher.Supervisor(plan, child, control_fd).watch()
    except OSError as error:
        report = {"failure": str(error)}
    launcher.tell(status_fd, report)


def _leave() -> str:
    """Enter namespaces of its own; why not, if it cannot, to be told to the run."""
    try:
        partition.leave()
    except OSError as error:
        return str(error)
    return ""


def _read(plan_fd: int) -> Plan:
    """Read the plan, and leave the file as it is for the program's process."""
    return read_plan(os.pread(plan_fd, os.fstat(plan_fd).st_size, 0))


class _Program:
    """The waiting process that will become the program, seen from its launcher."""

    def __init__(self, host: socket.socket) -> None:
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._complaint, complaint = os.pipe()
        self._child = os.fork()
        if self._child == 0:
            host.close()
            self._orders.close()
            _become_program(theirs, complaint)
        theirs.close()
        os.close(complaint)

    def is_wanted(self, host: socket.socket) -> bool:
        """Wait until the host speaks; false when the waiting process has ended before."""
        poll = select.poll()
        poll.register(host, select.POLLIN)
        poll.register(self._orders, select.POLLIN)
        return all(descriptor == host.fileno() for descriptor, _ in poll.poll())

    def start(self, descriptors: list[int]) -> int:
        """Hand its descriptors on and keep none of them; its pid once it is confined.

        Raises:
            OSError: It could not be confined, and did not start.
        """
        socket.send_fds(self._orders, [RUN], descriptors)
        self._orders.close()
        for descriptor in descriptors:
            os.close(descriptor)
        return launcher.confined(self._child, self._complaint)


def _become_program(orders: socket.socket, complaint: int) -> None:
    """Wait for a run and be its program, in the fork; never returns."""
    try:
        rehearsal.of_program()
        _, descriptors, _, _ = socket.recv_fds(orders, MESSAGE_BYTES, _MAX_DESCRIPTORS)
        if not descriptors:
            return
        os.close(orders.detach())
        plan_fd, *others = descriptors
        plan = _read(plan_fd)
        for target, descriptor in enumerate(others[:_STANDARD]):
            os.dup2(descriptor, target)
        os.close(launcher.confine(plan, complaint, tuple(others[_STANDARD:])))
        entry.call(plan)
    finally:
        os._exit(0)
