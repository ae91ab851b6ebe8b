"""Where artifacts lie: the same promises on this machine's disk and in a bucket."""

import hashlib
import logging
import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import boto3  # pyright: ignore[reportMissingTypeStubs]
import pytest
from moto.server import ThreadedMotoServer
from pydantic import SecretStr

from storage.settings import StorageSettings
from storage.stores.choice import BadStore, open_store
from storage.stores.local import LocalStore
from storage.stores.s3 import S3Store
from storage.stores.types import ArtifactLost, ArtifactStore, ArtifactTooLarge, StoreAway

BUCKET = "artifacts"
LATER = timedelta(hours=1)


@pytest.fixture(scope="module")
def s3_url() -> Iterator[str]:
    """A service that speaks S3, on loopback."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def bucket_settings(tmp_path: Path, endpoint_url: str) -> StorageSettings:
    return StorageSettings(
        home=tmp_path,
        artifacts_url=f"s3://{BUCKET}/team/files",
        s3_endpoint_url=endpoint_url,
        s3_region="us-east-1",
        s3_access_key="key",
        s3_secret_key=SecretStr("secret"),
    )


def raw_client(s3_url: str) -> Any:
    return cast("Any", boto3).client(
        "s3",
        endpoint_url=s3_url,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    if request.param == "local":
        return open_store(StorageSettings(home=tmp_path))
    s3_url: str = request.getfixturevalue("s3_url")
    client = raw_client(s3_url)
    client.create_bucket(Bucket=BUCKET)
    found = client.list_objects_v2(Bucket=BUCKET).get("Contents", ())
    for each in found:
        client.delete_object(Bucket=BUCKET, Key=each["Key"])
    return open_store(bucket_settings(tmp_path, s3_url))


@pytest.mark.parametrize("content", [b"", b"hello", bytes(range(256)) * 10_000])
def test_what_is_put_is_read_back(store: ArtifactStore, content: bytes) -> None:
    digest = store.put(content)
    assert digest == hashlib.sha256(content).hexdigest()
    assert store.read(digest) == content
    assert store.put(content) == digest


def test_what_was_never_put_is_lost(store: ArtifactStore) -> None:
    with pytest.raises(ArtifactLost, match="gone"):
        store.read("a" * 64)


@pytest.mark.parametrize("name", ["", "..", "../../etc/passwd", "A" * 64, "a" * 64 + "\n"])
def test_a_name_that_is_no_digest_opens_nothing(store: ArtifactStore, name: str) -> None:
    with pytest.raises(ArtifactLost, match="no digest"):
        store.read(name)


def test_too_much_is_refused_before_it_is_sent(store: ArtifactStore) -> None:
    with pytest.raises(ArtifactTooLarge):
        store.put(bytes(64 * 2**20 + 1))


def test_only_what_is_old_is_listed_and_removed(store: ArtifactStore) -> None:
    digest = store.put(b"young")
    now = datetime.now(UTC)
    assert list(store.older_than(now - LATER)) == []
    assert list(store.older_than(now + LATER)) == [digest]
    assert not store.remove(digest, now - LATER)
    assert store.read(digest) == b"young"
    assert store.remove(digest, now + LATER)
    assert not store.remove(digest, now + LATER)
    with pytest.raises(ArtifactLost):
        store.read(digest)


def test_content_changed_in_the_bucket_is_noticed(tmp_path: Path, s3_url: str) -> None:
    client = raw_client(s3_url)
    client.create_bucket(Bucket=BUCKET)
    store = open_store(bucket_settings(tmp_path, s3_url))
    digest = store.put(b"hello")
    client.put_object(Bucket=BUCKET, Key=f"team/files/{digest}", Body=b"hullo")
    with pytest.raises(ArtifactLost, match="changed"):
        store.read(digest)


def test_others_objects_in_the_bucket_are_left_alone(tmp_path: Path, s3_url: str) -> None:
    client = raw_client(s3_url)
    client.create_bucket(Bucket="shared")
    for key in ("a" * 64, "team/files/note.txt", "team/files/deep/" + "b" * 64):
        client.put_object(Bucket="shared", Key=key, Body=b"theirs")
    settings = bucket_settings(tmp_path, s3_url)
    store = open_store(settings.model_copy(update={"artifacts_url": "s3://shared/team/files"}))
    digest = store.put(b"ours")
    assert list(store.older_than(datetime.now(UTC) + LATER)) == [digest]


def test_a_bucket_that_is_not_there_is_a_store_that_is_away(tmp_path: Path, s3_url: str) -> None:
    settings = bucket_settings(tmp_path, s3_url)
    store = open_store(settings.model_copy(update={"artifacts_url": "s3://nobodys"}))
    with pytest.raises(StoreAway, match="NoSuchBucket"):
        store.put(b"x")


def test_a_service_that_does_not_answer_is_a_store_that_is_away(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    store = open_store(bucket_settings(tmp_path, f"http://127.0.0.1:{port}"))
    with pytest.raises(StoreAway, match="does not answer"):
        store.read("a" * 64)


def test_the_settings_say_which_store(tmp_path: Path, s3_url: str) -> None:
    assert isinstance(open_store(StorageSettings(home=tmp_path)), LocalStore)
    assert isinstance(open_store(bucket_settings(tmp_path, s3_url)), S3Store)
    for wrong in ("https://bucket", "s3://", "bucket"):
        with pytest.raises(BadStore, match="s3://bucket/prefix"):
            open_store(StorageSettings(home=tmp_path, artifacts_url=wrong))
