"""Tells anybody why a request was promised what it was: the stored receipt in words, and why a date moved.

Called by `dispatch explain` and, later, by whoever answers a partner. Reads only; what was promised is never computed
again here, so the explanation of an old promise does not change with today's calendars.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from infra.db.records import Promise, Request
from tasks.desk import desk
from tasks.recorded_promises import receipt_of
from tasks.rules import explaining
from tasks.rules.explaining import Receipt
from tasks.wording import Teller, teller


class NotExplained(LookupError):
    """Nothing to explain.

    NotExplained
    ├── UnknownRequest    no request has that number: check it against `dispatch intake`'s report
    ├── AmbiguousRequest  several partners have one: say partner/number
    └── NotPromised       no promise has been made yet (or the revision asked for does not exist)
    """


class UnknownRequest(NotExplained):
    """No request has that number."""


class AmbiguousRequest(NotExplained):
    """Several partners have a request with that number: say partner/number."""


class NotPromised(NotExplained):
    """No such promise has been made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Ready to be read: `sentences` in `language`, `facts` for a machine."""

    request: str
    """partner/number"""
    state: str
    language: str
    revision: int
    sentences: tuple[str, ...]
    facts: dict[str, Any]


def explain(request: str, *, language: str = "en", revision: int | None = None) -> Explanation:
    """The working of a promise: the newest revision, or the one asked for.

    `request` is `partner/number`, or a number only one partner uses. Raises `NotExplained`, `UnknownLanguageError`.
    """
    at_desk = desk()
    told = teller(language, at_desk.pack)
    with at_desk.database.read() as session:
        found = _request(session, request)
        receipt = _pick(_receipts(session, found), revision, found)
    return _explanation(
        found, told, receipt, explaining.explained(receipt, approved_at=found.approved_at), _facts(receipt)
    )


def explain_move(request: str, *, language: str = "en", since: int | None = None) -> Explanation:
    """Why the newest revision says something else than the one before it, or than revision `since`.

    Raises `NotExplained`, also where there is only one revision.
    """
    at_desk = desk()
    told = teller(language, at_desk.pack)
    with at_desk.database.read() as session:
        found = _request(session, request)
        receipts = _receipts(session, found)
    after = _pick(receipts, None, found)
    if len(receipts) < 2 and since is None:
        raise NotPromised(f"{_name(found)} has one revision only: its promise never moved")
    before = _pick(receipts, since if since is not None else receipts[-2].revision, found)
    sentences = explaining.differences(before, after)
    return _explanation(found, told, after, sentences, {"before": _facts(before), "after": _facts(after)})


def _explanation(
    found: Request, told: Teller, receipt: Receipt, sentences: list[explaining.Said], facts: dict[str, Any]
) -> Explanation:
    return Explanation(
        request=_name(found),
        state=found.state,
        language=told.said.language,
        revision=receipt.revision,
        sentences=tuple(told.all(sentences)),
        facts=facts,
    )


def _facts(receipt: Receipt) -> dict[str, Any]:
    return asdict(receipt) | {"promised_on": receipt.promised_on}


def _name(found: Request) -> str:
    return f"{found.partner}/{found.number}"


def _request(session: Session, asked: str) -> Request:
    """A number may hold a slash itself, so both readings are tried."""
    partner, _, number = asked.partition("/")
    own = (Request.partner == partner) & (Request.number == number)
    found = session.scalars(select(Request).where(own | (Request.number == asked)).limit(20)).all()
    if not found:
        raise UnknownRequest(f"no request {asked!r} is on record: check the number, or say partner/number")
    if len(found) > 1:
        names = ", ".join(sorted(_name(each) for each in found))
        raise AmbiguousRequest(f"{asked!r} is {names}: say which")
    session.expunge_all()
    return found[0]


def _receipts(session: Session, found: Request) -> list[Receipt]:
    rows = session.scalars(select(Promise).where(Promise.request_id == found.id).order_by(Promise.revision))
    return [receipt_of(row) for row in rows]


def _pick(receipts: list[Receipt], revision: int | None, found: Request) -> Receipt:
    if not receipts:
        raise NotPromised(f"{_name(found)} is {found.state}: nothing has been promised yet")
    if revision is None:
        return receipts[-1]
    for receipt in receipts:
        if receipt.revision == revision:
            return receipt
    known = ", ".join(str(receipt.revision) for receipt in receipts)
    raise NotPromised(f"{_name(found)} has no revision {revision}, only {known}")
