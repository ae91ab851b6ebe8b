"""What a job says: a platform-neutral reply of blocks, and the events of its life.

Every block can be written by each platform's `render.py` within that platform's limits. Text is
standard Markdown. Models are JSON on the wire and in the ledger.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from storage.ids import ArtifactId, JobId
from storage.states import JobState
from storage.unseen import file_name


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Heading(_Frozen):
    """A short title, plain text."""

    kind: Literal["heading"] = "heading"
    text: str


class Text(_Frozen):
    """Running text in Markdown."""

    kind: Literal["text"] = "text"
    markdown: str


class Code(_Frozen):
    """A fenced block; the renderer owns the fence, `text` holds none."""

    kind: Literal["code"] = "code"
    text: str
    language: str = ""


class Table(_Frozen):
    """A small table; every row has as many cells as `header`. Cells are inline Markdown."""

    kind: Literal["table"] = "table"
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Fields(_Frozen):
    """Label and value pairs that are read at a glance: coverage, counts, durations."""

    kind: Literal["fields"] = "fields"
    pairs: tuple[tuple[str, str], ...]


class Diff(_Frozen):
    """A unified diff of one file."""

    kind: Literal["diff"] = "diff"
    path: str
    text: str


class Picture(_Frozen):
    """An image artifact shown in place."""

    kind: Literal["picture"] = "picture"
    artifact: ArtifactId
    alt: str


class File(_Frozen):
    """An artifact offered for download."""

    kind: Literal["file"] = "file"
    artifact: ArtifactId
    name: Annotated[str, AfterValidator(file_name)]
    size_bytes: int


class Action(_Frozen):
    """One button: it sends `verb` with the job's id, as if the person had typed it.

    `words` follow the job id (feedback's value). A platform without buttons shows the line.
    """

    verb: str
    label: str
    job: JobId
    words: str = ""
    primary: bool = False
    destructive: bool = False

    @property
    def line(self) -> str:
        """The command line this button stands for, without the leading `/gryph`."""
        return f"{self.verb} {self.job} {self.words}".rstrip()


class Suggestion(_Frozen):
    """A button that runs a command line as it stands: what we understood from plain language."""

    line: str
    label: str


class Actions(_Frozen):
    """A row of buttons."""

    kind: Literal["actions"] = "actions"
    actions: tuple[Action | Suggestion, ...]


class Collapsible(_Frozen):
    """Detail that only some readers want; opened on demand where the platform can."""

    kind: Literal["collapsible"] = "collapsible"
    title: str
    blocks: "tuple[Block, ...]"


Block = Annotated[
    Heading | Text | Code | Table | Fields | Diff | Picture | File | Actions | Collapsible,
    Field(discriminator="kind"),
]


class LineRemark(_Frozen):
    """What is to be said of one line of the code that the job worked on."""

    path: str
    line: int
    """Counted from 1."""
    text: str
    """Markdown."""


class Verdict(StrEnum):
    """What a finished job means for the code, where it judges any."""

    PASSES = "passes"
    DIFFERS = "differs"
    """Somebody should look at it; it need not be wrong."""
    FAILS = "fails"


class Reply(_Frozen):
    """An answer. `summary` is one plain line: notifications, fallbacks and check-run titles."""

    summary: str
    blocks: tuple[Block, ...] = ()
    remarks: tuple[LineRemark, ...] = ()
    """For faces that can speak of lines; all that they say stands in the blocks too."""
    verdict: Verdict | None = None
    """None where the job judges nothing: then it is good that it succeeded."""
    for_all: bool = False
    """Whether everybody there is to read it, even where a platform would show the answer to a
    button only to who pressed it."""


def say(markdown: str) -> Reply:
    """A reply of one paragraph; its first line is the summary."""
    return Reply(summary=markdown.partition("\n")[0], blocks=(Text(markdown=markdown),))


class JobEvent(_Frozen):
    """One change in a job's life, numbered from 1 within the job."""

    job: JobId
    seq: int
    state: JobState
    at: datetime
    text: str = ""
    done: float | None = None
    """Fraction finished, 0 to 1, where the engine knows it."""
