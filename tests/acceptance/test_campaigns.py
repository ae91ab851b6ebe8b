"""A small run of each campaign; the large ones are `python -m tests.acceptance.exactly_once` …"""

from pathlib import Path

import pytest

from tests.acceptance import exactly_once, recovery, soak
from tests.acceptance.exactly_once import Campaign
from tests.acceptance.recovery import Asked

pytestmark = pytest.mark.slow


async def test_events_sent_four_times_have_one_effect_while_processes_are_killed(
    tmp_path: Path,
) -> None:
    given = Campaign(events=60, seed=5, faults=10, kills=4, broker_restarts=1, seconds_at_least=8)
    assert await exactly_once.run(given, tmp_path)


async def test_cancel_is_seen_orphans_are_mended_and_lost_webhooks_found(tmp_path: Path) -> None:
    given = Asked(seed=5, cancels=6, kills=1, missed=5, sweep_s=5.0, settled=True)
    assert await recovery.run(given, tmp_path)


async def test_a_mixed_load_with_faults_loses_nothing(tmp_path: Path) -> None:
    given = soak.Asked(seconds=8, rate=20, seed=5, kill_every_s=5, is_timed=False)
    assert await soak.run(given, tmp_path)
