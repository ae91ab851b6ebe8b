"""Which addresses may be registered, and which of them show that nothing leaves the house."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.model_addresses import (
    BadModel,
    checked_hub_id,
    checked_url,
    host_of,
    is_on_premises,
)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000/v1",
        "http://127.8.9.10/v1",
        "http://localhost:8080/v1",
        "http://LOCALHOST/v1",
        "http://[::1]:8000/v1",
        "http://10.1.2.3/v1",
        "http://172.31.0.1/v1",
        "http://192.168.1.20:8000/v1",
        "http://[fd00::1]/v1",
        "http://[::ffff:192.168.1.1]/v1",
    ],
)
def test_a_number_of_this_machine_or_a_private_network_is_on_the_premises(url: str) -> None:
    assert is_on_premises(url)
    assert checked_url(url, said_on_premises=False) == url


@pytest.mark.parametrize(
    "url",
    [
        "https://api.anthropic.com",
        "https://example.com/v1",
        "https://8.8.8.8/v1",
        "https://172.32.0.1/v1",
        "https://100.64.0.1/v1",
        "https://0.0.0.0/v1",
        "https://[2001:db8::1]/v1",
        "https://[::ffff:8.8.8.8]/v1",
        "https://[2002:7f00:1::]/v1",
        "https://localhost.example.com/v1",
        "https://localhost./v1",
        "https://127.0.0.1.example.com/v1",
        "https://2130706433/v1",
        "https://0x7f.0.0.1/v1",
        "https://gpu.internal/v1",
    ],
)
def test_every_other_address_is_remote_whatever_its_name_promises(url: str) -> None:
    assert not is_on_premises(url)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "Not an address"),
        ("127.0.0.1:8000", "Not an address"),
        ("ftp://127.0.0.1/v1", "Not an address"),
        ("http://", "Not an address"),
        ("http://127.0.0.1:99999/v1", "Not an address"),
        ("http://127.0.0.1 /v1", "Not an address"),
        ("http://127.0.0.1\t/v1", "Not an address"),
        ("http://exämple.com/v1", "Not an address"),
        ("https://user:hunter2@example.com/v1", "user or password"),
        ("https://127.0.0.1\\@example.com/v1", "user or password"),
        ("https://example.com/v1?key=hunter2", "query"),
        ("https://example.com/v1#a", "query or fragment"),
        ("http://example.com/v1", "in clear"),
        ("http://8.8.8.8/v1", "in clear"),
    ],
)
def test_what_is_no_address_or_would_show_code_to_the_way_is_refused(url: str, told: str) -> None:
    with pytest.raises(BadModel, match=told) as raised:
        checked_url(url, said_on_premises=False)
    assert told == "Not an address" or "hunter2" not in str(raised.value)


def test_the_operators_word_counts_for_names_but_not_for_well_known_services() -> None:
    for url in ("http://gpu.internal/v1/", "http://gpu.internal/", "http://gpu.internal"):
        assert checked_url(url, said_on_premises=True) == "http://gpu.internal/v1"
    with pytest.raises(BadModel, match="is not on the premises"):
        checked_url("https://api.openai.com/v1", said_on_premises=True)


_HOSTS = st.sampled_from(
    ["127.0.0.1", "localhost", "10.0.0.1", "[::1]", "[::ffff:1.2.3.4]", "8.8.8.8", "a.b", "xn--a"]
)
_PIECES = st.sampled_from(
    ["@", "\\", "/", ":80", "#", "?", ".", "%00", "%2e", "\t", " ", "127.0.0.1", "e.com", ";", "//"]
)


@given(_HOSTS, st.lists(_PIECES, max_size=4), st.lists(_PIECES, max_size=2))
def test_who_sends_sees_the_host_that_was_judged(
    host: str, after: list[str], before: list[str]
) -> None:
    url = f"https://{''.join(before)}{host}{''.join(after)}"
    try:
        checked = checked_url(url, said_on_premises=False)
        sent = httpx.URL(checked)
    except (BadModel, httpx.InvalidURL):
        return
    plain = f"https://[{sent.host}]/" if ":" in sent.host else f"https://{sent.host}/"
    assert is_on_premises(checked) == is_on_premises(plain)
    assert sent.userinfo == b""


@pytest.mark.parametrize("hub_id", ["Qwen/Qwen2.5-Coder-1.5B", "gpt2", "a/b@v1.0", "a/b@refs/pr/1"])
def test_an_id_of_the_hub_has_an_owner_and_perhaps_a_revision(hub_id: str) -> None:
    assert checked_hub_id(hub_id) == hub_id


@pytest.mark.parametrize(
    "hub_id", ["", "/etc/passwd", "../a", "a/../b", "a/b/c", "a b", "https://hub/a/b", "a--b/c"]
)
def test_what_is_no_id_is_refused(hub_id: str) -> None:
    with pytest.raises(BadModel, match="owner/name"):
        checked_hub_id(hub_id)


def test_a_host_is_shown_with_its_port_and_without_a_user() -> None:
    assert host_of("http://u:p@127.0.0.1:8000/v1") == "127.0.0.1:8000"
