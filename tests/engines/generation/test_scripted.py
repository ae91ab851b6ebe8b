"""The model whose answers were written beforehand."""

import time

import pytest

from engines.generation.scripted import Answer, Pace, ScriptedModel, Trouble
from engines.generation.types import (
    Finish,
    Message,
    ModelRequest,
    ModelUnavailable,
    RequestRefused,
)

WAIT_S = 0.02


def asking(text: str = "Hello") -> ModelRequest:
    return ModelRequest((Message("user", text),), 100)


def test_a_list_is_used_up_in_order() -> None:
    model = ScriptedModel(["one", Answer("two")])
    assert [model.submit(asking()).written().text for _ in range(2)] == ["one", "two"]
    with pytest.raises(ModelUnavailable, match="no more answers"):
        model.submit(asking())


def test_one_text_is_always_the_answer() -> None:
    model = ScriptedModel("same")
    assert {model.submit(asking()).written().text for _ in range(3)} == {"same"}


def test_a_function_sees_the_request_and_requests_are_kept() -> None:
    model = ScriptedModel(lambda request: request.messages[-1].text.upper())
    assert model.submit(asking("hello")).written().text == "HELLO"
    assert model.requests == (asking("hello"),)


def test_pieces_have_their_size() -> None:
    model = ScriptedModel(["abcdefgh"], pace=Pace(piece_chars=3))
    assert list(model.submit(asking()).pieces(wait_s=WAIT_S)) == ["abc", "def", "gh"]


def test_pieces_keep_their_pace() -> None:
    model = ScriptedModel(["abcdef"], pace=Pace(piece_chars=2, piece_s=0.05))
    began_s = time.monotonic()
    pieces = list(model.submit(asking()).pieces(wait_s=WAIT_S))
    assert time.monotonic() - began_s >= 0.15
    assert [piece for piece in pieces if piece] == ["ab", "cd", "ef"]
    assert "" in pieces


def test_it_can_be_unavailable_or_refuse() -> None:
    model = ScriptedModel(
        [
            Answer(trouble=Trouble.UNAVAILABLE, why="gone fishing"),
            Answer(trouble=Trouble.REFUSED, why="never"),
        ]
    )
    with pytest.raises(ModelUnavailable, match="gone fishing"):
        model.submit(asking())
    with pytest.raises(RequestRefused, match="never"):
        model.submit(asking())
    assert model.stats().running == 0


def test_it_can_fail_after_its_text() -> None:
    model = ScriptedModel([Answer("half", Trouble.FAILS, why="power cut")])
    pieces = model.submit(asking()).pieces(wait_s=WAIT_S)
    assert next(pieces) == "half"
    with pytest.raises(ModelUnavailable, match="power cut"):
        next(pieces)


def test_it_can_hang_until_it_is_cancelled() -> None:
    model = ScriptedModel([Answer("half", Trouble.HANGS)])
    writing = model.submit(asking())
    pieces = writing.pieces(wait_s=WAIT_S)
    assert [next(pieces), next(pieces), next(pieces)] == ["half", "", ""]
    writing.cancel()
    assert list(pieces) == []
    assert writing.written().finish is Finish.CANCELLED
    assert model.stats().running == 0


def test_an_answer_may_end_as_it_is_told_to() -> None:
    model = ScriptedModel([Answer("half", finish=Finish.LENGTH)])
    assert model.submit(asking()).written().finish is Finish.LENGTH
