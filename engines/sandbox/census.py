"""Counts what the processes of one run use, from /proc."""

import os

# proc_pid_stat(5), counted after the program's name: state is 0.
_PARENT = 1
_CPU_TICKS = slice(11, 15)
"""utime, stime, and the same of ended children it waited for."""
_RESIDENT_PAGES = 21


class Usage:
    """Processor seconds and resident bytes of all living processes of a run."""

    def __init__(self, cpu_s: float, memory_bytes: int) -> None:
        """Hold the two sums."""
        self.cpu_s = cpu_s
        self.memory_bytes = memory_bytes


class Census:
    """Finds the processes of one run: its whole namespace, or the launcher's descendants.

    Not by the owner of /proc/PID: a process may hide behind root there by being undumpable.
    """

    def __init__(self, *, whole_namespace: bool) -> None:
        """Count for the launcher that this is called in."""
        self._whole_namespace = whole_namespace
        self._self = os.getpid()
        self._tick_s = 1 / os.sysconf("SC_CLK_TCK")
        self._page_bytes = os.sysconf("SC_PAGE_SIZE")

    def take(self) -> Usage:
        """Sum what is alive now; processes that end meanwhile are left out."""
        cpu_ticks = 0
        pages = 0
        for fields in self._processes().values():
            cpu_ticks += sum(int(field) for field in fields[_CPU_TICKS])
            pages += int(fields[_RESIDENT_PAGES])
        return Usage(cpu_ticks * self._tick_s, pages * self._page_bytes)

    def members(self) -> list[int]:
        """The run's living processes."""
        return list(self._processes())

    def _processes(self) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        for name in os.listdir("/proc"):  # noqa: PTH208 - as below
            if name.isdecimal():
                fields = _stat_fields(name)
                if fields:
                    found[int(name)] = fields
        if self._whole_namespace:
            return {pid: fields for pid, fields in found.items() if pid not in (1, self._self)}
        return self._descendants(found)

    def _descendants(self, found: dict[int, list[str]]) -> dict[int, list[str]]:
        members = {self._self}
        grew = True
        while grew:
            children = {pid for pid, fields in found.items() if int(fields[_PARENT]) in members}
            grew = not children <= members
            members |= children
        return {pid: found[pid] for pid in members if pid in found and pid != self._self}


def _stat_fields(pid: str) -> list[str]:
    """The fields after the program's name; none when the process has ended meanwhile."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - pathlib costs the start 8 ms
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return text[text.rindex(")") + 2 :].split()
