"""Any tampering with the log shows; so does cutting off its end, against an anchor."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from infra.db.engine import Database
from infra.db.records import AuditEntry
from infra.ledger import audit
from tests.conftest import NOON


def _written(database: Database, *, entries: int = 30) -> None:
    with database.write() as session:
        deeds = [
            audit.Deed(partner=f"p{n % 3}", kind="request", object_id=n, action="approved>covered", detail={"n": n})
            for n in range(entries)
        ]
        audit.append(session, deeds, actor="run", at=NOON)


def test_an_untouched_log_is_whole(database: Database) -> None:
    """Chains of several partners, appended in several transactions, verify."""
    _written(database)
    _written(database)

    with database.read() as session:
        assert audit.verify(session) == []
        assert {partner: seq for partner, (seq, _) in audit.heads(session).items()} == {"p0": 20, "p1": 20, "p2": 20}


def _edit(session: Session, entry: AuditEntry) -> None:
    session.execute(update(AuditEntry).where(_is(entry)).values(actor="somebody else"))


def _edit_detail(session: Session, entry: AuditEntry) -> None:
    session.execute(update(AuditEntry).where(_is(entry)).values(detail={"n": -1}))


def _remove(session: Session, entry: AuditEntry) -> None:
    session.execute(delete(AuditEntry).where(_is(entry)))


def _swap(session: Session, entry: AuditEntry) -> None:
    session.execute(update(AuditEntry).where(_is(entry)).values(seq=10_000 + entry.seq))


def _rehash(session: Session, entry: AuditEntry) -> None:
    session.execute(update(AuditEntry).where(_is(entry)).values(hash="f" * 64))


def _is(entry: AuditEntry):
    return (AuditEntry.partner == entry.partner) & (AuditEntry.seq == entry.seq)


@pytest.mark.parametrize("tamper", [_edit, _edit_detail, _remove, _swap, _rehash])
def test_tampering_is_found(database: Database, tamper: Callable[[Session, AuditEntry], None]) -> None:
    """Whatever is done to a random entry, the chain breaks."""
    _written(database)
    with database.write() as session:
        entries = session.scalars(select(AuditEntry)).all()
        tamper(session, random.choice(entries))

    with database.read() as session:
        assert audit.verify(session) != []


def test_a_cut_off_end_shows_against_an_anchor(database: Database) -> None:
    """Removing the newest entries and mending the head is invisible inside, and plain against a head kept outside."""
    _written(database, entries=9)
    with database.read() as session:
        anchors = audit.heads(session)
    with database.write() as session:
        session.execute(delete(AuditEntry).where(AuditEntry.seq == 3))
        for partner in anchors:
            last = session.scalars(select(AuditEntry).where(AuditEntry.partner == partner, AuditEntry.seq == 2)).one()
            session.execute(update(audit.AuditHead).where(audit.AuditHead.partner == partner).values(
                seq=2, hash=last.hash))  # fmt: skip

    with database.read() as session:
        assert audit.verify(session) == []
        assert {found.partner for found in audit.verify(session, anchors=anchors)} == {"p0", "p1", "p2"}
