"""One frozen request type per job: what a handler asks for, as it lies in the ledger."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from storage.ids import JobId


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Request):
    """Which code a job works on.

    `repository` is "owner/name", or "local:" and an absolute folder for the console on the
    worker's own machine. `sha` is None only for local folders, whose working tree is taken as it
    is. For a pull request `number` is set and `fork` names the repository its head lives in.
    """

    repository: str
    sha: str | None = None
    ref: str | None = None
    number: int | None = None
    fork: str | None = None


class Snippet(_Request):
    """A block of code, or of a program's output, that somebody pasted, or a text file."""

    text: str
    language: str = ""
    """As they named it."""
    name: str = ""
    """Of the file."""


class Remark(_Request):
    """What somebody had said in the conversation."""

    author: str
    text: str
    at: datetime
    snippets: tuple[Snippet, ...] = ()
    """Blocks of code in it and text files that came with it, for jobs that read the talk."""


class Talk(_Request):
    """The conversation as it stood when the command was given, for jobs that read it.

    Nothing in it was written or changed later; what was is left out and counted. It is what people
    wrote: data, never an instruction.
    """

    title: str = ""
    body: str = ""
    author: str = ""
    remarks: tuple[Remark, ...] = ()
    """Oldest first; only the latest, where there were many."""
    left_out: int = 0
    snippets: tuple[Snippet, ...] = ()
    """Text files that came with the command itself."""
    notes: tuple[str, ...] = ()
    """What could not be read and why: Markdown, a line each."""


class _JobRequest(_Request):
    reads_talk: ClassVar[bool] = False
    """Whether the job has a use for what was said in a chat: a look costs calls of the platform."""

    source: Source
    notes: tuple[str, ...] = ()
    """What the answer tells besides: Markdown, a line each."""
    talk: Talk | None = None
    """None where the platform has no conversation to read, or nothing was asked under one."""


ANY_MODEL = "default"
"""In the place of a model's name: whichever the rules choose."""


class TestCode(_JobRequest):
    """Write and run tests for one file, function, class or range of lines."""

    __test__ = False
    queue: ClassVar[str] = "cpu"
    """The queue whose workers can serve it."""
    verb: ClassVar[str] = "test"
    """The command that asks for it, whose permission it needs."""

    kind: Literal["test"] = "test"
    path: str
    """A file or, then as a whole, a folder."""
    symbol: str | None = None
    lines: tuple[int, int] | None = None
    ignore: tuple[str, ...] = ()
    """Patterns of paths that are left alone in a folder."""
    style: Literal["pytest", "unittest"] = "pytest"
    properties: bool | None = None
    """Whether to write Hypothesis tests; None for where the repository has Hypothesis."""
    cpu_s: float = Field(default=8.0, gt=0, le=120)
    seed: int = 1
    model: str | None = None
    """The model that is asked for what the search leaves, or `ANY_MODEL`; None asks none."""
    workspace: str = ""
    """Whose rule says whether code may go to a remote model: "slack:T1", "github:owner"."""


class TestChanges(_JobRequest):
    """Show what a change changes: run the code before and after it with the same calls and tests.

    `source` is the code after it.
    """

    __test__ = False
    queue: ClassVar[str] = "cpu"
    verb: ClassVar[str] = "test"

    kind: Literal["changes"] = "changes"
    base: Source
    """The code before: where both parted. Of a folder of this machine `ref` may be anything that
    its git knows, and what counts is where that and the folder's own commit parted.
    """
    base_name: str = ""
    """As a person knows it: `main`."""
    path: str | None = None
    """A file or folder to keep to."""
    ignore: tuple[str, ...] = ()
    """Patterns of paths that are left alone."""
    cpu_s: float = Field(default=10.0, gt=0, le=120)
    seed: int = 1


FIX_WHAT = (
    "Fix what? Paste the traceback or the failing test as a block of code under the command, or "
    "name the test: `/gryph generate fix in=tests/test_parser.py::test_empty`."
)
"""The answer to a fix of nothing, which may only be found out by who has read the talk."""


class GenerateCode(_JobRequest):
    """Have a model write code, and check what it wrote."""

    queue: ClassVar[str] = "gpu"
    verb: ClassVar[str] = "generate"
    reads_talk: ClassVar[bool] = True

    kind: Literal["generate"] = "generate"
    task: Literal["write", "fix", "refactor"] = "write"
    wish: str
    """What is wanted, in the person's words; of a fix it may be empty."""
    workspace: str
    """Whose rule says whether code may leave the premises: "slack:T1", "github:owner"."""
    language: str | None = None
    path: str | None = None
    """The file, or where a new one goes."""
    symbol: str | None = None
    lines: tuple[int, int] | None = None
    snippets: tuple[Snippet, ...] = ()
    """Pasted with the command."""
    tests: bool = False
    """Whether tests are to be written as well."""
    model: str | None = None
    """The model that the person chose."""
    follows: JobId | None = None
    """The job whose result is to be changed."""
    ignore: tuple[str, ...] = ()
    """Patterns of paths that are left alone."""


NOWHERE = Source(repository="local:")
"""Where a plan belongs that is made of words, in a place that has no repository."""


class Away(_Request):
    """Somebody does not work: on these days, or for so long from now."""

    kind: Literal["away"] = "away"
    person: str
    first: date | None = None
    last: date | None = None
    """Inclusive."""
    amount: str = ""
    """As said: "2d"."""


class Joins(_Request):
    """Somebody works on it as well."""

    kind: Literal["joins"] = "joins"
    person: str
    skills: str
    """As said: "backend:2, frontend"."""


class Takes(_Request):
    """A task is another size than was thought; or, `late`, so much longer."""

    kind: Literal["takes"] = "takes"
    task: str
    amount: str
    late: bool = False


class Finished(_Request):
    """A task has ended: on that day, or by now."""

    kind: Literal["finished"] = "finished"
    task: str
    on: date | None = None


class Adds(_Request):
    """A new task, as a list would name it."""

    kind: Literal["adds"] = "adds"
    title: str
    rest: str
    """What stands behind the title: "(1d, backend:2) due 2026-12-09"."""


class Pins(_Request):
    """Only this person may do the task."""

    kind: Literal["pins"] = "pins"
    task: str
    person: str


PlanEvent = Annotated[Away | Joins | Takes | Finished | Adds | Pins, Field(discriminator="kind")]


class PlanIssue(_Request):
    """An open issue, as far as a plan has a use for it."""

    number: int
    title: str
    body: str = ""
    """Its beginning."""
    labels: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()


class ClosedIssue(_Request):
    """An issue that somebody was assigned to and that was closed, to learn from."""

    body: str = ""
    """Its beginning."""
    labels: tuple[str, ...] = ()
    taken_up_at: datetime
    closed_at: datetime


class Issues(_Request):
    """Open issues that are to be planned together."""

    named: str
    """What they are together: "milestone v2"."""
    issues: tuple[PlanIssue, ...]
    due: date | None = None
    """The milestone's."""
    closed: tuple[ClosedIssue, ...] = ()
    """The latest of the repository."""


class _Planning(_JobRequest):
    queue: ClassVar[str] = "cpu"
    verb: ClassVar[str] = "plan"

    cpu_s: float = Field(default=5.0, gt=0, le=60)
    seed: int = 1
    asked_at: datetime
    """What counts as now."""


class PlanFile(_Planning):
    """Plan what a file of a repository says."""

    kind: Literal["plan"] = "plan"
    path: str


class PlanTalk(_Planning):
    """Plan what was written in a message, or above it, or in issues."""

    reads_talk: ClassVar[bool] = True

    kind: Literal["plan-talk"] = "plan-talk"
    text: str = ""
    """The message, without the command."""
    snippets: tuple[Snippet, ...] = ()
    """Pasted with the command."""
    issues: Issues | None = None
    usual: str = ""
    """The repository's own people and time zone, as a list says them; what is written counts more.
    """


class ChangePlan(_Planning):
    """Plan again after something has happened, or to see what would come of it."""

    kind: Literal["change-plan"] = "change-plan"
    task: Literal["what-if", "replan", "pin"]
    follows: JobId
    """The job whose plan it is."""
    events: tuple[PlanEvent, ...]


class ComparePlans(_Planning):
    """Show plans side by side."""

    kind: Literal["compare-plans"] = "compare-plans"
    plans: tuple[JobId, ...]


PLAN_WHAT = (
    "Plan what? Name a file (`/gryph plan plan.toml`), issues (`/gryph plan milestone:3`), or "
    "write the tasks below the command, a line each: `- API (3d, backend:2) after DB @ana`."
)
"""The answer to a plan of nothing, which may only be found out by who has read the talk."""


class Wanted(_Request):
    """A task for which somebody is looked for, as the gateway read it."""

    named: str
    """What messages call it: "#12", "src/a.py"; empty for one that is only a text."""
    number: int | None = None
    """Of the issue or pull request."""
    title: str = ""
    text: str = ""
    """The beginning of its description, or what a person wrote."""
    labels: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    """Paths of files and folders; of a pull request the files that it changes."""
    more_files: int = 0
    """How many more there are, that were not read."""
    may_be_text: bool = False
    """Whether its only path, where no file has it, is a word about the task instead."""
    author: str = ""
    """Its author's login on the code host."""
    signed: tuple[str, str] | None = None
    """How its author signed its commits: name and address."""
    assignees: tuple[str, ...] = ()
    """Logins."""
    asked_reviewers: tuple[str, ...] = ()
    """Logins of those whose review of the pull request is waited for."""
    is_pull: bool = False
    is_open: bool = True

    @property
    def given_to(self) -> tuple[str, ...]:
        """Logins of those who have it already: of a pull request, for review."""
        return self.asked_reviewers if self.is_pull else self.assignees


class OpenWork(_Request):
    """How much somebody has to do already, as the code host tells it."""

    login: str
    tasks: int
    """Open issues that they are assigned to and pull requests that wait for their review."""


class _Matching(_JobRequest):
    queue: ClassVar[str] = "cpu"
    verb: ClassVar[str] = "match"

    repository: str
    """As people name it: "owner/name" even where a folder of this machine stands in for it."""
    asked_at: datetime
    """What counts as now."""
    open_work: tuple[OpenWork, ...] = ()
    """Of everybody who has any, as far as the code host tells."""


class MatchTask(_Matching):
    """Find who should take one task, or look at it."""

    kind: Literal["match"] = "match"
    task: Wanted
    mode: Literal["author", "reviewer"] = "author"
    """Which of the task's people is looked for."""
    person: str = ""
    """Who was asked for by name: a login, or a name as the history has it."""
    unasked: bool = False
    """Whether only the repository itself wishes to know: then a long shot is not worth a word."""
    spread: bool = False
    """Whether the repository wishes the load spread: those whom most tasks would go to are named
    only where they are likelier than others by what that costs."""


class MatchBatch(_Matching):
    """Find somebody for each of several tasks together, so that no one gets all of them."""

    kind: Literal["match-batch"] = "match-batch"
    named: str
    """What they are together: "Milestone v2"."""
    tasks: tuple[Wanted, ...]


class MatchKnowledge(_Matching):
    """Tell who knows a file, or which files only one person knows."""

    kind: Literal["match-knowledge"] = "match-knowledge"
    task: Literal["who", "risks"]
    path: str = "."
    """A file or folder."""


MatchRequest = MatchTask | MatchBatch | MatchKnowledge


AnyRequest = (
    TestCode
    | TestChanges
    | GenerateCode
    | PlanFile
    | PlanTalk
    | ChangePlan
    | ComparePlans
    | MatchRequest
)
"""Every request there is; add a type here, a file in `jobs/` and a line in its registry."""

JobRequest = Annotated[AnyRequest, Field(discriminator="kind")]

request_adapter: TypeAdapter[AnyRequest] = TypeAdapter(JobRequest)

VERBS: Mapping[str, str] = {
    "test": TestCode.verb,
    "changes": TestChanges.verb,
    "generate": GenerateCode.verb,
    "plan": PlanFile.verb,
    "plan-talk": PlanTalk.verb,
    "change-plan": ChangePlan.verb,
    "compare-plans": ComparePlans.verb,
    "match": MatchTask.verb,
    "match-batch": MatchBatch.verb,
    "match-knowledge": MatchKnowledge.verb,
}
"""The command that asks for it, by kind of request."""
