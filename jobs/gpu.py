"""What the one worker of the queue `gpu` holds: the models, and the jobs that share them."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager

from engines.generation.ground import find_tools
from engines.text.embedding import PackagedMiniLM
from jobs.code_search import CodeSearch
from jobs.desk import Work
from jobs.earlier import EarlierJobs
from jobs.finding_code import CodeFinder
from jobs.generate_code import CodeWriter
from jobs.model_opening import opener
from jobs.models import Models
from jobs.workshop import Workshop


@contextmanager
def gpu_works(shop: Workshop) -> Generator[Mapping[str, Work]]:
    """The jobs of the queue by kind of request; their models are let go of at the end.

    Nothing is loaded before it is asked for.
    """
    models = Models(shop.database, opener(shop.keys, shop.settings))
    writer = CodeWriter(
        models=models,
        earlier=EarlierJobs(shop.database, shop.store),
        find=CodeFinder(CodeSearch(shop.database, PackagedMiniLM())),
        tools=find_tools(),
        host_url=shop.settings.github_git_url,
    )
    try:
        yield {"generate": writer}
    finally:
        models.close()
