"""Settings of the gateway. A platform without its settings is off."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from storage.settings import StorageSettings


class MissingSetting(Exception):
    """A platform is half configured; the message names what is missing."""


class GatewaySettings(StorageSettings):
    """How the gateway faces people."""

    listen: str = Field(default="127.0.0.1:8414", description="Address to serve, host:port.")
    public_url: str | None = Field(
        default=None,
        description="Address under which people reach this gateway, for links in messages.",
    )
    repositories: dict[str, Path] = Field(
        default={},
        description="Repositories that lie on the worker's own machine: "
        '`{"owner/name": "/path/to/checkout"}`.',
    )
    operator_contact: str = Field(
        default="whoever runs this installation",
        description="Whom people on the web ask for a role, in words: a name, a channel.",
    )
    artifact_links: Literal["open", "login"] = Field(
        default="open",
        description="Whether a link to a job's file opens for whoever has it, or only for "
        "people and tokens that may see the job.",
    )
    default_repository: str | None = Field(
        default=None, description="The repository meant in chats that have chosen none."
    )

    slack_bot_token: SecretStr | None = Field(default=None, description="Bot token, `xoxb-…`.")
    slack_signing_secret: SecretStr | None = Field(
        default=None, description="Signing secret of the Slack app; needed for HTTP."
    )
    slack_app_token: SecretStr | None = Field(
        default=None, description="App-level token, `xapp-…`; switches Socket Mode on."
    )
    slack_api_url: str = Field(
        default="https://slack.com/api/", description="Base address of Slack's Web API."
    )
    slack_client_id: str | None = Field(
        default=None, description="Client id of the Slack app; with the next two, people log in."
    )
    slack_client_secret: SecretStr | None = Field(
        default=None, description="Client secret of the Slack app, for logging in on the web."
    )
    slack_team_id: str | None = Field(
        default=None, description="The workspace whose members may log in on the web, `T…`."
    )
    slack_login_url: str = Field(
        default="https://slack.com", description="Where Slack's OpenID Connect is, and its issuer."
    )
    slack_member_tier: Literal["anyone", "read", "write"] = Field(
        default="write",
        description="What a full member of the Slack workspace may do (guests: nothing).",
    )

    discord_token: SecretStr | None = Field(default=None, description="Bot token.")
    discord_api_url: str = Field(
        default="https://discord.com/api/v10", description="Base address of Discord's REST API."
    )
    discord_gateway_url: str | None = Field(
        default=None, description="Gateway address; default is what the API names."
    )
    discord_client_id: str | None = Field(
        default=None,
        description="Client id of the Discord application; with its secret, people log in.",
    )
    discord_client_secret: SecretStr | None = Field(
        default=None, description="Client secret of the Discord application, for logging in."
    )
    discord_login_url: str = Field(
        default="https://discord.com", description="Base of Discord's login page."
    )
    discord_member_tier: Literal["anyone", "read", "write"] = Field(
        default="read",
        description="What a member of the Discord server may do; moderators (Manage Messages) "
        "have `write`, administrators `admin`.",
    )

    github_app_id: str | None = Field(default=None, description="Id of the GitHub App.")
    github_private_key: SecretStr | None = Field(
        default=None, description="The App's private key, PEM text."
    )
    github_private_key_file: Path | None = Field(
        default=None, description="File that holds the App's private key."
    )
    github_webhook_secret: SecretStr | None = Field(
        default=None, description="Secret with which GitHub signs its webhooks."
    )
    github_api_url: str = Field(
        default="https://api.github.com", description="Base address of GitHub's REST API."
    )
    github_git_url: str = Field(
        default="https://github.com",
        description="GitHub's own address: `<base>/<owner>/<name>.git` to clone, and to log in.",
    )
    github_client_id: str | None = Field(
        default=None,
        description="Client id of the GitHub App or OAuth app; with its secret, people log in.",
    )
    github_client_secret: SecretStr | None = Field(
        default=None, description="Client secret of the GitHub App, for logging in on the web."
    )
    github_sweep_s: float = Field(
        default=300.0,
        ge=5,
        description="How often GitHub is asked for webhooks that did not reach us, in seconds.",
    )
    github_mention: str = Field(
        default="gryph", description="Name people mention in comments, without the @."
    )

    audit_anchor_file: Path | None = Field(
        default=None,
        description="File to which the audit log's signed heads are appended; default is "
        "`anchors/audit.log` in the home folder. Best on another disk.",
    )
    audit_anchor_url: str | None = Field(
        default=None,
        description="Address to which each new anchor of the audit log is posted as JSON, so "
        "that a copy is kept where this machine cannot change it.",
    )
    stuck_after_s: float = Field(
        default=60.0,
        gt=0,
        description="Seconds that accepted work may lie untouched before `/readyz` says so.",
    )
    keep_events_days: int = Field(
        default=30,
        ge=4,
        description="Days for which an event and its delivery ids are kept; platforms redeliver "
        "for three.",
    )
    keep_artifacts_days: int = Field(
        default=90, ge=1, description="Days for which a job's files are kept."
    )
    keep_jobs_days: int = Field(
        default=365,
        ge=1,
        description="Days for which a finished job, its messages and the console's threads are "
        "kept. The audit log is kept for good.",
    )

    rate_person_per_hour: int = Field(default=200, ge=1, description="Commands a person may send.")
    rate_workspace_per_hour: int = Field(
        default=2000, ge=1, description="Commands a workspace may send."
    )
    rate_repository_per_hour: int = Field(
        default=1000, ge=1, description="Commands about one repository."
    )

    github_writes_per_minute: int = Field(
        default=60,
        ge=2,
        description="Comments, edits and commits a minute and installation; GitHub allows 80.",
    )
    github_writes_per_hour: int = Field(
        default=400, ge=2, description="The same an hour; GitHub allows 500."
    )
    slack_posts_per_minute: int = Field(
        default=54,
        ge=2,
        description="Messages a minute in one channel; Slack allows one a second.",
    )
    slack_calls_per_minute: int = Field(
        default=50,
        ge=2,
        description="Calls a minute of each of Slack's other methods (its Tier 3).",
    )
    discord_calls_per_second: int = Field(
        default=45, ge=2, description="Calls a second to Discord; it allows 50."
    )

    most_waiting: int = Field(
        default=500,
        ge=1,
        description="Jobs that may wait in one line; what people asked for and what was scheduled "
        "are counted apart. Whoever asks for more is told when there may be room.",
    )
    most_waiting_person: int = Field(
        default=20, ge=1, description="How many of those may be one person's."
    )
    most_waiting_repository: int = Field(
        default=100,
        ge=1,
        description="How many of those may be for one repository; best more than one person's.",
    )
    line_window: int = Field(
        default=8,
        ge=1,
        description="Queued jobs at the head of each line that workers are told of; at least "
        "twice as many as run are told anyway. The rest wait, and fairer turns go before them.",
    )

    @property
    def anchor_file(self) -> Path:
        """Where anchors of the audit log are kept."""
        return self.audit_anchor_file or self.home / "anchors" / "audit.log"

    @property
    def slack_on(self) -> bool:
        """Whether Slack is configured. Raises MissingSetting when only half of it is."""
        if self.slack_bot_token is None and self.slack_signing_secret is None:
            if self.slack_app_token is not None:
                raise MissingSetting("GRYPH_SLACK_BOT_TOKEN is missing: Slack has an app token.")
            return False
        if self.slack_bot_token is None:
            raise MissingSetting("GRYPH_SLACK_BOT_TOKEN is missing: Slack has a signing secret.")
        if self.slack_signing_secret is None and self.slack_app_token is None:
            raise MissingSetting(
                "GRYPH_SLACK_SIGNING_SECRET (HTTP) or GRYPH_SLACK_APP_TOKEN (Socket Mode) is "
                "missing: Slack has a bot token."
            )
        return True

    @property
    def discord_on(self) -> bool:
        """Whether Discord is configured."""
        return self.discord_token is not None

    @property
    def github_on(self) -> bool:
        """Whether GitHub is configured. Raises MissingSetting when only part of it is."""
        key = self.github_private_key or self.github_private_key_file
        wanted = {
            "GRYPH_GITHUB_APP_ID": self.github_app_id,
            "GRYPH_GITHUB_PRIVATE_KEY or GRYPH_GITHUB_PRIVATE_KEY_FILE": key,
            "GRYPH_GITHUB_WEBHOOK_SECRET": self.github_webhook_secret,
        }
        missing = [name for name, value in wanted.items() if not value]
        if len(missing) == len(wanted):
            return False
        if missing:
            raise MissingSetting(f"GitHub is half configured; missing: {'; '.join(missing)}.")
        return True

    def github_key_pem(self) -> str:
        """The App's private key. Raises MissingSetting when its file cannot be read."""
        if self.github_private_key is not None:
            return self.github_private_key.get_secret_value().replace("\\n", "\n")
        if self.github_private_key_file is None:
            raise MissingSetting("GRYPH_GITHUB_PRIVATE_KEY is missing.")
        try:
            return self.github_private_key_file.read_text()
        except OSError as error:
            raise MissingSetting(
                f"GRYPH_GITHUB_PRIVATE_KEY_FILE cannot be read: {error}"
            ) from error
