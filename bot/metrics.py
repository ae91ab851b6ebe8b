"""Prometheus metrics of the gateway; every name is listed in docs/metrics.md.

Labels are closed sets (platform, verb, queue, outcome), never a person or a repository.
"""

from collections.abc import Iterable
from datetime import datetime

from prometheus_client import Counter, Gauge, Histogram

from bot.tokens import Token
from bot.uplinks import Uplink
from storage.backlog import Backlog
from storage.vitals import LATENCY_BUCKETS_S, Vitals

REQUEST_OUTCOMES = (
    *("acked", "bad_signature", "forbidden", "malformed", "too_large", "too_slow"),
    *("limited", "refused", "failed"),
)
EVENT_OUTCOMES = ("postponed", "given_up")
RETRY_REASONS = ("busy", "timeout", "token", "off", "failed")
ANCHOR_OUTCOMES = ("written", "sent", "unsent")
TURNS = ("done", "busy", "failed")


class GatewayMetrics:
    """One instance per gateway; `registry` is what `/metrics` shows."""

    def __init__(self) -> None:
        """All series start at zero."""
        self.vitals = Vitals("gateway")
        self.registry = self.vitals.registry
        self._ingress()
        self._commands()
        self._delivery()
        self._upkeep()
        self.backlog = BacklogMetrics(self)

    def watch(
        self, tokens: Iterable[Token], uplinks: Iterable[Uplink], platforms: Iterable[str]
    ) -> None:
        """Show of each token whether its platform refuses it, and of each uplink whether it is up.
        Of each platform begin at zero what alarms look at: Prometheus sees no increase in a series
        that it first meets at one.
        """
        for token in tokens:
            refused = self.token_refused.labels(token.setting)
            refused.set_function(lambda token=token: token.is_refused)
        for uplink in uplinks:
            connected = self.connected.labels(uplink.platform)
            connected.set_function(lambda uplink=uplink: uplink.is_up)
        for platform in platforms:
            for counter in (self.received, self.not_taken, self.undeliverable):
                counter.labels(platform)
            for outcome in REQUEST_OUTCOMES:
                self.requests.labels(platform, outcome)
            for outcome in EVENT_OUTCOMES:
                self.events_put_off.labels(platform, outcome)
            for reason in RETRY_REASONS:
                self.delivery_retries.labels(platform, reason)
        for outcome in ANCHOR_OUTCOMES:
            self.audit_anchors.labels(outcome)

    def counter(self, name: str, what: str, *labels: str) -> Counter:
        """A counter in this gateway's registry."""
        return Counter(name, what, labels, registry=self.registry)

    def gauge(self, name: str, what: str, *labels: str) -> Gauge:
        """A gauge in this gateway's registry."""
        return Gauge(name, what, labels, registry=self.registry)

    def histogram(self, name: str, what: str, *labels: str) -> Histogram:
        """A histogram of seconds in this gateway's registry."""
        return Histogram(name, what, labels, registry=self.registry, buckets=LATENCY_BUCKETS_S)

    def _ingress(self) -> None:
        self.requests = self.counter(
            "gryph_requests",
            f"Requests that post something, by platform and outcome ({_listed(REQUEST_OUTCOMES)})",
            *("platform", "outcome"),
        )
        self.ack_s = self.histogram(
            "gryph_ack_seconds",
            "From a request's first byte to the last of its acknowledgement, by platform",
            "platform",
        )
        self.received = self.counter(
            "gryph_events_received", "Verified events, by platform", "platform"
        )
        self.duplicates = self.counter(
            "gryph_events_duplicate", "Redeliveries, by platform", "platform"
        )
        self.token_refused = self.gauge(
            "gryph_token_refused",
            "Whether a platform refuses one of our tokens, by the setting that holds it",
            "setting",
        )
        self.connected = self.gauge(
            "gryph_connected",
            "Whether this gateway is connected where it hears a platform, by platform "
            "(discord: only the gateway that leads; slack: in Socket Mode, every gateway)",
            "platform",
        )
        self.not_taken = self.counter(
            "gryph_events_not_taken",
            "Events refused because the database did not take them in time, by platform",
            "platform",
        )
        self.accept_s = self.histogram(
            "gryph_accept_seconds", "From a verified event to its durable claim"
        )
        self.events_put_off = self.counter(
            "gryph_events_put_off",
            "Tries to handle an event that came to nothing, by platform and outcome "
            f"({_listed(EVENT_OUTCOMES)})",
            *("platform", "outcome"),
        )

    def _commands(self) -> None:
        self.commands = self.counter(
            "gryph_commands",
            "Command lines, by verb and outcome (job, answer, error, refused, limited)",
            *("verb", "outcome"),
        )
        self.no_room = self.counter(
            "gryph_jobs_no_room",
            "Jobs not taken because too many wait, by bound (line, person, repository)",
            "bound",
        )
        self.budgets_alone = self.counter(
            "gryph_budget_alone",
            "Calls to platforms that were counted in this gateway alone, within half a budget, "
            "because Redis did not answer",
        )
        self.limits_open = self.counter(
            "gryph_rate_limit_fail_open", "Commands let through because Redis did not answer"
        )
        self.queue_rings = self.counter(
            "gryph_queue_rings", "Bells rung for queued jobs, by queue", "queue"
        )
        self.queue_down = self.counter("gryph_queue_down", "Bells the broker did not take")
        self.reaped = self.counter(
            "gryph_jobs_reaped", "Running jobs whose worker fell silent, started again or ended"
        )
        self.processes_gone = self.counter(
            "gryph_processes_gone",
            "Processes found dead or silent by this gateway, by kind (gateway, worker)",
            "kind",
        )
        self.audit_anchors = self.counter(
            "gryph_audit_anchors",
            f"Anchors of the audit log, by outcome ({_listed(ANCHOR_OUTCOMES)})",
            "outcome",
        )
        self.leader = self.gauge("gryph_leader", "Whether this gateway holds the leader lease")

    def _delivery(self) -> None:
        self.finished = self.counter(
            "gryph_jobs_finished", "Jobs delivered, by verb and state", *("verb", "state")
        )
        self.end_to_end_s = self.histogram(
            "gryph_end_to_end_seconds", "From the command to its result in the thread", "verb"
        )
        self.delivery_s = self.histogram(
            "gryph_delivery_seconds",
            "One message put or edited on a platform, by platform and act (status, edit, result, "
            "answer)",
            *("platform", "act"),
        )
        self.delivery_retries = self.counter(
            "gryph_delivery_retries",
            f"Posts that a platform did not take, by platform and why ({_listed(RETRY_REASONS)})",
            *("platform", "reason"),
        )
        self.undeliverable = self.counter(
            "gryph_undeliverable",
            "Deliveries whose place is gone or closed to us, by platform",
            "platform",
        )

    def _upkeep(self) -> None:
        self.chore_turns = self.counter(
            "gryph_chore_turns",
            f"Turns of what the leader does regularly, by chore and outcome ({_listed(TURNS)})",
            *("chore", "outcome"),
        )
        self.chore_done_at = self.gauge(
            "gryph_chore_done_timestamp_seconds",
            "When this leader last got a chore done, or began to lead, by chore",
            "chore",
        )
        self.chore_every_s = self.gauge(
            "gryph_chore_every_seconds", "How often a chore has its turn, by chore", "chore"
        )
        self.backup_at = self.gauge(
            "gryph_backup_timestamp_seconds",
            "When `gryph backup` last made a backup of this home; 0 if it never did",
        )


class BacklogMetrics:
    """What the whole installation waits for: every gateway shows the same, so take the largest."""

    def __init__(self, metrics: GatewayMetrics) -> None:
        """Nothing known yet."""
        gauge = metrics.gauge
        self.known = gauge(
            "gryph_backlog_known", "Whether the database could be asked what is waiting"
        )
        self.jobs = gauge(
            "gryph_jobs",
            "Jobs that are not over, by state, queue and verb",
            *("state", "queue", "verb"),
        )
        self.queue_oldest_s = gauge(
            "gryph_queue_oldest_seconds", "Age of the oldest queued job, by queue", "queue"
        )
        self.events = gauge("gryph_inbox_unhandled", "Events accepted and not handled yet")
        self.event_oldest_s = gauge(
            "gryph_inbox_oldest_seconds", "Age of the oldest event that is not handled yet"
        )
        self.rings = gauge("gryph_outbox_rings", "Jobs whose bell no worker has answered yet")
        self.ring_late_s = gauge(
            "gryph_outbox_late_seconds", "How long the bell that waits longest has been due"
        )
        self.overdue = gauge(
            "gryph_deliveries_overdue",
            "Deliveries that were due and that no gateway looks after, by platform",
            "platform",
        )
        self.overdue_oldest_s = gauge(
            "gryph_deliveries_overdue_seconds",
            "How long the oldest overdue delivery has been due, by platform",
            "platform",
        )
        self.put_off = gauge(
            "gryph_deliveries_put_off",
            "Deliveries that their platform did not take and that are tried again, by platform",
            "platform",
        )
        self.processes = gauge(
            "gryph_processes", "Processes at work, by kind (gateway, worker)", "kind"
        )
        self.leader_present = gauge(
            "gryph_leader_present", "Whether any gateway of the installation holds the leader lease"
        )

    def show(self, backlog: Backlog, now: datetime) -> None:
        """Take over what a look has found."""
        self.forget()
        self.known.set(1)
        for waiting in backlog.jobs:
            self.jobs.labels(waiting.state, waiting.queue, waiting.verb).set(waiting.count)
        for queue, oldest_at in backlog.oldest_by_queue().items():
            self.queue_oldest_s.labels(queue).set(since_s(oldest_at, now))
        self.events.set(backlog.events)
        self.event_oldest_s.set(since_s(backlog.event_oldest_at, now))
        self.rings.set(backlog.rings)
        self.ring_late_s.set(since_s(backlog.ring_due_at, now))
        for overdue in backlog.overdue:
            self.overdue.labels(overdue.platform).set(overdue.count)
            self.overdue_oldest_s.labels(overdue.platform).set(since_s(overdue.oldest_at, now))
        for platform, count in backlog.put_off.items():
            self.put_off.labels(platform).set(count)
        for kind in ("gateway", "worker"):
            self.processes.labels(kind).set(backlog.processes.get(kind, 0))
        until = backlog.leader_until
        self.leader_present.set(until is not None and until > now)

    def forget(self) -> None:
        """Nothing is known: no old figure may pass for a present one."""
        self.known.set(0)
        for labelled in (
            self.jobs,
            self.queue_oldest_s,
            self.overdue,
            self.overdue_oldest_s,
            self.put_off,
            self.processes,
        ):
            labelled.clear()
        for plain in (self.events, self.event_oldest_s, self.rings, self.ring_late_s):
            plain.set(float("nan"))
        self.leader_present.set(float("nan"))


def _listed(outcomes: Iterable[str]) -> str:
    return ", ".join(outcomes)


def since_s(moment: datetime | None, now: datetime) -> float:
    """Seconds since `moment`; 0 where there is none, or it is still to come."""
    return 0.0 if moment is None else max(0.0, (now - moment).total_seconds())
