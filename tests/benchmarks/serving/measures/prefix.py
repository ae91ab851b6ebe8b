"""What it saves that requests begin alike."""

from statistics import median
from typing import Any

from tests.benchmarks.serving import ours
from tests.benchmarks.serving.asked import Asked
from tests.benchmarks.serving.served import metered
from tests.benchmarks.serving.workload import sharing

_REQUESTS, _LENGTH, _SHARED, _ROUNDS = 16, 225, 224, 7


def measure(asked: Asked) -> dict[str, Any]:
    """Seconds for 16 prompts of 225 tokens, all there at once: unlike, and alike but for one."""
    spent = {"unlike": list[float](), "alike": list[float]()}
    with ours.opened(asked) as backend:
        for turn in range(_ROUNDS):
            for name, shared in (("unlike", 0), ("alike", _SHARED)):
                seed = asked.seed + 2 * turn + bool(shared)
                jobs = sharing(asked.folder, _REQUESTS, length=_LENGTH, shared=shared, seed=seed)
                with metered(cuda=asked.cuda) as meter:
                    ours.serve(backend, jobs, streaming=False)
                spent[name].append(meter.wall_s if asked.cuda else meter.cpu_s)
    return {name: median(seconds) for name, seconds in spent.items()}
