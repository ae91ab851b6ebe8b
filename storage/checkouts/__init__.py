"""Checkouts: a private copy of the code a job works on, and nothing that came along with it.

No `.git`, hooks, filters or credentials are left in it, and no symbolic link leads out of it.
Submodules and large files kept elsewhere (LFS) are not followed; what is missing is told.
"""

import errno
import shutil
from collections.abc import Callable
from contextlib import ExitStack
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
    LeftOut,
)

__all__ = [
    "Checked",
    "CheckoutFailed",
    "CheckoutPolicy",
    "CheckoutRefused",
    "CheckoutSource",
    "CheckoutStopped",
    "LeftOut",
    "checkout",
]


def checkout(
    source: CheckoutSource, into: Path, policy: CheckoutPolicy, *, stop: Callable[[], bool]
) -> Checked:
    """Put the code into the folder `into`, which is made here and must not hold anything yet.

    `stop` is asked all the time and ends the work soon after it says True. After an exception
    nothing is left of what was written.

    Raises:
        CheckoutRefused: The code cannot be had as asked; the message tells the person why.
        CheckoutFailed: Something outside did not answer; later it may.
        CheckoutStopped: `stop` said so.
    """
    into.mkdir(parents=True, exist_ok=True)
    if any(into.iterdir()):
        raise ValueError(f"{into} is not empty")
    bring = copy_folder if source.repository.startswith(LOCAL) else fetch_commit
    with ExitStack() as on_failure:
        on_failure.callback(shutil.rmtree, into, ignore_errors=True)
        try:
            checked = bring(source, into, policy, stop)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise CheckoutFailed("the disk of the worker's machine is full") from error
            raise
        on_failure.pop_all()
        return checked
