"""What a docstring says of parameters and exceptions, in any of the usual dialects."""

from dataclasses import dataclass

import docstring_parser


@dataclass(frozen=True)
class Documented:
    """Types by parameter name, exception names, and the prose they came from."""

    types: dict[str, str]
    descriptions: dict[str, str]
    raises: frozenset[str]


NOTHING = Documented({}, {}, frozenset())


def documented(docstring: str | None) -> Documented:
    """Read ReST, Google, NumPy or Epydoc sections; nothing where there are none."""
    if not docstring:
        return NOTHING
    try:
        parsed = docstring_parser.parse(docstring)
    except (docstring_parser.ParseError, LookupError, ValueError):
        # docstring-parser indexes what a field such as ":: text" lacks.
        return NOTHING
    types = {one.arg_name: one.type_name for one in parsed.params if one.type_name}
    descriptions = {one.arg_name: one.description or "" for one in parsed.params}
    raises = frozenset(one.type_name for one in parsed.raises if one.type_name)
    return Documented(types, descriptions, raises)


def sentence_naming(docstring: str | None, word: str) -> str | None:
    """The sentence of a docstring that contains `word`, on one line; None where none does."""
    if not docstring:
        return None
    for paragraph in docstring.split("\n\n"):
        for sentence in " ".join(paragraph.split()).split(". "):
            if word in sentence:
                return sentence.rstrip(".") + "."
    return None
