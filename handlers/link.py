"""`link`: say that accounts on two platforms are one person."""

from handlers import (
    Call,
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
from jobs.messages import say
from storage import people
from storage.clock import utc_now


async def run(context: Context, call: Call) -> Outcome:
    """Without a code: give one out, in private. With one: join the two accounts."""
    if call.words:
        code = call.words[0]
        try:
            await context.database.write(
                lambda s: people.finish_link(s, code, context.person, utc_now())
            )
        except people.LinkRefused as reason:
            raise UserError(str(reason)) from reason
        return say("Linked: from now on I know you as one person on both platforms.")
    if not is_private(context.invocation.place):
        raise UserError(
            "A link code is yours alone: ask for it in a direct message to me (or on the "
            "console), then give it here with `/gryph link CODE`."
        )
    code = await context.database.write(lambda s: people.start_link(s, context.person, utc_now()))
    return say(
        f"Your code is `{code}`, good for ten minutes and once. Say `/gryph link {code}` from "
        "your other account."
    )


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
    examples=("link", "link 7Q2M9KXA"),
    run=run,
    details="Ask for a code in a direct message, then use it from your other account.",
)
