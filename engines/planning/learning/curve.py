"""Matplotlib, typed: the one place here that knows it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def draw_curve(steps: Sequence[int], values: Sequence[float], title: str, out: Path) -> None:
    """A learning curve as a picture; `values` are percent over the base policy, lower is better."""
    figure: Any = Figure(figsize=(6.4, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.plot(steps, values, marker="o", markersize=3)
    axes.axhline(0.0, color="grey", linewidth=0.8)
    axes.set_xlabel("decisions practised")
    axes.set_ylabel("mean makespan over the base's, %")
    axes.set_title(title)
    axes.grid(visible=True, alpha=0.3)
    figure.savefig(out, dpi=120)
