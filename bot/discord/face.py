"""Discord as a face."""

from bot.budgets import Budgets
from bot.discord.authority import DiscordAuthority, RepositoryOf
from bot.discord.outbound import DiscordOutbound
from bot.discord.pace import Pace
from bot.discord.refusals import TokenedClient
from bot.discord.said import DiscordThreads
from bot.face import ArtifactReader, Face
from bot.settings import GatewaySettings


def discord_face(
    settings: GatewaySettings,
    client: TokenedClient,
    artifacts: ArtifactReader,
    repository_of: RepositoryOf,
    budgets: Budgets | None = None,
) -> Face:
    """The face that speaks through `client`; it is `Busy` until that has logged in."""
    pace = Pace(budgets, settings.discord_calls_per_second)
    return Face(
        outbound=DiscordOutbound(client, artifacts, pace),
        authority=DiscordAuthority(settings, client, repository_of, pace),
        conversation=DiscordThreads(client, pace),
    )
