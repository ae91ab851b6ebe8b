"""A process that nobody watches: only time ends what it holds."""

import time
from dataclasses import dataclass

from storage.heart import Promise


@dataclass
class Unwatched:
    """See `storage.heart.Holder`; `is_gone` makes it one that was taken for dead."""

    owner: str
    is_gone: bool = False

    def promise(self, at_most_s: float) -> Promise:
        """Holds until then."""
        ends_at = time.monotonic() + at_most_s
        return lambda: not self.is_gone and time.monotonic() < ends_at
