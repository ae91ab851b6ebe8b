"""A picture drawn with matplotlib, in pixels from the top left; the one place that knows it."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, cast

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager
from matplotlib.ft2font import FT2Font
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon, Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.transforms import IdentityTransform

FONT = "DejaVu Sans"
"""Comes with matplotlib: Latin, Greek, Cyrillic, Arabic, Hebrew and more, but no Chinese, Japanese
or Korean."""
CJK_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans CJK KR",
    "Noto Sans SC",
    "Noto Sans JP",
    "Noto Sans KR",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "IPAexGothic",
    "PingFang SC",
    "Hiragino Sans",
    "Microsoft YaHei",
)
"""Taken in addition where the machine has one."""
_DPI = 72
"""At which a point is a pixel."""
_ELLIPSIS = "…"
_HALO = 6
_IDENTITY = IdentityTransform()


@dataclass(frozen=True)
class Box:
    """A rectangle; `x` and `y` are its top left corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Fill:
    """How an area is painted."""

    color: str
    edge: str = "none"
    edge_width: float = 0.0
    hatch: str = ""


@dataclass(frozen=True)
class Font:
    """How a text is set."""

    size: float
    """Pixels of the em square."""
    color: str = "#1a1a1a"
    bold: bool = False
    align: Literal["left", "center", "right"] = "left"
    halo: str = ""
    """A color around the letters, so that they can be read above lines."""


class Canvas:
    """A white picture to draw on; what is drawn later lies above."""

    def __init__(self, width: int, height: int) -> None:
        """A picture of so many pixels."""
        self.width = width
        self.height = height
        self._figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor="white")
        self._canvas = FigureCanvasAgg(self._figure)
        self._drawn = 0

    def box(self, box: Box, fill: Fill) -> None:
        """Paint a rectangle."""
        corner = (box.x, self.height - box.y - box.height)
        self._add(
            Rectangle(
                corner,
                box.width,
                box.height,
                facecolor=fill.color,
                edgecolor=fill.edge,
                linewidth=fill.edge_width,
                hatch=fill.hatch or None,
            )
        )

    def shape(self, points: Sequence[tuple[float, float]], fill: Fill) -> None:
        """Paint a polygon."""
        turned = [(x, self.height - y) for x, y in points]
        self._add(
            Polygon(
                turned,
                closed=True,
                facecolor=fill.color,
                edgecolor=fill.edge,
                linewidth=fill.edge_width,
            )
        )

    def line(
        self, begin: tuple[float, float], until: tuple[float, float], color: str, width: float
    ) -> None:
        """Draw a straight line."""
        ys = [self.height - begin[1], self.height - until[1]]
        self._add(Line2D([begin[0], until[0]], ys, color=color, linewidth=width))

    def text(self, x: float, middle: float, text: str, font: Font) -> None:
        """Set a line of text, its height centred on `middle`; nothing in it is markup."""
        artist = Text(
            x,
            self.height - middle,
            text,
            fontproperties=_properties(font.size, bold=font.bold),
            color=font.color,
            horizontalalignment=font.align,
            verticalalignment="center_baseline",
            parse_math=False,
        )
        if font.halo:
            artist.set_path_effects([withStroke(linewidth=_HALO, foreground=font.halo)])
        self._add(artist)

    def width_of(self, text: str, font: Font) -> float:
        """How wide a text is, in pixels."""
        renderer = cast("Any", self._canvas.get_renderer())
        size = renderer.get_text_width_height_descent(
            text, _properties(font.size, bold=font.bold), ismath=False
        )
        return float(size[0])

    def fitted(self, text: str, font: Font, width: float) -> str:
        """The text, its end cut off where it is wider; empty where not even that has room."""
        if self.width_of(text, font) <= width:
            return text
        kept, cut = 0, len(text)
        while kept < cut:
            middle = (kept + cut + 1) // 2
            if self.width_of(text[:middle].rstrip() + _ELLIPSIS, font) <= width:
                kept = middle
            else:
                cut = middle - 1
        return text[:kept].rstrip() + _ELLIPSIS if kept else ""

    def png(self) -> bytes:
        """The picture as PNG."""
        out = io.BytesIO()
        cast("Any", self._canvas).print_png(out)
        return out.getvalue()

    def _add(self, artist: Rectangle | Polygon | Line2D | Text) -> None:
        self._drawn += 1
        artist.set_zorder(self._drawn)
        artist.set_transform(_IDENTITY)
        self._figure.add_artist(artist)


def drawable(text: str) -> str:
    """The text on one line, without the characters that no font here has."""
    known = _characters()
    return " ".join("".join(one for one in text if ord(one) in known or one.isspace()).split())


def is_drawable(text: str) -> bool:
    """Whether hardly anything of a text would be missing in the picture."""
    wanted = [one for one in text if not one.isspace()]
    return len("".join(drawable(text).split())) * 4 >= len(wanted) * 3 and bool(wanted)


@cache
def _families() -> tuple[str, ...]:
    there = {font.name for font in fontManager.ttflist}
    return (FONT, *(name for name in CJK_FONTS if name in there))


@cache
def _characters() -> frozenset[int]:
    """Code points that some family here has in every upright face."""
    found: set[int] = set()
    for family in _families():
        faces = [
            frozenset(FT2Font(font.fname).get_charmap())
            for font in fontManager.ttflist
            if font.name == family and font.style == "normal"
        ]
        found.update(one for one in faces[0] if all(one in face for face in faces[1:]))
    return frozenset(found)


@cache
def _properties(size: float, *, bold: bool) -> FontProperties:
    return FontProperties(family=list(_families()), size=size, weight="bold" if bold else "normal")
