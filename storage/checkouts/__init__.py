"""Checkouts: a private copy of the code a job works on, and nothing that came along with it.

No `.git`, hooks, filters or credentials are left in it, and no symbolic link leads out of it.
Submodules and large files kept elsewhere (LFS) are not followed.
"""

from collections.abc import Callable
from pathlib import Path

from storage.checkouts.local import LOCAL, copy_folder
from storage.checkouts.remote import fetch_commit
from storage.checkouts.types import (
    Checked,
    CheckoutFailed,
    CheckoutPolicy,
    CheckoutRefused,
    CheckoutSource,
    CheckoutStopped,
)

__all__ = [
    "Checked",
    "CheckoutFailed",
    "CheckoutPolicy",
    "CheckoutRefused",
    "CheckoutSource",
    "CheckoutStopped",
    "checkout",
]


def checkout(
    source: CheckoutSource, into: Path, policy: CheckoutPolicy, *, stop: Callable[[], bool]
) -> Checked:
    """Put the code into the folder `into`, which is made here and must not hold anything yet.

    `stop` is asked all the time and ends the work soon after it says True. What was written until
    an exception stays in `into` for the caller to remove.

    Raises:
        CheckoutRefused: The code cannot be had as asked; the message tells the person why.
        CheckoutFailed: Something outside did not answer; later it may.
        CheckoutStopped: `stop` said so.
    """
    into.mkdir(parents=True, exist_ok=True)
    if any(into.iterdir()):
        raise ValueError(f"{into} is not empty")
    if source.repository.startswith(LOCAL):
        return copy_folder(source, into, policy, stop)
    return fetch_commit(source, into, policy, stop)
