"""The address a gateway serves."""

import socket

_HIGHEST_PORT = 65_535


class CannotListen(OSError):
    """`GRYPH_LISTEN` is no address, or cannot be served; the message tells the operator why."""


def listener(listen: str) -> socket.socket:
    """A socket that listens on `listen`, host:port; port 0 takes any free one.

    Raises:
        CannotListen: It is no address, or somebody else has it.
    """
    host, _, port = listen.rpartition(":")
    if not port.isdecimal() or int(port) > _HIGHEST_PORT:
        raise CannotListen(f"GRYPH_LISTEN must be host:port, not {listen!r}")
    try:
        door = socket.create_server((host.strip("[]"), int(port)))
    except OSError as error:
        raise CannotListen(f"GRYPH_LISTEN: {listen} cannot be served: {error.strerror}") from error
    # Inherited by every connection. asyncio sets it only on sockets it made itself, and without it
    # a response in two writes waits 40 ms for the other side's delayed acknowledgement.
    door.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return door
