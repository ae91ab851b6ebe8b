"""How the calls that were kept become a file: which share a test, and how each reads."""

import ast
from collections.abc import Sequence
from pathlib import Path

from engines.testing import suite
from engines.testing.assertions import Names
from engines.testing.calls import Argument, Call, Soundness
from engines.testing.emission import Emission
from engines.testing.observations import Observation, Result
from engines.testing.offers import Kind, Offer
from engines.testing.places import Place, TestPlace
from engines.testing.search import Kept
from engines.testing.types import Style

OWN = {f"shop:{name}": name for name in ("Cart", "price", "parse", "Node")}


def offer(name: str, owner: str = "", kind: Kind = Kind.METHOD, line: int = 1) -> Offer:
    return Offer(
        name, owner, kind if owner else Kind.FUNCTION, line,
        is_async=False, inputs=(), is_inherited=False,
    )  # fmt: skip


def call(
    what: Offer, *texts: str, receiver: str | None = None, steps: tuple[str, ...] = (), **named: str
) -> Call:
    """A call with values by place and by name."""
    given = [Argument(None, text, Soundness.ANNOTATED, f"p{n}") for n, text in enumerate(texts)]
    given += [Argument(name, text, Soundness.ANNOTATED, name) for name, text in named.items()]
    return Call(what, tuple(given), receiver, steps=steps)


def value(text: str, kind: str = "str") -> Observation:
    return Observation("value", f"builtins:{kind}", text)


def error(name: str, message: str = "") -> Observation:
    kind = f"builtins:{name}"
    return Observation("error", kind, message=message, deliberate=True, line=3)


def file_of(*shown: tuple[Call, Observation]) -> str:
    kept = [Kept(one, Result(0, frozenset(), seen)) for one, seen in shown]
    return text_of(kept)


def text_of(kept: Sequence[Kept]) -> str:
    place = Place(Path(), "shop.py", "shop", ())
    emission = Emission(place, TestPlace("tests/test_shop.py", None), Names(OWN), Style.PYTEST)
    text = emission.text(suite.tests_of(kept, []))
    ast.parse(text)
    return text


def test_one_method_of_several_objects_is_a_table_of_objects() -> None:
    total = offer("total", "Cart")
    text = file_of(
        *((call(total, receiver=f"Cart({n})"), value(str(n), "int")) for n in range(4))
    )  # fmt: skip
    assert "(Cart(2), 2)" in text
    assert "assert cart.total() == expected" in text
