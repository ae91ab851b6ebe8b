"""A registry with every shape of command, which the grammar's tests own."""

from collections.abc import Mapping

from handlers import Call, Command, Context, Effect, Option, Outcome, Permission, Takes, Tier
from jobs.messages import say


async def _run(context: Context, call: Call) -> Outcome:
    return say(call.line)


def _command(verb: str, summary: str, takes: Takes, *examples: str, **more: Option) -> Command:
    permission = Permission(Tier.ANYONE, Effect.READ)
    options = tuple(more.values())
    return Command(verb, summary, takes, permission, examples, _run, options)


COMMANDS: Mapping[str, Command] = {
    command.verb: command
    for command in (
        _command(
            "test",
            "Write tests for a Python file, run them, and show the coverage",
            Takes.TARGET,
            "test src/parser.py",
            "test src/parser.py::Parser.parse",
            style=Option("style", "How they are written.", choices=("pytest", "unittest")),
            budget=Option("budget", "CPU seconds.", default="8s"),
            keep=Option("keep-going", "Past failures.", is_flag=True),
        ),
        _command("generate", "Write code", Takes.WORDS, 'generate "a parser for ini files"'),
        _command("review", "Read a pull request", Takes.OPTIONAL_TARGET, "review", "review #12"),
        _command("status", "Show where a job is", Takes.OPTIONAL_JOB, "status", "status J7K2M9Q"),
        _command("cancel", "Stop a job", Takes.JOB, "cancel J7K2M9Q"),
        _command("retry", "Run a finished job again", Takes.JOB, "retry J7K2M9Q"),
        _command("explain", "Tell what happened to a job", Takes.JOB, "explain J7K2M9Q"),
        _command("approve", "Let a fork's commit run", Takes.WORDS, "approve 3f9d2c41ab07"),
        _command("feedback", "Say if it was good", Takes.JOB_AND_WORDS, "feedback J7K2M9Q up"),
        _command("link", "Link two accounts", Takes.WORDS, "link", "link 7Q2M9KXA"),
        _command(
            "config",
            "Show or set preferences",
            Takes.NOTHING,
            "config",
            repository=Option("repository", "The repository meant here."),
            style=Option("style", "How tests are written.", choices=("pytest", "unittest")),
        ),
        _command("quota", "Show what is left", Takes.NOTHING, "quota"),
        _command("help", "Show what I can do", Takes.WORDS, "help", "help test"),
    )
}
