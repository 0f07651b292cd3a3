"""Where documents lie: a folder, or an S3 bucket. Four verbs, keys are content hashes.

Used by `tasks.shipments` and `tasks.pick_lists` (store) and by the console (fetch). The row in our database decides
what exists; a store without conditional PUT can therefore do no harm: equal keys have equal content.
"""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit


class StorageUnavailable(Exception):
    """The document store did not answer or refused; nothing is recorded as stored. Try again later."""


class DocumentLost(Exception):
    """The store has no such content, or other bytes under its key: restore it from the backup."""


def content_key(content: bytes) -> str:
    """SHA-256 of the bytes, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


class DocumentStore(Protocol):
    def store(self, content: bytes, *, media_type: str) -> str:
        """Keep the bytes; returns their key. Storing the same bytes again is harmless. Raises `StorageUnavailable`."""
        ...

    def fetch(self, key: str) -> bytes:
        """The bytes, checked against the key. Raises `DocumentLost`, `StorageUnavailable`."""
        ...

    def has(self, key: str) -> bool: ...

    def where(self, key: str) -> str:
        """Path or URI for a person; not a link that opens without credentials."""
        ...


class FolderStore:
    """Files under `<first two digits>/<key>`, written whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def store(self, content: bytes, *, media_type: str) -> str:  # noqa: ARG002 - a folder keeps no media types
        key = content_key(content)
        path = self._path(key)
        if path.exists():
            return key
        try:
            self._keep(path, content)
        except OSError as error:
            raise StorageUnavailable(f"{path}: {error.strerror}") from error
        return key

    def _keep(self, path: Path, content: bytes) -> None:
        try:
            self._write(path, content)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._write(path, content)

    def _write(self, path: Path, content: bytes) -> None:
        temporary = f"{path}.{os.getpid()}.{threading.get_ident()}.part"
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
        try:
            try:
                written = 0
                while written < len(content):
                    written += os.write(handle, content[written:])
                os.fsync(handle)  # a label can be fetched only once at some carriers
            finally:
                os.close(handle)
            os.replace(temporary, path)  # noqa: PTH105 - Path.replace would build two paths per label
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise

    def fetch(self, key: str) -> bytes:
        try:
            content = self._path(key).read_bytes()
        except FileNotFoundError:
            raise DocumentLost(f"{self._path(key)} is not there") from None
        return _checked(key, content)

    def has(self, key: str) -> bool:
        return self._path(key).exists()

    def where(self, key: str) -> str:
        return str(self._path(key))

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / key


class BucketStore:
    """Objects under `<prefix>/<key>` in one S3 bucket. Time-outs 3 s and 20 s; the next wave is the retry."""

    def __init__(self, bucket: str, prefix: str, *, endpoint: str | None = None) -> None:
        import boto3  # noqa: PLC0415 - half a second that an installation with a folder does without
        from botocore.config import Config  # noqa: PLC0415 - as above
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - as above

        self._bucket, self._prefix = bucket, prefix.strip("/")
        self._failures = (BotoCoreError, ClientError)
        quick = Config(connect_timeout=3, read_timeout=20, retries={"total_max_attempts": 1})
        self._s3 = boto3.client("s3", endpoint_url=endpoint, config=quick)

    def store(self, content: bytes, *, media_type: str) -> str:
        key = content_key(content)
        try:
            self._s3.put_object(Bucket=self._bucket, Key=self._name(key), Body=content, ContentType=media_type)
        except self._failures as error:
            raise StorageUnavailable(f"{self.where(key)}: {error}") from error
        return key

    def fetch(self, key: str) -> bytes:
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=self._name(key))
            return _checked(key, answer["Body"].read())
        except self._s3.exceptions.NoSuchKey:
            raise DocumentLost(f"{self.where(key)} is not there") from None
        except self._failures as error:
            raise StorageUnavailable(f"{self.where(key)}: {error}") from error

    def has(self, key: str) -> bool:
        try:
            self._s3.head_object(Bucket=self._bucket, Key=self._name(key))
        except self._s3.exceptions.ClientError as error:
            if error.response["Error"]["Code"] in {"404", "NoSuchKey"}:
                return False
            raise StorageUnavailable(f"{self.where(key)}: {error}") from error
        except self._failures as error:
            raise StorageUnavailable(f"{self.where(key)}: {error}") from error
        return True

    def where(self, key: str) -> str:
        return f"s3://{self._bucket}/{self._name(key)}"

    def _name(self, key: str) -> str:
        return f"{self._prefix}/{key}" if self._prefix else key


def _checked(key: str, content: bytes) -> bytes:
    if content_key(content) != key:
        raise DocumentLost(f"the content under {key} is not what was stored")
    return content


def open_store(url: str, *, endpoint: str | None = None) -> DocumentStore:
    """`s3://bucket/prefix`, or a folder."""
    parts = urlsplit(url)
    if parts.scheme == "s3":
        return BucketStore(parts.netloc, parts.path, endpoint=endpoint)
    return FolderStore(Path(url))
