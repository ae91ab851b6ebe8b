"""How calls get smaller: in large steps first, by what they alone reach."""

from collections.abc import Callable
from dataclasses import replace

from engines.testing.calls import Argument, Call, Soundness
from engines.testing.minimising import bolder, smaller_texts
from engines.testing.offers import Input, Kind, Offer
from engines.testing.terms import Term
from engines.testing.types import TestingResult

Write = Callable[..., TestingResult]

LINK = '''
def link(
    scheme: str = "http", host: str = "", port: int = 0, path: str = "/", query: str = "",
    fragment: str = "",
) -> str:
    """A link.

    >>> link(scheme="https", host="example.com", port=8080, path="/a/b", query="c=d", fragment="e")
    'https://example.com:8080/a/b?c=d#e'
    """
    if not scheme.isalpha():
        raise ValueError("scheme")
    if port < 0:
        raise ValueError("port")
    if not path.startswith("/"):
        raise ValueError("path")
    if "#" in query:
        raise ValueError("query")
    if " " in fragment:
        raise ValueError("fragment")
    return f"{scheme}://{host}:{port}{path}?{query}#{fragment}"
'''


def call_with(**given: str) -> Call:
    inputs = tuple(
        Input(name, "positional_or_keyword", Term("any"), is_optional=True, default=None)
        for name in given
    )
    offer = Offer("f", "", Kind.FUNCTION, 1, is_async=False, inputs=inputs, is_inherited=False)
    arguments = (Argument(None, text, Soundness.ANNOTATED, name) for name, text in given.items())
    return Call(offer, tuple(arguments))


def test_of_many_options_none_and_each_alone_is_tried() -> None:
    tried = [one.source for one in bolder(call_with(a="1", b="2", c="3"))]
    assert tried == ["f()", "f(1)", "f(b=2)", "f(c=3)"]


def test_each_argument_is_tried_plain_and_all_values_of_an_object() -> None:
    call = replace(call_with(a="'words'", b="{'x': [1, 2]}"), receiver="Tree('root', [10, 20])")
    tried = list(bolder(call))
    assert [one.source for one in tried[:2]] == ["f(\"a\", {'x': [1, 2]})", "f('words', {})"]
    assert [one.receiver for one in tried[2:]] == ['Tree("a", [1, 1])']


def test_no_key_of_a_smaller_dict_is_there_twice() -> None:
    call = replace(call_with(), receiver="Tree({'one': 'two', 'two': 3})")
    assert [one.receiver for one in bolder(call)] == ['Tree({"a": "b", "b": 3})']
    call = replace(call_with(), receiver="Tree({10: 'x', 20: 'y'})")
    assert list(bolder(call)) == []
    assert not any(one.count('"a"') > 1 for one in smaller_texts('{"a": 1, "abcdefgh": 2}'))


def test_containers_are_tried_empty_and_with_their_first_item() -> None:
    assert {"f([])", "f([1])"} <= set(smaller_texts("f([1, 2, 3])"))
    assert {"{}", "{'a': 1}"} <= set(smaller_texts("{'a': 1, 'b': 2, 'c': 3}"))


def test_an_example_that_was_changed_is_none_any_more() -> None:
    call = call_with(a="1")
    example = replace(call, example=call.statements)
    assert example.is_example
    assert not example.with_argument(0, "2").is_example
    assert not call.is_example


def test_only_the_options_that_matter_are_written(write: Write) -> None:
    source = write(LINK, cpu_s=10.0).source
    _, *refused = source.split("with pytest.raises(ValueError")
    assert len(refused) == 5
    for one in refused:
        assert one.partition("\n\n")[0].count("=") <= 3  # that of `match=`, and two of the call
