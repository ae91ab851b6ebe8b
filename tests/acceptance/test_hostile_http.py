"""A gateway that the internet can reach; see `tests.acceptance.hostile_http` for the cases."""

from pathlib import Path

from tests.acceptance.hostile_http import campaign


async def test_broken_and_hostile_requests_end_in_time_and_leave_nothing(
    tmp_path: Path, valkey_url: str
) -> None:
    report = await campaign(tmp_path / "home", valkey_url, bodies_at_once=8)
    assert report.violations == []
    assert report.cases > 200
