"""The job behind `test`: check the code out, let the testing engine work, say what came of it."""

from pathlib import Path, PurePosixPath

from engines.testing.types import CannotTest
from jobs.desk import Declined, Desk, Done
from jobs.packages import missing_told
from jobs.requests import TestCode
from jobs.test_files import Ground, Part, tests_of_file, tests_of_folder
from jobs.tests_told import folder_summary, folder_told, one_told
from jobs.wording import count


def run(request: TestCode, desk: Desk) -> Done:
    """Write and run tests for the requested code.

    Raises:
        Declined: The code cannot be tested as it is; the message says why.
    """
    desk.watch.report("checking out the code")
    desk.watch.phase("checkout")
    root = desk.checkout(request.source, request.path)
    ground = _ground(root, request, desk)
    missing = tuple(missing_told(ground.environment))
    request = request.model_copy(update={"notes": (*request.notes, *missing)})
    folder = (root / request.path).is_dir()
    return _folder(request, ground, desk) if folder else _file(request, ground, desk)


def _ground(root: Path, request: TestCode, desk: Desk) -> Ground:
    """The checkout, with its packages where Python may be asked for."""
    if PurePosixPath(request.path).suffix not in {"", ".py"}:
        return Ground(root)
    return Ground(root, desk.environment(root))


def _file(request: TestCode, ground: Ground, desk: Desk) -> Done:
    part = Part(request.path, request.cpu_s, desk.watch)
    try:
        written = tests_of_file(request, ground, desk, part)
    except CannotTest as reason:
        raise Declined(str(reason)) from reason
    result = written.result
    text = f"{count(result.passed, 'test')} pass, {result.after.line_percent:.0f} % of lines"
    return Done(text, one_told(request, written, desk.job))


def _folder(request: TestCode, ground: Ground, desk: Desk) -> Done:
    written, left_out = tests_of_folder(request, ground, desk)
    if not written:
        raise Declined(
            f"No tests came of `{request.path}`. {left_out[0].path}: {left_out[0].reason}"
            if left_out
            else f"`{request.path}` holds no file that tests can be written for."
        )
    text = folder_summary(request.path, written)
    return Done(text, folder_told(request, written, left_out, desk.job))
