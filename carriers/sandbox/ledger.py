"""What really happened at the carrier, in one SQLite file. Used by `world.py` from one thread.

Every accepted booking is a row, duplicates too; every charge and refund is a row. A late commit is a row whose
`accepted_at` lies ahead: it counts once the clock has passed it, also after a restart. Instants are ISO 8601 in UTC,
all of one length, so that text order is time order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from pysqlite3 import dbapi2 as sqlite

SCHEMA = """
CREATE TABLE IF NOT EXISTS facts(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS bookings(
  seq INTEGER PRIMARY KEY, carrier TEXT NOT NULL, account TEXT NOT NULL, reference TEXT NOT NULL, leg TEXT NOT NULL,
  service TEXT NOT NULL, shipment_id TEXT NOT NULL UNIQUE, tracking_number TEXT NOT NULL UNIQUE,
  ship_on TEXT NOT NULL, origin TEXT NOT NULL, destination TEXT NOT NULL,
  accepted_at TEXT NOT NULL, visible_at TEXT NOT NULL, voided_at TEXT,
  amount TEXT NOT NULL, currency TEXT NOT NULL, request BLOB NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS bookings_by_reference ON bookings(reference);
CREATE TABLE IF NOT EXISTS billing(
  seq INTEGER PRIMARY KEY, shipment_id TEXT NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('charge', 'refund')),
  at TEXT NOT NULL, amount TEXT NOT NULL, currency TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS attempts(
  operation TEXT NOT NULL, key TEXT NOT NULL, count INTEGER NOT NULL,
  PRIMARY KEY (operation, key)) STRICT, WITHOUT ROWID;
"""
BOOKING_COLUMNS = (
    "carrier, account, reference, leg, service, shipment_id, tracking_number, ship_on, origin, destination, "
    "accepted_at, visible_at, voided_at, amount, currency, request"
)
INSERT_BOOKING = f"INSERT INTO bookings({BOOKING_COLUMNS}) VALUES ({', '.join('?' * 16)})"  # noqa: S608 - constants
SELECT_BOOKING = f"SELECT {BOOKING_COLUMNS} FROM bookings "  # noqa: S608 - constants


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """One accepted shipment. `request` is the body as it came, from which the label can be made again."""

    carrier: str
    account: str
    reference: str
    leg: str
    service: str
    shipment_id: str
    tracking_number: str
    ship_on: date
    origin: str
    destination: str
    accepted_at: datetime
    visible_at: datetime
    voided_at: datetime | None = None
    amount: Decimal
    currency: str
    request: bytes = field(repr=False)

    def as_facts(self) -> dict[str, Any]:
        """Everything but the request, ready for JSON."""
        facts = asdict(self)
        del facts["request"]
        return facts | {"amount": str(self.amount)}


class Ledger:
    """`path` may be new or from an earlier run. Not for two processes at once; reading beside it is fine."""

    def __init__(self, path: str) -> None:
        self._db = sqlite.connect(path, isolation_level=None, check_same_thread=False)
        # NORMAL keeps every commit through a killed process; only a power cut may cost the last ones.
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("PRAGMA busy_timeout=5000")
        self._db.executescript(SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing: an attempt is counted together with what it did."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def count_attempt(self, operation: str, key: str) -> int:
        """How many-th request of this kind this is, from 1."""
        row = self._db.execute(
            "INSERT INTO attempts(operation, key, count) VALUES (?, ?, 1)"
            " ON CONFLICT(operation, key) DO UPDATE SET count = count + 1 RETURNING count",
            (operation, key),
        ).fetchone()
        return int(row[0])

    def add(self, booking: Booking) -> None:
        """Accept and bill. A booking accepted in the future is billed then."""
        self._db.execute(INSERT_BOOKING, _row(booking))
        self._bill(booking, "charge", booking.accepted_at)

    def void(self, booking: Booking, at: datetime) -> None:
        """Cancel and refund."""
        self._db.execute("UPDATE bookings SET voided_at = ? WHERE shipment_id = ?", (_text(at), booking.shipment_id))
        self._bill(booking, "refund", at)

    def by_reference(self, reference: str, now: datetime) -> Sequence[Booking]:
        return self._bookings("WHERE reference = ? AND accepted_at <= ? ORDER BY seq", reference, _text(now))

    def by_number(self, number: str, now: datetime) -> Booking | None:
        found = self._bookings("WHERE shipment_id = ? AND accepted_at <= ?", number, _text(now))
        return found[0] if found else None

    def number_is_free(self, number: str) -> bool:
        return self._db.execute("SELECT 1 FROM bookings WHERE shipment_id = ?", (number,)).fetchone() is None

    def times_booked(self, reference: str) -> int:
        """Accepted or still to be accepted, voided or not."""
        row = self._db.execute("SELECT count(*) FROM bookings WHERE reference = ?", (reference,)).fetchone()
        return int(row[0])

    def accepted(self, now: datetime) -> Sequence[Booking]:
        """In the order in which the carrier was asked."""
        return self._bookings("WHERE accepted_at <= ? ORDER BY seq", _text(now))

    def still_to_come(self, now: datetime) -> int:
        row = self._db.execute("SELECT count(*) FROM bookings WHERE accepted_at > ?", (_text(now),)).fetchone()
        return int(row[0])

    def billed(self, now: datetime) -> dict[str, Decimal]:
        """What the accounts owe, per currency: charges less refunds."""
        totals: dict[str, Decimal] = {}
        rows = self._db.execute("SELECT kind, amount, currency FROM billing WHERE at <= ?", (_text(now),))
        for kind, amount, currency in rows:
            signed = Decimal(amount) if kind == "charge" else -Decimal(amount)
            totals[currency] = totals.get(currency, Decimal(0)) + signed
        return totals

    def fact(self, name: str) -> str | None:
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def remember(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO facts(name, value) VALUES (?, ?)", (name, value))

    def close(self) -> None:
        self._db.close()

    def _bill(self, booking: Booking, kind: str, at: datetime) -> None:
        self._db.execute(
            "INSERT INTO billing(shipment_id, kind, at, amount, currency) VALUES (?, ?, ?, ?, ?)",
            (booking.shipment_id, kind, _text(at), str(booking.amount), booking.currency),
        )

    def _bookings(self, condition: str, *values: str) -> Sequence[Booking]:
        return [_booking(row) for row in self._db.execute(SELECT_BOOKING + condition, values)]


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


def _row(booking: Booking) -> tuple[Any, ...]:
    return (
        booking.carrier,
        booking.account,
        booking.reference,
        booking.leg,
        booking.service,
        booking.shipment_id,
        booking.tracking_number,
        booking.ship_on.isoformat(),
        booking.origin,
        booking.destination,
        _text(booking.accepted_at),
        _text(booking.visible_at),
        None if booking.voided_at is None else _text(booking.voided_at),
        str(booking.amount),
        booking.currency,
        booking.request,
    )


def _booking(row: Sequence[Any]) -> Booking:
    return Booking(
        carrier=row[0],
        account=row[1],
        reference=row[2],
        leg=row[3],
        service=row[4],
        shipment_id=row[5],
        tracking_number=row[6],
        ship_on=date.fromisoformat(row[7]),
        origin=row[8],
        destination=row[9],
        accepted_at=datetime.fromisoformat(row[10]),
        visible_at=datetime.fromisoformat(row[11]),
        voided_at=None if row[12] is None else datetime.fromisoformat(row[12]),
        amount=Decimal(row[13]),
        currency=row[14],
        request=row[15],
    )
