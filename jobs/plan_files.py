"""The files that a plan leaves: a picture, a table, a calendar, a diagram, and the plan itself."""

from dataclasses import replace

from engines.planning.artifacts.gantt import gantt_png
from engines.planning.artifacts.ics import plan_ics
from engines.planning.artifacts.marks import Marks
from engines.planning.artifacts.mermaid import plan_mermaid
from engines.planning.artifacts.table import plan_csv
from engines.planning.reading.writing import plan_toml
from jobs.desk import Desk, NewArtifact
from jobs.messages import File, Picture
from jobs.plan_kept import INSTANCE, NAME, TOML, KeptPlan, Reading
from jobs.plans_told import CRITICAL, Planned


def with_files(planned: Planned, read: Reading, desk: Desk) -> Planned:
    """The plan with its picture and the files that people may want."""
    team, plan, marks = planned.team, planned.plan, _marks(planned)
    picture = desk.keep(NewArtifact("plan.png", "image/png", gantt_png(team, plan, marks)))
    texts = [("plan.csv", "text/csv", plan_csv(team, plan, marks))]
    if team.working_time is not None:
        texts.append(("plan.ics", "text/calendar", plan_ics(team, plan)))
    texts.append(("plan.mmd", "text/plain", plan_mermaid(team, plan, marks)))
    if read.draft is not None:
        texts.append((TOML, "text/plain", plan_toml(read.draft)))
    return replace(
        planned,
        picture=Picture(artifact=picture, alt=_alt(planned)),
        files=tuple(_file(name, media_type, text, desk) for name, media_type, text in texts),
    )


def _alt(planned: Planned) -> str:
    title = planned.team.problem.title
    return f"Gantt chart of {title}" if title else "Gantt chart of the plan"


def _marks(planned: Planned) -> Marks:
    """What the picture tells beside the times."""
    found = planned.outlook
    if found is None:
        return Marks()
    critical = (task for task, share in found.criticality.items() if share >= CRITICAL)
    return Marks(frozenset(critical), found.on_time)


def _file(name: str, media_type: str, text: str, desk: Desk) -> File:
    content = text.encode()
    artifact = desk.keep(NewArtifact(name, media_type, content))
    return File(artifact=artifact, name=name, size_bytes=len(content))


def keep(planned: Planned, read: Reading, text: str, desk: Desk) -> None:
    """Leave the plan itself, for jobs that go on with it.

    `text` is what it was read from, which is kept where no plan.toml can say it.
    """
    name, text = (INSTANCE, text) if read.draft is None else (TOML, plan_toml(read.draft))
    kept = KeptPlan(name=name, text=text, plan=planned.plan, outlook=planned.outlook)
    desk.keep(NewArtifact(NAME, "application/json", kept.content))
