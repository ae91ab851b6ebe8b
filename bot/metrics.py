"""Prometheus metrics of the gateway; every name is listed in docs/metrics.md."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

LATENCY_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class GatewayMetrics:
    """One instance per gateway; `registry` is what `/metrics` shows."""

    def __init__(self) -> None:
        """All series start at zero."""
        self.registry = CollectorRegistry()
        registry = self.registry
        self.received = Counter(
            "gryph_events_received", "Verified events, by platform", ["platform"], registry=registry
        )
        self.duplicates = Counter(
            "gryph_events_duplicate", "Redeliveries, by platform", ["platform"], registry=registry
        )
        self.not_taken = Counter(
            "gryph_events_not_taken",
            "Events refused because the database did not take them in time, by platform",
            ["platform"],
            registry=registry,
        )
        self.accept_s = Histogram(
            "gryph_accept_seconds",
            "From a verified event to its durable claim",
            registry=registry,
            buckets=LATENCY_BUCKETS_S,
        )
        self.commands = Counter(
            "gryph_commands",
            "Command lines, by verb and outcome (job, answer, error, refused, limited)",
            ["verb", "outcome"],
            registry=registry,
        )
        self.finished = Counter(
            "gryph_jobs_finished",
            "Jobs delivered, by verb and state",
            ["verb", "state"],
            registry=registry,
        )
        self.end_to_end_s = Histogram(
            "gryph_end_to_end_seconds",
            "From the command to its result in the thread",
            ["verb"],
            registry=registry,
            buckets=LATENCY_BUCKETS_S,
        )
        self.delivery_retries = Counter(
            "gryph_delivery_retries",
            "Posts that a platform did not take",
            ["platform"],
            registry=registry,
        )
        self.limits_open = Counter(
            "gryph_rate_limit_fail_open",
            "Commands let through because Redis did not answer",
            registry=registry,
        )
        self.queue_rings = Counter(
            "gryph_queue_rings",
            "Bells rung for queued jobs, by queue",
            ["queue"],
            registry=registry,
        )
        self.queue_down = Counter(
            "gryph_queue_down", "Bells the broker did not take", registry=registry
        )
        self.jobs = Gauge(
            "gryph_jobs", "Jobs that are not over, by state", ["state"], registry=registry
        )
        self.audit_anchors = _audit_anchors(registry)
        self.leader = Gauge(
            "gryph_leader", "Whether this gateway holds the leader lease", registry=registry
        )


def _audit_anchors(registry: CollectorRegistry) -> Counter:
    return Counter(
        "gryph_audit_anchors",
        "Anchors of the audit log, by outcome (written, sent, unsent)",
        ["outcome"],
        registry=registry,
    )
