"""A fresh installation: migrated, with the pack's example partners and stock; a second time changes nothing."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import delete, update

from infra.db.engine import Database
from infra.db.records import Certification, Contract, Partner, Stock
from infra.db.schema import newest_revision, revision_of
from infra.policy.model import Pack
from tasks.installation import Prepared, prepare
from tests.tasks import scenes


def test_an_empty_database_is_made_ready(tmp_path: Path, pack: Pack) -> None:
    """From nothing to this code's schema, partners, contracts, certifications and stock."""
    database = Database(f"sqlite:///{tmp_path / 'fresh.db'}")
    prepared = prepare(database, pack)

    assert revision_of(database) == newest_revision()
    assert prepared == Prepared(
        partners=len(pack.partners),
        contracts=sum(len(partner.contracts) for partner in pack.partners),
        stock_items=len(pack.stock),
    )
    assert {each.code for each in scenes.rows(database, Partner)} == {partner.code for partner in pack.partners}
    assert len(scenes.rows(database, Contract)) == prepared.contracts
    assert len(scenes.rows(database, Stock)) == len(pack.depots) * len(pack.parts)
    database.close()


def test_preparing_twice_adds_nothing(database: Database, pack: Pack) -> None:
    """The second time everything is there."""
    prepare(database, pack)

    assert prepare(database, pack) == Prepared(partners=0, contracts=0, stock_items=0)


def test_what_is_on_record_is_never_changed(database: Database, pack: Pack) -> None:
    """Counted stock and a corrected address survive; what was removed from stock comes back empty-handed."""
    prepare(database, pack)
    with database.write() as session:
        session.execute(update(Stock).values(on_hand=7, allocated=3, bin="Z-09-4-08"))
        session.execute(update(Partner).values(email="new@example.com"))
    prepare(database, pack)

    assert {(each.on_hand, each.allocated, each.bin) for each in scenes.rows(database, Stock)} == {(7, 3, "Z-09-4-08")}
    assert {each.email for each in scenes.rows(database, Partner)} == {"new@example.com"}


def test_a_contract_taken_out_does_not_come_back(database: Database, pack: Pack) -> None:
    """A partner on record keeps the contracts it has on record: preparing again adds none to it."""
    prepare(database, pack)
    (taken_out, *_) = [partner.code for partner in pack.partners if partner.contracts]
    with database.write() as session:
        session.execute(delete(Contract).where(Contract.partner == taken_out))

    assert prepare(database, pack) == Prepared(partners=0, contracts=0, stock_items=0)
    assert scenes.rows(database, Contract, Contract.partner == taken_out) == []


def test_only_what_is_missing_is_added(database: Database, pack: Pack) -> None:
    """A partner and a shelf that the record lacks are added beside those it has."""
    smaller = scenes.with_changes(pack, partners=pack.partners[:-1], stock=pack.stock[:-5])
    prepare(database, smaller)
    last = pack.partners[-1]

    assert prepare(database, pack) == Prepared(partners=1, contracts=len(last.contracts), stock_items=5)


def test_certifications_are_taken_over(database: Database, pack: Pack) -> None:
    """Family and last day of every example certification."""
    prepare(database, pack)
    found = {(each.partner, each.family): each.until for each in scenes.rows(database, Certification)}

    assert found == {
        (partner.code, held.family): held.until for partner in pack.partners for held in partner.certifications
    }
