"""Artifacts in a bucket of S3 or of anything that speaks its protocol.

The bucket is asked to check what arrives (`ChecksumSHA256`); what is read is compared again here.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

import base64
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import boto3  # pyright: ignore[reportMissingTypeStubs]
from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs]
from botocore.exceptions import BotoCoreError, ClientError  # pyright: ignore[reportMissingTypeStubs]

from storage.stores.types import (
    ArtifactLost,
    StoreAway,
    digest_of,
    is_digest,
    require_digest,
    unchanged,
)

_TIMEOUT_S = 10
_TRIES = 3
_MISSING = {"NoSuchKey", "404", "NotFound"}


@dataclass(frozen=True)
class Bucket:
    """Where it is and how to be let in; None leaves a thing to boto3's usual places."""

    name: str
    prefix: str = ""
    endpoint_url: str | None = None
    region: str | None = None
    access_key: str | None = None
    secret_key: str | None = None


class S3Store:
    """See `storage.stores.types.ArtifactStore`."""

    def __init__(self, bucket: Bucket) -> None:
        """Nothing is asked before the first call."""
        self._bucket = bucket.name
        self._prefix = f"{bucket.prefix.strip('/')}/".lstrip("/")
        self._s3: Any = boto3.client(  # pyright: ignore[reportUnknownMemberType] - untyped
            "s3",
            endpoint_url=bucket.endpoint_url,
            region_name=bucket.region,
            aws_access_key_id=bucket.access_key,
            aws_secret_access_key=bucket.secret_key,
            config=Config(
                connect_timeout=_TIMEOUT_S,
                read_timeout=_TIMEOUT_S,
                retries={"max_attempts": _TRIES, "mode": "standard"},
            ),
        )

    def put(self, content: bytes) -> str:
        """See `ArtifactStore`."""
        digest = digest_of(content)
        with _named_trouble(digest):
            # Written even where it lies already, see `LocalStore.put`.
            self._s3.put_object(
                Bucket=self._bucket,
                Key=self._prefix + digest,
                Body=content,
                ChecksumSHA256=base64.b64encode(bytes.fromhex(digest)).decode(),
            )
        return digest

    def read(self, digest: str) -> bytes:
        """See `ArtifactStore`."""
        require_digest(digest)
        with _named_trouble(digest):
            found = self._s3.get_object(Bucket=self._bucket, Key=self._prefix + digest)
            content: bytes = found["Body"].read()
        return unchanged(content, digest)

    def older_than(self, before: datetime) -> Iterator[str]:
        """See `ArtifactStore`."""
        pages = self._s3.get_paginator("list_objects_v2")
        with _named_trouble("the list"):
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix):
                for found in page.get("Contents", ()):
                    name = str(found["Key"]).removeprefix(self._prefix)
                    if is_digest(name) and found["LastModified"] < before:
                        yield name

    def remove(self, name: str, before: datetime) -> bool:
        """See `ArtifactStore`."""
        require_digest(name)
        key = {"Bucket": self._bucket, "Key": self._prefix + name}
        try:
            with _named_trouble(name):
                if self._s3.head_object(**key)["LastModified"] >= before:
                    return False
                self._s3.delete_object(**key)
        except ArtifactLost:
            return False
        return True


@contextmanager
def _named_trouble(digest: str) -> Generator[None]:
    try:
        yield
    except ClientError as error:
        code = str(cast("dict[str, Any]", error.response)["Error"]["Code"])
        if code in _MISSING:
            raise ArtifactLost(f"the content {digest} is gone") from error
        raise StoreAway(f"the bucket refused: {code}") from error
    except (BotoCoreError, OSError) as error:
        raise StoreAway(f"the bucket does not answer: {type(error).__name__}") from error
