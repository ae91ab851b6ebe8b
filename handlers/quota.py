"""`quota`: what is left of the rate limits."""

from handlers import Call, Command, Context, Effect, Outcome, Permission, Takes, Tier
from jobs.messages import say


async def run(context: Context, call: Call) -> Outcome:
    """Answer from the buckets."""
    del call
    return say(await context.quota())


COMMAND = Command(
    verb="quota",
    summary="Show how many commands you, this workspace and this repository have left",
    takes=Takes.NOTHING,
    permission=Permission(Tier.ANYONE, Effect.READ),
    examples=("quota",),
    run=run,
)
