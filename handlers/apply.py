"""`apply`: put a job's files into the repository."""

from handlers import (
    Application,
    Call,
    Caller,
    Command,
    Context,
    Effect,
    Outcome,
    Permission,
    Platform,
    Takes,
    Tier,
    UserError,
)
from handlers.jobs_in_reach import job_meant
from jobs.messages import Reply, say
from jobs.requests import Source, request_adapter
from storage import artifacts
from storage.ids import ArtifactId, JobId
from storage.states import JobState
from storage.tables.artifacts import ArtifactRow
from storage.tables.jobs import JobRow


async def run(context: Context, call: Call) -> Outcome:
    """Write the files now, as the person who pressed Apply."""
    row = await job_meant(context, call.jobs[0])
    if row.state not in (JobState.SUCCEEDED, JobState.CANCELLED):
        raise UserError(f"`{row.id}` is {row.state}; there is nothing to apply.")
    kept = await _kept(context, row)
    source = request_adapter.validate_python(row.request).source
    local = source.repository.startswith("local:")
    platform = Platform.CONSOLE if local else Platform.GITHUB
    if local and context.standing.tier < Tier.OPERATOR:
        raise UserError("Only the operator of this machine may write to a folder on it.")
    writer = context.writers.get(platform)
    if writer is None:
        raise UserError(f"I cannot write to `{source.repository}`: {platform} is not connected.")
    by = context.invocation.caller if local else await _account(context, source)
    where = await writer.apply(await _application(context, row, source, kept, by))
    return say(f"Applied `{row.id}`: {where}")


async def _account(context: Context, source: Source) -> Caller:
    """The account on the code host that the files are written for; asked about right now.

    Raises:
        UserError: The caller has linked none, or it may not write there.
    """
    standing = await context.on_host(source.repository, source.number)
    if standing is None or standing.account is None:
        raise UserError(
            f"I have to see that you may write to `{source.repository}`: link your GitHub account "
            "with `/gryph link github:YOUR-LOGIN` in a direct message to me, then apply again."
        )
    if standing.tier < Tier.WRITE:
        raise UserError(f"`{standing.account.name}` has no write access to `{source.repository}`.")
    return standing.account


async def _kept(context: Context, row: JobRow) -> dict[str, ArtifactRow]:
    """The files to write, by their paths."""
    kept = await context.database.read(lambda s: artifacts.of_job(s, JobId(row.id)))
    found = {artifact.path: artifact for artifact in kept if artifact.path is not None}
    if not found:
        raise UserError(f"`{row.id}` produced no file to apply.")
    return found


async def _application(
    context: Context, row: JobRow, source: Source, kept: dict[str, ArtifactRow], by: Caller
) -> Application:
    pull = context.standing.pull
    if pull is not None and pull.number != source.number:
        pull = None
    summary = Reply.model_validate(row.reply).summary if row.reply else row.line
    return Application(
        job=JobId(row.id),
        repository=source.repository,
        base_ref=pull.base_ref if pull else source.ref,
        base_sha=source.sha,
        number=source.number,
        installation=_installation(context, source),
        title=summary.partition(":")[0],
        body=f"{summary}\n\nAsked for with `/gryph {row.line}` (job {row.id}).",
        files={
            path: await context.read_artifact(ArtifactId(artifact.id))
            for path, artifact in kept.items()
        },
        requested_by=by,
        replaces={path: one.replaces for path, one in kept.items() if one.replaces is not None},
    )


def _installation(context: Context, source: Source) -> str | None:
    """The place's own, where that is the repository's."""
    place = context.invocation.place
    return place.installation if place.channel == source.repository else None


COMMAND = Command(
    verb="apply",
    summary="Put a job's files into the repository: a pull request, or files on this machine",
    takes=Takes.JOB,
    permission=Permission(Tier.WRITE, Effect.PUSH),
    examples=("apply J7K2M9Q",),
    run=run,
)
