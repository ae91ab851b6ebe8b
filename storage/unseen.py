"""Characters that are not seen and change how the rest is seen, made visible.

Control characters steer terminals and logs, changes of direction show code in another order than
it runs in (https://trojansource.codes), tag characters hold text that only a model reads.
"""

import re

MARK = "\ufffd"
LONGEST_NAME = 120
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_TAGS = re.compile("(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0000-\U000e007f]+")
"""Behind a black flag they are part of an emoji."""
_NO_STEP = re.compile(r"(?<![^\\/])\.{1,2}[\\/]")
"""A folder that is this one, or the one above."""
_NO_NAME = re.compile(r'[\\/:*?"<>|\n\t]+')
"""What is a folder, a stream or a pattern to some system."""


def seen(text: str) -> str:
    """The text with line feeds only, and a mark for each character that would not be seen."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _TAGS.sub(MARK, _STEERING.sub(MARK, text))


def seen_line(text: str) -> str:
    """The same on one line."""
    return " ".join(seen(text).split())


def file_name(text: str) -> str:
    """A name under which a file can be offered: one component, of a length that fits anywhere."""
    name = _NO_NAME.sub("_", _NO_STEP.sub("", seen(text))).strip(" .") or "file"
    if len(name) <= LONGEST_NAME:
        return name
    stem, dot, suffix = name.rpartition(".")
    ending = f"{dot}{suffix}" if dot and len(suffix) < LONGEST_NAME // 4 else ""
    return (stem if ending else name)[: LONGEST_NAME - len(ending)] + ending
