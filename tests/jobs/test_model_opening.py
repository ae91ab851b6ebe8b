"""From a registered model to one that answers, or to the reason and the remedy."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlmodel import Session

from engines.generation.batching.local import LocalModel
from engines.generation.tiny import make_tiny
from engines.generation.types import Backend, Message, ModelRequest, ModelUnavailable
from jobs import models as command
from jobs.model_hub import fetched
from jobs.model_opening import open_backend
from jobs.settings import WorkerSettings
from storage import models, vault
from storage.clock import utc_now
from storage.database import Database
from storage.migrations.run import upgrade
from storage.model_addresses import BadModel
from storage.model_folders import read_folder
from storage.model_sizes import need
from storage.models import ModelKind, Precision, RegisteredModel
from storage.redaction import Redactor
from tests.bot.model_endpoint import KEY, Served, endpoint
from tests.fakes.model_servers.running import openai_server
from tests.fakes.model_servers.world import MODEL, World
from tests.storage.weights import SMALL, model_folder

REQUEST = ModelRequest((Message("user", "add"),), 8)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that can be loaded in a moment."""
    return make_tiny(tmp_path_factory.mktemp("models") / "tiny", layers=1, hidden=64)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with endpoint() as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WorkerSettings:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRYPH_HOME", str(tmp_path / "home"))
    return WorkerSettings(model_cache=tmp_path / "hub")


def opened(model: RegisteredModel, settings: WorkerSettings) -> Backend:
    ring = vault.checkout_keys(settings.home, None)
    return open_backend(model, ring, settings, Redactor())


def at(served: Served, settings: WorkerSettings) -> RegisteredModel:
    model = RegisteredModel(
        "vllm", ModelKind.OPENAI, served.url, model="coder-big", context_tokens=4096
    )
    sealed = models.sealed(vault.checkout_keys(settings.home, None), model, KEY)
    return replace(model, sealed_key=sealed)


def told(capsys: pytest.CaptureFixture[str], name: str) -> tuple[int, dict[str, Any]]:
    code = command.main(["test", name])
    return code, json.loads(capsys.readouterr().out.splitlines()[-1])


def register(settings: WorkerSettings, *several: RegisteredModel) -> None:
    upgrade(settings.sql_url)

    def work(session: Session) -> None:
        for each in several:
            models.add(session, each, utc_now())

    database = Database(settings.sql_url)
    database.write_now(work)
    database.close()


def test_a_folder_and_an_endpoint_answer_the_tiny_question(
    settings: WorkerSettings, tiny: Path, served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    local = RegisteredModel("tiny", ModelKind.LOCAL, str(tiny), memory_gb=1.0)
    register(settings, local, at(served, settings))
    code, found = told(capsys, "tiny")
    assert (code, found["ok"], found["tokens"]) == (0, True, 64)
    assert (found["streams"], found["schema"]) == (True, "kept")
    assert 0 < found["memory_bytes"] <= 1e9
    code, found = told(capsys, "vllm")
    assert (code, found["text"]) == (0, "def add(a, b): return a + b")
    assert (found["streams"], found["schema"], found["memory_bytes"]) == (True, "kept", None)
    assert (found["context_tokens"], found["model"]) == (4096, "coder-big")
    code, found = told(capsys, "nobody")
    assert (code, found["ok"]) == (1, False)
    assert "no model 'nobody'" in found["error"]


def test_an_endpoint_is_sent_as_many_requests_as_the_operator_says(
    settings: WorkerSettings,
) -> None:
    with openai_server(World(key="", is_held=True)) as server:
        model = RegisteredModel(
            "v", ModelKind.OPENAI, server.address, model=MODEL, context_tokens=99, concurrency=2
        )
        backend = opened(model, settings)
        for _ in range(3):
            backend.submit(REQUEST)
        assert (backend.stats().running, backend.stats().waiting) == (2, 1)
        backend.close()


def test_an_endpoint_on_the_premises_is_not_reached_through_the_proxy(
    settings: WorkerSettings, served: Served
) -> None:
    proxied = settings.model_copy(update={"model_proxy": SecretStr("http://127.0.0.1:9")})
    backend = opened(at(served, settings), proxied)
    assert "def add" in backend.submit(REQUEST).written().text
    backend.close()


def test_a_wrong_key_is_told_without_it(settings: WorkerSettings, served: Served) -> None:
    model = RegisteredModel("v", ModelKind.OPENAI, served.url, model="m", context_tokens=99)
    sealed = models.sealed(vault.checkout_keys(settings.home, None), model, "k-wrong-4711")
    backend = opened(replace(model, sealed_key=sealed), settings)
    with pytest.raises(ModelUnavailable) as raised:
        backend.submit(REQUEST).written()
    assert "4711" not in str(raised.value)
    backend.close()


def test_a_key_sealed_elsewhere_names_the_setting(
    settings: WorkerSettings, served: Served, tmp_path: Path
) -> None:
    other = settings.model_copy(update={"home": tmp_path / "other"})
    with pytest.raises(ModelUnavailable, match="GRYPH_CHECKOUT_KEY"):
        opened(at(served, other), settings)


def test_a_folder_that_cannot_be_loaded_tells_why(settings: WorkerSettings, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"no config\.json"):
        opened(RegisteredModel("m", ModelKind.LOCAL, str(tmp_path)), settings)


def test_a_budget_that_is_too_small_is_told(settings: WorkerSettings, tiny: Path) -> None:
    small = RegisteredModel("m", ModelKind.LOCAL, str(tiny), memory_gb=0.001)
    with pytest.raises(ModelUnavailable, match=r"does not fit in 0\.001 GB"):
        opened(small, settings)


@pytest.mark.parametrize("precision", [Precision.FLOAT32, Precision.INT8, Precision.INT4])
def test_weights_take_the_memory_that_was_predicted(
    settings: WorkerSettings, tmp_path: Path, precision: Precision
) -> None:
    folder = make_tiny(tmp_path / "wide", hidden=512, vocabulary=512)
    backend = opened(
        RegisteredModel("m", ModelKind.LOCAL, str(folder), precision=precision), settings
    )
    assert isinstance(backend, LocalModel)
    predicted = need(read_folder(folder), precision, float_bytes=4)
    assert backend.network.weight_bytes == pytest.approx(predicted.weights, rel=0.01)
    answer = backend.submit(REQUEST).written()
    assert answer.usage.written_tokens == 8
    assert (backend.stats().memory_bytes or 0) <= predicted.total_gb * 1e9
    backend.close()


def test_weights_that_are_quantized_on_disk_are_not_quantized_again(
    settings: WorkerSettings, tmp_path: Path
) -> None:
    packed = {**SMALL, "quantization_config": {"quant_method": "gptq"}}
    folder = model_folder(tmp_path / "packed", packed)
    model = RegisteredModel("m", ModelKind.LOCAL, str(folder), precision=Precision.INT8)
    with pytest.raises(ModelUnavailable, match=r"already \(gptq\).*--precision auto"):
        opened(model, settings)


def test_what_was_fetched_from_the_hub_is_not_asked_for_again(tmp_path: Path) -> None:
    kept = tmp_path / "models--team--coder"
    folder = model_folder(kept / "snapshots" / "c1")
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text("c1")
    assert fetched("team/coder", tmp_path, None) == folder


def test_without_a_network_the_hub_is_out_of_reach_and_the_other_way_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(BadModel, match="gryph model add NAME --local DIR") as raised:
        fetched("team/coder", tmp_path, "hf_secret")
    assert "hf_secret" not in str(raised.value)
