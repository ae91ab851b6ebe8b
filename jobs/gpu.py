"""What the one worker of the queue `gpu` holds: the models, and the jobs that share them."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager

from engines.generation.ground import find_tools
from engines.text.embedding import PackagedMiniLM
from jobs.broken_models import BrokenModels
from jobs.code_search import CodeSearch
from jobs.desk import Work
from jobs.earlier import EarlierJobs
from jobs.finding_code import CodeFinder
from jobs.generate_code import CodeWriter
from jobs.model_opening import opener
from jobs.models import Models
from jobs.workshop import Workshop


@contextmanager
def gpu_works(shop: Workshop) -> Generator[tuple[Mapping[str, Work], Models]]:
    """The jobs of the queue by kind of request, and their models, which are let go of at the end.

    The model that is asked first is loaded ahead of the first job, others when they are asked for.
    """
    broken = BrokenModels()
    opened = broken.seen(opener(shop.keys, shop.settings, shop.redactor))
    models = Models(shop.database, opened, loads_ahead=True)
    writer = CodeWriter(
        models=models,
        earlier=EarlierJobs(shop.database, shop.store),
        find=CodeFinder(CodeSearch(shop.database, PackagedMiniLM())),
        tools=find_tools(),
        host_url=shop.settings.github_git_url,
    )
    try:
        yield {"generate": broken.looked_at(writer)}, models
    finally:
        models.close()
