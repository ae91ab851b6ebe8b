"""Buttons whose `custom_id` says what they do, so that they work after every restart."""

from dataclasses import dataclass
from enum import StrEnum

from bot.text import one_line, units
from jobs.messages import Action, Suggestion

PREFIX = "g:"
_RUN = "g:run:"
_MAX_ID = 100
_MAX_LABEL = 80


class Style(StrEnum):
    """How a button looks."""

    PRIMARY = "primary"
    SECONDARY = "secondary"
    DANGER = "danger"


@dataclass(frozen=True)
class Button:
    """One button, within Discord's limits."""

    label: str
    custom_id: str
    style: Style


def button_of(action: Action | Suggestion) -> Button | None:
    """The button of an action, or None where a button cannot hold its line or its label."""
    if isinstance(action, Suggestion):
        custom_id, style = _RUN + one_line(action.line), Style.PRIMARY
    else:
        custom_id, style = _action_id(action), _style(action)
    label = one_line(action.label) or one_line(action.line)
    if len(custom_id.encode()) > _MAX_ID or not 0 < units(label) <= _MAX_LABEL:
        return None
    return Button(label, custom_id, style)


def line_of(custom_id: str) -> str | None:
    """The command line a pressed button stands for; None for a button that is not ours."""
    if custom_id.startswith(_RUN):
        return custom_id.removeprefix(_RUN).strip() or None
    verb, _, rest = custom_id.removeprefix(PREFIX).partition(":")
    if not custom_id.startswith(PREFIX) or not verb or not rest:
        return None
    job, _, words = rest.partition(":")
    return f"{verb} {job} {words}".rstrip()


def _action_id(action: Action) -> str:
    spelled = f"{PREFIX}{action.verb}:{action.job}"
    words = one_line(action.words)
    return f"{spelled}:{words}" if words else spelled


def _style(action: Action) -> Style:
    if action.destructive:
        return Style.DANGER
    return Style.PRIMARY if action.primary else Style.SECONDARY
