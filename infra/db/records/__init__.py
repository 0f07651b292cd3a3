"""The tables, one file per noun. Import from here; `Base.metadata` then knows them all.

Records have no behaviour and no relationships that load by themselves: a step says what it reads.
Every row of a partner carries `partner`; composite foreign keys keep a row from pointing across partners.
"""

from infra.db.records.audit import AuditEntry, AuditHead
from infra.db.records.base import Base
from infra.db.records.bookings import Booking, BookingStep
from infra.db.records.calendars import CalendarVersion
from infra.db.records.contracts import Certification, Contract, Partner
from infra.db.records.documents import Document
from infra.db.records.intake import IntakeFile, RejectedRow
from infra.db.records.outbox import OutboxMessage
from infra.db.records.promises import Promise
from infra.db.records.requests import Consignee, Hold, Request, RequestLine
from infra.db.records.stock import Reservation, Stock
from infra.db.records.waves import Claim, Wave

__all__ = [
    "AuditEntry",
    "AuditHead",
    "Base",
    "Booking",
    "BookingStep",
    "CalendarVersion",
    "Certification",
    "Claim",
    "Consignee",
    "Contract",
    "Document",
    "Hold",
    "IntakeFile",
    "OutboxMessage",
    "Partner",
    "Promise",
    "RejectedRow",
    "Request",
    "RequestLine",
    "Reservation",
    "Stock",
    "Wave",
]
