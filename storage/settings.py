"""Settings that every process shares: where things are kept and how the parts find each other."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from typing_extensions import override


class LayeredSettings(BaseSettings):
    """Read from the environment (`GRYPH_*`), then from `gryph.toml` in the working directory."""

    model_config = SettingsConfigDict(
        env_prefix="GRYPH_", toml_file="gryph.toml", extra="ignore", env_ignore_empty=True
    )

    @override
    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments win over the environment, the environment over the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


class StorageSettings(LayeredSettings):
    """Where the truth is."""

    home: Path = Field(
        default=Path.home() / ".gryph",
        description="Folder for the embedded database, queue, artifacts, keys and logs.",
    )
    database_url: str | None = Field(
        default=None,
        description="SQL database; default is SQLite in the home folder. PostgreSQL for more "
        "than one machine: `postgresql://user:password@host/name`.",
    )
    redis_url: str | None = Field(
        default=None,
        description="Redis or Valkey; `gryph up` starts an embedded Valkey when it is not set.",
    )
    artifacts_url: str | None = Field(
        default=None,
        description="Where artifacts are kept: `s3://bucket/prefix` (needs the extra `s3`); "
        "default is the home folder.",
    )
    s3_endpoint_url: str | None = Field(
        default=None, description="Address of the S3 service; default is Amazon's."
    )
    s3_region: str | None = Field(default=None, description="Region of the bucket.")
    s3_access_key: str | None = Field(
        default=None, description="Access key id; default is wherever boto3 finds one."
    )
    s3_secret_key: SecretStr | None = Field(default=None, description="The access key's secret.")
    checkout_key: str | None = Field(
        default=None,
        description="Key with which the gateway seals repository tokens for the workers "
        "(32 bytes, URL-safe base64); made in the home folder when not set.",
    )

    otlp_url: str | None = Field(
        default=None,
        description="Base address of an OpenTelemetry receiver (OTLP over HTTP) for traces, like "
        "`http://127.0.0.1:4318`; none are made when it is not set.",
    )
    gpu_memory_gb: float = Field(
        default=16.0,
        gt=0,
        description="Memory of the card that models are loaded on, in GB of 10^9 bytes: what "
        "`gryph model` says fits, and what a worker takes at most where a model has no bound of "
        "its own.",
    )
    model_cache: Path | None = Field(
        default=None,
        description="Folder of models fetched from the hub, in the layout of the hub's own tools; "
        "default is theirs, `~/.cache/huggingface/hub`.",
    )
    model_proxy: SecretStr | None = Field(
        default=None,
        description="Proxy through which remote models are reached, `http://host:port`; those on "
        "the premises are not.",
    )
    model_authorities: Path | None = Field(
        default=None,
        description="File of certificates (PEM) that are trusted besides the public ones when a "
        "model's endpoint is spoken to.",
    )

    @property
    def hub_cache(self) -> Path:
        """The folder of fetched models in effect."""
        return self.model_cache or Path.home() / ".cache" / "huggingface" / "hub"

    @property
    def sql_url(self) -> str:
        """The database URL in effect."""
        return self.database_url or f"sqlite:///{self.home / 'gryph.db'}"
