"""What the sandbox tells its launcher, and the launcher reports back: NUL-separated records.

Read inside the jail before the untrusted program starts, so it imports nothing: `json`,
`dataclasses` or `typing` would each cost more processor time than the rest of the launcher.
"""

KILL_NAMESPACE = "namespace"
"""Every process the launcher can see is of this run."""
KILL_OWNER = "owner"
"""Every process of the run's uid is of this run."""
KILL_TREE = "tree"
"""The uid is shared with the host: only descendants of the launcher are of this run."""

LANDLOCK_PATHS = "paths"
"""Allow `read` and `write` and nothing else on the file system; no signals to others."""
LANDLOCK_SIGNALS = "signals"
"""No signals to others; the file system is bounded by mounts."""


class Plan:
    """One program and how to confine it."""

    def __init__(self) -> None:
        """Start with a plan that confines nothing; the sandbox fills in all of it."""
        self.argv: list[str] = []
        self.entry = ""
        """`module:function` to call in a fork of a server, in place of `argv`."""
        self.env: list[str] = []
        self.work = ""
        self.read: list[str] = []
        self.write: list[str] = []
        self.limits: list[str] = []
        """`RLIMIT_NAME=soft` or `RLIMIT_NAME=soft:hard`."""
        self.uid = ""
        """Empty: keep the launcher's."""
        self.landlock = ""
        """Empty, LANDLOCK_PATHS or LANDLOCK_SIGNALS."""
        self.read_search = ""
        """Not empty: keep CAP_DAC_READ_SEARCH, because a readable path is closed to `uid`."""
        self.filter = ""
        self.kill = KILL_TREE
        self.host_namespace = ""
        """The host's process namespace, which a run with KILL_NAMESPACE must not be in."""
        self.temporary_bytes = ""
        """Not empty: the run shares a server's namespaces and needs a part of its own in them."""
        self.hidden: list[str] = []
        """Folders of the server of which the run sees nothing but what is `shown`."""
        self.shown: list[str] = []
        self.cpu_s = ""
        self.total_memory_bytes = ""


def encode(values: dict[str, object]) -> bytes:
    """Write records, one per value; a list is written as one record per item.

    Raises:
        ValueError: A text holds a NUL character, which no path or argument can.
    """
    records: list[str] = []
    for key, value in values.items():
        items: list[object] = value if isinstance(value, list) else [value]  # pyright: ignore[reportUnknownVariableType] - a list of str by Plan
        records += [f"{key}={item}" for item in items]
    if any("\0" in record for record in records):
        raise ValueError("a NUL character stands in an argument, path or environment value")
    return "\0".join(records).encode("utf-8", "surrogateescape")


def decode(data: bytes) -> list[tuple[str, str]]:
    """Read the records that `encode` wrote, in their order."""
    text = data.decode("utf-8", "surrogateescape")
    pairs: list[tuple[str, str]] = []
    for record in text.split("\0") if text else []:
        key, _, value = record.partition("=")
        pairs.append((key, value))
    return pairs


def read_plan(data: bytes) -> Plan:
    """Rebuild the plan from its records."""
    plan = Plan()
    for key, value in decode(data):
        if isinstance(vars(plan)[key], list):
            vars(plan)[key].append(value)
        else:
            vars(plan)[key] = value
    return plan
