"""What `/metrics` shows of a gateway."""

from pathlib import Path

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from bot.metrics import GatewayMetrics

DOCS = Path(__file__).parents[2] / "docs" / "metrics.md"


def names(metrics: GatewayMetrics) -> set[str]:
    text = generate_latest(metrics.registry).decode()
    families = text_string_to_metric_families(text)
    return {family.name for family in families if not family.name.endswith("_created")}


def test_two_gateways_in_one_process_count_apart() -> None:
    one, other = GatewayMetrics(), GatewayMetrics()
    one.limits_open.inc()
    assert one.registry.get_sample_value("gryph_rate_limit_fail_open_total") == 1
    assert other.registry.get_sample_value("gryph_rate_limit_fail_open_total") == 0


def test_every_metric_is_ours_by_name_and_told_of_in_the_documentation() -> None:
    documented = DOCS.read_text()
    for name in names(GatewayMetrics()):
        assert name.startswith("gryph_")
        assert name in documented


def test_the_acknowledgements_promise_is_a_bucket_of_its_histogram() -> None:
    metrics = GatewayMetrics()
    metrics.accept_s.observe(0.149)
    value = metrics.registry.get_sample_value
    assert value("gryph_accept_seconds_bucket", {"le": "0.15"}) == 1
    assert value("gryph_accept_seconds_bucket", {"le": "0.1"}) == 0
