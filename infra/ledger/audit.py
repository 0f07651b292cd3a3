"""The audit chain: append-only, one chain per partner, every entry hashed over the one before.

Appends go into the transaction of the change they describe. `verify` finds any edit, removal, insertion or swap;
a chain cut off at its end shows only against an anchor kept elsewhere (`heads`).
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from infra.clock import aware_utc
from infra.db.records import AuditEntry, AuditHead
from infra.db.rows import add_rows

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One change to be written down. `detail` holds reasons and ids, never personal data."""

    partner: str
    kind: str
    object_id: int
    action: str
    detail: dict[str, Any] = field(default_factory=dict)


def append(session: Session, deeds: Sequence[Deed], *, actor: str, at: datetime) -> None:
    """Append to the partners' chains, in the order given. Locks the chains in the order of their names."""
    by_partner: dict[str, list[Deed]] = defaultdict(list)
    for deed in deeds:
        by_partner[deed.partner].append(deed)
    rows: list[dict[str, Any]] = []
    ends: list[dict[str, Any]] = []
    for partner, head in _heads_for_update(session, sorted(by_partner)).items():
        rows += (chained := _chain(by_partner[partner], head, actor=actor, at=at))
        ends.append({"partner": partner, "seq": chained[-1]["seq"], "hash": chained[-1]["hash"]})
    if rows:
        add_rows(session, AuditEntry, rows)
        session.execute(update(AuditHead), ends)


def _heads_for_update(session: Session, partners: Sequence[str]) -> dict[str, tuple[int, str]]:
    query = select(AuditHead.partner, AuditHead.seq, AuditHead.hash).where(AuditHead.partner.in_(partners))
    heads = {partner: (seq, end) for partner, seq, end in session.execute(
        query.order_by(AuditHead.partner).with_for_update()
    )}  # fmt: skip
    for partner in partners:
        if partner not in heads:
            session.execute(insert(AuditHead).values(partner=partner, seq=0, hash=GENESIS))
            heads[partner] = (0, GENESIS)
    return heads


def _chain(deeds: Sequence[Deed], head: tuple[int, str], *, actor: str, at: datetime) -> list[dict[str, Any]]:
    seq, previous = head
    rows = []
    for deed in deeds:
        seq += 1
        row = {
            "partner": deed.partner,
            "seq": seq,
            "at": at,
            "actor": actor,
            "kind": deed.kind,
            "object_id": deed.object_id,
            "action": deed.action,
            "detail": deed.detail,
            "previous": previous,
        }
        row["hash"] = previous = _hash(row)
        rows.append(row)
    return rows


def _hash(row: dict[str, Any]) -> str:
    body = {**row, "at": aware_utc(row["at"]).isoformat(timespec="microseconds")}
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """Where a chain does not hold, and how that shows."""

    partner: str
    seq: int
    problem: str


def verify(session: Session, *, anchors: dict[str, tuple[int, str]] | None = None) -> list[Break]:
    """Every break of every chain; an empty list is a whole log.

    `anchors` are heads noted earlier outside this database (`heads`): with them a chain cut off at its end shows too.
    """
    breaks: list[Break] = []
    ends: dict[str, tuple[int, str]] = {}
    passed: dict[tuple[str, int], str] = {}
    for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.partner, AuditEntry.seq)):
        seq, previous = ends.get(entry.partner, (0, GENESIS))
        breaks += _breaks(entry, seq + 1, previous)
        ends[entry.partner] = (entry.seq, entry.hash)
        if anchors and anchors.get(entry.partner, (0, ""))[0] == entry.seq:
            passed[entry.partner, entry.seq] = entry.hash
    for partner, end in heads(session).items():
        if ends.get(partner, (0, GENESIS)) != end:
            breaks.append(Break(partner=partner, seq=end[0], problem="the chain does not end where its head says"))
    for partner, (seq, end_hash) in (anchors or {}).items():
        if seq and passed.get((partner, seq)) != end_hash:
            breaks.append(Break(partner=partner, seq=seq, problem="the anchored entry is gone or another one"))
    return breaks


def _breaks(entry: AuditEntry, seq: int, previous: str) -> list[Break]:
    row = {
        name: getattr(entry, name)
        for name in ("partner", "seq", "at", "actor", "kind", "object_id", "action", "detail", "previous")
    }
    problems = []
    if entry.seq != seq:
        problems.append(f"entry {seq} is missing")
    if entry.previous != previous:
        problems.append("it does not follow the entry before it")
    if _hash(row) != entry.hash:
        problems.append("its content is not what was written")
    return [Break(partner=entry.partner, seq=entry.seq, problem=problem) for problem in problems]


def heads(session: Session) -> dict[str, tuple[int, str]]:
    """The ends of all chains, to be kept outside (an object-locked bucket, a mail to the controller)."""
    query = select(AuditHead.partner, AuditHead.seq, AuditHead.hash)
    return {partner: (seq, end) for partner, seq, end in session.execute(query)}
