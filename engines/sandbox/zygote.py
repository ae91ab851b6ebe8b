"""The first process of a server: imports what its runs will need, then forks one launcher a run.

It is where a launcher would be, and as trusted: it runs nothing untrusted, and neither reads nor
holds anything of a run, which the host hands to the launcher itself. A run is confined in its
fork, before anything else is imported.
"""

import gc
import importlib
import os
import socket
import sys

from engines.sandbox import kernel, spare

APART = b"apart"
"""A request: a launcher in a process namespace of its own."""
BESIDE = b"beside"
"""A request: a launcher whose run is told from others by its uid or its descent."""
STARTED = b"started"
READY = b"ready"
MESSAGE_BYTES = 4096


def run() -> None:
    """Serve over the descriptor named first on the command line; the rest are modules."""
    requests = socket.socket(fileno=int(sys.argv[1]))
    try:
        for module in sys.argv[2:]:
            importlib.import_module(module)
    except ImportError as error:
        requests.send(str(error).encode()[:MESSAGE_BYTES])
        return
    sys.path_importer_cache.clear()  # it knows of files that a run may not see
    gc.collect()
    gc.freeze()  # what is there now stays; a fork that looked through it would copy its pages
    requests.send(READY)
    _serve(requests)


def _serve(requests: socket.socket) -> None:
    """Fork a launcher for each request until the host closes its end."""
    while True:
        request = requests.recv(MESSAGE_BYTES)
        if not request:
            return
        try:
            _fork(requests, apart=request == APART)
        except OSError as error:
            requests.send(str(error).encode()[:MESSAGE_BYTES])
        _collect()


def _fork(requests: socket.socket, *, apart: bool) -> None:
    """Fork a launcher; tell the host how to watch it and where to hand it its run."""
    host, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with host, ours:
        launched = kernel.fork(kernel.NEW_PROCESSES if apart else 0)
        if launched == 0:
            _launch((requests, host), ours, apart=apart)
        exited = os.pidfd_open(launched)
        try:
            socket.send_fds(requests, [STARTED], [exited, host.fileno()])
        finally:
            os.close(exited)


def _launch(others: tuple[socket.socket, ...], ours: socket.socket, *, apart: bool) -> None:
    """Be a launcher, in the fork; never returns."""
    try:
        for other in others:
            other.close()
        spare.stand_by(ours, apart=apart)
    finally:
        os._exit(0)


def _collect() -> None:
    """Bury launchers that have ended; the host has its own way to know."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
