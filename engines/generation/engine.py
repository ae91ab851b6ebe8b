"""`generate`: a wish becomes files that were checked, with the evidence beside them."""

from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from engines.generation.asking import Draft as OnDraft
from engines.generation.asking import nobody
from engines.generation.checks.evidence import Evidence
from engines.generation.checks.failing import named_files
from engines.generation.checks.related import imported_files, place_for_tests
from engines.generation.checks.ruff import Ruff
from engines.generation.checks.ruff_settings import ruff_settings
from engines.generation.checks.session import Runner
from engines.generation.checks.stages import Inspection
from engines.generation.drafts import is_python
from engines.generation.ground import Budget, Ground, OutOfBudget
from engines.generation.loop import Loop
from engines.generation.naming import suffix_of
from engines.generation.originals import NotText, Originals
from engines.generation.paths import UnsafePath, safe_path
from engines.generation.prompts import Material, Prompt, first_prompt
from engines.generation.targets import whole
from engines.generation.tasks import (
    CannotGenerate,
    Excerpt,
    Kind,
    Limits,
    Result,
    Task,
    WrittenFile,
)
from engines.generation.types import Backend
from engines.watch import Unwatched, Watch

_REPORTED_FILES = 4
_SHOWN_CHARS = 20_000


def generate(
    task: Task,
    backend: Backend,
    ground: Ground,
    limits: Limits | None = None,
    watch: Watch | None = None,
    on_draft: OnDraft = nobody,
) -> Result:
    """Write what is wished, check it, and have it repaired where it fails.

    `on_draft` is told the answer so far, at most twice a second, from this thread.

    Raises:
        CannotGenerate: The task cannot be done as it stands; the message is for the person.
        ModelUnavailable: There is no answer from this model; another may serve.
        RequestRefused: The model never takes this task.
        Stopped: The person cancelled, and there is nothing to show.
    """
    task, folder = _checked(task)
    budget = Budget(limits or Limits(), watch or Unwatched())
    earlier = {path: text for turn in task.earlier for path, text in turn.files.items()}
    originals = Originals(task.root, earlier)
    with _evidence(task, originals, ground, budget) as evidence:
        task, report = _reproduced(task, originals, evidence)
        material = Material(originals, report, _test_path(task, evidence), folder)
        prompt = first_prompt(task, material, backend, budget.limits.max_tokens)
        ruff = Ruff(ground.tools.ruff, ruff_settings(task.root)) if ground.tools.ruff else None
        inspection = Inspection(ground, budget, ruff, evidence)
        loop = Loop(task, backend, prompt, originals, inspection, budget, on_draft)
        loop.run()
    return _result(loop, prompt)


def _checked(task: Task) -> tuple[Task, str]:
    """The task with a path that is a file's, and the folder that its path was instead.

    Raises:
        CannotGenerate: it names what is not there, or lacks what its kind needs.
    """
    root = task.root.resolve()
    if not root.is_dir():
        raise CannotGenerate("The checkout is not there.")
    known = {_safe(root, name) for turn in task.earlier for name in turn.files}
    folder = ""
    path = task.path or None
    if path and (path.endswith("/") or (root / path).is_dir()):
        folder, path = _safe(root, f"{path}/_").rpartition("/")[0], None
    path = path and _safe(root, path)
    if task.kind is Kind.REFACTOR:
        if path is None:
            raise CannotGenerate("Say which file to refactor.")
        if path not in known and not (root / path).is_file():
            raise CannotGenerate(f"There is no file `{path}` to refactor.")
    if task.kind is Kind.FIX and not (task.failing or task.tests or task.wish.strip()):
        raise CannotGenerate("Paste the traceback, or the failing test's report.")
    return replace(task, root=root, path=path), folder


def _safe(root: Path, path: str) -> str:
    try:
        return safe_path(root, path)
    except UnsafePath as reason:
        raise CannotGenerate(f"{reason}.") from reason


@contextmanager
def _evidence(
    task: Task, originals: Originals, ground: Ground, budget: Budget
) -> Generator[Evidence | None]:
    if ground.sandbox is None:
        yield None
        return
    with closing(Runner(ground.sandbox, ground, budget, task.root)) as runner:
        yield Evidence(task, originals, runner, ground.environment)


def _reproduced(task: Task, originals: Originals, evidence: Evidence | None) -> tuple[Task, str]:
    """The failure as it is seen here, and the files it is in added to what the model is shown."""
    report = task.failing or ""
    if evidence is not None:
        try:
            seen = evidence.reproduce()
        except OutOfBudget:
            seen = ""
        report = f"{report}\n\nAs it fails here:\n{seen}".strip() if seen else report
    tests = [one.partition("::")[0] for one in _named(evidence)]
    files = dict.fromkeys([*named_files(report, task.root), *tests])
    under_test = [one for path in tests for one in _imports(originals, path)]
    shown = {one.path for one in task.context} | {task.path}
    more = [
        excerpt
        for path in dict.fromkeys([*files, *under_test])
        if path not in shown and (excerpt := _readable(originals, path)) is not None
    ]
    return replace(task, context=(*more[:_REPORTED_FILES], *task.context)), report


def _imports(originals: Originals, path: str) -> list[str]:
    try:
        return imported_files(originals.root, path, originals.text(path) or "")
    except NotText:
        return []


def _named(evidence: Evidence | None) -> tuple[str, ...]:
    return evidence.named if evidence else ()


def _readable(originals: Originals, path: str) -> Excerpt | None:
    try:
        text = originals.text(path)
    except NotText:
        return None
    if text is None or len(text) > _SHOWN_CHARS:
        return None
    return whole(path, text)


def _test_path(task: Task, evidence: Evidence | None) -> str:
    """Where tests are wished: where they were asked for, and for a fix that no test shows yet."""
    is_missing = task.kind is Kind.FIX and not _named(evidence)
    if task.language != "python" or not (task.with_tests or is_missing):
        return ""
    path = task.path or next(iter(named_files(task.failing or "", task.root)), "")
    return place_for_tests(task.root, path or f"generated{suffix_of(task.language)}")


def _result(loop: Loop, prompt: Prompt) -> Result:
    best = loop.best
    files = _written(loop)
    because = _because(loop, files)
    notes = [*loop.notes, *(best.notes if best else ())]
    if any(not is_python(one.path) for one in files) and not because:
        notes.append("Only the Python files were tested.")
    return Result(
        files=files,
        explanation=best.explanation if best else "",
        checks=best.inspected.checks if best else (),
        verified=not because,
        unverified_because=because,
        rounds=loop.rounds,
        attempts=tuple(loop.attempts),
        based_on=prompt.shown,
        left_out=prompt.left_out,
        notes=tuple(dict.fromkeys(notes)),
        model=loop.model or loop.backend.name,
        usage=loop.usage,
        seconds=loop.budget.seconds,
        stopped=loop.is_stopped,
    )


def _written(loop: Loop) -> tuple[WrittenFile, ...]:
    if loop.best is None:
        return ()
    files = loop.best.inspected.draft.files
    return tuple(loop.originals.written(path, text) for path, text in sorted(files.items()))


def _because(loop: Loop, files: tuple[WrittenFile, ...]) -> str:
    """Why it is not verified; empty where it is."""
    best = loop.best
    if loop.is_stopped:
        return "it was cancelled before all checks were made"
    if best is None:
        return loop.gave_up or "no answer came"
    if best.inspected.failed:
        detail = next(
            one.detail for one in best.inspected.checks if one.name == best.inspected.failed
        )
        return f"{best.inspected.failed}: {detail}" + (f"; {loop.gave_up}" if loop.gave_up else "")
    if not files:
        return "nothing differs from the repository"
    return loop.gave_up or best.inspected.unproven
