"""What an earlier job left, looked up by its name."""

from datetime import timedelta
from pathlib import Path

import pytest

from jobs.desk import Declined
from jobs.earlier import EarlierJobs
from storage import artifacts
from storage.artifacts import NewArtifact
from storage.clock import utc_now
from storage.database import Database
from storage.ids import JobId
from storage.stores.local import LocalStore

JOB = JobId("J7K2M9Q")


async def test_a_file_is_found_by_its_name_until_it_is_no_longer_kept(
    sqlite: Database, tmp_path: Path
) -> None:
    store = LocalStore(tmp_path)
    new = NewArtifact("plan.json", "application/json", 2, store.put(b"{}"))
    await sqlite.write(lambda s: artifacts.record(s, None, new, utc_now()))
    earlier = EarlierJobs(sqlite, store)
    with pytest.raises(Declined, match="no longer kept"):
        earlier.file(JOB, "plan.json")  # somebody else's
    await sqlite.write(lambda s: artifacts.expire(s, utc_now() + timedelta(days=1)))
    with pytest.raises(Declined, match=f"What `{JOB}` left"):
        earlier.file(JOB, "plan.json")
