"""The losses of a training as a JSON file and as a picture."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path

from engines.generation.training.types import HeldOutLoss, StepLoss

_WIDTH, _HEIGHT, _MARGIN = 640, 320, 48
_MOST_POINTS = 400
_GRID_LINES = 4


def write_losses(
    folder: Path, title: str, losses: Sequence[StepLoss], held_out: Sequence[HeldOutLoss]
) -> None:
    """Write `losses.json` and `losses.svg`."""
    written = {
        "steps": [asdict(one) for one in losses],
        "held_out": [asdict(one) for one in held_out],
    }
    (folder / "losses.json").write_text(json.dumps(written, indent=1) + "\n")
    steps = [(one.step, one.loss) for one in losses]
    checks = [(one.step, one.loss) for one in held_out]
    (folder / "losses.svg").write_text(loss_plot(title, steps, checks))


def loss_plot(
    title: str, steps: Sequence[tuple[int, float]], held_out: Sequence[tuple[int, float]]
) -> str:
    """An SVG: the loss of each step as a line, on held-out text as one with dots.

    Long trainings are drawn by the means of neighbouring steps.
    """
    points = [*steps, *held_out]
    last = max((step for step, _ in points), default=1)
    top = max((loss for _, loss in points), default=1.0) * 1.05
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="sans-serif" font-size="12" fill="#444">'
    )
    parts = [
        head,
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        f'<text x="{_MARGIN}" y="20" font-size="14">{escape(title)}</text>',
        *_axes(last, top),
        _line(_thinned(steps), last, top, "#2b6cb0"),
        _line(held_out, last, top, "#c05621"),
        *(_dot(step, loss, last, top) for step, loss in held_out),
        f'<text x="{_WIDTH - 190}" y="20" fill="#2b6cb0">training</text>',
        f'<text x="{_WIDTH - 120}" y="20" fill="#c05621">held out</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _dot(step: int, loss: float, last: int, top: float) -> str:
    return f'<circle cx="{_x(step, last):.1f}" cy="{_y(loss, top):.1f}" r="3" fill="#c05621"/>'


def _axes(last: int, top: float) -> list[str]:
    lines = [
        f'<text x="{_WIDTH - _MARGIN}" y="{_HEIGHT - 12}" text-anchor="end">step {last}</text>',
        f'<text x="{_MARGIN}" y="{_HEIGHT - 12}">loss, nats per token</text>',
    ]
    for index in range(_GRID_LINES + 1):
        value = top * index / _GRID_LINES
        y = _y(value, top)
        lines += [
            f'<path d="M{_MARGIN} {y:.1f}H{_WIDTH - _MARGIN}" stroke="#ddd"/>',
            f'<text x="{_MARGIN - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.2f}</text>',
        ]
    return lines


def _line(points: Sequence[tuple[float, float]], last: int, top: float, colour: str) -> str:
    path = " ".join(f"{_x(step, last):.1f},{_y(loss, top):.1f}" for step, loss in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'


def _thinned(points: Sequence[tuple[int, float]]) -> list[tuple[float, float]]:
    """Means of so many neighbours that few enough points are left."""
    size = -(-len(points) // _MOST_POINTS) or 1
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    return [
        (sum(step for step, _ in group) / len(group), sum(loss for _, loss in group) / len(group))
        for group in groups
    ]


def _x(step: float, last: int) -> float:
    return _MARGIN + (_WIDTH - 2 * _MARGIN) * step / max(1, last)


def _y(loss: float, top: float) -> float:
    return _HEIGHT - _MARGIN + 8 - (_HEIGHT - 2 * _MARGIN) * loss / top
