"""The jailed program's end of a conversation: JSON lines over two inherited descriptors.

Load it by its path, which is readable in every jail; it needs the standard library alone.
"""

import json
import os
from typing import BinaryIO

_MAX_LINE_BYTES = 8 << 20


class Channel:
    """Messages from and to the sandbox's caller, one JSON value a line."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO) -> None:
        """Speak over two open binary files."""
        self._reader = reader
        self._writer = writer

    def receive(self) -> object:
        """Wait for the caller's next message.

        Raises:
            EOFError: The caller has closed the conversation.
        """
        line = self._reader.readline(_MAX_LINE_BYTES + 1)
        if not line.endswith(b"\n"):
            raise EOFError("the conversation is closed")
        message: object = json.loads(line)
        return message

    def send(self, message: object) -> None:
        """Write one message and flush it."""
        self._writer.write(json.dumps(message).encode() + b"\n")
        self._writer.flush()


def open_channel() -> Channel:
    """Open the two descriptors that the environment's GRYPH_CHANNEL names, not to be inherited."""
    names = os.environ["GRYPH_CHANNEL"].split(",")  # noqa: TID251 - the jail's own variable
    reader, writer = (int(name) for name in names)
    for descriptor in (reader, writer):
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - the library takes no keyword
    return Channel(os.fdopen(reader, "rb"), os.fdopen(writer, "wb"))
