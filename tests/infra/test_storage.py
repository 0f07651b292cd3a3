"""Documents are kept whole or not at all, and come back as they were, from a folder and from S3."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from infra.storage import (
    BucketStore,
    DocumentLost,
    DocumentStore,
    FolderStore,
    StorageUnavailable,
    content_key,
    open_store,
)

LABEL = b"^XA^FDlabel^FS^XZ"


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DocumentStore]:
    """An empty store of either kind."""
    if request.param == "folder":
        yield FolderStore(tmp_path / "documents")
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        boto3.client("s3").create_bucket(
            Bucket="papers", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        yield open_store("s3://papers/depots")


def test_what_is_stored_comes_back(store: DocumentStore) -> None:
    """The key is the content's hash; storing again changes nothing."""
    key = store.store(LABEL, media_type="application/zpl")

    assert key == content_key(LABEL) == store.store(LABEL, media_type="application/zpl")
    assert store.has(key)
    assert store.fetch(key) == LABEL


def test_what_is_not_there_is_lost(store: DocumentStore) -> None:
    """A key nobody stored is a clear loss, not an empty document."""
    assert not store.has("0" * 64)
    with pytest.raises(DocumentLost):
        store.fetch("0" * 64)


def test_other_bytes_under_a_key_are_lost_too(tmp_path: Path) -> None:
    """A damaged file is not handed out as the label it was."""
    store = FolderStore(tmp_path)
    key = store.store(LABEL, media_type="application/zpl")
    Path(store.where(key)).write_bytes(b"damaged")

    with pytest.raises(DocumentLost, match="not what was stored"):
        store.fetch(key)


def test_looking_makes_no_folder(tmp_path: Path) -> None:
    """The folder is made by the first document, not by a look."""
    FolderStore(tmp_path / "documents").has("0" * 64)

    assert not (tmp_path / "documents").exists()


def test_many_threads_store_the_same_label(tmp_path: Path) -> None:
    """Twelve at once leave one whole file and no parts of one."""
    store = FolderStore(tmp_path)
    with ThreadPoolExecutor(12) as pool:
        keys = set(pool.map(lambda _: store.store(LABEL * 1000, media_type="application/zpl"), range(48)))

    assert len(keys) == 1
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == list(keys)


@pytest.mark.parametrize("blocked", ["parent", "folder"])
def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, blocked: str) -> None:
    """A file where a folder should be: unavailable, with the path, and nothing half written."""
    target = tmp_path / "documents"
    (target if blocked == "parent" else tmp_path / "other").write_text("in the way")
    if blocked == "folder":
        target.mkdir()
        (target / content_key(LABEL)[:2]).write_text("in the way")

    with pytest.raises(StorageUnavailable, match="documents"):
        FolderStore(target).store(LABEL, media_type="application/zpl")


def test_a_bucket_that_is_away_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket nobody made is unavailable, not a traceback of the library."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws(), pytest.raises(StorageUnavailable, match="s3://nobody"):
        BucketStore("nobody", "").store(LABEL, media_type="application/zpl")


def test_files_are_not_for_everybody(tmp_path: Path) -> None:
    """Labels carry names and addresses: others on the machine cannot read them."""
    store = FolderStore(tmp_path)
    path = Path(store.where(store.store(LABEL, media_type="application/zpl")))

    assert path.stat().st_mode & 0o007 == 0
