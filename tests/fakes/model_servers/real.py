"""A model's server that was not written here, for the tests that are run against one as well.

Optional. Start one on the loopback, with any model that has a chat template, and name it:

    llama-server -m model.gguf -c 8192 -np 2 --api-key sk-test       # llama.cpp
    vllm serve folder-of-a-model --api-key sk-test                   # vLLM
    transformers serve folder-of-a-model --continuous-batching       # transformers[serving]

    GRYPH_TEST_MODEL_SERVER=http://127.0.0.1:8080/v1 GRYPH_TEST_MODEL_SERVER_KEY=sk-test \\
    GRYPH_TEST_MODEL_SERVER_MODEL=model.gguf pytest tests/contracts/test_model_backends.py \\
        tests/acceptance/test_model_servers.py

`GRYPH_TEST_MODEL_SERVER_DIALECT=anthropic` asks it by Anthropic's API, which llama.cpp has too.
"""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from engines.generation.remote.endpoint import Dialect, Endpoint


class RealServer(BaseSettings):
    """Where it is; no address where there is none."""

    model_config = SettingsConfigDict(env_prefix="GRYPH_TEST_MODEL_SERVER_")

    address: str = Field("", validation_alias="GRYPH_TEST_MODEL_SERVER")
    key: str = ""
    model: str = "default"
    dialect: Dialect = Dialect.OPENAI
    context: int = 4096

    @property
    def endpoint(self) -> Endpoint:
        """As a remote model is told of it."""
        return Endpoint("real", self.address, self.model, self.dialect, self.key, self.context)


REAL = RealServer()  # pyright: ignore[reportCallIssue] (pydantic fills it in)
