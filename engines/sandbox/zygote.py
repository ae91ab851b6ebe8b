"""The first process of a server: imports what its runs will need, then forks one launcher a run.

It is where a launcher would be, and as trusted: it runs nothing untrusted, reads nothing that a
run wrote, and holds nothing of a run but descriptors that it hands on without looking. A run is
confined in its fork, before anything else is imported.
"""

import gc
import importlib
import os
import socket
import sys

from engines.sandbox import kernel, launcher

APART = b"apart"
"""A request: the run needs a process namespace of its own."""
BESIDE = b"beside"
"""A request: the run is told from others by its uid or its descent."""
STARTED = b"started"
READY = b"ready"
MESSAGE_BYTES = 4096
_MAX_DESCRIPTORS = 16
_STANDARD = 3


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
    """Start a run for each request until the host closes its end.

    A request's descriptors: plan, control, status, standard input, output and error, channel.
    """
    while True:
        request, descriptors, _, _ = socket.recv_fds(requests, MESSAGE_BYTES, _MAX_DESCRIPTORS)
        if not request:
            return
        namespaces = kernel.NEW_PROCESSES if request == APART else 0
        try:
            _fork(requests, namespaces, descriptors)
        except OSError as error:
            requests.send(str(error).encode()[:MESSAGE_BYTES])
        for descriptor in descriptors:
            os.close(descriptor)
        _collect()


def _fork(requests: socket.socket, namespaces: int, descriptors: list[int]) -> None:
    """Fork the launcher and tell the host how to watch it."""
    launched = kernel.fork(namespaces)
    if launched == 0:
        _launch(requests, descriptors)
    exited = os.pidfd_open(launched)
    socket.send_fds(requests, [STARTED], [exited])
    os.close(exited)


def _launch(requests: socket.socket, descriptors: list[int]) -> None:
    """Be a launcher, in the fork; never returns."""
    try:
        os.close(requests.detach())
        plan, control, status, *others = descriptors
        for target, descriptor in enumerate(others[:_STANDARD]):
            os.dup2(descriptor, target)
            os.close(descriptor)
        launcher.main(plan, control, status, *others[_STANDARD:])
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
