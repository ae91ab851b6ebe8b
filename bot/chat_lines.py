"""Lines as a chat shows them, written so that CommonMark reads them the same."""

from collections.abc import Callable, Iterable, Iterator


def commonmark_lines(lines: Iterable[str], is_quote: Callable[[str], bool]) -> Iterator[str]:
    """In a chat a quote ends with its line, and what is indented is no code."""
    after_quote = False
    for line in lines:
        quoted = is_quote(line)
        if after_quote and not quoted:
            yield ""  # without it CommonMark would draw this line into the quote
        after_quote = quoted
        is_indented = line[:4].expandtabs(4)[:4].isspace()
        yield line.lstrip() if is_indented else line
