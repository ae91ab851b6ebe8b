"""Whether a call keeps to what the annotations ask for; what does not is misuse of the code."""

import ast
import re

from engines.testing.calls import Argument, Call, Soundness
from engines.testing.offers import ANY, Term

_SCALARS: dict[str, tuple[type, ...]] = {
    "int": (int,), "float": (float, int), "str": (str,), "bytes": (bytes,), "bool": (bool,),
    "none": (type(None),),
}  # fmt: skip
_MADE = re.compile(r"[A-Z]\w*\(")
"""The call of a class: an object where a number or a text is asked for."""
_TRUTH = re.compile(r"\b(True|False)\b")


def is_misuse(call: Call) -> bool:
    """Whether an argument certainly is not of the type that its parameter asks for."""
    terms = {one.name: one.term for one in call.offer.inputs}
    return any(_is_unfit(one, terms.get(one.parameter, ANY)) for one in call.arguments)


def names_truth(call: Call) -> bool:
    """Whether True or False went in, which code may take for a number."""
    return any(_TRUTH.search(one) for one in (call.source, *call.setup))


def _is_unfit(given: Argument, term: Term) -> bool:
    if term == ANY:
        return False
    wanted = term.arguments if term.name == "union" else (term,)
    if given.soundness is Soundness.GUESSED and ANY not in wanted:
        return True
    is_scalar = all(one.name in _SCALARS for one in wanted)
    if is_scalar and _MADE.match(given.text):
        return True
    try:
        value: object = ast.literal_eval(given.text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return False
    return is_scalar and not any(type(value) in _SCALARS[one.name] for one in wanted)
