"""The registry of commands, by hand: one line each; and who may use them.

Parser, help, Slack manifest, Discord tree, permission table and metric labels come from here.
"""

from collections.abc import Mapping

from handlers import (
    Command,
    Standing,
    Tier,
    apply,
    approve,
    cancel,
    config,
    explain,
    feedback,
    generate,
    link,
    match,
    plan,
    quota,
    retry,
    status,
    test,
)
from handlers import help as help_
from handlers.help import who_may

COMMANDS: Mapping[str, Command] = {
    command.verb: command
    for command in (
        test.COMMAND,
        generate.COMMAND,
        plan.COMMAND,
        match.COMMAND,
        status.COMMAND,
        cancel.COMMAND,
        retry.COMMAND,
        explain.COMMAND,
        approve.COMMAND,
        apply.COMMAND,
        feedback.COMMAND,
        link.COMMAND,
        config.COMMAND,
        quota.COMMAND,
        help_.COMMAND,
    )
}


def refusal(command: Command, standing: Standing, *, is_requester: bool) -> str | None:
    """Why the caller may not use the command here, as Markdown; None if they may.

    `is_requester` says whether the job named in the call was asked for by the caller.
    """
    permission = command.permission
    if standing.tier >= permission.tier:
        return None
    if permission.author_may and standing.is_author:
        return None
    if permission.requester_may and is_requester:
        return None
    people = who_may(permission, has_authors=standing.pull is not None)
    return f"`{command.verb}` is open to {people}; here you have {_tier_in_words(standing.tier)}."


def _tier_in_words(tier: Tier) -> str:
    words = {
        Tier.ANYONE: "no access",
        Tier.AUTHOR: "an author's access",
        Tier.READ: "read access",
        Tier.WRITE: "write access",
        Tier.ADMIN: "an administrator's access",
        Tier.OPERATOR: "the operator's access",
    }
    return words[tier]
