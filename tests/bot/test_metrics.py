"""What `/metrics` shows of gateways and workers."""

import math
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from bot.metrics import GatewayMetrics
from bot.uplinks import Uplink
from handlers import Platform
from jobs.metrics import WorkerMetrics
from storage.condition import Condition
from storage.vitals import Vitals

DOCS = Path(__file__).parents[2] / "docs" / "metrics.md"


def names(registry: CollectorRegistry) -> set[str]:
    text = generate_latest(registry).decode()
    families = text_string_to_metric_families(text)
    return {family.name for family in families if not family.name.endswith("_created")}


def test_two_gateways_in_one_process_count_apart() -> None:
    one, other = GatewayMetrics(), GatewayMetrics()
    one.limits_open.inc()
    assert one.registry.get_sample_value("gryph_rate_limit_fail_open_total") == 1
    assert other.registry.get_sample_value("gryph_rate_limit_fail_open_total") == 0


@pytest.mark.parametrize("kind", [GatewayMetrics, WorkerMetrics])
def test_every_metric_is_ours_by_name_and_told_of_in_the_documentation(
    kind: type[GatewayMetrics] | type[WorkerMetrics],
) -> None:
    documented = DOCS.read_text()
    for name in names(kind().registry):
        assert name.startswith("gryph_")
        assert f"`{name}`" in documented


def test_the_acknowledgements_promise_is_a_bucket_of_its_histogram() -> None:
    metrics = GatewayMetrics()
    metrics.accept_s.observe(0.149)
    value = metrics.registry.get_sample_value
    assert value("gryph_accept_seconds_bucket", {"le": "0.15"}) == 1
    assert value("gryph_accept_seconds_bucket", {"le": "0.1"}) == 0
    assert value("gryph_accept_seconds_bucket", {"le": "0.3"}) == 1


def test_what_alarms_look_at_begins_at_zero() -> None:
    gateway, worker = GatewayMetrics(), WorkerMetrics()
    gateway.watch([], [], ["slack"])
    worker.expect(["test"])
    refused = {"platform": "slack", "outcome": "bad_signature"}
    assert gateway.registry.get_sample_value("gryph_requests_total", refused) == 0
    crash = {"verb": "test", "outcome": "crash"}
    assert worker.registry.get_sample_value("gryph_worker_attempts_total", crash) == 0


def test_whether_we_are_connected_with_a_platform_is_shown_as_it_is_now() -> None:
    gateway, uplink = GatewayMetrics(), Uplink(Platform.DISCORD)
    gateway.watch([], [uplink], ["discord"])

    def shown() -> float | None:
        return gateway.registry.get_sample_value("gryph_connected", {"platform": "discord"})

    assert shown() == 0
    uplink.wanted()
    uplink.made()
    assert shown() == 1
    uplink.lost("it hung up")
    assert shown() == 0


def test_a_part_in_trouble_is_shown_until_it_is_well_again() -> None:
    vitals = Vitals("gateway")

    def shown() -> list[float | None]:
        value = vitals.registry.get_sample_value
        return [value("gryph_trouble", {"part": part}) for part in ("database", "redis")]

    vitals.tell(Condition({"database": "away"}, {"redis": "away"}), ("database", "redis"))
    assert shown() == [2, 1]
    vitals.tell(Condition(), ("database", "redis"))
    assert shown() == [0, 0]


def test_the_room_on_the_disk_is_shown_before_there_is_a_home(tmp_path: Path) -> None:
    vitals = Vitals("gateway")
    vitals.watch_home(tmp_path / "not" / "yet")
    for folder in ("home", "artifacts"):
        free = vitals.registry.get_sample_value("gryph_disk_free_bytes", {"folder": folder})
        assert free is not None
        assert not math.isnan(free)
        assert free > 0
