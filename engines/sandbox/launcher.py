"""The first process of every run: confines one child, watches over its tree, and reports.

Started as a fresh interpreter, so that a thread of the host may start it and the host's memory
and environment stay behind, or forked by a server that was started so. It outlives the untrusted
program as its subreaper: whatever the program leaves running is killed, counted and reaped here.
It never reads what the program wrote.
"""

import fcntl
import os
import select
import sys
import time

from engines.sandbox import confinement, kernel
from engines.sandbox.census import Census
from engines.sandbox.plan import KILL_NAMESPACE, KILL_OWNER, Plan, encode, read_plan

_TICK_MS = 100
_SIGKILL = 9
_SIGXCPU = 24
_CANNOT_RUN = 127
_FREE_ABOVE = 64
_SAMPLE_S = 0.25
_SAMPLE_SHARE = 20
_ROUNDS = 100
_FIRST_ROUND_S = 0.0005
_LONGEST_ROUND_S = 0.05


def main(plan_fd: int, control_fd: int, status_fd: int, *channel: int) -> None:
    """Run the plan, then write one report to `status_fd`.

    The host ends the run by writing to, or losing, the other end of `control_fd`. `channel` is
    what the program reads from and what it writes to, in a conversation.
    """
    with os.fdopen(plan_fd, "rb") as file:
        plan = read_plan(file.read())
    stand_above()
    report: dict[str, object]
    try:
        check_reach(plan)
        report = Supervisor(plan, _start(plan, channel), control_fd).watch()
    except OSError as error:
        report = {"failure": str(error)}
    tell(status_fd, report)


def stand_above() -> None:
    """Let nothing get away from below this process, nor look into it."""
    kernel.become_subreaper()
    kernel.close_to_tracing(closed=True)


def tell(status_fd: int, report: dict[str, object]) -> None:
    """Write the one report of a run."""
    with os.fdopen(status_fd, "wb") as file:
        file.write(encode(report))


def check_reach(plan: Plan) -> None:
    """Never take the host's processes for the run's own: ending the run would end them all.

    Raises:
        OSError: The plan says that this is a namespace of the run's own, and it is not.
    """
    if plan.kill != KILL_NAMESPACE:
        return
    own = os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - pathlib costs the start 8 ms
    if not plan.host_namespace or own == plan.host_namespace:
        raise OSError("the run has no process namespace of its own")


def _start(plan: Plan, channel: tuple[int, ...]) -> int:
    """Fork the child; return its pid once it became the program.

    Raises:
        OSError: It could not be confined, and did not start.
    """
    complaint, complaint_write = os.pipe()
    child = os.fork()
    if child == 0:
        _become_program(plan, complaint_write, channel)
    os.close(complaint_write)
    _let_go(channel)
    return confined(child, complaint)


def confined(child: int, complaint: int) -> int:
    """Wait until the child has confined itself and let go of the pipe; return its pid.

    Raises:
        OSError: It could not, and has ended.
    """
    with os.fdopen(complaint, "rb") as file:
        failure = file.read().decode(errors="replace")
    if failure:
        os.waitpid(child, 0)
        raise OSError(failure)
    return child


def _let_go(channel: tuple[int, ...]) -> None:
    """Hold none of the program's own descriptors, so that its end is seen at their far ends."""
    nothing = os.open("/dev/null", os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)
    for descriptor in channel:
        os.close(descriptor)


def confine(plan: Plan, complaint: int, channel: tuple[int, ...]) -> int:
    """Confine this process, or say in the pipe why it cannot be, and end.

    Returns:
        The pipe, which an exec closes; 0 to 2 and the channel's two are all else that is open.
    """
    try:
        complaint = _arrange_descriptors(channel, complaint)
        confinement.confine(plan)
    except (OSError, ValueError) as error:
        os.write(complaint, str(error).encode())
        os._exit(_CANNOT_RUN)
    return complaint


def _become_program(plan: Plan, complaint: int, channel: tuple[int, ...]) -> None:
    confine(plan, complaint, channel)
    kernel.restore_pipe_signal()
    try:
        env = dict(record.split("=", 1) for record in plan.env)
        os.execvpe(plan.argv[0], plan.argv, env)  # noqa: S606 - what the launcher is for
    except OSError as error:
        os.write(2, f"cannot run {plan.argv[0]!r}: {error.strerror}\n".encode())
        os._exit(_CANNOT_RUN)


def _arrange_descriptors(channel: tuple[int, ...], complaint: int) -> int:
    """Leave 0 to 2, the channel as 3 and 4, and the complaint pipe until the program starts."""
    wanted = (*channel, complaint)
    *moved, complaint = (fcntl.fcntl(old, fcntl.F_DUPFD, _FREE_ABOVE) for old in wanted)
    targets = (confinement.CHANNEL_IN, confinement.CHANNEL_OUT)
    for descriptor, target in zip(moved, targets, strict=False):
        os.dup2(descriptor, target)
    os.closerange(confinement.CHANNEL_IN + len(channel), complaint)
    os.closerange(complaint + 1, os.sysconf("SC_OPEN_MAX"))
    os.set_inheritable(complaint, False)  # noqa: FBT003 - the library takes no keyword
    return complaint


class Supervisor:
    """Watches one child and everything that descends from it."""

    def __init__(self, plan: Plan, child: int, control_fd: int) -> None:
        """Watch `child`, and `control_fd` for the host's word."""
        self._plan = plan
        self._child = child
        self._control_fd = control_fd
        self._census = Census(whole_namespace=plan.kill == KILL_NAMESPACE)
        self._reaped_cpu_s = 0.0
        self._status: int | None = None
        self._limit = ""
        self._next_sample_s = time.monotonic() + _SAMPLE_S

    def watch(self) -> dict[str, object]:
        """Wait for the program's end, a limit or the host's word; leave nothing running."""
        poll = select.poll()
        poll.register(self._control_fd, select.POLLIN | select.POLLHUP)
        pidfd = os.pidfd_open(self._child)
        poll.register(pidfd, select.POLLIN)
        while self._status is None:
            ready = {descriptor for descriptor, _ in poll.poll(_TICK_MS)}
            self._reap()
            if self._control_fd in ready or self._is_over_a_limit():
                break
        is_clean = self._kill_all(pidfd)
        os.close(pidfd)
        return self._report(is_clean=is_clean)

    def _reap(self) -> bool:
        """Collect every ended child; false when there is none left, ended or running."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            self._reaped_cpu_s += usage.ru_utime + usage.ru_stime
            if pid == self._child:
                self._status = status

    def _is_over_a_limit(self) -> bool:
        started_s = time.monotonic()
        if started_s < self._next_sample_s:
            return False
        usage = self._census.take()
        # On a host with thousands of processes a census is dear: spend a twentieth on it.
        took_s = time.monotonic() - started_s
        self._next_sample_s = started_s + max(_SAMPLE_S, took_s * _SAMPLE_SHARE)
        if self._reaped_cpu_s + usage.cpu_s > float(self._plan.cpu_s):
            self._limit = "cpu"
        elif usage.memory_bytes > int(self._plan.total_memory_bytes):
            self._limit = "memory"
        return bool(self._limit)

    def _kill_all(self, pidfd: int) -> bool:
        """Kill until no descendant is left, for the run may fork while it is being killed.

        Most runs are one process, or have ended: those need no search for others.
        """
        if self._status is None:
            _kill(self._child)
            select.select([pidfd], [], [], _LONGEST_ROUND_S)
        pause_s = _FIRST_ROUND_S
        for _ in range(_ROUNDS):
            if not self._reap():
                return True
            self._kill_once()
            select.select([], [], [], pause_s)
            pause_s = min(pause_s * 2, _LONGEST_ROUND_S)
        return False

    def _kill_once(self) -> None:
        if self._plan.kill == KILL_OWNER:
            _kill_as(int(self._plan.uid))
            return
        targets = [-1] if self._plan.kill == KILL_NAMESPACE else self._census.members()
        for target in targets:
            _kill(target)

    def _report(self, *, is_clean: bool) -> dict[str, object]:
        report: dict[str, object] = {"cpu_s": self._reaped_cpu_s, "limit": self._limit}
        if not is_clean:
            report["survivors"] = "1"
        if self._status is not None and os.WIFEXITED(self._status):
            report["exit_code"] = os.WEXITSTATUS(self._status)
        if self._status is not None and os.WIFSIGNALED(self._status):
            report["signal"] = os.WTERMSIG(self._status)
        if report.get("signal") == _SIGXCPU:
            report["limit"] = "cpu"
        return report


def _kill(target: int) -> None:
    try:
        os.kill(target, _SIGKILL)
    except ProcessLookupError:
        return


def _kill_as(uid: int) -> None:
    """Kill every process of the uid at once: only its own may be reached by that uid."""
    killer = kernel.fork(0)
    if killer == 0:
        try:
            _kill_own(uid)
        finally:
            os._exit(0)
    os.waitpid(killer, 0)


def run() -> None:
    """Read the descriptors from the command line."""
    main(*(int(argument) for argument in sys.argv[1:]))


def end_owner(uid: int) -> None:
    """Kill every process of a uid, for a host whose launcher died before it could."""
    _kill_own(uid)


def _kill_own(uid: int) -> None:
    confinement.become_owner(uid)
    if uid == 0 or os.getresuid() != (uid, uid, uid):
        raise OSError("the launcher is still root, and would kill the host")
    os.kill(-1, _SIGKILL)
