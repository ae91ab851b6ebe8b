"""What a server said when it did not answer, read without trust; no I/O.

The shapes: OpenAI and vLLM `{"error": {"message", "type", "param", "code"}}`, llama.cpp the same
with `n_ctx`, SGLang and old vLLM `{"object": "error", "message"}`, FastAPI
`{"detail": [{"loc", "msg"}]}`, Ollama `{"error": "text"}`, Anthropic
`{"type": "error", "error": {"type", "message"}}`, gateways HTML.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

QUOTE_CHARS = 200
_OVERLAP_CHARS = 24
"""A quote that shares so many characters in a row with what was sent is cut there."""
_LONGEST_CHARS = 4_000
_TOO_LONG = re.compile(
    r"context[ _](length|size|window|limit)|exceed_context|maximum context|prompt is too long"
    r"|prompt too long|too many tokens|input is too long|input length|longer than the model"
    r"|max_tokens must be at least 1, got -|request_too_large"
)
_NO_MODEL = re.compile(r"model\b.*\b(not found|not exist|not loaded|not available)|is pinned to")
_BY_KIND = {
    "overloaded_error": 529,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "api_error": 500,
    "server_error": 500,
    "internal_server_error": 500,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "invalid_request_error": 400,
    "badrequesterror": 400,
    "exceed_context_size_error": 400,
}
_HTTP_ERRORS = range(400, 600)
_BAD_REQUEST, _NOT_FOUND = 400, 404


@dataclass(frozen=True)
class Said:
    """An error, in a server's words."""

    status: int
    """Of HTTP, or what it would have been where the error came inside a stream; 0 if unknown."""
    message: str = ""
    param: str = ""
    """The field of the request that is to blame, where the server names one."""
    kind: str = ""

    @property
    def is_too_long(self) -> bool:
        """Whether the prompt, or prompt and answer, do not fit the model."""
        text = f"{self.kind} {self.message}".lower()
        return bool(_TOO_LONG.search(text))

    @property
    def is_about_model(self) -> bool:
        """Whether it names the model as what is not there.

        With 404 by most; LM Studio and `transformers serve` say it with 400.
        """
        text = f"{self.param} {self.kind} {self.message}".lower()
        if self.status == _NOT_FOUND:
            return "model" in text
        return self.status == _BAD_REQUEST and bool(_NO_MODEL.search(text))

    def mentions(self, words: Iterable[str]) -> bool:
        """Whether it blames one of these fields."""
        text = f"{self.param} {self.message}".lower()
        return any(re.search(rf"(?<![a-z_]){re.escape(word)}(?![a-z_])", text) for word in words)


def said_in_body(status: int, body: bytes) -> Said:
    """What the body of a response with an error status says."""
    text = body.decode("utf-8", "replace")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return Said(status, _plain(text))
    said = said_in_object(content)
    return Said(status, said.message, said.param, said.kind) if said else Said(status, _plain(text))


def said_in_object(content: Any) -> Said | None:
    """The error in a JSON value; None where there is none."""
    if not isinstance(content, Mapping):
        return None
    fields = cast("Mapping[str, Any]", content)
    error: Any = fields.get("error")
    if isinstance(error, str) and error:
        return Said(0, _shortened(error))
    if isinstance(error, Mapping):
        inner = cast("Mapping[str, Any]", error)
        # vLLM's Anthropic API puts the whole error object into `error` once more.
        nested: Any = inner.get("error")
        is_nested = isinstance(nested, Mapping)
        return _from_fields(cast("Mapping[str, Any]", nested) if is_nested else inner)
    if fields.get("object") == "error":
        return _from_fields(fields)
    if "detail" in fields:
        return _from_detail(fields["detail"])
    return None


def quoted(text: str, secrets: Iterable[str], sent: Iterable[str]) -> str:
    """A short piece of what a server said, fit for a message to a person.

    Args:
        text: The server's words.
        secrets: Never shown.
        sent: Texts of the request; the quote ends where it repeats one of them.
    """
    for secret in secrets:
        if secret:
            text = text.replace(secret, "[key]")
    text = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text)
    text = " ".join(text.split())[: QUOTE_CHARS + _OVERLAP_CHARS]
    sent = [" ".join(each.split()) for each in sent]
    for at in range(len(text) - _OVERLAP_CHARS + 1):
        window = text[at : at + _OVERLAP_CHARS]
        if any(window in each for each in sent):
            return text[:at][:QUOTE_CHARS].rstrip() + " […]"
    return text if len(text) <= QUOTE_CHARS else text[: QUOTE_CHARS - 1].rstrip() + "…"


def _from_fields(error: Mapping[str, Any]) -> Said:
    kind = _word(error.get("type")) or _word(error.get("code"))
    code: Any = error.get("code")
    status = code if isinstance(code, int) and code in _HTTP_ERRORS else 0
    status = status or _BY_KIND.get(kind.lower(), 0) or _BY_KIND.get(_word(code).lower(), 0)
    message = _shortened(_word(error.get("message")))
    return Said(status, message, _word(error.get("param")), f"{kind} {_word(code)}".strip())


def _from_detail(detail: Any) -> Said:
    """FastAPI's: the place and the reason of each mistake, never the input."""
    if isinstance(detail, str):
        return Said(0, _shortened(detail))
    parts: list[str] = []
    for each in _items(detail):
        if isinstance(each, Mapping):
            mistake = cast("Mapping[str, Any]", each)
            where = ".".join(str(step) for step in _items(mistake.get("loc")))
            parts.append(f"{where}: {_word(mistake.get('msg'))}")
    return Said(0, _shortened("; ".join(parts)))


def _items(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _shortened(text: str) -> str:
    return text[:_LONGEST_CHARS]


def _plain(text: str) -> str:
    """The text of what may be an HTML page."""
    text = re.sub(r"(?s)<(script|style).*?</\1>", " ", text[: 4 * _LONGEST_CHARS])
    return _shortened(re.sub(r"<[^<>]*>", " ", text))
