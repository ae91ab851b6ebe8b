"""From what a person pointed at to the code a job works on."""

from pathlib import PurePosixPath

from handlers import Call, Context, Platform, Target, UserError
from jobs.requests import Source


def source_of(context: Context, target: Target) -> Source:
    """The code that `target` means in this place.

    Raises:
        UserError: No repository is known here, or this place may not speak of the one named.
    """
    repository = _repository(context, target.repository)
    on_github = context.invocation.place.platform is Platform.GITHUB
    local = None if on_github else context.repositories.get(repository)
    if local or repository.startswith("local:"):
        if target.ref:
            raise UserError(
                f"`{repository}` is a folder on this machine, tested as it lies there: leave "
                f"`@{target.ref}` out, or check that version out first."
            )
        return Source(repository=local or repository)
    return _remote(repository, target, context)


def _remote(repository: str, target: Target, context: Context) -> Source:
    standing, topic = context.standing, context.invocation.topic
    if target.ref:
        return Source(repository=repository, ref=_own_ref(target.ref))
    pull = standing.pull
    if pull is None or repository != pull.base_repository:
        own = repository == standing.repository
        return Source(repository=repository, sha=standing.head_sha if own else None)
    return Source(
        repository=repository,
        sha=(topic.head_sha if topic else None) or pull.head_sha,
        ref=f"refs/pull/{pull.number}/head",
        number=pull.number,
        fork=pull.head_repository if pull.from_fork else None,
    )


def _own_ref(ref: str) -> str:
    """The name of a branch, tag or commit. A pull request's refs may be a fork's, whose code runs
    only where it can be approved.

    Raises:
        UserError: It is another kind of ref.
    """
    if ref.startswith("refs/"):
        raise UserError(
            f"`{ref}`: name a branch, a tag or a full commit sha. For a pull request's code, ask "
            "in the pull request."
        )
    return ref


def _repository(context: Context, named: str | None) -> str:
    here = context.standing.repository
    if named is None or named == here:
        if here is None:
            raise UserError(
                "Which repository? Write `owner/name:path`, or let an administrator choose one "
                "for this channel with `/gryph config repository=owner/name`."
            )
        return here
    if context.invocation.place.platform is Platform.GITHUB:
        raise UserError(f"Ask about `{named}` in `{named}` itself; here I work on `{here}` only.")
    if named in context.repositories:
        return named
    raise UserError(
        f"`{named}` is not open to this place. An administrator can choose it with "
        f"`/gryph config repository={named}`, or the operator can list it in "
        "`GRYPH_REPOSITORIES`."
    )


def path_of(call: Call, target: Target) -> str:
    """The file the target names, relative to the repository's root, without tricks.

    Raises:
        UserError: None is named, or it points outside the repository.
    """
    if target.number is not None and target.path is None:
        raise UserError(
            f"`{call.verb}` works on one file: name it, for example "
            f"`/gryph {call.verb} src/module.py`. Testing a whole pull request is not there yet."
        )
    if not target.path:
        raise UserError(f"Which file? For example `/gryph {call.verb} src/module.py`.")
    parts: list[str] = []
    for part in PurePosixPath(target.path.replace("\\", "/")).parts:
        if part == "..":
            if not parts:
                raise UserError(f"`{target.path}` is outside the repository.")
            parts.pop()
        elif part != "/":
            parts.append(part)
    if not parts:
        raise UserError(f"`{target.path}` is not a file.")
    return "/".join(parts)
