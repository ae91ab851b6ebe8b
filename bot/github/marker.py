"""The invisible line by which we know our own messages again."""

import re

from storage.ids import JobId

MARKER = "<!-- gryph:"
"""Stands in everything we write, and in nothing that we quote."""
_UNSAFE = re.compile(r"[^\w.:/-]|--+")


def marker(key: str, job: JobId | None = None) -> str:
    """The line for the message that is posted under `key`."""
    about = "" if job is None else f"job={job} "
    return f"{MARKER}{about}key={_UNSAFE.sub('_', key)} -->"
