"""The job behind `generate`: find what the wish needs, have it written, say what is proven."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Protocol

from engines.generation.engine import generate
from engines.generation.ground import Ground, Tools
from engines.generation.paths import is_test_file
from engines.generation.places import Places
from engines.generation.routing import NoModel
from engines.generation.routing import Task as Purpose
from engines.generation.tasks import (
    CannotGenerate,
    Excerpt,
    Kind,
    Limits,
    Result,
    Task,
    Turn,
    WrittenFile,
)
from engines.generation.types import ModelUnavailable, RequestRefused
from engines.watch import Stopped
from jobs.closest_code import closest_told
from jobs.code_told import KeptFile, code_told, summary_of
from jobs.conversation import TALK_CHARS, report, said, shared, topic
from jobs.desk import Altered, Declined, Desk, Done, NewArtifact
from jobs.earlier import EarlierJobs
from jobs.finding_code import SearchGround
from jobs.models import Asked, Models
from jobs.packages import missing_told
from jobs.requests import FIX_WHAT, GenerateCode, Talk
from storage.blobs import blob_id

LIMITS = Limits()
SHOWN = 12
"""Places of the code that a model is shown at most."""
CLOSEST = 3
"""Places that are told where no model can be asked."""
TURNS = 4
"""Earlier wishes of a thread that are gone back to."""
_SUFFIXES = {
    ".py": "python",
    ".js": "javascript",
    ".mjs": "javascript",
    ".cjs": "javascript",
    ".jsx": "javascript",
    ".ts": "typescript",
    ".tsx": "typescript",
    ".java": "java",
    ".go": "go",
    ".rs": "rust",
}
_PURPOSES = {
    "write": Purpose.GENERATE,
    "fix": Purpose.FIX,
    "refactor": Purpose.REFACTOR,
}


class Finder(Protocol):
    """Finds code; see `jobs.finding_code.CodeFinder`."""

    def __call__(
        self, ground: SearchGround, query: str, most: int, near: str | None = None
    ) -> Sequence[Excerpt]:
        """The places that have most to do with the query, best first."""
        ...


@dataclass(frozen=True)
class CodeWriter:
    """Serves every `generate` of a worker: its jobs share the models."""

    models: Models
    earlier: EarlierJobs
    find: Finder
    tools: Tools
    host_url: str
    """Where the code of hosted repositories can be looked at."""
    places: Places = field(default_factory=Places)
    """Shared by the jobs, for what keeps a processor busy."""

    def __call__(self, request: GenerateCode, desk: Desk) -> Done:
        """Write the code.

        Raises:
            Declined: There is no model, and the closest code is told; or it cannot be done as
                asked.
        """
        request = _understood(request)
        desk.watch.report("checking out the code")
        desk.watch.phase("checkout")
        root = desk.checkout(request.source, request.path or ".")
        ground = self._ground(root, desk)
        if ground.environment is not None:
            missing = tuple(missing_told(ground.environment))
            request = request.model_copy(update={"notes": (*request.notes, *missing)})
        desk.watch.report("looking for the code it needs")
        desk.watch.phase("search")
        searched = SearchGround(request.source.repository, root, ground.environment, desk.watch)
        with self.places.taken(lambda: _look(desk), is_first=True):
            near = self.find(searched, _query(request), SHOWN, request.path)
        found = [each for each in near if not _is_ignored(each, request.ignore)]
        try:
            task = _task(request, root, (*_pasted(request), *found), self._turns(request))
            result = self._generated(request, task, ground, desk)
        except (NoModel, ModelUnavailable) as reason:
            reply = closest_told(request, str(reason), found[:CLOSEST], self.host_url, desk.job)
            raise Declined(str(reason), reply) from reason
        except (CannotGenerate, RequestRefused) as reason:
            raise Declined(str(reason)) from reason
        return _told(request, result, desk)

    def _ground(self, root: Path, desk: Desk) -> Ground:
        """Where the checks run; without isolation the code is written all the same, and
        unverified.
        """
        try:
            sandbox = desk.sandbox()
        except Declined as why:
            ground = Ground(None, self.tools, no_sandbox_because=str(why))
        else:
            ground = Ground(sandbox, self.tools, desk.environment(root))
        return replace(ground, places=self.places)

    def _generated(self, request: GenerateCode, task: Task, ground: Ground, desk: Desk) -> Result:
        desk.watch.report("asking the model")
        desk.watch.phase("generate")
        asked = Asked(
            _PURPOSES[request.task],
            request.workspace,
            request.source.repository,
            request.model,
            answer_tokens=LIMITS.max_tokens,
        )
        backend = self.models.backend(asked, lambda: _look(desk))
        result = generate(task, backend, ground, LIMITS, desk.watch, desk.watch.draft)
        return replace(result, notes=(*backend.said, *result.notes))

    def _turns(self, request: GenerateCode) -> tuple[Turn, ...]:
        """The wishes that this one goes on with, oldest first."""
        turns: list[Turn] = []
        follows = request.follows
        while follows is not None and len(turns) < TURNS:
            earlier = self.earlier.of(follows)
            if not isinstance(earlier.request, GenerateCode):
                break
            turns.append(Turn(earlier.request.wish, earlier.files))
            follows = earlier.request.follows
        return tuple(reversed(turns))


def _understood(request: GenerateCode) -> GenerateCode:
    """The request, with what of the conversation could not be read among its notes."""
    notes = request.talk.notes if request.talk else ()
    if request.task == "fix" and not (request.wish or request.path or report(request)):
        raise Declined(" ".join((FIX_WHAT, *notes)))
    return request.model_copy(update={"notes": (*request.notes, *notes)})


def _look(desk: Desk) -> None:
    if desk.watch.stop_requested():
        raise Stopped


def _query(request: GenerateCode) -> str:
    """What the code that is needed has in common with the request."""
    talk = request.talk or Talk()
    pasted = "\n".join(each.text for each in (*request.snippets, *talk.snippets))
    where = " ".join(filter(None, (request.path, request.symbol)))
    asked = "" if request.wish else topic(talk)
    material = report(request)[-TALK_CHARS:] or pasted[:TALK_CHARS]
    return f"{request.wish}\n{where}\n{material}\n{asked}"


def _pasted(request: GenerateCode) -> Iterator[Excerpt]:
    """What people put beside the wish; the report of a failure goes its own way."""
    failing, talk = report(request), request.talk or Talk()
    for number, snippet in enumerate((*request.snippets, *talk.snippets), 1):
        if snippet.text not in failing:
            name = snippet.name or f"snippet-{number}"
            yield _excerpt(name, snippet.text, "pasted with the command")
    if told := said(talk):
        yield _excerpt("conversation", told, "said where the command was given")
    for number, snippet in enumerate(shared(talk), 1):
        if snippet.text not in failing:
            yield _excerpt(snippet.name or f"shared-{number}", snippet.text, "shared before it")


def _excerpt(name: str, text: str, origin: str) -> Excerpt:
    return Excerpt(name, 1, text.count("\n") + 1, text, origin)


def _is_ignored(excerpt: Excerpt, patterns: Sequence[str]) -> bool:
    return not excerpt.origin and any(fnmatchcase(excerpt.path, each) for each in patterns)


def _task(
    request: GenerateCode, root: Path, context: tuple[Excerpt, ...], turns: tuple[Turn, ...]
) -> Task:
    path, tests = request.path, ()
    if request.task == "fix" and path is not None and is_test_file(path):
        path, tests = None, (f"{path}::{request.symbol}" if request.symbol else path,)
    return Task(
        kind=Kind(request.task),
        wish=_wish(request),
        root=root,
        language=request.language or _language(request, turns),
        path=path,
        symbol=None if tests else request.symbol,
        context=context,
        earlier=turns,
        failing=report(request) or None,
        tests=tests,
        with_tests=request.tests,
    )


def _wish(request: GenerateCode) -> str:
    """With the lines that were pointed at."""
    if request.lines is None:
        return request.wish
    first, last = request.lines
    where = f"line {first}" if first == last else f"lines {first} to {last}"
    return f"{request.wish}\n\nIt is about {where} of {request.path}.".lstrip()


def _language(request: GenerateCode, turns: Sequence[Turn]) -> str:
    """As the file says, or those that the thread wrote."""
    paths = [request.path or "", *(path for turn in turns for path in turn.files)]
    suffixes = (PurePosixPath(path).suffix for path in paths)
    return next((_SUFFIXES[each] for each in suffixes if each in _SUFFIXES), "python")


def _told(request: GenerateCode, result: Result, desk: Desk) -> Done:
    if not result.files:
        raise Declined(f"Nothing came of it: {result.unverified_because}.")
    kept = [_kept(each, desk) for each in result.files]
    notes = tuple(
        f"`{each.written.path}` holds what looks like a secret, so that I keep no whole copy of it "
        "and cannot apply it."
        for each in kept
        if not each.may_be_applied
    )
    result = replace(result, notes=(*result.notes, *notes))
    summary = summary_of(request, result)
    return Done(summary.partition(": ")[2], code_told(request, result, kept, desk.job))


def _kept(written: WrittenFile, desk: Desk) -> KeptFile:
    """Keep the file that Apply writes; one that replaces a file with secrets only to look at."""
    before = written.before
    artifact = NewArtifact(
        name=PurePosixPath(written.path).name,
        media_type="text/x-python" if written.path.endswith(".py") else "text/plain",
        content=written.content.encode(),
        apply_to=written.path,
        replaces=None if before is None else blob_id(before.encode()),
    )
    try:
        return KeptFile(written, desk.keep(artifact))
    except Altered:
        looked_at = replace(artifact, apply_to=None, replaces=None)
        return KeptFile(written, desk.keep(looked_at), may_be_applied=False)
