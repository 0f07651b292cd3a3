"""The steps that book: every parcel once, prepaid, provable.

Called by `flows.dispatch_wave`, in this order: `plan_bookings`, `resolve_unknown` and `book` by portions,
`finish_bookings`. An intent is committed before a byte leaves; an answer is written only where the intent is
still ours; what may have happened is looked up and never asked for again. A flow run's state plays no part in it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.orm import Session

from carriers.model import Book, BookingKey, Found, Label
from carriers.outcomes import Booked, BookingOutcome, Rejected, RetryAfter, Unknown
from infra import clock
from infra.db.records import Booking, BookingStep, Document, Request
from infra.db.rows import add_numbered_rows, add_rows
from infra.db.states import BookingState, RequestState
from infra.ledger import audit
from infra.ledger.changes import Change
from infra.ledger.claims import Fence
from infra.ledger.references import client_reference
from infra.storage import StorageUnavailable, content_key
from tasks import claimed
from tasks.claimed import RequestFacts, StoppedRequest
from tasks.desk import Desk, desk
from tasks.parcels import Parcelled, lane_is_gone, parcels_to_book, wanted_bookings, with_and_without_lane

LONGEST_BACK_OFF = timedelta(minutes=15)
"""A carrier that asks for more is asked again all the same: a cut-off does not wait for a wrong header."""

ANSWERS_EVERY_SECONDS = 0.1

ASK_WITHIN_SECONDS = 60.0
"""From the intent to the call. With the longest call (30 s) it must stay below every carrier's settle window: a look-up
that finds nothing would otherwise prove nothing about a call that is still to be made."""

Given = TypeVar("Given")
Got = TypeVar("Got")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLabel:
    """A label that lies in the document store."""

    sha256: str
    size: int
    name: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back for one booking."""

    parcel: Parcelled
    outcome: BookingOutcome
    label: StoredLabel | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUp:
    """What a search by reference showed; `found` is None when the carrier could not be asked."""

    booking_id: int
    parcel: Parcelled
    found: tuple[Found, ...] | None
    label: StoredLabel | None


# --- planning -------------------------------------------------------------------------------------------------------


def plan_bookings(fence: Fence) -> tuple[Change, ...]:
    """Reserved -> booking: one planned booking per leg. Repeating it finds nothing to do."""
    at_desk = desk()
    with at_desk.database.write() as session:
        requests = claimed.held_by(session, fence, RequestState.RESERVED)
        requests, stopped = with_and_without_lane(session, requests, at_desk)
        claimed.hold(session, stopped, fence=fence, at_desk=at_desk)
        rows = [
            {
                **wanted,
                "fence": fence.number,
                "state": BookingState.PLANNED,
                "reference": client_reference(
                    at_desk.reference_key, partner=wanted["partner"], number=number, leg=wanted["leg"], generation=1
                ),
            }
            for number, wanted in wanted_bookings(session, requests, at_desk)
        ]
        add_rows(session, Booking, rows)
        changes = tuple(_planned(request) for request in requests)
        claimed.move(session, changes, fence=fence, at_desk=at_desk)
    return (*changes, *(each.change for each in stopped))


def _planned(request: RequestFacts) -> Change:
    return Change(
        request_id=request.id, partner=request.partner, number=request.number,
        before=RequestState.RESERVED, after=RequestState.BOOKING,
    )  # fmt: skip


def due_bookings(fence: Fence, state: BookingState) -> list[int]:
    """Bookings of the run in `state` with something to do now."""
    at = clock.now()
    with desk().database.read() as session:
        query = (
            select(Booking.id)
            .join(Request, Request.id == Booking.request_id)
            .where(Booking.fence == fence.number, Booking.state == state, Request.state == RequestState.BOOKING)
            .where(or_(Booking.due_at.is_(None), Booking.due_at <= at))
            .order_by(Booking.id)
        )
        return list(session.scalars(query))


# --- booking --------------------------------------------------------------------------------------------------------


def book(fence: Fence, booking_ids: Sequence[int]) -> dict[str, int]:
    """Book one portion: intents together, then the calls, then each answer as it comes. Counts by outcome."""
    at_desk = desk()
    parcels = _intend(fence, booking_ids, at_desk)
    counts: dict[str, int] = {}
    ask_by = time.monotonic() + ASK_WITHIN_SECONDS
    for answers in _each_at_once(partial(_ask, at_desk, ask_by), parcels, at_desk):
        _record(answers, fence, at_desk)
        for answer in answers:
            name = type(answer.outcome).__name__.lower()
            counts[name] = counts.get(name, 0) + 1
    return counts


def _intend(fence: Fence, booking_ids: Sequence[int], at_desk: Desk) -> list[Parcelled]:
    """Commit that we are about to ask. Only bookings that were planned under this fence come back."""
    at = clock.now()
    with at_desk.database.write() as session:
        claimed.renew(session, fence)
        parcels = parcels_to_book(session, booking_ids, fence, BookingState.PLANNED, at_desk)
        for carrier in sorted({each.carrier for each in parcels}):
            at_desk.carrier(carrier)  # without a connection nothing is intended
        rows = [
            {"b_id": each.booking_id, "b_attempt": each.attempt + 1, "b_sha": _fingerprint(each.wanted)}
            for each in parcels
        ]
        if rows:
            session.execute(
                update(Booking.__table__)  # type: ignore[arg-type]  # a declarative table is a Table
                .where(Booking.__table__.c.id == bindparam("b_id"))
                .values(
                    state=BookingState.INTENT, attempt=bindparam("b_attempt"), request_sha256=bindparam("b_sha"),
                    intent_at=at, due_at=None, unknown_since=None, negatives=0, look_ups=0,
                ),
                rows,
            )  # fmt: skip
            _journal(session, [(each, each.attempt + 1, "intent", {}) for each in parcels], fence)
    return parcels


def _fingerprint(wanted: Book) -> str:
    return hashlib.sha256(repr(wanted).encode()).hexdigest()


def _ask(at_desk: Desk, ask_by: float, parcel: Parcelled) -> Answer:
    """One call, unless it has waited so long for a free line that somebody may be looking it up already."""
    if time.monotonic() > ask_by:
        late = RetryAfter(wait=timedelta(0), reason=f"not sent: no line was free for {ASK_WITHIN_SECONDS:.0f} s")
        return Answer(parcel=parcel, outcome=late, label=None)
    try:
        outcome = at_desk.carrier(parcel.carrier).book(parcel.wanted)
    except Exception as fault:  # noqa: BLE001 - an adapter answers with outcomes; one that breaks may have sent
        outcome = Unknown(evidence=f"the adapter broke: {type(fault).__name__}")
    label = _kept(outcome.label, parcel, at_desk) if isinstance(outcome, Booked) and outcome.label else None
    return Answer(parcel=parcel, outcome=outcome, label=label)


def _kept(label: Label, parcel: Parcelled, at_desk: Desk) -> StoredLabel | None:
    """Store the carrier's bytes at once, unchanged. None where the store failed: the label is asked for again later."""
    kind = "label" if parcel.leg == "outbound" else "return_label"
    try:
        at_desk.documents.store(label.content, media_type=_MEDIA_TYPES[label.format])
    except (StorageUnavailable, OSError):
        return None
    return StoredLabel(
        sha256=content_key(label.content), size=len(label.content), kind=kind,
        name=f"{parcel.wanted.reference}.{label.format.lower()}",
    )  # fmt: skip


_MEDIA_TYPES = {"ZPL": "application/zpl", "PDF": "application/pdf"}


def _each_at_once(ask: Callable[[Given], Got], given: Sequence[Given], at_desk: Desk) -> Iterator[list[Got]]:
    """Ask for all of them, some at once, and hand out what has come in every tenth of a second.

    Each batch becomes one transaction. What a kill loses of a batch is unknown, and is looked up.
    """
    pending: set[Future[Got]] = {at_desk.callers.submit(ask, each) for each in given}
    while pending:
        done, pending = wait(pending, timeout=ANSWERS_EVERY_SECONDS)
        if done:
            yield [future.result() for future in done]


def _record(answers: Sequence[Answer], fence: Fence, at_desk: Desk) -> None:
    """Write answers where the intent is still ours; a late one is evidence only, the look-up will find its parcel."""
    with at_desk.database.write() as session:
        ids = [answer.parcel.booking_id for answer in answers]
        ours = _still(session, ids, BookingState.INTENT, fence)
        mine = [answer for answer in answers if answer.parcel.booking_id in ours]
        late = [answer for answer in answers if answer.parcel.booking_id not in ours]
        _write(session, [_after(answer, at_desk) for answer in mine], _store_rows(session, mine))
        _journal(session, [_entry(answer, _WORDS[type(answer.outcome)]) for answer in mine], fence)
        _journal(session, [_entry(answer, "late_answer") for answer in late], fence)
        audit.append(session, [_deed(answer) for answer in mine], actor=at_desk.actor, at=clock.now())


def _still(session: Session, ids: Sequence[int], state: BookingState, fence: Fence) -> set[int]:
    query = select(Booking.id).where(Booking.id.in_(ids), Booking.state == state, Booking.fence == fence.number)
    return set(session.scalars(query.with_for_update()))


_WORDS: dict[type[BookingOutcome], str] = {
    Booked: "booked",
    Rejected: "rejected",
    RetryAfter: "retry_after",
    Unknown: "unknown",
}


def _after(answer: Answer, at_desk: Desk) -> dict[str, Any]:
    """The row after an answer: what each of the four outcomes means to the ledger."""
    at, parcel, outcome = clock.now(), answer.parcel, answer.outcome
    row: dict[str, Any] = {**_UNCHANGED, "b_id": parcel.booking_id, "b_attempt": parcel.attempt + 1}
    if isinstance(outcome, Booked):
        return {**row, **_confirmed(outcome, at)}
    if isinstance(outcome, Rejected):
        return {**row, "b_state": BookingState.REJECTED}
    if isinstance(outcome, RetryAfter):
        # surely not done: the attempt does not count
        due_at = at + min(outcome.wait, LONGEST_BACK_OFF)
        return {**row, "b_state": BookingState.PLANNED, "b_attempt": parcel.attempt, "b_due": due_at}
    settle = timedelta(seconds=at_desk.pack.terms_by_carrier[parcel.carrier].settle_seconds)
    return {**row, "b_state": BookingState.UNKNOWN, "b_unknown": at, "b_due": at + settle}


_UNCHANGED: dict[str, Any] = {
    "b_state": None, "b_attempt": 0, "b_due": None, "b_unknown": None, "b_negatives": 0, "b_look_ups": 0,
    "b_shipment": None,
    "b_tracking": None, "b_charge": None, "b_currency": None, "b_confirmed": None, "b_label": None,
}  # fmt: skip


def _confirmed(booked: Booked | Found, at: datetime) -> dict[str, Any]:
    return {
        "b_state": BookingState.CONFIRMED,
        "b_shipment": booked.shipment_id,
        "b_tracking": booked.tracking_number,
        "b_charge": booked.charge.amount if booked.charge else None,
        "b_currency": booked.charge.currency if booked.charge else None,
        "b_confirmed": at,
    }


def _write(session: Session, rows: Sequence[dict[str, Any]], labels: dict[int, int]) -> None:
    if not rows:
        return
    table = Booking.__table__
    session.execute(
        update(table)  # type: ignore[arg-type]  # a declarative table is a Table
        .where(table.c.id == bindparam("b_id"))
        .values(
            state=bindparam("b_state"), attempt=bindparam("b_attempt"), due_at=bindparam("b_due"),
            unknown_since=bindparam("b_unknown"), negatives=bindparam("b_negatives"),
            look_ups=bindparam("b_look_ups"),
            shipment_id=bindparam("b_shipment"), tracking_number=bindparam("b_tracking"),
            charge=bindparam("b_charge"), currency=bindparam("b_currency"), confirmed_at=bindparam("b_confirmed"),
            label_id=bindparam("b_label"),
        ),
        [{**row, "b_label": labels.get(row["b_id"])} for row in rows],
    )  # fmt: skip


def _store_rows(session: Session, kept: Sequence[Answer | LookUp]) -> dict[int, int]:
    """Booking -> its label's document."""
    labelled = [each for each in kept if each.label is not None]
    if not labelled:
        return {}
    rows = [_document(each) for each in labelled]
    ids = add_numbered_rows(session, Document, rows)
    return {each.parcel.booking_id: document for each, document in zip(labelled, ids, strict=True)}


def _document(each: Answer | LookUp) -> dict[str, Any]:
    label = each.label
    assert label is not None
    return {
        "kind": label.kind,
        "media_type": _MEDIA_TYPES["ZPL" if label.name.endswith("zpl") else "PDF"],
        "name": label.name,
        "sha256": label.sha256,
        "size": label.size,
        "partner": each.parcel.partner,
        "request_id": each.parcel.request_id,
        "booking_id": each.parcel.booking_id,
        "stored_at": clock.now(),
    }


Entry = tuple[Parcelled, int, str, dict[str, Any]]
"""parcel, attempt, what happened, evidence"""


def _journal(session: Session, entries: Sequence[Entry], fence: Fence) -> None:
    if entries:
        at = clock.now()
        rows = [
            {"booking_id": parcel.booking_id, "attempt": attempt, "fence": fence.number, "at": at, "what": what,
             "evidence": evidence}
            for parcel, attempt, what, evidence in entries
        ]  # fmt: skip
        add_rows(session, BookingStep, rows)


def _entry(answer: Answer, what: str) -> Entry:
    return answer.parcel, answer.parcel.attempt + 1, what, _evidence(answer.outcome)


def _evidence(outcome: BookingOutcome) -> dict[str, Any]:
    if isinstance(outcome, Booked):
        return {"shipment_id": outcome.shipment_id, "tracking_number": outcome.tracking_number}
    if isinstance(outcome, Rejected):
        return {"code": outcome.code, "reason": outcome.reason[:300]}
    if isinstance(outcome, RetryAfter):
        return {"wait_s": int(outcome.wait.total_seconds()), "reason": outcome.reason[:300]}
    return {"seen": outcome.evidence[:300]}


def _deed(answer: Answer) -> audit.Deed:
    return audit.Deed(
        partner=answer.parcel.partner, kind="booking", object_id=answer.parcel.booking_id,
        action=_WORDS[type(answer.outcome)],
        detail={"request": answer.parcel.request_id, "leg": answer.parcel.leg, **_evidence(answer.outcome)},
    )  # fmt: skip


# --- unknown outcomes -----------------------------------------------------------------------------------------------


def resolve_unknown(fence: Fence, booking_ids: Sequence[int]) -> dict[str, int]:
    """Look unknown bookings up by reference: adopt, wait for the next look, plan again, or ask a person."""
    at_desk = desk()
    with at_desk.database.read() as session:
        parcels = parcels_to_book(session, booking_ids, fence, BookingState.UNKNOWN, at_desk)
    counts: dict[str, int] = {}
    for look_ups in _each_at_once(partial(_look_up, at_desk), parcels, at_desk):
        for word in _record_look_ups(look_ups, fence, at_desk):
            counts[word] = counts.get(word, 0) + 1
    return counts


def _look_up(at_desk: Desk, parcel: Parcelled) -> LookUp:
    try:
        carrier = at_desk.carrier(parcel.carrier)
        found: tuple[Found, ...] | None = tuple(carrier.find(parcel.wanted.reference, ship_on=parcel.wanted.ship_on))
    except Exception:  # noqa: BLE001 - CarrierUnavailable or a broken adapter: either way nothing was learnt
        found = None
    live = [each for each in found or () if not each.voided]
    label = _kept(live[0].label, parcel, at_desk) if len(live) == 1 and live[0].label else None
    return LookUp(booking_id=parcel.booking_id, parcel=parcel, found=found, label=label)


def _record_look_ups(look_ups: Sequence[LookUp], fence: Fence, at_desk: Desk) -> list[str]:
    with at_desk.database.write() as session:
        ours = _still(session, [each.booking_id for each in look_ups], BookingState.UNKNOWN, fence)
        mine = [each for each in look_ups if each.booking_id in ours]
        verdicts = [_verdict(each, at_desk) for each in mine]
        adopted = [each for each, (word, _) in zip(mine, verdicts, strict=True) if word == "adopted"]
        _write(session, [row for _, row in verdicts], _store_rows(session, adopted))
        entries = [
            (each.parcel, each.parcel.attempt, word, _seen(each))
            for each, (word, _) in zip(mine, verdicts, strict=True)
        ]
        _journal(session, entries, fence)
        deeds = [
            audit.Deed(partner=parcel.partner, kind="booking", object_id=parcel.booking_id, action=word, detail=seen)
            for parcel, _, word, seen in entries
        ]
        audit.append(session, deeds, actor=at_desk.actor, at=clock.now())
    return [word for word, _ in verdicts]


def _seen(look_up: LookUp) -> dict[str, Any]:
    if look_up.found is None:
        return {"found": None}
    return {"found": [{"shipment_id": each.shipment_id, "voided": each.voided} for each in look_up.found]}


def _verdict(look_up: LookUp, at_desk: Desk) -> tuple[str, dict[str, Any]]:
    """What a look-up means: the word for the journal, and the row after it."""
    at, parcel = clock.now(), look_up.parcel
    terms = at_desk.pack.terms_by_carrier[parcel.carrier]
    since = parcel.unknown_since or at
    row = {**_UNCHANGED, "b_id": parcel.booking_id, "b_attempt": parcel.attempt, "b_unknown": since}
    live = [each for each in look_up.found or () if not each.voided]
    if len(live) == 1:
        return "adopted", {**row, **_confirmed(live[0], at)}
    if len(live) > 1:
        return "quarantined", {**row, "b_state": BookingState.QUARANTINED}
    look_ups, negatives = parcel.look_ups + 1, parcel.negatives + (look_up.found is not None)
    if negatives >= terms.negatives_needed and parcel.attempt < terms.attempts:
        return "not_booked", {**row, "b_state": BookingState.PLANNED, "b_unknown": None}
    # a carrier that could not be asked yet has had no chance to answer: time alone does not make a question hopeless
    hopeless = look_ups >= terms.negatives_needed and at - since > timedelta(seconds=terms.unknown_deadline_seconds)
    if negatives >= terms.negatives_needed or hopeless:
        return "quarantined", {**row, "b_state": BookingState.QUARANTINED}
    again = at + timedelta(seconds=terms.settle_seconds / terms.negatives_needed)
    word = "not_found" if look_up.found is not None else "look_up_failed"
    waiting = {"b_state": BookingState.UNKNOWN, "b_negatives": negatives, "b_look_ups": look_ups, "b_due": again}
    return word, {**row, **waiting}


# --- labels and the end of booking ----------------------------------------------------------------------------------


def fetch_labels(fence: Fence) -> int:
    """Ask again for labels that a confirmed booking still lacks. Returns how many came."""
    at_desk, at = desk(), clock.now()
    with at_desk.database.read() as session:
        missing = parcels_to_book(session, None, fence, BookingState.CONFIRMED, at_desk, without_label=True)
    came = 0
    for batch in _each_at_once(partial(_fetch_label, at_desk), missing, at_desk):
        kept = [each for each in batch if each.label is not None]
        with at_desk.database.write() as session:
            for booking, document in _store_rows(session, kept).items():
                session.execute(
                    update(Booking)
                    .where(Booking.id == booking, Booking.fence == fence.number)
                    .values(label_id=document)
                )
            _journal(session, [(each.parcel, each.parcel.attempt, "label_stored", {}) for each in kept], fence)
        came += len(kept)
    _wait_for_labels(fence, at)
    return came


def _fetch_label(at_desk: Desk, parcel: Parcelled) -> LookUp:
    assert parcel.shipment_id is not None
    assert parcel.tracking_number is not None
    key = BookingKey(
        shipment_id=parcel.shipment_id, tracking_number=parcel.tracking_number, reference=parcel.wanted.reference
    )
    try:
        label = at_desk.carrier(parcel.carrier).label(key)
    except Exception:  # noqa: BLE001 - as for look-ups: the label is asked for again
        label = None
    kept = _kept(label, parcel, at_desk) if label else None
    return LookUp(booking_id=parcel.booking_id, parcel=parcel, found=None, label=kept)


def _wait_for_labels(fence: Fence, at: datetime) -> None:
    with desk().database.write() as session:
        session.execute(
            update(Booking)
            .where(Booking.fence == fence.number, Booking.state == BookingState.CONFIRMED, Booking.label_id.is_(None))
            .values(due_at=at + timedelta(minutes=1))
            .execution_options(synchronize_session=False)
        )


def finish_bookings(fence: Fence) -> tuple[Change, ...]:
    """Fetch what labels are missing, then settle: one step, because settling without the labels helps nobody."""
    fetch_labels(fence)
    return settle(fence)


def settle(fence: Fence) -> tuple[Change, ...]:
    """Booking -> booked where every leg is confirmed and labelled; held where a person is needed; else it waits."""
    at_desk = desk()
    with at_desk.database.write() as session:
        legs: dict[int, list[Booking]] = {}
        query = (
            select(Booking, Request.country, Request.postal_code)
            .join(Request, Request.id == Booking.request_id)
            .where(Request.fence == fence.number, Request.lease_until.is_not(None))
            .where(Request.state == RequestState.BOOKING, Booking.state != BookingState.VOIDED)
        )
        stranded: dict[int, Booking] = {}
        for leg, country, postal_code in session.execute(query):
            legs.setdefault(leg.request_id, []).append(leg)
            if leg.state == BookingState.PLANNED and lane_is_gone(at_desk.pack, country, postal_code, leg.depot):
                stranded[leg.request_id] = leg
        numbers = _numbers(session, fence)
        booked = [_booked(of, numbers) for of in legs.values() if all(map(_is_done, of))]
        stopped = [
            _stopped(leg, numbers)
            for of in legs.values()
            for leg in sorted((leg for leg in of if leg.state in _NEEDS_A_PERSON), key=lambda leg: leg.leg)[:1]
        ]
        held = {each.change.request_id for each in stopped}
        stopped += [_without_lane(leg, numbers) for leg in stranded.values() if leg.request_id not in held]
        claimed.move(session, booked, fence=fence, at_desk=at_desk)
        claimed.hold(session, stopped, fence=fence, at_desk=at_desk)
    return (*booked, *(each.change for each in stopped))


_NEEDS_A_PERSON = (BookingState.REJECTED, BookingState.QUARANTINED)


def _is_done(leg: Booking) -> bool:
    return leg.state == BookingState.CONFIRMED and leg.label_id is not None


def _numbers(session: Session, fence: Fence) -> dict[int, str]:
    query = select(Request.id, Request.number).where(
        Request.fence == fence.number, Request.state == RequestState.BOOKING
    )
    return {request_id: number for request_id, number in session.execute(query)}


def _booked(legs: Sequence[Booking], numbers: dict[int, str]) -> Change:
    first = legs[0]
    return Change(
        request_id=first.request_id, partner=first.partner, number=numbers[first.request_id],
        before=RequestState.BOOKING, after=RequestState.BOOKED,
        detail={leg.leg: leg.tracking_number for leg in legs},
    )  # fmt: skip


def _without_lane(leg: Booking, numbers: dict[int, str]) -> StoppedRequest:
    change = Change(
        request_id=leg.request_id, partner=leg.partner, number=numbers[leg.request_id],
        before=RequestState.BOOKING, after=RequestState.HELD, reason="no_lane",
        detail={"booking": leg.id, "depot": leg.depot},
    )  # fmt: skip
    return StoppedRequest(
        change=change,
        words=f"The policy pack has lost its lane from {leg.depot} since this parcel was planned.",
        owner="operations",
        next_step="Restore the lane in the policy pack, then release; or cancel.",
        resume_state=RequestState.BOOKING,
    )


def _stopped(leg: Booking, numbers: dict[int, str]) -> StoppedRequest:
    rejected = leg.state == BookingState.REJECTED
    change = Change(
        request_id=leg.request_id, partner=leg.partner, number=numbers[leg.request_id],
        before=RequestState.BOOKING, after=RequestState.HELD,
        reason="carrier_rejected" if rejected else "booking_unresolved",
        detail={"booking": leg.id, "leg": leg.leg, "reference": leg.reference, "carrier": leg.carrier},
    )  # fmt: skip
    words = (
        f"{leg.carrier} refused the {leg.leg} shipment."
        if rejected
        else (f"Whether {leg.carrier} booked the {leg.leg} shipment {leg.reference} could not be found out.")
    )
    next_step = (
        "Read the carrier's answer in the booking journal, mend the address or the lane, then release."
        if (rejected)
        else f"Look for {leg.reference} at {leg.carrier}; record what is there. 'Not booked' needs a second person."
    )
    return StoppedRequest(
        change=change, words=words, owner="operations", next_step=next_step, resume_state=RequestState.BOOKING
    )
