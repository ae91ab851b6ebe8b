"""`link`: say that accounts on two platforms are one person, said by both of them.

The first account names the second, in private, and gets a code only that one can enter. The second
names the first when it enters it. So nobody can take a code that was seen in passing, and nobody
is talked into lending their rights without saying to whom.
"""

from sqlmodel import Session

from handlers import (
    Call,
    Caller,
    Command,
    Context,
    Effect,
    Outcome,
    Permission,
    Place,
    Platform,
    Takes,
    Tier,
    UserError,
)
from jobs.messages import Reply, say
from storage import people
from storage.clock import utc_now
from storage.people import Account

_PLATFORMS = "|".join(platform.value for platform in Platform)


async def run(context: Context, call: Call) -> Outcome:
    """Without words: who you are. With an account: a code for it. With a code: join."""
    match [word.lower() for word in call.words]:
        case []:
            return await _who(context)
        case ["remove", account]:
            return await _remove(context, account)
        case [account] if ":" in account:
            return await _offer(context, account)
        case [_]:
            return await _ask(context, call.words[0])
        case [_, account]:
            return await _join(context, call.words[0], account)
        case _:
            raise UserError("Say `/gryph link`, and I tell how it goes.")


async def _who(context: Context) -> Reply:
    known = await context.database.read(lambda s: people.accounts_of(s, context.person))
    names = "\n".join(f"- `{_name(account)}`" for account in known)
    return say(
        f"I know you as:\n{names}\n\nTo add an account, name it to me in a direct message (or on "
        "the console), for example `/gryph link github:LOGIN`. To let one go: "
        "`/gryph link remove ACCOUNT`."
    )


async def _offer(context: Context, account: str) -> Reply:
    platform, _, name = account.partition(":")
    if platform not in [each.value for each in Platform] or not name:
        raise UserError(f"Name the other account as `PLATFORM:NAME`, PLATFORM one of {_PLATFORMS}.")
    if not is_private(context.invocation.place):
        raise UserError(
            "A link code is yours alone: ask for it in a direct message to me (or on the console)."
        )
    own = _of_caller(context.invocation.caller)
    code = await context.database.write(
        lambda s: people.start_link(s, context.person, account, utc_now())
    )
    return say(
        f"Your code is `{code}`, good for ten minutes, once, and from `{account}` alone. Say there:"
        f"\n```\n/gryph link {code} {_name(own)}\n```"
    )


async def _ask(context: Context, code: str) -> Reply:
    """A code without a name joins nothing yet: its owner may not be who you take them for."""
    caller = context.invocation.caller

    def offered(session: Session) -> list[Account]:
        person = people.offered_by(session, code, _entered_by(caller), utc_now())
        return people.accounts_of(session, person)

    try:
        names = [_name(account) for account in await context.database.read(offered)]
    except people.LinkRefused as reason:
        raise UserError(str(reason)) from reason
    raise UserError(
        f"This code was asked for by `{', '.join(names)}`. Linked, whoever holds that account may "
        f"do what you may. Only if it is your own, say:\n```\n/gryph link {code} {names[0]}\n```"
    )


async def _join(context: Context, code: str, named: str) -> Reply:
    caller = context.invocation.caller

    def join(session: Session) -> None:
        now, entered_by = utc_now(), _entered_by(caller)
        asker = people.offered_by(session, code, entered_by, now)
        if named not in (_name(each).lower() for each in people.accounts_of(session, asker)):
            raise people.LinkRefused(
                f"This code was not asked for by `{named}`; nothing is linked."
            )
        people.finish_link(session, code, entered_by, context.person, now)

    try:
        await context.database.write(join)
    except people.LinkRefused as reason:
        raise UserError(str(reason)) from reason
    return say(
        f"Linked: from now on I know you and `{named}` as one person. `/gryph link remove {named}` "
        "undoes it."
    )


async def _remove(context: Context, named: str) -> Reply:
    def remove(session: Session) -> bool:
        found = people.accounts_of(session, context.person)
        meant = [account for account in found if _name(account).lower() == named]
        return bool(meant) and people.unlink(session, context.person, meant[0], utc_now())

    if not await context.database.write(remove):
        raise UserError(f"`{named}` is not an account that I can let go; see `/gryph link`.")
    return say(f"`{named}` is somebody of its own again.")


def _name(account: Account) -> str:
    """As people write it: what can neither be chosen freely nor be somebody else's."""
    is_login = account.platform == Platform.GITHUB
    return f"{account.platform}:{account.name if is_login else account.account}"


def _of_caller(caller: Caller) -> Account:
    return Account(caller.platform, caller.account, caller.name)


def _entered_by(caller: Caller) -> str:
    return _name(_of_caller(caller))


def is_private(place: Place) -> bool:
    """Whether only the caller and we read what is said there."""
    match place.platform:
        case Platform.SLACK:
            return place.channel.startswith("D")
        case Platform.DISCORD:
            return place.workspace == "dm"
        case Platform.GITHUB:
            return False
        case Platform.CONSOLE:
            return True


COMMAND = Command(
    verb="link",
    summary="Link your accounts on two platforms",
    takes=Takes.WORDS,
    permission=Permission(Tier.ANYONE, Effect.COMMENT),
    examples=("link", "link github:octocat", "link 7Q2M9KXA slack:U012AB3CD"),
    run=run,
    details=(
        "In a direct message, name your other account to get a code for it; then say the code from "
        "there, with the name of the account you asked from. Linked, you may do on either side "
        "what you may on both: a GitHub repository's permission counts for `apply`, `cancel` and "
        "`retry` in a chat."
    ),
)
