"""Settings of the command line as a client of a gateway."""

from pydantic import Field, SecretStr

from storage.settings import StorageSettings


class ClientSettings(StorageSettings):
    """Which gateway `gryph ask` talks to, and as whom."""

    gateway_url: str | None = Field(
        default=None,
        description="Address of a gateway on another machine; default is the one that runs "
        "with this home folder.",
    )
    token: SecretStr | None = Field(
        default=None,
        description="Token to speak with, from `gryph token`; default is a short-lived one "
        "minted with the home folder's key.",
    )
