"""Which store the settings mean."""

from urllib.parse import urlsplit

from storage.settings import StorageSettings
from storage.stores.local import LocalStore
from storage.stores.types import ArtifactStore


class BadStore(ValueError):
    """The setting names no store; the message says how one is named."""


def open_store(settings: StorageSettings) -> ArtifactStore:
    """The store of the settings: `artifacts_url`, else the home folder.

    Raises:
        BadStore: The address is none, or its package is not installed.
    """
    if settings.artifacts_url is None:
        return LocalStore(settings.home)
    address = urlsplit(settings.artifacts_url)
    if address.scheme != "s3" or not address.netloc:
        raise BadStore("GRYPH_ARTIFACTS_URL must look like s3://bucket/prefix")
    try:
        from storage.stores.s3 import Bucket, S3Store  # noqa: PLC0415 - boto3 is an extra
    except ImportError as error:
        raise BadStore("GRYPH_ARTIFACTS_URL needs the extra: pip install '.[s3]'") from error
    secret = settings.s3_secret_key
    return S3Store(
        Bucket(
            name=address.netloc,
            prefix=address.path,
            endpoint_url=settings.s3_endpoint_url,
            region=settings.s3_region,
            access_key=settings.s3_access_key,
            secret_key=None if secret is None else secret.get_secret_value(),
        )
    )
