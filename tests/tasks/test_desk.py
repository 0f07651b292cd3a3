"""What a step has at hand, and whose desk it is."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from pydantic import SecretStr

from carriers.ups.client import Ups
from infra.db.engine import Database
from infra.db.schema import SchemaMismatch, migrate
from infra.policy.model import Pack
from infra.settings import CarrierConnection, Settings
from infra.storage import FolderStore
from tasks.desk import Desk, NoCarrierConnection, desk, open_desk, using
from tests.tasks.fakes import FakeCarrier


def _settings(home: Path, **changes: object) -> Settings:
    return Settings(home=home, **changes)  # type: ignore[arg-type]  # passed through


def _connection(**changes: str) -> CarrierConnection:
    return CarrierConnection.model_validate(
        {"base_url": "http://127.0.0.1:9", "client_id": "practice", "client_secret": "very-secret"} | changes
    )


@pytest.fixture
def opened(tmp_path: Path, pack: Pack) -> Desk:
    """A desk over nothing that is asked in these tests."""
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    return Desk(settings=_settings(tmp_path), database=database, documents=FolderStore(tmp_path / "d"), pack=pack)


class TestUsing:
    def test_steps_find_it_in_every_thread(self, opened: Desk) -> None:
        """The desk in use is found by threads that were started before and inside."""
        found: list[Desk] = []
        begin = threading.Event()

        def ask_once_begun() -> None:
            begin.wait(5)
            found.append(desk())

        early = threading.Thread(target=ask_once_begun)
        early.start()
        with using(opened):
            begin.set()
            early.join()
            inside = threading.Thread(target=lambda: found.append(desk()))
            inside.start()
            inside.join()

        assert [each is opened for each in found] == [True, True]

    def test_the_one_before_comes_back(self, opened: Desk, tmp_path: Path, pack: Pack) -> None:
        """Nested desks end in the order they began, also when something fails."""
        other = Desk(settings=opened.settings, database=opened.database, documents=opened.documents, pack=pack)
        with using(opened):
            with pytest.raises(ValueError, match="on purpose"), using(other):
                raise ValueError("on purpose")
            assert desk() is opened


class TestOpening:
    def test_an_unmigrated_database_is_refused(self, tmp_path: Path) -> None:
        """Nothing works at a schema this code was not written for; the error says what to run."""
        with pytest.raises(SchemaMismatch, match="dispatch init"):
            open_desk(_settings(tmp_path))

    def test_settings_say_where_everything_is(self, tmp_path: Path) -> None:
        """Database, documents, pack and key come from the settings alone."""
        settings = _settings(tmp_path / "home", documents_url=str(tmp_path / "papers"))
        database = Database(settings.database)
        migrate(database)
        database.close()
        made = open_desk(settings)
        key = made.documents.store(b"hello", media_type="text/plain")

        assert (tmp_path / "papers" / key[:2] / key).exists()
        assert made.reference_key == (tmp_path / "home" / "reference.key").read_text().encode()
        assert "DK-CPH" in made.pack.depot_by_code
        made.close()

    def test_carriers_may_be_put_on_it(self, tmp_path: Path) -> None:
        """A test's or the demo's carrier is used as it is, and closed with the desk."""
        settings = _settings(tmp_path)
        database = Database(settings.database)
        migrate(database)
        database.close()
        fake = FakeCarrier()
        made = open_desk(settings, carriers={"ups": fake})

        assert made.carrier("ups") is fake
        made.close()


class TestCarriers:
    def test_no_connection_says_which_settings(self, opened: Desk) -> None:
        """The error names the carrier and the variables to set."""
        with pytest.raises(NoCarrierConnection, match=r"ups.*DISPATCH_CARRIERS"):
            opened.carrier("ups")

    def test_connected_once(self, opened: Desk) -> None:
        """The adapter is made on first use and shared by all threads after it."""
        opened.settings = opened.settings.model_copy(update={"carriers": {"ups": _connection()}})
        found: list[object] = []
        threads = [threading.Thread(target=lambda: found.append(opened.carrier("ups"))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert isinstance(found[0], Ups)
        assert all(each is found[0] for each in found)
        opened.close()

    def test_freight_is_billed_to_the_vendor(self, opened: Desk) -> None:
        """The pack's account, unless the connection names another one of ours."""
        of_the_pack = opened.account("ups")
        opened.settings = opened.settings.model_copy(update={"carriers": {"ups": _connection(account="Z9Y8X7")}})

        assert (of_the_pack, opened.account("ups")) == ("A1B2C3", "Z9Y8X7")

    def test_secrets_are_not_shown(self, opened: Desk) -> None:
        """A desk in a log line gives no credentials away."""
        opened.settings = opened.settings.model_copy(
            update={"carriers": {"ups": _connection()}, "reference_key": SecretStr("k" * 40)}
        )
        opened.carrier("ups")

        assert "very-secret" not in repr(opened)
        assert "k" * 40 not in repr(opened)
        opened.close()
