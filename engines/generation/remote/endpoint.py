"""Where a remote model is, and within which bounds it is asked."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import httpx


class BadEndpoint(ValueError):
    """The address, key or model cannot be used; says why, for a person."""


class Dialect(StrEnum):
    """The API that a server speaks."""

    OPENAI = "openai"
    """Chat completions: vLLM, SGLang, llama.cpp, LM Studio, Ollama, OpenAI and most vendors."""
    ANTHROPIC = "anthropic"
    """Messages."""


@dataclass(frozen=True)
class Bounds:
    """What a remote model may take, in seconds and bytes."""

    connect_s: float = 5.0
    first_token_s: float = 120.0
    """From the moment the request is sent; long prompts take a while on small machines."""
    between_tokens_s: float = 60.0
    whole_s: float = 1800.0
    """The whole answer, waiting included, where the request has no deadline of its own."""
    response_bytes: int = 32 * 2**20
    """Of one response; a stream takes some 300 bytes a token."""
    concurrency: int = 8
    """Requests at the server at one time."""
    waiting: int = 256
    """Requests that wait for their turn; more are told to come back."""
    retries: int = 2
    """After the first try, and only before the first token."""
    backoff_s: float = 0.5
    """The mean wait before the first retry; it doubles."""
    longest_wait_s: float = 20.0
    """A server that wants a longer wait before a retry is given up."""


@dataclass(frozen=True)
class Endpoint:
    """A model at an address.

    Environment variables about proxies and certificates do not count; what is not said here does
    not happen.
    """

    name: str
    """As the operator named it."""
    address: str
    """`http://host:8000/v1`, `https://api.example.com/v1`. Without a path, `/v1` is added."""
    model: str
    """As the server names it."""
    dialect: Dialect = Dialect.OPENAI
    key: str = field(default="", repr=False)
    context_tokens: int = 32_768
    constrains_json: bool = True
    """False where `probe` found that the server ignores schemas; then they are only asked for."""
    adapters: tuple[str, ...] = ()
    """LoRA adapters that the server offers as models of their own (vLLM, SGLang)."""
    proxy: str | None = field(default=None, repr=False)
    authorities: Path | None = None
    """Certificates (PEM) of authorities trusted besides the public ones."""
    bounds: Bounds = field(default_factory=Bounds)

    def __post_init__(self) -> None:
        """Check what a person typed.

        Raises:
            BadEndpoint: It cannot be used.
        """
        url = _url(self.address, "address")
        if url.userinfo or url.query or url.fragment:
            raise BadEndpoint(
                "the address may have no user, query or fragment; a key is given with --key-file"
            )
        if self.proxy is not None:
            _url(self.proxy, "proxy")
        if not self.model.strip():
            raise BadEndpoint("the model has no name")
        if not (self.key.isascii() and self.key.isprintable()) or " " in self.key:
            raise BadEndpoint("the key has characters that no key has (a space, a line end?)")
        if self.context_tokens < 1 or self.bounds.concurrency < 1:
            raise BadEndpoint("context and concurrency are at least 1")

    @property
    def root(self) -> str:
        """The address with its version, without a slash at the end."""
        url = httpx.URL(self.address)
        path = url.path.rstrip("/")
        return str(url.copy_with(path=path or "/v1"))

    @property
    def server(self) -> str:
        """The address without its version."""
        return self.root.removesuffix("/v1")

    @property
    def host(self) -> str:
        """For messages: host and port."""
        return httpx.URL(self.address).netloc.decode("ascii")


def _url(text: str, what: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise BadEndpoint(f"the {what} is no URL ({error})") from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise BadEndpoint(f"the {what} has to begin with http:// or https:// and name a host")
    return url
