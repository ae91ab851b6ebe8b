"""HTML elements in a message: what stands between a tag and its closing tag is no prose."""

import re
from dataclasses import dataclass, field

TAG = re.compile(r"<(/?)([a-z][a-z0-9-]*+)[^<>]*?(/?)>", re.IGNORECASE)
_UNREAD = (("<?", "?>"), ("<![CDATA[", "]]>"), ("<!", ">"))
"""Where a piece of HTML starts that holds no tags, and how it ends."""
_VOID = frozenset({"br", "hr", "img", "input", "wbr", "col", "source", "area", "link", "meta"})


@dataclass
class Elements:
    """The elements of one message, read piece of HTML by piece.

    Tags, and whatever else calls `next_ordinal`, are numbered in the order of the message.
    """

    ordinal: int = 0
    _comment: int | None = None
    """Where a comment began that its HTML block does not end: readers see nothing of the rest."""
    _open: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    _elements: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])

    def next_ordinal(self) -> int:
        """The number of the next thing in the message."""
        self.ordinal += 1
        return self.ordinal

    def read(self, html: str) -> None:
        """Take in the tags of a block or a tag in a line; an element that never ends is none."""
        for closing, name, self_closing in TAG.findall(
            _behind_unread(self._outside_comments(html))
        ):
            opened = self._open.setdefault(name.lower(), [])
            if closing and opened:
                self._elements.append((opened.pop(), self.next_ordinal()))
            elif not closing and not self_closing and name.lower() not in _VOID:
                opened.append(self.next_ordinal())

    def _outside_comments(self, html: str) -> str:
        kept: list[str] = []
        position = 0
        while True:
            if self._comment is None:
                start = html.find("<!--", position)
                kept.append(html[position : start if start >= 0 else len(html)])
                if start < 0:
                    return "".join(kept)
                self._comment = self.next_ordinal()
                position = start + 2  # `<!-->` is a whole comment
            end = html.find("-->", position)
            if end < 0:
                return "".join(kept)
            self._elements.append((self._comment, self.next_ordinal()))
            self._comment = None
            position = end + 3

    def inside(self) -> frozenset[int]:
        """The ordinals between an element's two tags."""
        steps = [0] * (self.ordinal + 2)
        unended = [] if self._comment is None else [(self._comment, self.ordinal + 1)]
        for start, end in self._elements + unended:
            steps[start] += 1
            steps[end] -= 1
        depth = 0
        found: set[int] = set()
        for ordinal, step in enumerate(steps):
            depth += step
            if depth:
                found.add(ordinal)
        return frozenset(found)


def _behind_unread(html: str) -> str:
    """What follows an instruction, declaration or CDATA section at the start of the piece."""
    for start, end in _UNREAD:
        if html.lstrip(" ").startswith(start):
            return html.partition(end)[2]
    return html
