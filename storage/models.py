"""The registry of models: which there are, what each is for, and whose code may go to remote ones.

The keys of endpoints are sealed with the ring that gateway and workers share, since it is the
workers that use them; see docs/models.md.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session, col, delete, select

from storage.database import insert_if_absent
from storage.model_addresses import BadModel, host_of, is_on_premises
from storage.tables.models import ModelDefaultRow, ModelRow, RemoteRuleRow
from storage.vault import KeyRing, Unsealable

EVERYWHERE = "*"
"""The scope of a rule for whatever has none of its own."""
LONGEST_KEY = 4096
CONCURRENCY = 8
"""Requests that one worker has at an endpoint at one time, where the operator does not say."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_KEY = re.compile(rf"[!-~]{{1,{LONGEST_KEY}}}")
_CODE_HOST = "github:"
"""Names on the code host mean the same in upper and lower case."""


class ModelKind(StrEnum):
    """Where a model is and how it is spoken to."""

    LOCAL = "local"
    """A folder of weights, on the worker's machine."""
    HUB = "hub"
    """Weights that the worker fetches from the hub once, and runs itself."""
    OPENAI = "openai"
    """An endpoint for chat completions: vLLM, SGLang, llama.cpp, a provider."""
    ANTHROPIC = "anthropic"
    """An endpoint for messages."""


LOADED = frozenset({ModelKind.LOCAL, ModelKind.HUB})
"""Kinds whose weights a worker loads itself."""


class Precision(StrEnum):
    """How the weights of a loaded model are kept."""

    AUTO = "auto"
    """On a GPU the largest of bf16, int8 and int4 that fits; float32 without one."""
    FLOAT32 = "float32"
    BF16 = "bf16"
    INT8 = "int8"
    INT4 = "int4"


class Purpose(StrEnum):
    """What a model can be the default for: everything, a task, or a length of answer."""

    ALL = "all"
    GENERATE = "generate"
    FIX = "fix"
    REFACTOR = "refactor"
    UNDERSTAND = "understand"
    SHORT = "short"
    LONG = "long"


@dataclass(frozen=True)
class RegisteredModel:
    """One model that may be asked."""

    name: str
    kind: ModelKind
    address: str
    """A folder, an id on the hub, or the address of an endpoint."""
    model: str | None = None
    """As the endpoint calls it."""
    context_tokens: int | None = None
    """What the operator limits prompt and answer to; None for what the model itself tells."""
    precision: Precision = Precision.AUTO
    memory_gb: float | None = None
    """What a loaded model may take, in 10^9 bytes; None for the whole card."""
    concurrency: int = CONCURRENCY
    """Requests that one worker has at an endpoint at one time; means nothing of a loaded model."""
    said_on_premises: bool = False
    is_enabled: bool = True
    sealed_key: str | None = field(default=None, repr=False)

    @property
    def is_on_premises(self) -> bool:
        """Whether what it is asked stays in the house."""
        return self.kind in LOADED or self.said_on_premises or is_on_premises(self.address)

    @property
    def goes_to(self) -> str:
        """Where code goes when this model is asked, for a person."""
        if self.kind in LOADED:
            return "stays on the worker's machine"
        here = "on the premises" if self.is_on_premises else "remote"
        return f"to {host_of(self.address)} ({here})"


@dataclass(frozen=True)
class Registry:
    """Everything that decides which model a request goes to, as it was at one moment."""

    models: tuple[RegisteredModel, ...] = ()
    """In the order in which they were added."""
    defaults: Mapping[Purpose, str] = field(default_factory=dict[Purpose, str])
    rules: Mapping[str, bool] = field(default_factory=dict[str, bool])
    """Whether code may go to remote models, by scope."""

    def get(self, name: str) -> RegisteredModel | None:
        """The model of this name, None where there is none."""
        return next((model for model in self.models if model.name == name), None)

    def purposes_of(self, name: str) -> tuple[Purpose, ...]:
        """What the model is the default for."""
        return tuple(purpose for purpose in Purpose if self.defaults.get(purpose) == name)

    def closed_scopes(self, *scopes: str) -> tuple[str, ...]:
        """Of those whose code or words a request holds, the ones that do not allow remote models.

        Each has to be allowed, by a rule of its own or of what it belongs to: a repository, its
        owner, then "*". The narrowest rule counts. A request of nobody is allowed nowhere.
        """
        return tuple(scope for scope in scopes or (EVERYWHERE,) if not self._allows(scope))

    def _allows(self, scope: str) -> bool:
        scope = scope_named(scope)
        for each in (scope, scope.partition("/")[0], EVERYWHERE):
            if each in self.rules:
                return self.rules[each]
        return False


def scope_named(scope: str) -> str:
    """The one spelling under which a scope's rule is kept."""
    return scope.lower() if scope.lower().startswith(_CODE_HOST) else scope


def registry(session: Session) -> Registry:
    """All there is."""
    rows = session.exec(select(ModelRow).order_by(col(ModelRow.added_at), col(ModelRow.name)))
    return Registry(
        models=tuple(_registered(row) for row in rows),
        defaults={Purpose(row.purpose): row.model for row in session.exec(select(ModelDefaultRow))},
        rules={row.scope: row.is_allowed for row in session.exec(select(RemoteRuleRow))},
    )


def add(session: Session, model: RegisteredModel, now: datetime) -> None:
    """Register a model.

    Raises:
        BadModel: The name is none, or taken.
    """
    if not _NAME.fullmatch(model.name):
        raise BadModel(
            f"Not a name: {model.name!r}. Take up to 63 of a-z, 0-9, dot, dash and underscore, "
            "like coder-1.5b."
        )
    values = {
        "name": model.name,
        "kind": model.kind.value,
        "address": model.address,
        "model": model.model,
        "ciphertext": model.sealed_key,
        "context_tokens": model.context_tokens,
        "precision": model.precision.value,
        "memory_gb": model.memory_gb,
        "concurrency": model.concurrency,
        "said_on_premises": model.said_on_premises,
        "is_enabled": model.is_enabled,
        "added_at": now,
    }
    if not insert_if_absent(session, ModelRow, values):
        raise BadModel(
            f"There is a model {model.name} already: `gryph model remove {model.name}` first, or "
            "take another name."
        )


def remove(session: Session, name: str) -> None:
    """Forget a model with its key, and what it was the default for. Raises BadModel."""
    row = _row(session, name)
    session.exec(delete(ModelDefaultRow).where(col(ModelDefaultRow.model) == name))
    session.delete(row)
    session.flush()


def set_enabled(session: Session, name: str, *, is_enabled: bool) -> None:
    """Have a model asked, or not for now. Raises BadModel."""
    _row(session, name).is_enabled = is_enabled
    session.flush()


def set_default(session: Session, name: str, purpose: Purpose) -> None:
    """Have a model asked first for something. Raises BadModel."""
    _row(session, name)
    values = {"purpose": purpose.value, "model": name}
    if not insert_if_absent(session, ModelDefaultRow, values):
        session.get_one(ModelDefaultRow, purpose.value).model = name
        session.flush()


def rule(session: Session, scope: str, now: datetime, *, is_allowed: bool) -> None:
    """Say whether the code of a workspace, owner or repository may go to remote models."""
    values = {"is_allowed": is_allowed, "updated_at": now}
    named = scope_named(scope)
    if not insert_if_absent(session, RemoteRuleRow, {"scope": named, **values}):
        session.get_one(RemoteRuleRow, named).sqlmodel_update(values)
        session.flush()


def sealed(ring: KeyRing, model: RegisteredModel, key: str) -> str:
    """A model's key as it is kept: it opens for this model at this address only.

    Raises:
        BadModel: It is no key; the message does not show it.
    """
    if not _KEY.fullmatch(key):
        raise BadModel(
            f"That is no key: it is one word of at most {LONGEST_KEY} letters, digits and signs."
        )
    return ring.seal(_sealed_for(model), key)


def put_key(session: Session, name: str, ciphertext: str | None) -> None:
    """Replace a model's key, or forget it. Raises BadModel."""
    _row(session, name).ciphertext = ciphertext
    session.flush()


def key_of(ring: KeyRing, model: RegisteredModel) -> str | None:
    """A model's key in clear; None where it needs none.

    Raises:
        BadModel: It cannot be opened here; the message tells why and what to do.
    """
    if model.sealed_key is None:
        return None
    try:
        return ring.unseal(_sealed_for(model), model.sealed_key)
    except Unsealable as error:
        raise BadModel(
            f"The key of {model.name} cannot be opened: {error}. Every machine needs the same "
            f"GRYPH_CHECKOUT_KEY; or give the key again: `gryph model key {model.name}`."
        ) from error


def rotate_keys(session: Session, ring: KeyRing) -> int:
    """Seal every model's key anew under the newest key; how many. Raises Unsealable."""
    found = select(ModelRow).where(col(ModelRow.ciphertext).is_not(None)).with_for_update()
    rows = session.exec(found).all()
    for row in rows:
        row.ciphertext = ring.reseal(row.ciphertext or "")
    session.flush()
    return len(rows)


def _sealed_for(model: RegisteredModel) -> str:
    """Who can write to the table cannot have a key sent elsewhere. No job has such an id, so that
    a lent token copied here does not open either.
    """
    return f"model:{model.name}:{model.kind}:{model.address}"


def _row(session: Session, name: str) -> ModelRow:
    row = session.get(ModelRow, name)
    if row is None:
        raise BadModel(f"There is no model {name!r}; `gryph model list` shows which there are.")
    return row


def _registered(row: ModelRow) -> RegisteredModel:
    return RegisteredModel(
        name=row.name,
        kind=ModelKind(row.kind),
        address=row.address,
        model=row.model,
        context_tokens=row.context_tokens,
        precision=Precision(row.precision),
        memory_gb=row.memory_gb,
        concurrency=row.concurrency,
        said_on_premises=row.said_on_premises,
        is_enabled=row.is_enabled,
        sealed_key=row.ciphertext,
    )
