"""One thread at a time parses Python.

CPython 3.11 and 3.12 count how deep they are in the syntax tree that they build in one place for
all threads. When a thread parses while another does, the other one may end in "SystemError: AST
constructor recursion depth mismatch" (https://github.com/python/cpython/issues/106905). A worker
parses in as many threads as it has jobs.
"""

import ast
import functools
import threading
from typing import Any

_parse = ast.parse
_lock = threading.RLock()


@functools.wraps(_parse)
def _one_by_one(*args: Any, **options: Any) -> ast.AST:
    with _lock:
        return _parse(*args, **options)


def parse_one_by_one() -> None:
    """From now on whoever calls `ast.parse` in this process, also in libraries, takes turns."""
    ast.parse = _one_by_one
