"""`config`: a channel's repository and a person's own wishes."""

import re
from collections.abc import Iterator, Mapping

from sqlmodel import Session

from handlers import (
    Call,
    Command,
    Context,
    Effect,
    Option,
    Outcome,
    Permission,
    Place,
    RepositoryWishes,
    Takes,
    Tier,
    UserError,
    own_settings,
)
from handlers.own_settings import Change
from handlers.time_off import FORMS
from jobs.messages import Block, Fields, Heading, Reply, Text, say
from storage import wishes
from storage.clock import utc_now

OWN = {"style": "pytest"}
"""A person's own wishes with their defaults, besides those of `own_settings`."""
ME = "me"
_REPOSITORY = re.compile(r"[\w.-]{1,100}/[\w.-]{1,100}")


def place_scope(place: Place) -> str:
    """The name under which a channel's wishes are kept."""
    return f"{place.platform}:{place.workspace}:{place.channel}"


async def run(context: Context, call: Call) -> Outcome:
    """Set what is given; without anything, show what holds here."""
    options, is_me = _read(call)
    if not options:
        return await (_show_own(context) if is_me else _show(context))
    changes = [await _change_of(context, options, key) for key in options]

    def write(session: Session) -> list[str]:
        said = [change(session) for change in changes]
        if not options.keys().isdisjoint(own_settings.OF_MATCHES):
            said.append(own_settings.unknown(session, context))
        return said

    said = await context.database.write(write)
    return say("\n\n".join(filter(None, said)))


def _read(call: Call) -> tuple[dict[str, str], bool]:
    """What is to be set, and whether the person speaks of themselves alone.

    Raises:
        UserError: There are words that mean nothing.
    """
    options, words = dict(call.options), list(call.words)
    is_me = bool(words) and words[0].casefold() == ME
    words = words[is_me:]
    if words and own_settings.AWAY in options:  # `away=until friday`
        options[own_settings.AWAY] += " " + " ".join(words)
    elif words:
        shown = " ".join(words).replace("`", "'")
        raise UserError(
            f"`{shown}`: say what is to be how, for example `/gryph config me away=2d`."
        )
    if is_me and "repository" in (*options, options.get("unset")):
        raise UserError("The repository is a channel's: `/gryph config repository=owner/name`.")
    return options, is_me


async def _change_of(context: Context, options: Mapping[str, str], key: str) -> Change:
    """What one of the options changes, once all of them are known to be right."""
    value = options[key]
    if key == "unset":
        return _unset(context, value)
    if key in own_settings.KEYS:
        return await own_settings.change_of(context, options, key)
    if key == "repository":
        _require_admin(context)
        if not _REPOSITORY.fullmatch(value):
            raise UserError(f"`{value}` is no repository: write `owner/name`.")
        await _require_reader(context, value)
    scope = _scope(context, key)

    def write(session: Session) -> str:
        wishes.put(session, scope, key, value, utc_now())
        where = " in this channel." if key not in OWN else " for you."
        return f"`{key}` is now `{value}`{where}"

    return write


def _unset(context: Context, key: str) -> Change:
    if key in own_settings.KEYS:
        return own_settings.unset(context, key)
    if key == "repository":
        _require_admin(context)
    scope = _scope(context, key)

    def write(session: Session) -> str:
        wishes.unset(session, scope, key)
        return f"`{key}` is back to its default."

    return write


def _require_admin(context: Context) -> None:
    if context.standing.tier < Tier.ADMIN:
        raise UserError(
            "Which repository a channel may work on is for an administrator of this workspace "
            "to choose."
        )


async def _require_reader(context: Context, repository: str) -> None:
    """A channel may be shown what the administrator who chooses it may read themselves."""
    is_open = repository in context.repositories or repository == context.standing.repository
    if is_open or context.standing.tier >= Tier.OPERATOR:
        return
    on_host = await context.on_host(repository, None)
    if on_host is None:
        return  # nothing but public code can be read
    if on_host.account is None:
        raise UserError(
            f"I have to see that you may read `{repository}`: link your GitHub account with "
            "`/gryph link github:YOUR-LOGIN` in a direct message to me, then choose it again."
        )
    if on_host.tier < Tier.READ:
        raise UserError(f"`{on_host.account.name}` may not read `{repository}`.")


def _scope(context: Context, key: str) -> str:
    if key in OWN:
        return f"person:{context.person}"
    return place_scope(context.invocation.place)


async def _show_own(context: Context) -> Reply:
    own = await context.database.read(lambda s: wishes.of_scope(s, f"person:{context.person}"))
    return await own_settings.show(context, (("style", own.get("style", OWN["style"])),))


async def _show(context: Context) -> Reply:
    own = await context.database.read(lambda s: wishes.of_scope(s, f"person:{context.person}"))
    repository = context.standing.repository
    wished = await context.wished(repository) if repository else RepositoryWishes()
    pairs = [("repository (here)", repository or "none chosen"), _style(own, wished)]
    pairs += [(f"{what} (the repository's)", value) for what, value in _of_repository(wished)]
    blocks: tuple[Block, ...] = (Heading(text="Configuration"), Fields(pairs=tuple(pairs)))
    if wished.is_unreadable:
        blocks += (Text(markdown="I may not read the repository's `.gryph.toml`."),)
    elif wished.complaints:
        listed = "\n".join(f"- {each}" for each in wished.complaints)
        blocks += (Text(markdown=f"In the repository's `.gryph.toml`:\n{listed}"),)
    return Reply(summary="What is configured here", blocks=blocks)


def _style(own: Mapping[str, str], wished: RepositoryWishes) -> tuple[str, str]:
    """The style that counts, and whose it is."""
    if "style" in own or wished.style is None:
        return "style (yours)", own.get("style", OWN["style"])
    return "style (the repository's)", wished.style


def _of_repository(wished: RepositoryWishes) -> Iterator[tuple[str, str]]:
    if wished.budget_s is not None:
        yield "budget", f"{wished.budget_s:g}s"
    if wished.seed is not None:
        yield "seed", str(wished.seed)
    if wished.may is not None:
        yield "who may have code run", wished.may.name.lower()
    if wished.behaviour:
        yield "pull requests", "each push is compared with what it is based on"
    if wished.suggest_reviewers:
        yield "reviewers", "somebody is named for each pull request"
    if wished.spread:
        yield "matches", "are spread, so that not all goes to the same few"
    if wished.ignore:
        yield "ignored", f"{len(wished.ignore)} patterns of paths"


COMMAND = Command(
    verb="config",
    summary="Show or set this channel's repository and your own preferences",
    takes=Takes.SOME_WORDS,
    permission=Permission(Tier.READ, Effect.COMMENT),
    examples=(
        "config",
        "config repository=owner/name",
        "config style=unittest",
        "config me",
        "config me capacity=4 away=2026-12-01..2026-12-12",
        "config me away=until friday",
    ),
    run=run,
    options=(
        Option("repository", "The repository meant in this channel (administrators)."),
        Option("style", "How tests are written for you.", choices=("pytest", "unittest")),
        *own_settings.OPTIONS,
        Option(
            "unset", "Back to the default.", choices=("repository", "style", *own_settings.KEYS)
        ),
    ),
    details=(
        "`config me` shows what you said of yourself. `capacity`, `away` and `matching` say when "
        "`match` may name you; whoever asks for you all the same is told. What you say holds on "
        f"every platform on which you have linked an account. `away` understands {FORMS}; "
        "`not 2026-12-03` takes days back."
    ),
)
