"""A small registry that holds every kind of argument a verb can take."""

from collections.abc import Mapping

from handlers import Call, Command, Context, Effect, Option, Outcome, Permission, Takes, Tier
from jobs.messages import say


async def answer(context: Context, call: Call) -> Outcome:
    """Say the line again."""
    return say(call.line)


def command(verb: str, takes: Takes, *options: Option) -> Command:
    """A verb whose other parts do not matter here."""
    return Command(
        verb=verb,
        summary=f"Does what `{verb}` says",
        takes=takes,
        permission=Permission(Tier.ANYONE, Effect.READ),
        examples=(verb,),
        run=answer,
        options=options,
    )


REGISTRY: Mapping[str, Command] = {
    each.verb: each
    for each in (
        command(
            "test",
            Takes.TARGET,
            Option("style", "How the tests are written.", choices=("pytest", "unittest")),
            Option("seed", "The same seed gives the same tests."),
            Option("dry-run", "Only say what would be done.", is_flag=True),
        ),
        command("status", Takes.OPTIONAL_JOB),
        command("retry", Takes.JOB),
        command("cancel", Takes.JOB),
        command("feedback", Takes.JOB_AND_WORDS),
        command("help", Takes.WORDS),
        command("review", Takes.OPTIONAL_TARGET),
        command("quota", Takes.NOTHING),
    )
}
