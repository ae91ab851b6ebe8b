"""`match`: who should take a task or look at it, and who knows which code."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from sqlmodel import Session

from handlers import (
    Call,
    Command,
    Context,
    Effect,
    IssueQuery,
    Option,
    Outcome,
    Permission,
    Platform,
    Takes,
    Target,
    Tier,
    UserError,
    match_choices,
    match_words,
)
from handlers.issue_words import issues_meant
from handlers.match_outcomes import OUTCOMES, outcomes
from handlers.match_people import account_mentioned, unknown
from handlers.message import own_text
from handlers.targets import own_ref, path_of, relative_to, repository_meant
from jobs.requests import (
    MatchBatch,
    MatchKnowledge,
    MatchTask,
    OpenWork,
    PlanIssue,
    Source,
    Wanted,
)
from storage import people
from storage.availability import HOST, full_name
from storage.clock import utc_now
from storage.people import Account

LONGEST_TEXT = 10_000
"""Characters of a message that are read; nobody needs more to know what it is about."""
MOST_NUMBERS = 30
"""Issues and pull requests that are looked up one by one."""
MOST_PATHS = 100
_WHAT = (
    "Match what? Name an issue or a pull request (`/gryph match #12`), files or a folder "
    "(`/gryph match src/parser.py`), a milestone (`/gryph match milestone:3`), or say in quotes "
    'what is to be done: `/gryph match "flaky websocket reconnect in the gateway"`.'
)
_TITLE = 200
_WITH_BLANKS = re.compile(r"(?!.*(?:\.\.|://))(?:.*/.*|.*\S\.[A-Za-z]\w{0,9})")
"""A quotation that may be a path all the same."""
_SLACK_ID = re.compile(r"[UW][A-Z0-9]{6,20}")
_KNOWLEDGE: dict[str, Literal["who", "risks"]] = {"who": "who", "risks": "risks", "risk": "risks"}
_WITH_PATH = 2
"""Words; more of them are a sentence."""
_MODES: dict[str, Literal["author", "reviewer"]] = {"work": "author", "review": "reviewer"}


async def run(context: Context, call: Call) -> Outcome:
    """Ask for the job; or note what somebody decides about a match."""
    match_words.require_choice(call.words)
    outcome = await match_choices.chosen(context, call)
    if outcome is not None:
        return outcome
    words, said = await _with_person(context, call.words)
    first = words[0].casefold() if words else ""
    asked = _KNOWLEDGE.get(first)
    if (first == OUTCOMES and len(words) == 1) or (asked is not None and len(words) <= _WITH_PATH):
        match_words.require_no_one_task(call, said, match_words.FORMS[first])
        if asked is None:
            return await outcomes(context)
        return await _knowledge(context, call, asked, words[1:])
    if query := issues_meant(words, COMMAND.verb):
        return await _of_issues(context, call, query, said)
    match_words.require_task(words, said)
    return await _of_task(context, call, words, await _person(context, said))


async def _of_task(context: Context, call: Call, words: Sequence[str], person: str) -> MatchTask:
    """One task: what the words are, else the text below the command, else what it stands under."""
    here = context.invocation.number
    text = own_text(context.invocation.text, LONGEST_TEXT + 1).strip()
    if not words and not text and here is None:
        raise UserError(_WHAT)
    if not words and not text:
        repository = repository_meant(context, None)
        task = await context.task_of(repository, here or 0)
        return await _request(context, call, Target(), task, person)
    target, task = await _pointed_at(context, call, words)
    if task is None:
        task = _described(" ".join(words), text)
    elif task.number is None and text:
        task = task.model_copy(update={"text": text[:LONGEST_TEXT]})
    return await _request(context, call, target, task, person)


async def _pointed_at(
    context: Context, call: Call, words: Sequence[str]
) -> tuple[Target, Wanted | None]:
    """The code, issue or pull request that the words point at; no task where they are a text."""
    if len(words) == 1 and re.search(r"\s", words[0]) and len(words[0]) <= _TITLE:
        return Target(), _quoted(context, words[0])
    is_one = len(words) == 1 and not re.search(r"\s", words[0])
    if not is_one and not (words and all(map(match_words.PATH.fullmatch, words))):
        return Target(), None
    if len(words) > MOST_PATHS:
        raise UserError(f"At most {MOST_PATHS} paths are taken together; name their folder.")
    targets = [context.read_target(word.rstrip(",")) for word in words]
    first = targets[0]
    if is_one and first.number is not None:
        repository = repository_meant(context, first.repository)
        return first, await context.task_of(repository, first.number)
    if len({(one.repository, one.ref) for one in targets}) > 1:
        raise UserError("Name files of one repository, and of one branch, in a line.")
    source = _source(context, first)
    paths = [relative_to(path_of(call, one), source) for one in targets]
    named = paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
    may_be_text = is_one and not match_words.PATH.fullmatch(words[0])
    files = tuple(dict.fromkeys(paths))
    return first, Wanted(named=named, files=files, may_be_text=may_be_text)


def _quoted(context: Context, said: str) -> Wanted | None:
    """A path with blanks in it, as far as anybody can tell who does not know the files; None where
    it can be none.
    """
    if not _WITH_BLANKS.fullmatch(said):
        return None
    path = relative_to(said.removeprefix("./").rstrip("/"), _source(context, Target()))
    return Wanted(named=path, files=(path,), may_be_text=True)


def _described(line: str, below: str) -> Wanted:
    """A task that is only a text: what stands in the line, and below it."""
    whole = f"{line}\n{below}".strip()
    title = whole.partition("\n")[0]
    return Wanted(named="", title=title[:_TITLE], text=whole[:LONGEST_TEXT])


async def _of_issues(
    context: Context, call: Call, query: IssueQuery, said: str
) -> MatchTask | MatchBatch:
    repository = repository_meant(context, None)
    if len(query.numbers) != 1:
        match_words.require_no_one_task(call, said, "match #12 #13")
    if query.milestone is None:
        if len(query.numbers) > MOST_NUMBERS:
            raise UserError(
                f"At most {MOST_NUMBERS} issues are looked up one by one; name their milestone."
            )
        tasks = [await context.task_of(repository, number) for number in query.numbers]
        if len(tasks) == 1:
            person = await _person(context, said)
            return await _request(context, call, Target(), tasks[0], person)
        named = ", ".join(one.named for one in tasks)
    else:
        issues = await context.issues_of(repository, query)
        named, tasks = issues.named, [_of_issue(one) for one in issues.issues]
        if not tasks:
            raise UserError(f"{named} of `{repository}` holds no open issue.")
    wished = await context.wished(repository)
    return MatchBatch(
        source=_source(context, Target()),
        repository=repository,
        named=named,
        tasks=tuple(tasks),
        notes=wished.complaints,
        asked_at=utc_now(),
        open_work=await context.work_of(repository),
    )


def _of_issue(one: PlanIssue) -> Wanted:
    return Wanted(
        named=f"#{one.number}",
        number=one.number,
        title=one.title,
        text=one.body,
        labels=one.labels,
        assignees=one.assignees,
    )


async def _request(
    context: Context, call: Call, target: Target, task: Wanted, person: str
) -> MatchTask:
    repository = repository_meant(context, target.repository)
    wished = await context.wished(repository)
    usual = "reviewer" if task.is_pull else "author"
    return MatchTask(
        source=_source(context, target),
        repository=repository,
        task=task,
        mode=_MODES.get(call.options.get("for", ""), usual),
        person=person,
        spread=wished.spread,
        notes=(*_left_out(task, target), *wished.complaints),
        asked_at=utc_now(),
        open_work=await context.work_of(repository),
    )


def reviewers_of(
    repository: str,
    task: Wanted,
    open_work: tuple[OpenWork, ...],
    now: datetime,
    *,
    spread: bool,
) -> MatchTask:
    """Who should look at a pull request, for a repository that wishes to be told."""
    return MatchTask(
        source=Source(repository=repository),
        repository=repository,
        task=task,
        mode="reviewer",
        unasked=True,
        spread=spread,
        asked_at=now,
        open_work=open_work,
    )


async def _knowledge(
    context: Context, call: Call, task: Literal["who", "risks"], words: Sequence[str]
) -> MatchKnowledge:
    if task == "who" and not words:
        raise UserError("Who knows which file? `/gryph match who src/parser.py`.")
    target = context.read_target(words[0]) if words else Target(path=".")
    source = _source(context, target)
    repository = repository_meant(context, target.repository)
    wished = await context.wished(repository)
    return MatchKnowledge(
        source=source,
        repository=repository,
        task=task,
        path=relative_to(path_of(call, target), source),
        notes=wished.complaints,
        asked_at=utc_now(),
    )


def _source(context: Context, target: Target) -> Source:
    """The history that counts: the branch that is named, or the repository's default one; never a
    pull request's own.
    """
    repository = repository_meant(context, target.repository)
    on_github = context.invocation.place.platform is Platform.GITHUB
    local = None if on_github else context.repositories.get(repository)
    ref = own_ref(target.ref) if target.ref else None
    return Source(repository=local or repository, ref=ref)


def _left_out(task: Wanted, target: Target) -> tuple[str, ...]:
    """What of a task is not looked at."""
    notes: list[str] = []
    if target.symbol is not None or target.lines is not None:
        notes.append("The whole file is looked at: histories tell of files, not of functions.")
    if len(task.text) >= LONGEST_TEXT:
        notes.append(f"Only the first {LONGEST_TEXT:,} characters were read.")
    return tuple(notes)


async def _with_person(context: Context, words: Sequence[str]) -> tuple[Sequence[str], str]:
    """The words, and the name of who is asked for behind them; in a sentence, only a name of
    several words that somebody has here.
    """
    at = match_words.mention_in(words)
    if at is None:
        platform = context.invocation.caller.platform

        def known(session: Session) -> int | None:
            names = ((at, match_words.name_in(words[at:])) for at in match_words.mentions_in(words))
            return next((at for at, name in names if people.called(session, platform, name)), None)

        at = await context.database.read(known)
    if at is None:
        return words, ""
    return words[:at], match_words.name_in(words[at:])


async def _person(context: Context, said: str) -> str:
    """A login or a name by which the history may know somebody: where a chat mentions them, that
    of their account on the code host. Raises UserError where nobody can tell.
    """
    platform = context.invocation.caller.platform
    if not said or platform is Platform.GITHUB:
        return said

    account = account_mentioned(context, said)

    def read(session: Session) -> Sequence[Account]:
        mentioned = people.find_person(session, platform=platform, account=account or said)
        if account and mentioned is None:
            return ()
        found = [mentioned] if mentioned else people.called(session, platform, said)
        return people.accounts_of(session, found[0]) if len(found) == 1 else ()

    accounts = await context.database.read(read)
    login = next((one.name for one in accounts if one.platform == HOST), None)
    name = next((one.name for one in accounts if full_name(one.name)), None)
    is_slack_id = platform is Platform.SLACK and _SLACK_ID.fullmatch(said) is not None
    if not (login or name) and (account or is_slack_id):
        raise UserError(unknown(said, "#12 @login"))
    return login or name or said


COMMAND = Command(
    verb="match",
    summary="Name who should take a task or review a change, and why; or who knows which code",
    takes=Takes.WORDS,
    permission=Permission(Tier.READ, Effect.COMMENT),
    examples=(
        'match "flaky websocket reconnect in the gateway"',
        "match #12",
        "match src/parser.py",
        "match milestone:3",
        "match #12 @ana",
        "match who src/parser.py",
        "match risks",
        "match outcomes",
    ),
    run=run,
    options=(
        Option(
            "for",
            "Who should do it, or who should look at it; if not said, `review` for pull requests.",
            choices=tuple(_MODES),
        ),
    ),
    details=(
        "Reads the history of the repository's default branch and names one person for an issue, "
        "a pull request (`#12` or its address; alone, the one it is said under), files, a folder "
        "or a text, and a second person: as back-up, or to learn where one alone knows the files. "
        "Reasons are facts of the history, and how sure it is stands in words; where nobody is "
        "likely, that is said. Of a pull request reviewers are named, of all else who should do "
        "it. `milestone:3`, or several numbers, are given out together, to nobody more than they "
        "take at a time, and among those who are about as likely so that no one person gets them "
        "all.\n\n"
        "Left out, and told: who is away, has as much as they take at a time, or declined this "
        "very task; who wants no matches is never named (`/gryph config me …`). Somebody who is "
        "asked for by name, `match #12 @ana`, is named whatever stands against it, with a "
        "warning. Nobody is notified before **Assign** is pressed.\n\n"
        "**Take**, **Decline** and **Suggest someone** tell what became of it (`match take "
        "J7K2M9Q`, `match decline J7K2M9Q on another project`). `match who …` tells who changed a "
        "file or a folder, and how many people must leave before nobody knows it; `match risks` "
        "the files that are changed often and that one person knows, or nobody any more. `match "
        "outcomes` tells how often who was named did it, and how soon they responded."
    ),
)
