"""Where things are and how they are reached: read once, secrets masked.

From the environment (`DISPATCH_…`, nested with two underscores: `DISPATCH_CARRIERS__UPS__BASE_URL`), or from one file
per value in the folder named by `DISPATCH_SECRETS`. Opened by `tasks.desk`; nothing else reads the environment.
"""

from __future__ import annotations

import os
import secrets
import threading
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class CarrierConnection(BaseModel):
    """How one carrier's API is reached. `account` is the vendor's: freight out is always billed to it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str
    client_id: SecretStr
    client_secret: SecretStr
    account: str | None = None
    """Overrides the account of the policy pack."""


class Settings(BaseSettings):
    """All settings; every one has a default that works on one machine."""

    model_config = SettingsConfigDict(env_prefix="DISPATCH_", env_nested_delimiter="__", frozen=True, extra="ignore")

    home: Path = Path(".dispatch")
    """Folder of the embedded database, the documents and the key of the references."""
    database_url: SecretStr | None = None
    """sqlite:///… or postgresql+psycopg://…; the default is `dispatch.db` in `home`."""
    documents_url: str | None = None
    """A folder, or s3://bucket/prefix; the default is `documents` in `home`."""
    s3_endpoint: str | None = None
    policy: Path | None = None
    """Folder of the policy pack; the default is the shipped example."""
    carriers: dict[str, CarrierConnection] = Field(default_factory=dict)
    reference_key: SecretStr | None = None
    """Key of the carrier references, at least 32 characters; the default is made once and kept in `home`."""
    booking_calls_at_once: int = Field(default=16, ge=1, le=128)
    booking_portion: int = Field(default=100, ge=1, le=1000)
    """Bookings whose intents are committed together, before the first of their calls."""
    smtp_host: str = "127.0.0.1"
    smtp_port: int = 25
    smtp_tls: Literal["none", "starttls", "tls"] = "none"
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    mail_sender: str = "parts-dispatch@example.com"
    vendor_name: str = "Vendor Spares"
    """Heads the slips and letters of plans that are not partner-branded."""
    vendor_email: str = "service@example.com"
    mail_attempts: int = Field(default=10, ge=1)
    console_url: str = "http://127.0.0.1:8484"

    @property
    def database(self) -> str:
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{(self.home / 'dispatch.db').resolve()}"

    @property
    def documents(self) -> str:
        return self.documents_url or str((self.home / "documents").resolve())

    def key_of_references(self) -> bytes:
        """The key; made and kept (owner-readable only) on first use of the embedded default.

        Losing it makes earlier bookings unfindable at the carriers: back it up with the database.
        """
        if self.reference_key is not None:
            return self.reference_key.get_secret_value().encode()
        return _kept_key(self.home / "reference.key")


def _kept_key(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
    fresh.touch(mode=0o600)
    fresh.write_text(secrets.token_hex(32))
    try:
        # link fails where another process was first: its key counts
        path.hardlink_to(fresh)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return path.read_text().strip().encode()


@cache
def read_settings() -> Settings:
    """The settings of this process, read once."""
    folder = os.environ.get("DISPATCH_SECRETS")
    return Settings(_secrets_dir=folder) if folder else Settings()  # type: ignore[call-arg]  # pydantic-settings' own
