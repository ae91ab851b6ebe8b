"""The name of a file's content."""

import hashlib


def blob_id(content: bytes) -> str:
    """The id that git gives to it; a file that has another one was changed."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
