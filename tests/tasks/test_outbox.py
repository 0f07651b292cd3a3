"""The outbox: what must be told is written with what made it true, once per occasion."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError

from infra.db.engine import Database
from infra.db.records import OutboxMessage, Request
from infra.db.states import RequestState
from infra.ledger.changes import Change
from tasks.outbox import Telling, tell, tell_partners
from tests import makers
from tests.conftest import NOON
from tests.tasks import scenes
from tests.tasks.scenes import HANDSET

pytestmark = pytest.mark.usefixtures("at_desk")


def _telling(occasion: str = "dispatched/1/partner") -> Telling:
    return Telling(
        occasion=occasion, kind="dispatched", recipient="ops@nordlyd.example.com", language="da", partner="nordlyd",
        request_id=1, facts={"request": "R-1"},
    )  # fmt: skip


def _change(request: Request, after: RequestState, **changes: object) -> Change:
    facts = {"reason": "no_contract", "detail": {}} | changes
    return Change(
        request_id=request.id, partner=request.partner, number=request.number, before=RequestState.APPROVED,
        after=after, **facts,  # type: ignore[arg-type]  # reason and detail
    )  # fmt: skip


def test_a_message_is_due_at_once(database: Database) -> None:
    """Everything the letter needs stands in the row; it has not been tried yet."""
    with database.write() as session:
        tell(session, [_telling()])
    (message,) = scenes.rows(database, OutboxMessage)

    assert (message.state, message.channel, message.attempts) == ("due", "email", 0)
    assert (message.due_at, message.written_at, message.sent_at) == (NOON, NOON, None)
    assert (message.recipient, message.language) == ("ops@nordlyd.example.com", "da")
    assert message.facts == {"request": "R-1"}


def test_an_occasion_is_told_once(database: Database) -> None:
    """Saying the same thing to the same reader a second time is refused by the database, with all of its step."""
    with database.write() as session:
        tell(session, [_telling()])
    with pytest.raises(IntegrityError), database.write() as session:
        tell(session, [_telling("dispatched/2/partner"), _telling()])

    assert scenes.told(database) == ["dispatched/1/partner"]


def test_nothing_to_tell_writes_nothing(database: Database) -> None:
    """An empty list is no statement."""
    with scenes.counted(database) as sent, database.write() as session:
        tell(session, [])
        tell_partners(session, [])

    assert [statement for statement in sent if "outbox" in statement] == []


def test_partners_hear_of_three_states(database: Database) -> None:
    """Refused, held and backordered; of progress they hear when the parcel leaves."""
    scenes.approved(database, "R-1")
    (request,) = scenes.rows(database, Request)
    for state in RequestState:
        with database.write() as session:
            tell_partners(session, [_change(request, state)])

    assert sorted(scenes.told(database)) == [
        f"{word}/{request.id}/1/partner" for word in ("backordered", "held", "refused")
    ]


def test_facts_say_what_the_letter_needs(database: Database) -> None:
    """Number, plan, reason and what is missing, in the partner's language to the partner's address."""
    scenes.approved(database, "R-1")
    (request,) = scenes.rows(database, Request)
    with database.write() as session:
        change = _change(
            request, RequestState.BACKORDERED, reason="out_of_stock", detail={"missing": [HANDSET], "other": 1}
        )
        tell_partners(session, [change])
    (message,) = scenes.rows(database, OutboxMessage)

    assert message.facts == {
        "request": "R-1", "plan": "partner-plus", "reason": "out_of_stock", "missing": [HANDSET]
    }  # fmt: skip
    assert (message.partner, message.recipient, message.language) == ("nordlyd", "ops@nordlyd.example.com", "da")
    assert message.request_id == request.id


def test_each_partner_is_told_its_own(database: Database) -> None:
    """Requests of two partners in one wave go to two addresses."""
    scenes.approved(database, "R-1")
    with database.write() as session:
        makers.partner(session, "polder", email="desk@polder.example.com", language="nl")
        makers.request(session, "R-2", partner="polder")
    with database.write() as session:
        tell_partners(session, [_change(each, RequestState.REFUSED) for each in scenes.rows(database, Request)])

    assert [(each.partner, each.recipient, each.language) for each in scenes.rows(database, OutboxMessage)] == [
        ("nordlyd", "ops@nordlyd.example.com", "da"),
        ("polder", "desk@polder.example.com", "nl"),
    ]


def test_the_second_time_is_another_occasion(database: Database) -> None:
    """Held again after a release: told again; held and refused are counted apart."""
    scenes.approved(database, "R-1")
    (request,) = scenes.rows(database, Request)
    for state in (RequestState.HELD, RequestState.HELD, RequestState.REFUSED):
        with database.write() as session:
            tell_partners(session, [_change(request, state)])

    assert [each.removesuffix("/partner").replace(f"/{request.id}/", " ") for each in scenes.told(database)] == [
        "held 1", "held 2", "refused 1"
    ]  # fmt: skip
