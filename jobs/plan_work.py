"""The job behind `plan`: read what is to be planned, have it planned, tell who does what when."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from engines.planning.engine import make_plan
from engines.planning.reading.drafts import DraftPlan
from engines.planning.reading.files import MOST_BYTES, parse_draft
from engines.planning.types import CannotPlan, Problem
from jobs.desk import Declined, Desk, Done
from jobs.messages import Actions, Block, Heading, Reply, Text
from jobs.plan_changes import changed
from jobs.plan_files import keep, with_files
from jobs.plan_issues import issues_to_plan
from jobs.plan_kept import NAME, KeptPlan, Reading, kept_plan, reading
from jobs.plan_outlook import assumptions, outlook
from jobs.plan_talk import Found, found_in_talk
from jobs.plan_usual import usual_of, with_usual
from jobs.plans_compared import compared
from jobs.plans_told import Planned, outcome_of, plan_blocks, summary_of
from jobs.requests import PLAN_WHAT, ChangePlan, ComparePlans, PlanFile, PlanTalk
from jobs.wording import notes_of, opinion_buttons, plain
from storage.ids import JobId

_T = TypeVar("_T")


@dataclass(frozen=True)
class Material:
    """What is to be planned, as it was read."""

    parsed: DraftPlan | Problem
    name: str
    """What messages call it."""
    text: str = ""
    """As written, where it is the instance of a benchmark."""
    title: str = ""
    """What the answer calls it, where it does not say so itself."""
    notes: tuple[str, ...] = ()


class KeptFiles(Protocol):
    """Finds what earlier jobs left; see `jobs.earlier.EarlierJobs`."""

    def file(self, job: JobId, name: str) -> bytes:
        """One of the files of a job. Raises Declined, Transient."""
        ...


@dataclass(frozen=True)
class Planner:
    """Serves every `plan` of a worker."""

    earlier: KeptFiles

    def of_file(self, request: PlanFile, desk: Desk) -> Done:
        """Plan what a file says. Raises Declined where it cannot be read or planned."""
        desk.watch.report("checking out the code")
        desk.watch.phase("checkout")
        root = desk.checkout(request.source, request.path)
        raw = _content(root / request.path, request.path)
        parsed = _mended(lambda: parse_draft(raw, request.path), request.path)
        text = raw.decode("utf-8-sig", errors="replace")
        material = Material(parsed, request.path, text, request.path, request.notes)
        return _mended(lambda: _planned(request, material, desk), request.path)

    def of_talk(self, request: PlanTalk, desk: Desk) -> Done:
        """Plan issues, or what was written. Raises Declined where there is nothing to plan."""
        notes = (*request.notes, *(request.talk.notes if request.talk else ()))
        if request.issues is not None:
            issues = request.issues
            found = _mended(
                lambda: issues_to_plan(issues, request.text, request.usual), issues.named
            )
            material = Material(found.draft, issues.named, notes=(*notes, *found.notes))
            return _mended(lambda: _planned(request, material, desk), issues.named)
        written = found_in_talk(request)
        if written is None:
            raise Declined(" ".join((PLAN_WHAT, *notes)))
        parsed = _mended(lambda: _parsed(written, request.usual), written.name)
        material = Material(parsed, written.name, written.text, notes=notes)
        return _mended(lambda: _planned(request, material, desk), written.name)

    def change(self, request: ChangePlan, desk: Desk) -> Done:
        """Plan anew after something has happened. Raises Declined where it cannot be."""
        held = self._kept(request.follows)
        return _mended(lambda: changed(request, held, desk), "")

    def compare(self, request: ComparePlans, desk: Desk) -> Done:
        """Show plans side by side."""
        kept = {job: self._kept(job) for job in request.plans}
        return _mended(lambda: compared(kept, desk.job), "")

    def _kept(self, job: JobId) -> KeptPlan:
        return kept_plan(self.earlier.file(job, NAME), job)


def _content(path: Path, name: str) -> bytes:
    if path.is_dir():
        raise Declined(f"`{name}` is a folder: name the file that is to be planned.")
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise Declined(f"`{name}` has more than {MOST_BYTES // 1_000_000} MB.")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise Declined(f"There is no file `{name}` in this repository.") from error


def _parsed(written: Found, usual: str) -> DraftPlan | Problem:
    parsed = parse_draft(written.text.encode(), written.name)
    return with_usual(parsed, usual_of(usual)) if isinstance(parsed, DraftPlan) else parsed


def _mended(work: Callable[[], _T], name: str) -> _T:
    """What comes of the work; what is wrong with the input is the person's to mend."""
    try:
        return work()
    except CannotPlan as reason:
        said = f"{name}: {reason}" if name and not str(reason).startswith(name) else str(reason)
        raise Declined(f"{said[:1].upper()}{said[1:]}." if not name else f"{said}.") from reason


def _planned(request: PlanFile | PlanTalk, material: Material, desk: Desk) -> Done:
    read = reading(material.parsed, request.asked_at)
    desk.watch.phase("plan")
    plan = make_plan(read.team.problem, cpu_s=request.cpu_s, seed=request.seed, watch=desk.watch)
    desk.watch.report("simulating how it may go")
    found = outlook(read.team, plan, request.seed)
    planned = Planned(read.team, plan, found, read.left_out)
    planned = with_files(planned, read, desk)
    keep(planned, read, material.text, desk)
    return _told(planned, read, material, desk.job)


def _told(planned: Planned, read: Reading, material: Material, job: JobId) -> Done:
    title = planned.team.problem.title or material.title
    blocks: list[Block] = [
        Heading(text=f"Plan of {title}" if title else "The plan"),
        *plan_blocks(planned),
        *notes_of(
            (
                *material.notes,
                *(plain(warning, 300) for warning in planned.team.warnings),
                *assumptions(planned.team, read.draft, planned.outlook),
            )
        ),
    ]
    if read.draft is not None:
        blocks.append(Text(markdown=f"When something happens: {_example(planned, job)}"))
    blocks.append(Actions(actions=opinion_buttons(job)))
    return Done(outcome_of(planned), Reply(summary=summary_of(planned), blocks=tuple(blocks)))


def _example(planned: Planned, job: JobId) -> str:
    """The command that tells of an event, with a task of this plan."""
    task = max(planned.team.problem.tasks, key=lambda one: one.duration)
    name = " ".join(task.id.split()).replace("`", "'")
    return f"`/gryph plan replan {job} {name} late 1d`"
