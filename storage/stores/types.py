"""What every store of artifacts does; each content lies under its own digest."""

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

LARGEST_BYTES = 64 * 2**20
_DIGEST = re.compile(r"[0-9a-f]{64}")


class ArtifactTooLarge(Exception):
    """The content is more than is kept; the message has both sizes."""


class ArtifactLost(Exception):
    """The bytes are not there, or are no longer those that were kept."""


class StoreAway(Exception):
    """The store does not answer now."""


class ArtifactStore(Protocol):
    """Keeps bytes under the SHA-256 of their content. Every call may block."""

    def put(self, content: bytes) -> str:
        """Keep the content and return its digest; the same content twice is kept once.

        Raises:
            ArtifactTooLarge: It is more than 64 MiB.
            StoreAway: Try again later.
        """
        ...

    def read(self, digest: str) -> bytes:
        """The content kept under a digest, compared with it.

        Raises:
            ArtifactLost: It is gone, or was changed.
            StoreAway: Try again later.
        """
        ...

    def older_than(self, before: datetime) -> Iterator[str]:
        """Names of what was put before a time: digests, and remains of what a crash cut off."""
        ...

    def remove(self, name: str, before: datetime) -> bool:
        """Delete what is still older than `before`; whether something was deleted."""
        ...


def is_digest(name: str) -> bool:
    """Whether the name is that of whole content."""
    return _DIGEST.fullmatch(name) is not None


def digest_of(content: bytes) -> str:
    """The name of a content that may be kept. Raises ArtifactTooLarge."""
    if len(content) > LARGEST_BYTES:
        raise ArtifactTooLarge(
            f"The file has {len(content) / 2**20:.1f} MiB; "
            f"at most {LARGEST_BYTES // 2**20} MiB are kept."
        )
    return hashlib.sha256(content).hexdigest()


def require_digest(digest: str) -> None:
    """Raises ArtifactLost for a name under which nothing can lie."""
    if not is_digest(digest):
        raise ArtifactLost(f"{digest!r} is no digest")


def unchanged(content: bytes, digest: str) -> bytes:
    """The content, if it is what was kept. Raises ArtifactLost."""
    if hashlib.sha256(content).hexdigest() != digest:
        raise ArtifactLost(f"the content {digest} was changed where it is stored")
    return content
