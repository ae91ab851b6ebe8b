"""`help`: what can be said, generated from the registry."""

from collections.abc import Mapping

from handlers import (
    Call,
    Command,
    Context,
    Effect,
    Outcome,
    Permission,
    Takes,
    Tier,
    UserError,
)
from jobs.messages import Block, Code, Heading, Reply, Table, Text

TIER_WORDS = {
    Tier.ANYONE: "anyone",
    Tier.AUTHOR: "the pull request's author",
    Tier.READ: "people with read access",
    Tier.WRITE: "people with write access",
    Tier.ADMIN: "administrators",
    Tier.OPERATOR: "the operator",
}


async def run(context: Context, call: Call) -> Outcome:
    """All verbs, or one in detail."""
    if not call.words:
        return overview(context.commands)
    verb = call.words[0].lower()
    command = context.commands.get(verb)
    if command is None:
        raise UserError(f"There is no `{verb}`. I know: {', '.join(sorted(context.commands))}.")
    return detail(command)


def overview(commands: Mapping[str, Command]) -> Reply:
    """Every command with its summary."""
    rows = tuple((f"`/gryph {verb}`", commands[verb].summary) for verb in commands)
    return Reply(
        summary=f"I know {len(rows)} commands",
        blocks=(
            Heading(text="What I can do"),
            Table(header=("Command", "What it does"), rows=rows),
            Text(
                markdown="Mention me (`@gryph test src/a.py`) or use `/gryph`; one line is one "
                "job. `/gryph help test` tells more about one command."
            ),
        ),
    )


def who_may(permission: Permission, *, has_authors: bool = True) -> str:
    """The people a verb is open to, in words; `has_authors` where there are pull requests."""
    words = [TIER_WORDS[permission.tier]]
    if permission.author_may and has_authors:
        words.append(TIER_WORDS[Tier.AUTHOR])
    if permission.requester_may:
        words.append("who asked for the job")
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def detail(command: Command) -> Reply:
    """One command with its options and examples."""
    blocks: list[Block] = [
        Heading(text=f"/gryph {command.verb}"),
        Text(markdown=command.summary + "."),
    ]
    if command.details:
        blocks.append(Text(markdown=command.details))
    if command.options:
        rows = tuple(
            (
                f"`--{option.name}`" if option.is_flag else f"`{option.name}=…`",
                option.summary,
                ", ".join(option.choices) or option.default or "",
            )
            for option in command.options
        )
        blocks.append(Table(header=("Option", "What", "Values"), rows=rows))
    blocks.append(Code(text="\n".join(f"/gryph {line}" for line in command.examples)))
    blocks.append(Text(markdown=f"Open to: {who_may(command.permission)}."))
    return Reply(summary=f"/gryph {command.verb}: {command.summary}", blocks=tuple(blocks))


COMMAND = Command(
    verb="help",
    summary="Show what I can do, or one command in detail",
    takes=Takes.WORDS,
    permission=Permission(Tier.ANYONE, Effect.READ),
    examples=("help", "help test"),
    run=run,
)
