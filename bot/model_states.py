"""How registered models are, as far as this machine can tell without asking anybody."""

from dataclasses import dataclass
from pathlib import Path

from storage import models
from storage.model_addresses import BadModel
from storage.model_folders import ModelFacts, hub_folder, read_folder
from storage.model_sizes import Need, largest_fitting, tier
from storage.models import ModelKind, RegisteredModel
from storage.settings import StorageSettings
from storage.vault import KeyRing

_BILLION = 1e9
_MILLION = 1e6


@dataclass(frozen=True)
class Seen:
    """One model."""

    model: RegisteredModel
    state: str
    """In a word or two: "ready", "disabled", "not fetched yet", of endpoints "not asked"."""
    trouble: str = ""
    """Why it cannot be asked, with the remedy; empty where nothing is known against it."""
    facts: ModelFacts | None = None
    """Of one that is loaded from a folder of this machine."""
    fits: Need | None = None
    """In the most exact precision that fits its budget."""

    @property
    def size(self) -> str:
        """Its tier and in what precision it fits, for a person."""
        if self.facts is None:
            return ""
        told = f"{tier(self.facts)}, {parameters(self.facts.parameters)}"
        return f"{told}, {_fit(self.facts, self.fits)}"


def look(model: RegisteredModel, settings: StorageSettings, ring: KeyRing) -> Seen:
    """How a model is; loads nothing and asks nobody."""
    try:
        facts = facts_here(model, settings)
        models.key_of(ring, model)
    except BadModel as error:
        if _may_be_elsewhere(model, settings):
            return Seen(model, "not on this machine")
        return Seen(model, "broken", str(error))
    fits = (
        None
        if facts is None
        else largest_fitting(facts, budget_gb(model, settings), model.precision)
    )
    if not model.is_enabled:
        return Seen(model, "disabled", facts=facts, fits=fits)
    if facts is None:
        return Seen(model, "not fetched yet" if model.kind is ModelKind.HUB else "not asked")
    return Seen(model, "ready", facts=facts, fits=fits)


def facts_here(model: RegisteredModel, settings: StorageSettings) -> ModelFacts | None:
    """What the model's folder tells; None for endpoints and for what was not fetched.

    Raises:
        BadModel: It cannot be loaded from there.
    """
    if model.kind is ModelKind.LOCAL:
        return read_folder(Path(model.address))
    if model.kind is ModelKind.HUB:
        folder = hub_folder(settings.hub_cache, model.address)
        return None if folder is None else read_folder(folder)
    return None


def budget_gb(model: RegisteredModel, settings: StorageSettings) -> float:
    """What the model may take on the card."""
    return min(model.memory_gb or settings.gpu_memory_gb, settings.gpu_memory_gb)


def parameters(count: int) -> str:
    """Like "1.54B"."""
    if count >= _BILLION:
        return f"{count / _BILLION:.3g}B"
    return f"{count / _MILLION:.3g}M"


def _fit(facts: ModelFacts, fits: Need | None) -> str:
    if fits is None:
        return "too large for the card"
    name = facts.quantized or str(fits.precision)
    return f"{name} in {fits.total_gb:.1f} GB"


def _may_be_elsewhere(model: RegisteredModel, settings: StorageSettings) -> bool:
    """Whether the folder may lie where the workers are, which is another machine."""
    is_missing = model.kind is ModelKind.LOCAL and not Path(model.address).exists()
    return is_missing and settings.database_url is not None
