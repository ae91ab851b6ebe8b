"""Discord as a face."""

from bot.discord.authority import DiscordAuthority, RepositoryOf
from bot.discord.outbound import DiscordOutbound
from bot.discord.refusals import TokenedClient
from bot.face import ArtifactReader, Face
from bot.settings import GatewaySettings


def discord_face(
    settings: GatewaySettings,
    client: TokenedClient,
    artifacts: ArtifactReader,
    repository_of: RepositoryOf,
) -> Face:
    """The face that speaks through `client`; it is `Busy` until that has logged in."""
    return Face(
        outbound=DiscordOutbound(client, artifacts),
        authority=DiscordAuthority(settings, client, repository_of),
    )
