"""What a person types as the place of a model."""

from pathlib import Path

import pytest

from engines.generation.remote.backend import RemoteModel, estimated_tokens
from engines.generation.remote.endpoint import BadEndpoint, Bounds, Endpoint


@pytest.mark.parametrize(
    ("address", "root"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/v1"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/v1"),
        ("http://127.0.0.1:8000/v1/", "http://127.0.0.1:8000/v1"),
        ("https://host.example/api/v1", "https://host.example/api/v1"),
        ("http://[::1]:11434/v1", "http://[::1]:11434/v1"),
    ],
)
def test_an_address_may_lack_its_version(address: str, root: str) -> None:
    assert Endpoint("m", address, "x").root == root


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("localhost:8000", "http://"),
        ("ftp://host/v1", "http://"),
        ("http://", "host"),
        ("https://user:pass@host/v1", "--key"),
        ("https://host/v1?key=1", "--key"),
        ("http://host:port/v1", "no URL"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(address: str, why: str) -> None:
    with pytest.raises(BadEndpoint, match=why):
        Endpoint("m", address, "x")


@pytest.mark.parametrize("key", ["two words", "line\nend", "naïve", "tab\t"])
def test_a_key_with_odd_characters_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(BadEndpoint) as caught:
        Endpoint("m", "http://h", "x", key=key)
    assert key not in str(caught.value)


def test_other_mistakes_are_refused() -> None:
    with pytest.raises(BadEndpoint, match="no name"):
        Endpoint("m", "http://h", " ")
    with pytest.raises(BadEndpoint, match="at least 1"):
        Endpoint("m", "http://h", "x", bounds=Bounds(concurrency=0))
    with pytest.raises(BadEndpoint, match="proxy"):
        Endpoint("m", "http://h", "x", proxy="nowhere")


def test_certificates_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadEndpoint, match="cannot be read"):
        RemoteModel(Endpoint("m", "https://h", "x", authorities=tmp_path / "none.pem"))
    (tmp_path / "odd.pem").write_text("no certificate")
    with pytest.raises(BadEndpoint, match="cannot be read"):
        RemoteModel(Endpoint("m", "https://h", "x", authorities=tmp_path / "odd.pem"))


def test_a_key_is_not_shown() -> None:
    endpoint = Endpoint("m", "http://h", "x", key="sk-secret", proxy="http://u:p@proxy:1")
    assert "sk-secret" not in repr(endpoint)
    assert "u:p" not in repr(endpoint)


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("abc", 1), ("abcd", 2), ("2026", 4), ("é", 1), ("日本", 3)]
)
def test_tokens_are_estimated_by_kind_of_character(text: str, tokens: int) -> None:
    assert estimated_tokens(text) == tokens
