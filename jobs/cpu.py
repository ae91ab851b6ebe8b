"""What a worker of the queue `cpu` does: tests, and models behind endpoints to ask for some."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import partial

from engines.generation.routing import Withdrawn
from engines.generation.types import Backend
from jobs import test_changes, test_code
from jobs.desk import Work
from jobs.model_opening import opener
from jobs.models import Models, Opener
from jobs.workshop import Workshop
from storage.models import LOADED, RegisteredModel

CPU_WORKS: Mapping[str, Work] = {"test": test_code.run, "changes": test_changes.run}
"""The registry of the queue, by kind of request; without models to ask."""


@contextmanager
def cpu_works(shop: Workshop) -> Generator[tuple[Mapping[str, Work], Models]]:
    """The jobs of the queue, and the models that they may ask."""
    opened = endpoints_only(opener(shop.keys, shop.settings, shop.redactor))
    models = Models(shop.database, opened)
    try:
        yield {**CPU_WORKS, "test": partial(test_code.run, models=models)}, models
    finally:
        models.close()


def endpoints_only(opened: Opener) -> Opener:
    """Opens no weights: the device and its memory are those of the queue `gpu`."""

    def open_(model: RegisteredModel) -> Backend:
        if model.kind in LOADED:
            raise Withdrawn(
                "its weights are loaded by the worker of the queue gpu, and tests are written on "
                "the others: serve it as an endpoint for them"
            )
        return opened(model)

    return open_
