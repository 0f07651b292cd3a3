"""Settings are read once, from the environment or from files, and secrets never show."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import ValidationError

from infra.settings import Settings, read_settings


def test_every_setting_has_a_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing must be set on one machine."""
    monkeypatch.chdir(tmp_path)

    assert Settings().database == f"sqlite:///{tmp_path / '.dispatch' / 'dispatch.db'}"


def test_carriers_are_named_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two underscores lead into a carrier's connection."""
    monkeypatch.setenv("DISPATCH_CARRIERS__UPS__BASE_URL", "https://ups.example.com")
    monkeypatch.setenv("DISPATCH_CARRIERS__UPS__CLIENT_ID", "us")
    monkeypatch.setenv("DISPATCH_CARRIERS__UPS__CLIENT_SECRET", "hidden-canary")
    settings = read_settings()

    assert settings.carriers["ups"].base_url == "https://ups.example.com"
    assert "hidden-canary" not in f"{settings!r} {settings}"
    assert read_settings() is settings


def test_secrets_come_from_files_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One file per value, as containers mount them."""
    (tmp_path / "dispatch_smtp_password").write_text("hidden-canary\n")
    monkeypatch.setenv("DISPATCH_SECRETS", str(tmp_path))
    password = read_settings().smtp_password

    assert password is not None
    assert password.get_secret_value() == "hidden-canary"


def test_nonsense_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A number of calls that is none is refused at once."""
    monkeypatch.setenv("DISPATCH_BOOKING_CALLS_AT_ONCE", "0")

    with pytest.raises(ValidationError, match="booking_calls_at_once"):
        read_settings()


def test_the_key_of_references_is_made_once(tmp_path: Path) -> None:
    """Many processes that start at once agree on one key, and only the owner can read it."""
    settings = Settings(home=tmp_path)
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: settings.key_of_references(), range(32)))

    assert len(keys) == 1
    assert len(keys.pop()) >= 32
    assert (tmp_path / "reference.key").stat().st_mode & 0o077 == 0
