"""GitHub as a face."""

from bot.face import ArtifactReader, Face
from bot.github.authority import GitHubAuthority
from bot.github.client import GitHubClient
from bot.github.host import GitHubHost
from bot.github.outbound import GitHubOutbound
from bot.github.writer import GitHubWriter
from bot.settings import GatewaySettings
from storage.redaction import Redactor, own_secrets


def github_face(settings: GatewaySettings, client: GitHubClient, artifacts: ArtifactReader) -> Face:
    """The face that speaks through `client` (`GitHubClient.of(settings)`), which also is the
    `bot.grants.TokenSource` and what `reactions.poll` and `deliveries.sweep` work with.
    """
    return Face(
        outbound=GitHubOutbound(settings, client, artifacts),
        authority=GitHubAuthority(client),
        writer=GitHubWriter(client, Redactor(own_secrets(settings))),
        host=GitHubHost(client),
    )
