"""Does, to no effect, what a waiting process will do for its run, so that it is quick then.

After a fork the first use of each page of memory costs a copy of it, and starting a run uses some
three hundred in either process: more time than all the system calls.
"""

import os
import resource
import socket

from engines.sandbox import confinement, entry, launcher
from engines.sandbox.plan import Plan, encode, read_plan

_LIMITS = ("RLIMIT_CPU", "RLIMIT_NOFILE", "RLIMIT_CORE")
_FILTER_BYTES = 1 << 11
_MESSAGE = b"run"


def of_launcher() -> None:
    """Touch what a launcher needs up to its program's start."""
    launcher.check_reach(_received(_plan()))


def of_program() -> None:
    """Touch what the program's process needs up to its entry; changes nothing of the process."""
    plan = _received(_plan())
    for limit in plan.limits:
        confinement.set_limit(limit)
    bytes.fromhex(plan.filter)
    entry.settle(plan)


def _plan() -> Plan:
    """A plan that asks for what is."""
    plan = Plan()
    plan.env = [f"{name}={value}" for name, value in os.environ.items()]  # noqa: TID251 - a server's, built from nothing
    for name in _LIMITS:
        soft, hard = resource.getrlimit(getattr(resource, name))
        plan.limits.append(f"{name}={soft}:{hard}")
    plan.filter = bytes(_FILTER_BYTES).hex()
    return plan


def _received(plan: Plan) -> Plan:
    """The plan as it comes from the host."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        file = os.memfd_create("gryph-rehearsal")
        os.write(file, encode(vars(plan)))
        socket.send_fds(ours, [_MESSAGE], [file])
        os.close(file)
        _, (received,), _, _ = socket.recv_fds(theirs, len(_MESSAGE), 1)
    try:
        return read_plan(os.pread(received, os.fstat(received).st_size, 0))
    finally:
        os.close(received)
