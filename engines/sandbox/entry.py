"""What a server's fork does once it is confined: it calls one of our functions as its program."""

import os
import sys
import time

from engines.sandbox.plan import Plan


def call(plan: Plan) -> None:
    """Call the plan's entry and end the process with its exit code; never returns."""
    settle(plan)
    sys.argv[1:] = []
    module, _, function = plan.entry.partition(":")
    code = 0
    try:
        # Not by importlib, which costs every cold start half a millisecond.
        getattr(__import__(module, fromlist=[function]), function)()
    except SystemExit as leaving:
        code = _exit_code(leaving.code)
    except BaseException:  # noqa: BLE001 - as the interpreter does at its end
        sys.excepthook(*sys.exc_info())  # pyright: ignore[reportArgumentType] - inside a handler
        code = 1
    finally:
        _flush()
        os._exit(code)


def settle(plan: Plan) -> None:
    """The environment and time zone of the server's own start give way to the run's."""
    os.environ.clear()  # noqa: TID251 - the jail's own environment
    os.environ.update(dict(record.split("=", 1) for record in plan.env))  # noqa: TID251 - as above
    time.tzset()


def _exit_code(code: object) -> int:
    if isinstance(code, int):
        return code & 0xFF
    if code is not None:
        sys.stderr.write(f"{code}\n")
    return int(code is not None)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue
