"""Our engine under the same requests."""

import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from engines.generation.batching.local import LocalModel
from engines.generation.batching.settings import LocalSettings
from engines.generation.batching.stream import Stream
from engines.generation.types import ModelRequest
from tests.benchmarks.serving.asked import Asked
from tests.benchmarks.serving.served import Ran, Served, metered, peak_mb
from tests.benchmarks.serving.workload import Job

_MEMORY_GB = {"tiny": 2.0, "small": 2.0}
_LARGE_GB = 7.2
"""What the reference card may give, 8 GB, less what CUDA itself takes for a process."""
_WAIT_S = 5.0


@contextmanager
def opened(asked: Asked, *, places: int = 64) -> Generator[LocalModel]:
    """Our engine on the model of this run, with the settings a person gets but the `places`."""
    backend = LocalModel(
        LocalSettings(
            name=asked.shape,
            source=asked.folder,
            device=asked.device,
            memory_gb=_MEMORY_GB.get(asked.shape, _LARGE_GB),
            precision=asked.precision,
            cuda_graphs=asked.graphs,
            max_requests=places,
            max_waiting=4096,
            hang_s=asked.hang_s,
        )
    )
    try:
        yield backend
    finally:
        backend.close()


def submit(backend: LocalModel, job: Job) -> Stream:
    """Begin with a request."""
    request = ModelRequest(
        (),
        max_tokens=job.max_tokens,
        stop=job.stop,
        json_schema=job.json_schema,
        adapter=job.adapter,
    )
    return backend.submit_tokens(job.prompt, request)


def serve(backend: LocalModel, jobs: Sequence[Job], *, streaming: bool) -> list[Served]:
    """All requests at once. When streaming, each has a reader that takes every piece."""
    streams = [submit(backend, job) for job in jobs]
    if streaming:
        readers = [threading.Thread(target=_read, args=(stream,)) for stream in streams]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
    return [_served(stream) for stream in streams]


def _read(stream: Stream) -> None:
    for _ in stream.pieces(wait_s=_WAIT_S):
        pass


def _served(stream: Stream) -> Served:
    usage = stream.written().usage
    assert usage.first_token_s is not None
    return Served(tuple(stream.written_tokens()), usage.first_token_s, usage.total_s)


def run(asked: Asked, jobs: Sequence[Job], *, streaming: bool) -> Ran:
    """Measured, with the engine warm and the schemas compiled."""
    with opened(asked) as backend:
        first = jobs[0]
        serve(
            backend,
            [Job(first.prompt[::-1], 4, first.stop, first.json_schema)],
            streaming=streaming,
        )
        with metered(cuda=asked.cuda) as meter:
            served = serve(backend, jobs, streaming=streaming)
        return Ran(served, meter, peak_mb(cuda=asked.cuda))
