"""A status or a reply as a terminal shows it."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.console.plain import Ink, Style, clean, columns, cut, folded, one_line, table
from bot.face import JobView
from bot.text import size
from jobs.messages import (
    Action,
    Actions,
    Block,
    Code,
    Collapsible,
    Diff,
    Fields,
    File,
    Heading,
    Picture,
    Reply,
    Suggestion,
    Table,
    Text,
)
from storage.ids import ArtifactId
from storage.states import JobState

_STATE_STYLE = {
    JobState.WAITING: Style.YELLOW,
    JobState.QUEUED: Style.YELLOW,
    JobState.RUNNING: Style.BLUE,
    JobState.SUCCEEDED: Style.GREEN,
    JobState.FAILED: Style.RED,
    JobState.CANCELLED: Style.DIM,
}
_DIFF_STYLE = {"+": (Style.GREEN,), "-": (Style.RED,), "@": (Style.CYAN,)}
_MINUTE_S = 60
_MOST_DRAFT_LINES = 12
_LINES_AROUND_DRAFT = 4
_DRAFT_INDENT = "  "


@dataclass(frozen=True)
class Screen:
    """What text is rendered for."""

    link: Callable[[ArtifactId], str]
    """The address at which an artifact can be downloaded."""
    width: int = 80
    height: int = 24
    coloured: bool = False

    @property
    def ink(self) -> Ink:
        """How this screen shows styles."""
        return Ink(self.coloured)


def render_status(view: JobView, screen: Screen, *, fitting: bool = False) -> str:
    """The job in one line: "test src/a.py · running · 84 % of lines · J7K2M9Q".

    `fitting` shortens the command and what is said of its progress, but neither its state nor its
    id, to stay within the screen's width.
    """
    line, said = one_line(view.line), " · ".join(_progress(view))
    if fitting:
        room = screen.width - 1 - len(f" ·  ·  · {view.state.value}{view.job}")
        line = cut(line, max(room - columns(said), room // 2))
        said = cut(said, max(room - columns(line), 0))
    ink = screen.ink
    parts = (ink(line, Style.BOLD), ink(view.state.value, _STATE_STYLE[view.state]), said, view.job)
    return " · ".join(part for part in parts if part)


def _progress(view: JobView) -> list[str]:
    """What there is to say between the state and the id."""
    said: list[str] = []
    if view.in_line:
        said.append(view.in_line)
    if view.text and one_line(view.text) != view.state.value:
        said.append(one_line(view.text))
    if view.state is JobState.RUNNING and view.done is not None:
        said.append(f"{100 * view.done:.0f} % done")
    if view.attempt > 1:
        said.append(f"attempt {view.attempt}")
    if view.finished_at is not None and view.started_at is not None:
        said.append(duration((view.finished_at - view.started_at).total_seconds()))
    return said


def draft_lines(view: JobView, screen: Screen) -> list[str]:
    """The end of what a running job has written so far, in lines that wrap nowhere, of which so
    many fit on the screen that its status is still seen.
    """
    most = min(_MOST_DRAFT_LINES, screen.height - _LINES_AROUND_DRAFT)
    if not view.draft.strip() or most < 1:
        return []
    text = clean(view.draft).rstrip().split("\n")[-most:]
    width = screen.width - 2 * len(_DRAFT_INDENT)
    lines = [part for line in text for part in folded(line.rstrip().expandtabs(4), width)]
    return [screen.ink(f"{_DRAFT_INDENT}{line}".rstrip(), Style.DIM) for line in lines[-most:]]


def duration(seconds: float) -> str:
    """A span of time as people say it: "8.4 s", "2 min 5 s"."""
    if seconds < _MINUTE_S:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE_S)
    return f"{minutes} min {rest} s"


def render_reply(reply: Reply, screen: Screen) -> str:
    """The whole reply; nothing is left out, whatever its length."""
    return _blocks(reply.blocks, screen) if reply.blocks else clean(reply.summary)


def _blocks(blocks: tuple[Block, ...], screen: Screen) -> str:
    return "\n\n".join(_block(block, screen) for block in blocks)


def _block(block: Block, screen: Screen) -> str:
    ink = screen.ink
    match block:
        case Heading():
            return _heading(block, ink)
        case Text():
            return ink.paragraphs(clean(block.markdown)).rstrip("\n")
        case Code():
            return clean(block.text).rstrip("\n")
        case Table():
            return _table(block, screen)
        case Fields():
            return _fields(block, ink)
        case Diff():
            return _diff(block, ink)
        case Picture() | File():
            return _file(block, screen)
        case Actions():
            return _actions(block, ink)
        case Collapsible():
            body = _blocks(block.blocks, screen)
            indented = "\n".join(f"  {line}" if line else "" for line in body.split("\n"))
            return f"{ink(one_line(block.title), Style.BOLD)}\n{indented}"


def _heading(block: Heading, ink: Ink) -> str:
    text = one_line(block.text)
    return ink(text, Style.BOLD) if ink.coloured else f"{text}\n{'─' * columns(text)}"


def _table(block: Table, screen: Screen) -> str:
    header, *rows = table(block.header, block.rows, screen.width) or [""]
    return "\n".join([screen.ink(header, Style.BOLD), *rows])


def _fields(block: Fields, ink: Ink) -> str:
    labels = [one_line(label) for label, _ in block.pairs]
    width = max(map(columns, labels), default=0)
    return "\n".join(
        f"{ink(label, Style.DIM)}{' ' * (width - columns(label))}  {ink.inline(one_line(value))}"
        for label, (_, value) in zip(labels, block.pairs, strict=True)
    )


def _diff(block: Diff, ink: Ink) -> str:
    lines = clean(block.text).rstrip("\n").split("\n")
    coloured = [ink(line, *_DIFF_STYLE.get(line[:1], ())) for line in lines]
    return "\n".join([ink(one_line(block.path), Style.BOLD), *coloured])


def _file(block: Picture | File, screen: Screen) -> str:
    address = screen.link(block.artifact)
    if isinstance(block, Picture):
        return f"{screen.ink(one_line(block.alt) or 'picture', Style.BOLD)}: {address}"
    name = screen.ink(one_line(block.name), Style.BOLD)
    return f"{name} ({size(block.size_bytes)}): {address}"


def _actions(block: Actions, ink: Ink) -> str:
    labels = [one_line(action.label) for action in block.actions]
    width = max(map(columns, labels), default=0)
    padded = [ink(label, Style.BOLD) + " " * (width - columns(label)) for label in labels]
    typed = [ink(_typed(action), Style.CYAN) for action in block.actions]
    return "\n".join(f"  {name}  {line}" for name, line in zip(padded, typed, strict=True))


def _typed(action: Action | Suggestion) -> str:
    """What to type for a button: the shell command, its line quoted as reads best."""
    line = one_line(action.line)
    if '"' not in line and not set(line) & set("$`\\!"):
        return f'gryph ask "{line}"'
    return "gryph ask '" + line.replace("'", "'\\''") + "'"
