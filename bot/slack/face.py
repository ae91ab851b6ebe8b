"""Slack as a face, switched on by its bot token."""

from bot.face import ArtifactReader, Face
from bot.settings import GatewaySettings
from bot.slack.api import SlackApi
from bot.slack.authority import RepositoryOf, SlackAuthority
from bot.slack.outbound import SlackOutbound
from bot.slack.said import SlackThreads


def slack_face(
    settings: GatewaySettings,
    artifacts: ArtifactReader,
    repository_of: RepositoryOf,
    api: SlackApi,
) -> Face:
    """The face; the routes and Socket Mode are in `bot.slack.inbound`."""
    return Face(
        outbound=SlackOutbound(api, artifacts),
        authority=SlackAuthority(settings, repository_of, api=api),
        conversation=SlackThreads(api),
    )
