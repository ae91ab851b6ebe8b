"""Cuts one file into chunks, whatever it holds."""

from engines.source.chunks.grammars import GRAMMARS
from engines.source.chunks.languages import language_of
from engines.source.chunks.pieces import chunks_of
from engines.source.chunks.python import python_outline
from engines.source.chunks.sections import sections
from engines.source.chunks.selection import is_written_by_people
from engines.source.chunks.trees import tree_outline
from engines.source.chunks.types import Chunk, Outline

VERSION = 1
"""Of what `cut` makes of the same file, and of the text that is embedded. Raise it with every
change, so that nothing made before is taken for what would be made now."""


def cut(path: str, content: bytes) -> tuple[Chunk, ...]:
    """The chunks of a file in the order of their lines; each line with words is in exactly one.

    Functions, methods and classes are cut apart in Python, JavaScript, TypeScript, Java, Go and
    Rust, broken ones as far as they can be read; other texts by their sections. None for files that
    are binary, generated, minified or in no language known here. Never raises.
    """
    language = language_of(path)
    if language is None or not is_written_by_people(content):
        return ()
    lines = decoded(content).split("\n")
    return tuple(chunks_of(path, language, lines, _outline(language, lines)))


def decoded(content: bytes) -> str:
    """The text with `\\n` at the ends of lines: UTF-8 (with or without a mark), UTF-16 by its mark,
    else Latin-1, which fits every byte.
    """
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _outline(language: str, lines: list[str]) -> Outline:
    if language == "python":
        return python_outline("\n".join(lines), lines)
    if language in GRAMMARS:
        return tree_outline(language, lines)
    return sections(language, lines)
