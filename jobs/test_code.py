"""The job behind `test`: check the code out, let the testing engine work, say what came of it."""

from dataclasses import replace
from pathlib import Path, PurePosixPath

from engines.generation.fallback import Routed
from engines.generation.routing import NoModel, Task
from engines.testing.types import CannotTest
from engines.watch import Stopped, Watch
from jobs.desk import Declined, Desk, Done
from jobs.models import Asked, Models
from jobs.packages import missing_told
from jobs.proposing import ANSWER_TOKENS, ModelProposer
from jobs.requests import ANY_MODEL, TestCode
from jobs.test_files import Ground, Part, tests_of_file, tests_of_folder
from jobs.tests_told import folder_summary, folder_told, one_told
from jobs.wording import count


def run(request: TestCode, desk: Desk, models: Models | None = None) -> Done:
    """Write and run tests for the requested code; where a model is to be asked, one of `models`.

    Raises:
        Declined: The code cannot be tested as it is; the message says why.
    """
    desk.watch.report("checking out the code")
    desk.watch.phase("checkout")
    root = desk.checkout(request.source, request.path)
    ground = _ground(root, request, desk)
    missing = tuple(missing_told(ground.environment))
    request = request.model_copy(update={"notes": (*request.notes, *missing)})
    if request.model is not None:
        ground = replace(ground, proposer=_proposer(request, models))
    folder = (root / request.path).is_dir()
    return _folder(request, ground, desk) if folder else _file(request, ground, desk)


def _proposer(request: TestCode, models: Models | None) -> ModelProposer:
    asked = Asked(
        Task.GENERATE,
        request.workspace,
        request.source.repository,
        chosen=None if request.model == ANY_MODEL else request.model,
        answer_tokens=ANSWER_TOKENS,
    )

    def opened(watch: Watch) -> Routed:
        if models is None:
            raise NoModel("this worker asks none.")

        def look() -> None:
            if watch.stop_requested():
                raise Stopped

        return models.backend(asked, look)

    return ModelProposer(opened)


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
    return Done(text, one_told(_with_said(request, ground), written, desk.job))


def _folder(request: TestCode, ground: Ground, desk: Desk) -> Done:
    written, left_out = tests_of_folder(request, ground, desk)
    if not written:
        raise Declined(
            f"No tests came of `{request.path}`. {left_out[0].path}: {left_out[0].reason}"
            if left_out
            else f"`{request.path}` holds no file that tests can be written for."
        )
    text = folder_summary(request.path, written)
    return Done(text, folder_told(_with_said(request, ground), written, left_out, desk.job))


def _with_said(request: TestCode, ground: Ground) -> TestCode:
    """The request with what a person is told of models that did not serve among its notes."""
    said = ground.proposer.said if ground.proposer else ()
    return request.model_copy(update={"notes": (*request.notes, *said)})
