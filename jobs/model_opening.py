"""Opens a registered model: the way from its row to a backend that can be asked."""

from functools import partial
from importlib import import_module
from pathlib import Path

from engines.generation.remote.backend import RemoteModel
from engines.generation.remote.endpoint import BadEndpoint, Bounds, Dialect, Endpoint
from engines.generation.types import Backend, ModelUnavailable
from jobs.model_hub import fetched
from jobs.settings import WorkerSettings
from storage import models
from storage.model_addresses import BadModel
from storage.model_folders import ModelFacts, read_folder
from storage.model_sizes import INTEGERS, largest_fitting, need
from storage.models import ModelKind, Precision, RegisteredModel
from storage.redaction import Redactor
from storage.vault import KeyRing

# What loads weights is imported when a model is opened: it takes seconds and brings torch along.
_BATCHING = "engines.generation.batching"
_IN_TORCH = {
    Precision.FLOAT32: "float32",
    Precision.BF16: "bfloat16",
    Precision.INT8: "int8",
    Precision.INT4: "int4",
}

_FLOAT32_BYTES = 4.0
"""On a CPU the engine keeps what is not quantized in float32."""


def open_backend(
    model: RegisteredModel, ring: KeyRing, settings: WorkerSettings, redactor: Redactor
) -> Backend:
    """Open it; of local ones that means to load the weights, seconds to minutes.

    `redactor` learns its key, before anybody else does.

    Raises:
        ModelUnavailable: It cannot be had, with the remedy.
    """
    try:
        key = models.key_of(ring, model)
        if key is not None:
            redactor.learn(key)
        match model.kind:
            case ModelKind.LOCAL:
                return _load(model, Path(model.address), settings)
            case ModelKind.HUB:
                folder = fetched(model.address, settings.hub_cache, key)
                return _load(model, folder, settings)
            case ModelKind.OPENAI | ModelKind.ANTHROPIC:
                return _endpoint(model, key, settings)
    except (BadModel, BadEndpoint) as error:
        raise ModelUnavailable(str(error)) from error


def opener(ring: KeyRing, settings: WorkerSettings, redactor: Redactor) -> "partial[Backend]":
    """What `jobs.models.Models` opens models with."""
    return partial(open_backend, ring=ring, settings=settings, redactor=redactor)


def _load(model: RegisteredModel, folder: Path, settings: WorkerSettings) -> Backend:
    facts = read_folder(folder)
    means = import_module(f"{_BATCHING}.settings")
    device = "cuda" if import_module("torch").cuda.is_available() else "cpu"
    precision = _precision(model, facts, settings, device)
    if facts.quantized and precision in INTEGERS:
        raise BadModel(
            f"The weights of {model.name} are quantized on disk already ({facts.quantized}) and "
            "are loaded as they are: add it with --precision auto."
        )
    memory_gb = model.memory_gb or (
        settings.gpu_memory_gb
        if device == "cuda"
        else need(facts, precision, float_bytes=_FLOAT32_BYTES).total_gb
    )
    local = means.LocalSettings(
        name=model.name,
        source=str(folder),
        device=device,
        precision=_IN_TORCH[precision],
        memory_gb=memory_gb,
    )
    opened: Backend = import_module(f"{_BATCHING}.local").LocalModel(local)
    return opened


def _precision(
    model: RegisteredModel, facts: ModelFacts, settings: WorkerSettings, device: str
) -> Precision:
    """The one to load in. Raises BadModel where none fits."""
    if model.precision is not Precision.AUTO:
        return model.precision
    if device == "cpu":
        return Precision.FLOAT32
    budget_gb = model.memory_gb or settings.gpu_memory_gb
    fitting = largest_fitting(facts, budget_gb)
    if fitting is None:
        least = need(facts, Precision.INT4).total_gb
        raise BadModel(
            f"{model.name} takes {least:.1f} GB even in int4, and there are {budget_gb:g} GB. Take "
            "a smaller model, or set GRYPH_GPU_MEMORY_GB if the card has more."
        )
    return fitting.precision


def _endpoint(model: RegisteredModel, key: str | None, settings: WorkerSettings) -> Backend:
    assert model.model is not None
    assert model.context_tokens is not None
    proxy = None if model.is_on_premises else settings.model_proxy
    return RemoteModel(
        Endpoint(
            name=model.name,
            address=model.address,
            model=model.model,
            dialect=Dialect(model.kind.value),
            key=key or "",
            context_tokens=model.context_tokens,
            proxy=None if proxy is None else proxy.get_secret_value(),
            authorities=settings.model_authorities,
            bounds=Bounds(concurrency=model.concurrency),
        )
    )
