"""Answers to words that are no command."""

from bot import commands as registry
from bot.effects import Answer
from bot.grammar import GrammarError, suggest
from handlers.help import overview
from jobs.messages import Actions, Reply, Suggestion, Text, say


def understood(text: str) -> Answer:
    """An answer to words that are no command: what we would run, or what there is."""
    line = suggest(text, registry.COMMANDS)
    if line is None:
        return Answer(overview(registry.COMMANDS), "answer")
    markdown = f"Did you mean this?\n```\n/gryph {line}\n```"
    reply = Reply(
        summary=f"Did you mean /gryph {line}?", blocks=(Text(markdown=markdown), _run_it(line))
    )
    return Answer(reply, "answer")


def misread(error: GrammarError) -> Answer:
    """An answer to a line that cannot be read, with a button for what was probably meant."""
    reply = say(str(error))
    if error.nearest is not None:
        reply = Reply(summary=reply.summary, blocks=(*reply.blocks, _run_it(error.nearest)))
    return Answer(reply, "error")


def _run_it(line: str) -> Actions:
    return Actions(actions=(Suggestion(line=line, label="Run it"),))
