"""One frozen request type per job: what a handler asks for, as it lies in the ledger."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


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


class Remark(_Request):
    """What somebody had said in the conversation."""

    author: str
    text: str
    at: datetime


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


class _JobRequest(_Request):
    source: Source
    notes: tuple[str, ...] = ()
    """What the answer tells besides: Markdown, a line each."""
    talk: Talk | None = None
    """None where the platform has no conversation to read, or nothing was asked under one."""


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


JobRequest = Annotated[TestCode | TestChanges, Field(discriminator="kind")]
"""Every request there is; add a type here, a file in `jobs/` and a line in its registry."""

request_adapter: TypeAdapter[TestCode | TestChanges] = TypeAdapter(JobRequest)

VERBS: Mapping[str, str] = {"test": TestCode.verb, "changes": TestChanges.verb}
"""The command that asks for it, by kind of request."""
