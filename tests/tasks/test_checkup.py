"""`dispatch doctor`: a sound installation is good throughout, and each fault shows with what to do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text, update

from infra.db.engine import Database
from infra.db.records import AuditEntry
from infra.policy.model import Pack
from infra.policy.pack import SHIPPED
from infra.settings import CarrierConnection, Settings
from tasks import checkup
from tasks.checkup import Finding, examine
from tasks.desk import Desk
from tasks.installation import prepare
from tests.tasks import scenes

pytestmark = pytest.mark.usefixtures("noon")


def _settings(home: Path, **changes: object) -> Settings:
    return Settings(home=home, **changes)  # type: ignore[arg-type]  # passed through


def _installed(home: Path, pack: Pack) -> Settings:
    settings = _settings(home)
    database = Database(settings.database)
    prepare(database, pack)
    database.close()
    return settings


def _found(settings: Settings, what: str) -> Finding:
    (found,) = [finding for finding in examine(settings) if finding.what == what]
    return found


def test_a_sound_installation_is_good(tmp_path: Path, pack: Pack) -> None:
    """Every check is good; that no carrier is configured is a note, not a fault."""
    findings = examine(_installed(tmp_path, pack))

    assert {finding.what: finding.good for finding in findings} == {
        "Python": True, "SQLite": True, "disk": True, "calendars": True, "policy pack": True, "database": True,
        "audit log": True, "documents": True, "printing": True, "carriers": None,
    }  # fmt: skip


def test_a_broken_pack_is_shown_with_its_place(tmp_path: Path, pack: Pack) -> None:
    """Every problem with file, line and remedy; the other checks go on."""
    folder = tmp_path / "pack"
    shutil.copytree(SHIPPED, folder)
    lanes = folder / "lanes.yaml"
    lanes.write_text(lanes.read_text().replace("service: ups:express_saver", "service: ups:expres_saver", 1))
    settings = _installed(tmp_path / "home", pack).model_copy(update={"policy": folder})
    findings = examine(settings)
    bad = [finding for finding in findings if finding.good is False]

    assert bad
    assert {finding.what for finding in bad} == {"policy pack"}
    assert any("lanes.yaml:" in finding.seen and "ups:expres_saver" in finding.seen for finding in bad)
    assert all(finding.remedy for finding in bad)
    assert "database" in {finding.what for finding in findings}


def test_an_unmigrated_database_is_bad(tmp_path: Path) -> None:
    """The remedy is the command that migrates, and the audit log is not looked for."""
    database = Database(_settings(tmp_path).database)
    with database.write() as session:
        session.execute(text("CREATE TABLE something_else (id INTEGER)"))
    database.close()
    findings = {finding.what: finding for finding in examine(_settings(tmp_path))}

    assert findings["database"].good is False
    assert findings["database"].remedy == "Run `dispatch init`."
    assert "revision none" in findings["database"].seen
    assert "audit log" not in findings


def test_a_database_that_cannot_be_opened_is_bad(tmp_path: Path) -> None:
    """A server that is not there, or a URL of another kind, is a finding and not a traceback."""
    away = _settings(tmp_path, database_url=SecretStr("postgresql+psycopg://dispatch:very-secret@127.0.0.1:1/x"))
    other = _settings(tmp_path, database_url=SecretStr("mysql://127.0.0.1/x"))

    for settings in (away, other):
        found = _found(settings, "database")
        assert found.good is False
        assert "DISPATCH_DATABASE_URL" in found.remedy
        assert "very-secret" not in found.seen


def test_a_tampered_log_is_bad(at_desk: Desk, database: Database) -> None:
    """One edited entry shows with partner and number; before the edit the chain was whole."""
    scenes.booked(database, "R-1")
    url = SecretStr(database.url.render_as_string(hide_password=False))
    settings = at_desk.settings.model_copy(update={"database_url": url})
    before = _found(settings, "audit log")
    with database.write() as session:
        session.execute(update(AuditEntry).where(AuditEntry.seq == 2).values(actor="nobody"))
    after = _found(settings, "audit log")

    assert (before.good, before.seen) == (True, "every chain whole")
    assert after.good is False
    assert "nordlyd entry 2: its content is not what was written" in after.seen
    assert "evidence" in after.remedy


def test_documents_that_cannot_be_kept_are_bad(tmp_path: Path, pack: Pack) -> None:
    """A file where the folder should be."""
    (tmp_path / "papers").write_text("in the way")
    settings = _installed(tmp_path / "home", pack).model_copy(update={"documents_url": str(tmp_path / "papers")})
    found = _found(settings, "documents")

    assert found.good is False
    assert "DISPATCH_DOCUMENTS_URL" in found.remedy


def test_a_full_disk_is_bad(tmp_path: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Less than the least free space: labels could not be kept."""
    settings = _installed(tmp_path, pack)
    monkeypatch.setattr(checkup, "LOW_DISK_BYTES", 2**62)

    assert _found(settings, "disk").good is False


def test_a_shared_package_name_is_bad(tmp_path: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another distribution that ships a package of our name is called by its own."""
    settings = _installed(tmp_path, pack)
    owners = {"infra": ["parts-dispatch", "infra-toolkit"], "tasks": ["parts-dispatch"]}
    monkeypatch.setattr("importlib.metadata.packages_distributions", lambda: owners)
    bad = [finding for finding in examine(settings) if finding.good is False]

    assert [(finding.what, finding.seen) for finding in bad] == [("package infra", "also owned by infra-toolkit")]
    assert "infra-toolkit" in bad[0].remedy


def test_an_unsafe_sqlite_is_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library with the WAL-reset race is refused by version."""
    monkeypatch.setattr("pysqlite3.dbapi2.sqlite_version_info", (3, 40, 1))
    found = checkup._sqlite()

    assert found.good is False
    assert "pysqlite3" in found.remedy


def test_configured_carriers_are_listed(tmp_path: Path, pack: Pack) -> None:
    """By address, without their credentials."""
    connection = CarrierConnection(
        base_url="https://carrier.example.com", client_id=SecretStr("practice"), client_secret=SecretStr("very-secret")
    )
    settings = _installed(tmp_path, pack).model_copy(update={"carriers": {"ups": connection}})
    found = _found(settings, "carrier ups")

    assert (found.good, found.seen) == (True, "https://carrier.example.com")
    assert "very-secret" not in repr(examine(settings))


def test_looking_changes_nothing(tmp_path: Path) -> None:
    """Before `dispatch init`, doctor leaves the home folder as it found it, and says what to do."""
    home = tmp_path / "home"
    findings = {finding.what: finding for finding in examine(_settings(home))}

    assert not home.exists()
    assert findings["database"].good is False
    assert findings["database"].seen.endswith("is not there")
    assert findings["database"].remedy == "Run `dispatch init`."
    assert "audit log" not in findings


def test_looking_at_what_is_there_changes_nothing(tmp_path: Path, pack: Pack) -> None:
    """After `dispatch init`, no file comes, goes or changes."""
    settings = _installed(tmp_path / "home", pack)
    before = _files(tmp_path)
    examine(settings)

    assert before
    assert _files(tmp_path) == before


def test_looking_makes_no_named_database(tmp_path: Path) -> None:
    """An embedded database under another name than the usual is not made by looking either."""
    elsewhere = tmp_path / "elsewhere.db"
    examine(_settings(tmp_path / "home", database_url=SecretStr(f"sqlite:///{elsewhere}")))

    assert not elsewhere.exists()


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
