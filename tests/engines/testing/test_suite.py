"""How the calls that were kept become a file: which share a test, and how each reads."""

import ast
from pathlib import Path

from engines.testing import suite
from engines.testing.assertions import Names
from engines.testing.calls import Argument, Call, Soundness
from engines.testing.emission import Emission
from engines.testing.jailed import Goal
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


def file_of(*shown: tuple[Call, Observation], names: dict[str, str] = OWN) -> str:
    """The text of the file for calls with what they showed."""
    kept = [Kept(one, Result(0, frozenset(), seen)) for one, seen in shown]
    place = Place(Path(), "shop.py", "shop", ())
    emission = Emission(place, TestPlace("tests/test_shop.py", None), Names(names), Style.PYTEST)
    text = emission.text(suite.tests_of(kept, [], []))
    ast.parse(text)
    return text


def test_one_method_of_several_objects_is_a_table_of_objects() -> None:
    total = offer("total", "Cart")
    text = file_of(
        *((call(total, receiver=f"Cart({n})"), value(str(n), "int")) for n in range(4))
    )  # fmt: skip
    assert "(Cart(2), 2)" in text
    assert "assert cart.total() == expected" in text


def test_short_checks_of_neighbours_share_a_test_only_where_there_are_many() -> None:
    calls = [call(offer(f"part_{n}", "Cart", line=n), receiver="Cart(1)") for n in range(14)]
    few, many = (file_of(*((one, value('"a"')) for one in part)) for part in (calls[:3], calls))
    assert few.count("def test_") == 3
    assert "def test_cart_part_0_and_part_1_and_part_2():" in many
    assert many.count("def test_") == 5


def test_rejections_share_a_test_whatever_is_raised() -> None:
    parse = offer("parse")
    text = file_of(
        (call(parse, '""'), error("ValueError", "nothing there")),
        (call(parse, "None"), error("TypeError", "no text")),
    )
    assert text.count("def test_parse_rejects()") == 1
    assert text.count("with pytest.raises(") == 2


def test_methods_with_one_name_share_a_test_across_classes() -> None:
    copies = [offer("copy", owner) for owner in ("Cart", "Node")]
    text = file_of(*((call(one, receiver=f"{one.owner}()"), value('"a"')) for one in copies))
    assert "def test_copy_returns_text():" in text


def test_an_object_that_was_changed_is_made_anew_for_the_next_check() -> None:
    fill = offer("fill", "Cart")
    changed = Observation("value", "builtins:NoneType", "None", after=((".size", "1"),))
    text = file_of(*((call(fill, str(n), receiver="Cart()"), changed) for n in range(2)))
    assert text.count("cart = Cart()") == 2
    assert text.count("assert cart.size == 1") == 2


def test_a_variable_never_hides_what_the_file_imports() -> None:
    own = {"shop:Signal": "Signal", "shop:signal": "signal"}
    steps = ("{s}.open()",)
    text = file_of(
        (call(offer("send", "Signal"), receiver="Signal()", steps=steps), value("1", "int")),
        (call(offer("send", "Named"), receiver='signal("a")', steps=steps), value("2", "int")),
        names=own,
    )
    assert "the_signal = Signal()" in text
    assert 'named = signal("a")' in text


def test_of_a_test_that_fails_each_case_gets_its_own_chance() -> None:
    shown = [(call(offer("price"), str(n)), value('"a"')) for n in range(2)]
    kept = [Kept(one, Result(0, frozenset(), seen)) for one, seen in shown]
    kept.append(Kept(call(offer("parse", line=9)), Result(0, frozenset(), value('"b"'))))
    whole = suite.tests_of(kept, [], [])
    apart = suite.without(whole, {whole[0].name})
    assert [len(one.cases) for one in whole] == [2, 1]
    assert [len(one.cases) for one in apart] == [1, 1, 1]
    assert len(suite.without(apart, {apart[0].name})) == 2


def test_an_assignment_is_followed_by_what_it_changed_alone() -> None:
    size = offer("size", "Cart", Kind.SETTER)
    before = ((".name", '"a"'), (".size", "0"))
    after = ((".name", '"a"'), (".size", "3"))
    seen = Observation("value", "builtins:NoneType", "None", before=before, after=after)
    text = file_of((call(size, "3", receiver="Cart()"), seen))
    assert "    cart.size = 3\n    assert cart.size == 3\n" in text
    assert "cart.name" not in text


def test_numbers_with_fractions_are_compared_together() -> None:
    attributes = ((".high", "1.5"), (".low", "2"), (".name", '"a"'))
    text = file_of((call(offer("price")), Observation("object", "shop:Cart", None,
                                                      attributes=attributes)))  # fmt: skip
    assert "assert (result.high, result.low) == pytest.approx((1.5, 2))" in text
    assert 'assert result.name == "a"' in text


def test_no_line_of_a_test_is_longer_than_formatters_allow() -> None:
    name = offer("a_name_that_goes_on_for_quite_some_time_as_names_do", "Cart")
    rows = [(call(name, f"{n}", receiver="Cart()"), value(f"{n}", "int")) for n in range(9)]
    text = file_of(*rows, (call(offer("price"), '"' + "b" * 70 + '"'), value('"' + "c" * 70 + '"')))
    assert max(map(len, text.splitlines())) <= 88


def test_many_names_of_a_module_are_written_with_its_own() -> None:
    names = {f"shop:a_function_with_a_name_{n}": f"a_function_with_a_name_{n}" for n in range(9)}
    shown = [(call(offer(one)), value("1", "int")) for one in names.values()]
    text = file_of(*shown, names=names)
    assert "import shop\n" in text
    assert "assert shop.a_function_with_a_name_3() == 1" in text


def test_what_only_names_a_keyword_is_not_imported() -> None:
    own = {"shop:price": "price", "shop:rate": "rate"}
    text = file_of((call(offer("price"), rate="3"), value("3", "int")), names=own)
    assert "from shop import price\n" in text


def test_a_name_speaks_of_a_condition_of_the_callable_itself_alone() -> None:
    goals = [Goal("true", 2, "rate > 3"), Goal("true", 12, 'text == ""')]
    bodies = [range(1, 5), range(10, 15)]
    found: list[str] = []
    for hit in (0, 1):
        one = Kept(call(offer("price"), "4"), Result(0, frozenset({hit}), value("1", "int")))
        found.extend(test.name for test in suite.tests_of([one], goals, bodies))
    assert found == ["test_price_returns_number_when_rate_above_3", "test_price_returns_number"]


def test_a_block_checks_what_it_is_given() -> None:
    seen = Observation("entered", "contextlib:_GeneratorContextManager", "None")
    text = file_of((call(offer("price"), "3"), seen))
    assert "    with price(3) as value:\n        assert value is None\n" in text
