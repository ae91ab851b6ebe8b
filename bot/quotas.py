"""How many commands an hour a person, a workspace and a repository may give."""

from bot.limits import Bucket, Limits, Verdict
from bot.metrics import GatewayMetrics
from bot.standings import Speaker


class Quotas:
    """Counts commands over all gateways."""

    def __init__(
        self, limits: Limits, per_hour: tuple[int, int, int], metrics: GatewayMetrics
    ) -> None:
        """`per_hour` are the commands of a person, of a workspace and of a repository."""
        self._limits = limits
        self._per_hour = per_hour
        self._metrics = metrics

    async def refusal(self, speaker: Speaker) -> str | None:
        """Count one command; why it is one too many, or None."""
        verdict: Verdict = await self._limits.take(self._buckets(speaker))
        if verdict.is_open:
            self._metrics.limits_open.inc()
        if verdict.allowed:
            return None
        return f"Too many commands this hour; come back in {_duration(verdict.wait_s)}."

    async def has_room(self, repository: str) -> bool:
        """Count one job that a repository asks for itself; whether it is none too many."""
        bucket = self._of_repository(repository)
        return (await self._limits.take([bucket])).allowed

    async def left(self, speaker: Speaker) -> str:
        """What is left of this hour, as a list in Markdown."""
        buckets = self._buckets(speaker)
        verdict = await self._limits.take(buckets, cost=0)
        return "\n".join(
            f"- {bucket.what}: {left} of {bucket.size:.0f} left this hour"
            for bucket, left in zip(buckets, verdict.left, strict=True)
        )

    def _buckets(self, speaker: Speaker) -> list[Bucket]:
        per_person, per_workspace, _ = self._per_hour
        place, standing = speaker.invocation.place, speaker.here
        buckets = [
            Bucket.hourly(f"person:{speaker.person}", "You", per_person),
            Bucket.hourly(f"{place.platform}:{place.workspace}", "This workspace", per_workspace),
        ]
        if standing.repository is not None:
            buckets.append(self._of_repository(standing.repository))
        return buckets

    def _of_repository(self, repository: str) -> Bucket:
        return Bucket.hourly(f"repository:{repository}", f"`{repository}`", self._per_hour[2])


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"  # noqa: PLR2004
