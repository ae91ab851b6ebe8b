"""The types that evidence speaks of, and how much it says."""

from engines.testing.calls import Soundness
from engines.testing.offers import ANY, Term

INT, FLOAT, STR, BYTES, BOOL = (Term(name) for name in ("int", "float", "str", "bytes", "bool"))
NONE = Term("none")
LIST, DICT, SET = Term("list", (ANY,)), Term("dict", (STR, ANY)), Term("set", (ANY,))
TUPLE = Term("tuple", (ANY,), more=True)
NUMBERS, TEXTS = Term("list", (INT,)), Term("list", (STR,))
CALLABLE, PATH, TYPE = Term("callable"), Term("path"), Term("type")
TEXT_FILE = Term("stringio")
JSON_TEXT = Term("literal", literals=("'{\"a\": [1, null]}'", '"[1, 2]"', '"{"', '"3"'))
ISO_DATE = Term("literal", literals=('"2024-02-29"', '"2020-01-31T12:30:00"', '"2020-13-01"'))
PATTERN_TEXT = Term("literal", literals=('"a+"', '"[ab](c)?"', '"^x"', '"("'))
BASE64 = Term("literal", literals=('"YWJj"', '"YQ=="', '"%"'))

Evidence = tuple[Term, float, Soundness]
"""A type, the weight to add, how well founded."""
