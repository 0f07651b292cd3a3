"""The calendar drift sentinel: new calendars, the open promises they move, and telling each partner once.

Called by `dispatch calendars rebuild` and by `flows.watch_promises`. `find` only looks; `move_drifted` writes a new
revision, an audit entry and a message per promise that moves, in one transaction. A request that a run is advancing at
the moment is left alone and found again by the next check: the calendars are live, and what is on record says what is
still to be moved, so being killed or running twice loses and doubles nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from infra import clock
from infra.db.records import Consignee, Partner, Promise, Request
from infra.ledger import audit, claims
from infra.ledger.claims import in_portions
from infra.policy.model import Commitment
from tasks.claimed import RequestFacts
from tasks.desk import Desk, desk
from tasks.live_calendars import Calendars, Published, live, live_promiser, promiser_under, publish
from tasks.outbox import Telling, tell
from tasks.receipts import Receipt, write_receipts
from tasks.recorded_promises import latest_promises, receipt_of
from tasks.rules import drifting
from tasks.rules.closures import LayeredPromiser, require_known
from tasks.rules.drifting import Standing
from tasks.rules.explaining import Receipt as Explained
from tasks.rules.explaining import Said, calendars_changed, reasons
from tasks.rules.promising import Site, Working
from tasks.rules.sourcing import Lost, Offer
from tasks.wording import teller

PORTION = 1_000
"""Promises moved in one transaction: on SQLite every other writer waits that long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One open promise whose dates the calendars move."""

    request_id: int
    request: str
    """partner/number"""
    state: str
    commitment: str
    revision: int
    """The one that no longer holds."""
    was: Standing
    now: Offer
    why: tuple[Said, ...]
    told: bool
    """The partner hears of it."""
    planned_at: datetime | None
    """The instant the receipt counts from, where that is later than the approval."""
    lost: tuple[Lost, ...]
    """What the other lanes could do."""

    @property
    def old_on(self) -> date:
        return self.was.promised_on

    @property
    def new_on(self) -> date:
        return self.now.promised_on(self.was.commitment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """What a check came to."""

    open_promises: int
    moved: tuple[Moved, ...]
    unanswered: tuple[str, ...]
    """Requests whose lane the policy no longer has, or whose days lie beyond the calendars: for a person."""
    busy: tuple[str, ...] = ()
    """Moving, but in the hands of a run: the next check moves them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What became of new calendars."""

    before: str
    """Digest of the calendars live until now."""
    after: str
    published: int
    """Number of the publication; 0 after a dry run."""
    drift: Drift


def rebuild(calendars: Calendars, *, dry_run: bool = False) -> Rebuilt:
    """Make calendars live and move every open promise they change. A dry run only says which those are.

    Raises `UnknownScope` for a closure of something that does not exist; nothing is changed then.
    """
    at_desk = desk()
    require_known(calendars.layers, at_desk.pack, calendars.snapshot)
    before = live_calendars()
    promiser = promiser_under(at_desk, calendars)
    if dry_run:
        found, published = find(promiser), Published(number=0, calendars=calendars)
    else:
        published = publish(at_desk, calendars)
        found = move_drifted()
    return Rebuilt(
        before=before.calendars.digest, after=calendars.digest, published=published.number, drift=found
    )  # fmt: skip


def live_calendars() -> Published:
    """What promises are made from now."""
    at_desk = desk()
    return live(at_desk.database, at_desk.documents, at_desk.settings.home)


def find(promiser: LayeredPromiser) -> Drift:
    """The open promises that `promiser` would make otherwise because its calendars differ from those of the receipt.

    A promise that only a changed policy would move stays: what was promised under the old policy holds.
    """
    at_desk = desk()
    with at_desk.database.read() as session:
        return _find(session, promiser)


def move_drifted() -> Drift:
    """Move every open promise that the live calendars change, each once. Repeating it finds nothing to do."""
    at_desk = desk()
    promiser = live_promiser(at_desk)
    drift = find(promiser)
    if not drift.moved:
        return drift
    moved: list[Moved] = []
    for start in range(0, len(drift.moved), PORTION):
        moved += _move(drift.moved[start : start + PORTION], at_desk, promiser)
    done = {each.request_id for each in moved}
    busy = tuple(each.request for each in drift.moved if each.request_id not in done)
    return Drift(open_promises=drift.open_promises, moved=tuple(moved), unanswered=drift.unanswered, busy=busy)


# --- looking --------------------------------------------------------------------------------------------------------


def _find(session: Session, promiser: LayeredPromiser) -> Drift:
    rows = _standing_rows(session)
    offered = [
        (row, _standing(row), promiser.offers(_site(row), row.approved_at, planned_at=_planned_at(row))) for row in rows
    ]
    answers = [(row, standing, offers, drifting.now_offered(standing, offers)) for row, standing, offers in offered]
    unanswered = tuple(_name(row) for row, _, _, offer in answers if offer is None)
    moving = [
        (row, standing, offers, offer)
        for row, standing, offers, offer in answers
        if offer is not None and drifting.moves(standing, offer)
    ]
    receipts = _receipts(session, [row.promise_id for row, _, _, _ in moving])
    found = []
    for row, standing, offers, offer in moving:
        before = receipts[row.promise_id]
        working = promiser.working(offer.lane, _site(row), row.approved_at, planned_at=_planned_at(row))
        if calendars_changed(before.versions, working.versions):
            found.append(_moved(row, standing, offers, offer, why=_why(before, offer, working)))
    return Drift(open_promises=len(rows), moved=tuple(found), unanswered=unanswered)


def _standing_rows(session: Session) -> Sequence[Row[*tuple[Any, ...]]]:
    open_here = Request.state.in_(drifting.OPEN)
    latest = latest_promises(open_here)
    return session.execute(
        select(
            Request.id, Request.partner, Request.number, Request.state, Request.approved_at, Request.country,
            Request.subdivision, Request.postal_code, Consignee.city, Request.depot.label("reserved_at"),
            Promise.id.label("promise_id"), Promise.revision, Promise.commitment, Promise.ship_on, Promise.arrive_on,
            Promise.depot, Promise.service, Promise.trace[0]["at"].as_string().label("counted_from"),
        )
        .join(Consignee, Consignee.request_id == Request.id)
        .join(latest, latest.c.request_id == Request.id)
        .join(Promise, Promise.id == latest.c.promise_id)
        .where(open_here)
        .order_by(Request.id)
    ).all()  # fmt: skip


def _standing(row: Row[*tuple[Any, ...]]) -> Standing:
    return Standing(
        commitment=Commitment(row.commitment), ship_on=row.ship_on, arrive_on=row.arrive_on, depot=row.depot,
        service=row.service, reserved_at=row.reserved_at,
    )  # fmt: skip


def _site(row: Row[*tuple[Any, ...]]) -> Site:
    return Site(country=row.country, subdivision=row.subdivision, postal_code=row.postal_code, city=row.city)


def _planned_at(row: Row[*tuple[Any, ...]]) -> datetime | None:
    """The instant the receipt counted from, where that is not the approval: the parcel could not be packed earlier."""
    counted_from = datetime.fromisoformat(row.counted_from)
    return counted_from if counted_from > row.approved_at else None


def _name(row: Row[*tuple[Any, ...]]) -> str:
    return f"{row.partner}/{row.number}"


def _receipts(session: Session, ids: Sequence[int]) -> dict[int, Explained]:
    found: dict[int, Explained] = {}
    for part in in_portions(ids):
        for row in session.scalars(select(Promise).where(Promise.id.in_(part))):
            found[row.id] = receipt_of(row)
    return found


def _why(before: Explained, offer: Offer, working: Working) -> tuple[Said, ...]:
    after = Explained(
        revision=before.revision + 1, commitment=before.commitment, ship_on=offer.ship_on, arrive_on=offer.arrive_on,
        provisional=offer.provisional, depot=offer.depot, service=offer.lane.service, versions=working.versions,
        trace=working.trace, alternatives=(),
    )  # fmt: skip
    return tuple(reasons(before, after))


def _moved(
    row: Row[*tuple[Any, ...]], standing: Standing, offers: Sequence[Offer], offer: Offer, *, why: tuple[Said, ...]
) -> Moved:
    return Moved(
        request_id=row.id,
        request=_name(row),
        state=row.state,
        commitment=row.commitment,
        revision=row.revision,
        was=standing,
        now=offer,
        why=why,
        told=drifting.partner_hears(standing, offer),
        planned_at=_planned_at(row),
        lost=drifting.others(offer, offers, standing),
    )


# --- moving ---------------------------------------------------------------------------------------------------------


def _move(candidates: Sequence[Moved], at_desk: Desk, promiser: LayeredPromiser) -> list[Moved]:
    """One transaction: a revision, an audit entry and a message for each candidate that is free. Returns those."""
    with at_desk.database.write() as session:
        facts = _locked(session, candidates)
        moving = [each for each in candidates if each.request_id in facts]
        firsts = _first_promises(session, sorted(facts))
        write_receipts(session, [_receipt(each, facts, firsts) for each in moving], at_desk=at_desk)
        english = teller("en", at_desk.pack)
        deeds = [
            _deed(
                each,
                english.all(each.why),
                partner=facts[each.request_id].partner,
                calendars=promiser.calendars_digest,
            )
            for each in moving
        ]
        audit.append(session, deeds, actor=at_desk.actor, at=clock.now())
        _tell(session, moving, facts, at_desk)
    return moving


def _receipt(each: Moved, facts: Mapping[int, RequestFacts], firsts: Mapping[int, date]) -> Receipt:
    return Receipt(
        request=facts[each.request_id],
        offer=each.now,
        revision=each.revision + 1,
        keeps_promise=each.new_on <= firsts[each.request_id],
        lost=each.lost,
        planned_at=each.planned_at,
    )


def _deed(each: Moved, why: list[str], *, partner: str, calendars: str) -> audit.Deed:
    return audit.Deed(
        partner=partner,
        kind="request",
        object_id=each.request_id,
        action="promise_moved",
        detail={
            "revision": each.revision + 1,
            "from": _dates(each.was),
            "to": _dates(each.now),
            "why": why,
            "calendars": calendars,
        },
    )


def _locked(session: Session, moved: Sequence[Moved]) -> dict[int, RequestFacts]:
    """The requests nobody is advancing and whose newest promise is still the one that was judged, locked.

    A run that claims them now waits for this transaction; one that has claimed them already keeps them.
    """
    revisions = {each.request_id: each.revision for each in moved}
    at = clock.now()
    free: dict[int, RequestFacts] = {}
    for part in in_portions(sorted(revisions)):
        held = session.scalars(
            select(Request.id)
            .where(Request.id.in_(part), Request.state.in_(drifting.OPEN), claims.is_free(Request, session, at=at))
            .order_by(Request.id)
            .with_for_update()
        ).all()
        latest = latest_promises(Request.id.in_(held))
        current = {request_id: revision for request_id, revision in session.execute(
            select(latest.c.request_id, latest.c.revision)
        )}  # fmt: skip
        unchanged = [request_id for request_id in held if current[request_id] == revisions[request_id]]
        free |= {facts.id: facts for facts in _facts(session, unchanged)}
    return free


def _facts(session: Session, ids: Sequence[int]) -> list[RequestFacts]:
    rows = session.execute(
        select(
            Request.id, Request.partner, Request.number, Request.plan, Request.account, Request.site, Request.serial,
            Request.onsite_wanted, Request.approved_at, Request.country, Request.subdivision, Request.postal_code,
            Consignee.city, Request.depot,
        )
        .join(Consignee, Consignee.request_id == Request.id)
        .where(Request.id.in_(ids))
    )  # fmt: skip
    return [
        RequestFacts(
            id=row.id, partner=row.partner, number=row.number, plan=row.plan, account=row.account, site=row.site,
            serial=row.serial, onsite_wanted=row.onsite_wanted, approved_at=row.approved_at, depot=row.depot,
            destination=_site(row), lines=(),
        )
        for row in rows
    ]  # fmt: skip


def _dates(said: Standing | Offer) -> dict[str, str]:
    return {"ship_on": said.ship_on.isoformat(), "arrive_on": said.arrive_on.isoformat(), "depot": said.depot}


def _first_promises(session: Session, ids: Sequence[int]) -> dict[int, date]:
    found: dict[int, date] = {}
    for part in in_portions(ids):
        query = select(Promise.request_id, Promise.commitment, Promise.ship_on, Promise.arrive_on)
        for request_id, commitment, ship_on, arrive_on in session.execute(
            query.where(Promise.request_id.in_(part), Promise.revision == 1)
        ):
            found[request_id] = ship_on if commitment == Commitment.SHIP else arrive_on
    return found


def _tell(session: Session, moving: Sequence[Moved], facts: Mapping[int, RequestFacts], at_desk: Desk) -> None:
    """One message per move: the revision is part of the occasion, and a revision is written once."""
    partners = {partner.code: partner for partner in session.scalars(select(Partner))}
    tell(
        session,
        [
            _telling(each, facts[each.request_id], partners[facts[each.request_id].partner], at_desk)
            for each in moving
            if each.told
        ],
    )


def _telling(each: Moved, request: RequestFacts, reader: Partner, at_desk: Desk) -> Telling:
    return Telling(
        occasion=f"promise_moved/{each.request_id}/{each.revision + 1}/partner",
        kind="promise_moved",
        recipient=reader.email,
        language=reader.language,
        partner=request.partner,
        request_id=request.id,
        facts={
            "request": request.number,
            "plan": request.plan,
            "commitment": each.commitment,
            "was": {"ship_on": each.was.ship_on.isoformat(), "arrive_on": each.was.arrive_on.isoformat()},
            "now": {"ship_on": each.now.ship_on.isoformat(), "arrive_on": each.now.arrive_on.isoformat()},
            "provisional": each.now.provisional,
            "country": request.destination.country,
            "why": teller(reader.language, at_desk.pack).all(each.why),
        },
    )


def facts(found: Drift) -> dict[str, Any]:
    """A check for a machine: counts, and each move with its reasons in English."""
    english = teller("en", desk().pack)
    return {
        "open_promises": found.open_promises,
        "moved": [
            {
                "request": each.request, "state": each.state, "commitment": each.commitment,
                "revision": each.revision + 1, "was": each.old_on.isoformat(), "now": each.new_on.isoformat(),
                "from": _dates(each.was), "to": _dates(each.now), "partner_told": each.told,
                "why": english.all(each.why),
            }
            for each in found.moved
        ],
        "busy": list(found.busy),
        "unanswered": list(found.unanswered),
    }  # fmt: skip
