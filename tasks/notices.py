"""The step that delivers the outbox: letters by mail, each said once as far as we can know, none forgotten.

Called by `flows.deliver_notices`. A message that may have been sent is sent again under the same Message-ID; a server
that says later is asked later; an address that is refused is given up with the reason on record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select, update

from infra import clock
from infra.db.records import OutboxMessage, Partner
from infra.documents import letters
from infra.documents.brand import Brand
from infra.documents.letters import Letter, Notice
from infra.documents.packing_slip import Item
from infra.documents.reasons import HoldReason, RefusalReason
from infra.ledger import claims
from infra.ledger.claims import Fence
from infra.mail import Attachment, Mailbox, Mailer, Message, Sent, TryLater
from infra.storage import DocumentLost, StorageUnavailable
from tasks.desk import Desk, desk

PORTION = 200
"""Messages per transaction: what a killed run repeats at most."""

BACK_OFF = (1, 5, 15, 60, 120, 240, 480, 720, 1440)
"""Minutes between attempts; the last one repeats until the attempts are used up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One message to deliver."""

    id: int
    occasion: str
    kind: str
    recipient: str
    language: str
    partner: str | None
    facts: dict[str, Any]
    attempts: int
    written_at: datetime


def deliver_due(*, limit: int = 100_000) -> dict[str, int]:
    """Deliver what is due now, in portions; counts of sent, later and given_up."""
    at_desk = desk()
    counts: Counter[str] = Counter()
    brands = _brands(at_desk)
    with _mailer(at_desk) as mailer:
        while sum(counts.values()) < limit:
            fence, portion = _take_portion(at_desk)
            if not portion:
                break
            outcomes = [_deliver(message, mailer, brands, at_desk) for message in portion]
            _record(portion, outcomes, fence, at_desk)
            counts.update(outcome[0] for outcome in outcomes)
    return dict(counts)


def _mailer(at_desk: Desk) -> Mailer:
    settings = at_desk.settings
    return Mailer(
        host=settings.smtp_host, port=settings.smtp_port, tls=settings.smtp_tls,
        username=settings.smtp_username, password=settings.smtp_password,
    )  # fmt: skip


def _brands(at_desk: Desk) -> dict[str, Brand]:
    with at_desk.database.read() as session:
        return {each.code: Brand(name=each.brand, email=each.email) for each in session.scalars(select(Partner))}


def _take_portion(at_desk: Desk) -> tuple[Fence, list[Due]]:
    at = clock.now()
    with at_desk.database.write() as session:
        due = (
            select(OutboxMessage)
            .where(OutboxMessage.state == "due", OutboxMessage.due_at <= at)
            .where(claims.is_free(OutboxMessage, session, at=at))
            .order_by(OutboxMessage.due_at, OutboxMessage.id)
            .limit(PORTION)
            .with_for_update(skip_locked=True)
        )
        messages = [
            Due(
                id=each.id,
                occasion=each.occasion,
                kind=each.kind,
                recipient=each.recipient,
                language=each.language,
                partner=each.partner,
                facts=each.facts,
                attempts=each.attempts,
                written_at=each.written_at,
            )
            for each in session.scalars(due)
        ]
        fence = claims.take(session, purpose="deliver-notices", at=at) if messages else Fence(number=0, lease_until=at)
        claims.claim_rows(session, OutboxMessage, [message.id for message in messages], fence)
    return fence, messages


Outcome = tuple[str, str | None]
"""sent, later or given_up; and the problem"""


def _deliver(message: Due, mailer: Mailer, brands: dict[str, Brand], at_desk: Desk) -> Outcome:
    try:
        mail = _mail(message, brands, at_desk)
    except (StorageUnavailable, DocumentLost) as error:
        hopeless = message.attempts + 1 >= at_desk.settings.mail_attempts
        return "given_up" if hopeless else "later", str(error)[:300]
    except Exception as fault:  # noqa: BLE001 - one letter that cannot be written must not keep the others back
        return "given_up", f"the letter could not be written: {type(fault).__name__}: {fault}"[:300]
    outcome = mailer.send(mail)
    if isinstance(outcome, Sent):
        return "sent", "; ".join(f"{reply.address}: {reply.text}" for reply in outcome.refused)[:300] or None
    if isinstance(outcome, TryLater) and message.attempts + 1 < at_desk.settings.mail_attempts:
        return "later", outcome.reason[:300]
    return "given_up", outcome.reason[:300]


def _record(portion: Sequence[Due], outcomes: Sequence[Outcome], fence: Fence, at_desk: Desk) -> None:
    at = clock.now()
    rows = [
        {
            "m_id": message.id,
            "m_state": "due" if word == "later" else word,
            "m_problem": problem,
            "m_sent": at if word == "sent" else None,
            "m_due": at + timedelta(minutes=BACK_OFF[min(message.attempts, len(BACK_OFF) - 1)]),
            "m_attempts": message.attempts + 1,
        }
        for message, (word, problem) in zip(portion, outcomes, strict=True)
    ]
    table = OutboxMessage.__table__
    with at_desk.database.write() as session:
        session.execute(
            update(table)  # type: ignore[arg-type]  # a declarative table is a Table
            .where(table.c.id == bindparam("m_id"), table.c.fence == fence.number, table.c.state == "due")
            .values(
                state=bindparam("m_state"), last_problem=bindparam("m_problem"), sent_at=bindparam("m_sent"),
                due_at=bindparam("m_due"), attempts=bindparam("m_attempts"), lease_until=None,
            ),
            rows,
        )  # fmt: skip


# --- letters --------------------------------------------------------------------------------------------------------


def _mail(message: Due, brands: dict[str, Brand], at_desk: Desk) -> Message:
    brand = _brand(message, brands, at_desk)
    letter = letter_of(message, brand, at_desk)
    return Message(
        outbox_id=message.occasion,
        sender=Mailbox(address=at_desk.settings.mail_sender, name=brand.name),
        to=(Mailbox(address=message.recipient),),
        reply_to=Mailbox(address=brand.email, name=brand.name),
        subject=letter.subject,
        text=letter.text,
        html=letter.html,
        language=letter.language,
        written_at=message.written_at,
        attachments=tuple(_attachment(name, key, at_desk) for name, key in message.facts.get("files", [])),
    )


def letter_of(message: Due, brand: Brand, at_desk: Desk) -> Letter:
    """The letter a message becomes. Raises KeyError for a kind that no step writes."""
    notice = _NOTICES[message.kind](message.facts, at_desk)
    return letters.write(notice, brand=brand, language=message.language, territory=message.facts.get("country"))


def _brand(message: Due, brands: dict[str, Brand], at_desk: Desk) -> Brand:
    plan = message.facts.get("plan")
    if message.partner and plan and at_desk.pack.plan_by_code[plan].brand == "partner":
        return brands[message.partner]
    return Brand(name=at_desk.settings.vendor_name, email=at_desk.settings.vendor_email)


_MEDIA_TYPES = {"pdf": "application/pdf", "csv": "text/csv", "json": "application/json", "zpl": "text/plain"}


def _attachment(name: str, key: str, at_desk: Desk) -> Attachment:
    kind = _MEDIA_TYPES[name.rpartition(".")[2]]
    return Attachment(name=name, type=kind, content=at_desk.documents.fetch(key))


def _items(rows: Sequence[Sequence[Any]]) -> tuple[Item, ...]:
    return tuple(Item(part=part, description=description, quantity=quantity) for part, description, quantity in rows)


def _parcel(facts: dict[str, Any]) -> letters.Parcel:
    return letters.Parcel(
        carrier=facts["carrier"], tracking_number=facts["tracking_number"], tracking_url=facts["tracking_url"],
        items=_items(facts["items"]),
    )  # fmt: skip


def _arrival(facts: dict[str, Any]) -> letters.Arrival:
    return letters.Arrival(on=date.fromisoformat(facts["arrive_on"]), promised=facts["promised"])


def _place(facts: dict[str, Any]) -> letters.Place:
    return letters.Place(company=facts["company"], city=facts["city"], country=facts["country"])


def _dispatched(facts: dict[str, Any], _at: Desk) -> Notice:
    return letters.Dispatched(
        request=facts["request"], parcels=(_parcel(facts),), arrival=_arrival(facts), to=_place(facts)
    )


def _dispatched_site(facts: dict[str, Any], _at: Desk) -> Notice:
    return letters.DispatchedSite(
        request=facts["request"], contact=facts["contact"], parcels=(_parcel(facts),), arrival=_arrival(facts),
        to=_place(facts), return_business_days=facts["return_business_days"], return_label=facts["return_label"],
        technician=False,
    )  # fmt: skip


HOLD_WORDS = {
    "certification": HoldReason.COVERAGE_UNCLEAR,
    "unknown_site": HoldReason.COVERAGE_UNCLEAR,
    "not_all_products_included": HoldReason.NOT_ALL_PRODUCTS,
    "no_lane": HoldReason.NO_LANE,
    "carrier_rejected": HoldReason.ADDRESS_INCOMPLETE,
    "booking_unresolved": HoldReason.CARRIER_SILENT,
}
"""Our reason for a hold -> what a partner is told about it; anything else is «a colleague has to look at it»."""

REFUSAL_WORDS = {
    "no_contract": RefusalReason.NOT_COVERED,
    "contract_not_in_force": RefusalReason.CONTRACT_ENDED,
    "needs_quote": RefusalReason.QUOTE_ONLY,
    "end_of_service": RefusalReason.END_OF_SERVICE,
    "category_not_covered": RefusalReason.CATEGORY_NOT_CHOSEN,
}


def _held(facts: dict[str, Any], _at: Desk) -> Notice:
    return letters.Held(request=facts["request"], reason=HOLD_WORDS.get(facts["reason"], HoldReason.OTHER))


def _refused(facts: dict[str, Any], _at: Desk) -> Notice:
    if facts["reason"] == "serial_missing":
        # what the partner can do about it is exactly what the letter of a hold says
        return letters.Held(request=facts["request"], reason=HoldReason.SERIAL_MISSING)
    return letters.Refused(request=facts["request"], reason=REFUSAL_WORDS.get(facts["reason"], RefusalReason.OTHER))


def _backordered(facts: dict[str, Any], at_desk: Desk) -> Notice:
    rows = [[part, at_desk.pack.part_by_number[part].description, quantity] for part, quantity in facts["missing"]]
    return letters.Backordered(request=facts["request"], items=_items(rows), expected_on=None)


def _promise_moved(facts: dict[str, Any], _at: Desk) -> Notice:
    day = "arrive_on" if facts["commitment"] == "arrive" else "ship_on"
    return letters.PromiseMoved(
        request=facts["request"], promised=facts["commitment"], old_on=date.fromisoformat(facts["was"][day]),
        new_on=date.fromisoformat(facts["now"][day]), arrive_on=date.fromisoformat(facts["now"]["arrive_on"]),
        provisional=facts["provisional"], why=tuple(facts["why"]),
    )  # fmt: skip


def _pick_list_ready(facts: dict[str, Any], at_desk: Desk) -> Notice:
    depot = at_desk.pack.depot_by_code[facts["depot"]]
    return letters.PickListReady(
        wave=facts["wave"], depot=depot.name, zone=depot.zone, carrier=facts["carrier"],
        cutoff_at=datetime.fromisoformat(facts["cutoff_at"]), pickup_at=datetime.fromisoformat(facts["pickup_at"]),
        lines=facts["lines"], pieces=facts["pieces"], parcels=facts["parcels"],
        files=tuple(name for name, _ in facts["files"]),
    )  # fmt: skip


_NOTICES: dict[str, Callable[[dict[str, Any], Desk], Notice]] = {
    "dispatched": _dispatched,
    "dispatched_site": _dispatched_site,
    "held": _held,
    "refused": _refused,
    "backordered": _backordered,
    "promise_moved": _promise_moved,
    "pick_list_ready": _pick_list_ready,
}
