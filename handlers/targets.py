"""From what a person pointed at to the code a job works on."""

from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from handlers import (
    Call,
    Context,
    Platform,
    PullRequest,
    RepositoryWishes,
    Target,
    UserError,
)
from jobs.requests import Source


def source_of(context: Context, target: Target) -> Source:
    """The code that `target` means in this place.

    Raises:
        UserError: No repository is known here, or this place may not speak of the one named.
    """
    repository = repository_meant(context, target.repository)
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
        return Source(repository=repository, ref=own_ref(target.ref))
    pull = standing.pull
    if pull is None or repository != pull.base_repository:
        own = repository == standing.repository
        return Source(repository=repository, sha=standing.head_sha if own else None)
    return source_of_pull(pull, topic.head_sha if topic else None)


def source_of_pull(pull: PullRequest, sha: str | None = None) -> Source:
    """A pull request's code: its head, or the head that it had when somebody spoke."""
    return Source(
        repository=pull.base_repository,
        sha=sha or pull.head_sha,
        ref=f"refs/pull/{pull.number}/head",
        number=pull.number,
        fork=pull.head_repository if pull.from_fork else None,
    )


async def pull_meant(context: Context, target: Target) -> PullRequest | None:
    """The pull request that `target` names, or stands under; None where it means other code.

    Raises:
        UserError: There is none of that number, or this place may not speak of its repository.
    """
    here = context.standing.pull
    if target.number is None:
        names_code = target.ref or target.repository not in (None, context.standing.repository)
        return None if names_code else here
    repository = repository_meant(context, target.repository)
    if here is not None and (here.base_repository, here.number) == (repository, target.number):
        return here
    if repository.startswith("local:"):
        raise UserError(
            f"`{repository}` is a folder of this machine and has no pull requests: compare it with "
            f"a branch, `base=main`, or name `owner/name#{target.number}`."
        )
    return await context.pull_of(repository, target.number)


def own_ref(ref: str) -> str:
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


def repository_meant(context: Context, named: str | None) -> str:
    """The repository that is named, or the place's own where none is.

    Raises:
        UserError: There is none, or this place may not speak of it.
    """
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
    """The file or folder the target names, relative to the repository's root, without tricks; "."
    is all of it.

    Raises:
        UserError: None is named, or it points outside the repository.
    """
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
    return "/".join(parts) or "."


def relative_to(path: str, source: Source) -> str:
    """A console user may paste the absolute path of a file in the folder they speak from."""
    root = source.repository.removeprefix("local:").strip("/")
    inside = source.repository.startswith("local:") and f"{path}/".startswith(f"{root}/")
    return path.removeprefix(root).strip("/") or "." if inside else path


def not_ignored(path: str, wished: RepositoryWishes) -> None:
    """Let pass what the repository does not have left alone.

    Raises:
        UserError: It does.
    """
    pattern = next((each for each in wished.ignore if fnmatchcase(path, each)), None)
    if pattern is not None:
        raise UserError(
            f"`{path}` is among the files that this repository's `.gryph.toml` has me leave alone "
            "(`paths.ignore`)."
        )
