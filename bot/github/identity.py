"""The App as it introduces itself to GitHub.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app
"""

from datetime import datetime, timedelta

import jwt

from bot.settings import GatewaySettings, MissingSetting

CLOCK_SKEW = timedelta(seconds=60)
LIFE = timedelta(minutes=8)
"""GitHub takes ten minutes at most; the rest is room for clocks that differ."""


class AppIdentity:
    """The App's id and private key."""

    def __init__(self, app_id: str, private_key: str) -> None:
        """`private_key` is PEM. Raises MissingSetting when it is no RSA key."""
        self.app_id = app_id
        try:
            self._key = jwt.get_algorithm_by_name("RS256").prepare_key(private_key)
        except (ValueError, TypeError, jwt.InvalidKeyError) as error:
            raise MissingSetting(
                "GRYPH_GITHUB_PRIVATE_KEY is no RSA private key in PEM form."
            ) from error

    @classmethod
    def of(cls, settings: GatewaySettings) -> "AppIdentity":
        """As configured. Raises MissingSetting."""
        if not settings.github_on:
            raise MissingSetting("GRYPH_GITHUB_APP_ID is missing.")
        return cls(settings.github_app_id or "", settings.github_key_pem())

    def token(self, now: datetime) -> str:
        """A JSON Web Token that proves who we are for a few minutes."""
        claims = {"iat": now - CLOCK_SKEW, "exp": now + LIFE, "iss": self.app_id}
        return jwt.encode(claims, self._key, algorithm="RS256")
