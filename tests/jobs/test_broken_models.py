import subprocess
import sys
from dataclasses import replace
from typing import Any, cast

import pytest
from typing_extensions import override

from engines.generation.scripted import ScriptedModel
from engines.generation.types import BackendStats
from jobs.broken_models import BrokenModels
from jobs.desk import Desk, Done
from jobs.messages import say
from storage.models import RegisteredModel

DONE = Done("done", say("done"))
DESK = cast(Desk, None)


class Fragile(ScriptedModel):
    """A model that can break."""

    is_broken = False

    @override
    def stats(self) -> BackendStats:
        return replace(super().stats(), is_broken=self.is_broken)


def test_a_worker_ends_once_after_a_job_under_which_a_model_broke() -> None:
    model, ends = Fragile([]), list[str]()
    broken = BrokenModels(lambda: ends.append("now"))

    def work(request: Any, _: Desk) -> Done:
        model.is_broken = request == "break"
        if request == "fail":
            raise ValueError("the job's own")
        return DONE

    job = broken.looked_at(work)
    opened = broken.seen(lambda _: model)(cast(RegisteredModel, None))
    assert opened is model
    assert job("work", DESK) is DONE
    with pytest.raises(ValueError, match="own"):
        job("fail", DESK)
    assert ends == []
    assert job("break", DESK) is DONE
    assert job("break", DESK) is DONE
    assert ends == ["now"]


def test_a_worker_that_ends_itself_stops_as_at_a_signal() -> None:
    process = (
        "import signal, sys, threading, jobs.broken_models as broken\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
        "broken.end_worker()\n"
        "threading.Event().wait(30)\n"
    )
    assert subprocess.run([sys.executable, "-c", process], check=False, timeout=60).returncode == 7
