"""Every parcel once: intent before the call, four outcomes, look-ups instead of second calls, labels at last."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import update

from carriers.model import Book, BookingKey, Found, Label, LabelFormat
from carriers.outcomes import BookingOutcome, Rejected, RetryAfter, Unknown
from carriers.port import CarrierPort
from infra import clock
from infra.db.engine import Database
from infra.db.records import Booking, BookingStep, Document, Request
from infra.db.states import BookingState, RequestState
from infra.ledger import audit
from infra.ledger.claims import Fence
from infra.policy.model import Pack
from infra.storage import content_key
from tasks import coverage, promises, shipments, stock, waves
from tasks.desk import Desk, NoCarrierConnection, desk, using
from tasks.parcels import Parcelled, parcels_to_book
from tests import makers
from tests.conftest import NOON
from tests.tasks import scenes
from tests.tasks.fakes import (
    ACCEPTED_THEN_SILENT,
    ACCEPTED_TWICE_THEN_SILENT,
    LOST_ON_THE_WAY,
    WITHOUT_LABEL,
    FakeCarrier,
    MoodyStore,
    Scripted,
    label_of,
)
from tests.tasks.scenes import COPENHAGEN, HANDSET, VENLO, reference

pytestmark = pytest.mark.usefixtures("at_desk")

OUT, BACK = reference("R-1", "outbound"), reference("R-1", "return")
SETTLED = NOON + timedelta(minutes=15)
"""When UPS's settle window (900 s) is over for what became unknown at noon."""
BETWEEN_LOOKS = timedelta(minutes=5)
"""900 s / 3 look-ups that must find nothing."""


def _state(database: Database, number: str = "R-1", leg: str = "outbound") -> str:
    return scenes.booking(database, number, leg).state


def _looks(first: datetime, times: int) -> list[datetime]:
    return [first + BETWEEN_LOOKS * step for step in range(times)]


def _unknown(database: Database, carrier: FakeCarrier, *script: object) -> Fence:
    """R-1 is booked, its outbound leg by `script`, and is given back by the run."""
    carrier.script(OUT, *script)  # type: ignore[arg-type]  # passed through
    fence = scenes.planned(database, "R-1")
    scenes.book_due(fence)
    waves.close_wave(fence)
    return fence


class TestPlanning:
    def test_out_and_back_are_planned(self, database: Database) -> None:
        """A prepaid return label goes into the box, so each request has two legs, each with its own reference."""
        fence = scenes.reserved(database, "R-1")
        (change,) = shipments.plan_bookings(fence)
        legs = {each.leg: each for each in scenes.rows(database, Booking)}

        assert (change.before, change.after) == (RequestState.RESERVED, RequestState.BOOKING)
        assert {leg: (each.state, each.reference, each.attempt) for leg, each in legs.items()} == {
            "outbound": (BookingState.PLANNED, OUT, 0),
            "return": (BookingState.PLANNED, BACK, 0),
        }
        assert {each.fence for each in legs.values()} == {fence.number}
        assert scenes.audited(database)[-1] == "reserved>booking"

    def test_customer_pays_means_one_leg(self, at_desk: Desk, database: Database) -> None:
        """Where the plan lets the customer pay for the return, no return is booked."""
        pack = at_desk.pack
        plans = tuple(plan.model_copy(update={"return_label": "customer_pays"}) for plan in pack.plans)
        at_desk.pack = scenes.with_changes(pack, plans=plans)
        scenes.planned(database, "R-1")

        assert [each.leg for each in scenes.rows(database, Booking)] == ["outbound"]

    def test_planning_twice_does_nothing(self, database: Database) -> None:
        """The second call finds no reserved request."""
        fence = scenes.planned(database, "R-1")

        assert shipments.plan_bookings(fence) == ()
        assert len(scenes.rows(database, Booking)) == 2

    def test_only_due_bookings_are_named(self, database: Database) -> None:
        """What must wait is not due, and becomes due at its exact instant."""
        fence = scenes.planned(database, "R-1")
        later = NOON + timedelta(minutes=3)
        with database.write() as session:
            session.execute(update(Booking).where(Booking.leg == "return").values(due_at=later))
        with clock.held(later - timedelta(microseconds=1)):
            early = shipments.due_bookings(fence, BookingState.PLANNED)
        with clock.held(later):
            on_time = shipments.due_bookings(fence, BookingState.PLANNED)

        assert (len(early), len(on_time)) == (1, 2)


class TestIntent:
    def test_intent_is_on_record_before_the_call(self, database: Database, carrier: FakeCarrier) -> None:
        """Whoever looks from another connection while the carrier is being asked sees the intent, committed."""
        fence = scenes.planned(database, "R-1", "R-2")
        seen: list[tuple[str, int, int, datetime | None, bool]] = []

        def look(wanted: Book) -> None:
            (row,) = scenes.rows(database, Booking, Booking.reference == wanted.reference)
            seen.append((row.state, row.attempt, row.fence, row.intent_at, len(row.request_sha256 or "") == 64))

        carrier.when_asked = look
        scenes.book_due(fence)

        assert seen == [(BookingState.INTENT, 1, fence.number, NOON, True)] * 4

    def test_no_transaction_is_open_during_the_call(self, database: Database, carrier: FakeCarrier) -> None:
        """Another writer gets through while the carrier takes its time."""
        fence = scenes.planned(database, "R-1")

        def write(_wanted: Book) -> None:
            with database.write() as session:
                session.execute(update(Request).values(finding="written during a call"))

        carrier.when_asked = write
        scenes.book_due(fence)

        assert [each.finding for each in scenes.rows(database, Request)] == ["written during a call"]

    def test_the_fingerprint_is_of_what_was_sent(self, database: Database, carrier: FakeCarrier) -> None:
        """The same question has the same fingerprint, another leg another one."""
        fence = scenes.planned(database, "R-1")
        scenes.book_due(fence)
        prints = {each.reference: each.request_sha256 for each in scenes.rows(database, Booking)}

        assert prints == {wanted.reference: shipments._fingerprint(wanted) for wanted in carrier.asked}
        assert len(set(prints.values())) == 2

    def test_a_run_that_lost_its_rows_asks_nothing(self, database: Database, carrier: FakeCarrier) -> None:
        """Bookings fenced by another run are not asked for, even with their ids at hand."""
        asleep = scenes.planned(database, "R-1")
        ids = shipments.due_bookings(asleep, BookingState.PLANNED)
        with clock.held(NOON + timedelta(minutes=11)):
            waves.open_wave()
            counts = shipments.book(asleep, ids)

        assert counts == {}
        assert carrier.asked == []
        assert scenes.journal(database) == []

    def test_two_workers_with_the_same_portion_book_once(self, database: Database, carrier: FakeCarrier) -> None:
        """The same run's portion handed out twice at once: the second finds no planned row."""
        fence = scenes.planned(database, "R-1", "R-2", "R-3")
        ids = shipments.due_bookings(fence, BookingState.PLANNED)
        counts: list[dict[str, int]] = []
        workers = [threading.Thread(target=lambda: counts.append(shipments.book(fence, ids))) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

        assert sum(each.get("booked", 0) for each in counts) == 6
        assert carrier.booked_twice() == []

    def test_missing_connection_leaves_bookings_planned(
        self, at_desk: Desk, database: Database, carrier: FakeCarrier
    ) -> None:
        """A carrier nobody has configured is found out before an intent says that it may have been asked."""
        fence = scenes.planned(database, "R-1")
        at_desk._connected.clear()
        with pytest.raises(NoCarrierConnection):
            scenes.book_due(fence)

        assert [(each.state, each.attempt) for each in scenes.rows(database, Booking)] == [
            (BookingState.PLANNED, 0)
        ] * 2
        assert scenes.rows(database, BookingStep) == []

        at_desk._connected[carrier.code] = carrier

        assert scenes.book_due(fence) == {"booked": 2}


class TestOutcomes:
    def test_booked_is_confirmed_with_its_label(self, database: Database, carrier: FakeCarrier) -> None:
        """Numbers, charge and the label's bytes are on record, and the audit names the parcel."""
        fence = scenes.planned(database, "R-1")
        counts = scenes.book_due(fence)
        found = scenes.booking(database)
        (label,) = scenes.rows(database, Document, Document.id == found.label_id)

        assert counts == {"booked": 2}
        assert (found.state, found.attempt, found.confirmed_at) == (BookingState.CONFIRMED, 1, NOON)
        assert (str(found.charge), found.currency) == ("11.40", "EUR")
        assert {found.tracking_number} <= {one.tracking_number for one in carrier.accepted}
        assert (label.kind, label.sha256) == ("label", content_key(label_of(found.tracking_number or "")))
        assert (label.name, label.media_type, label.booking_id) == (f"{OUT}.zpl", "application/zpl", found.id)
        assert scenes.journal(database) == ["intent", "booked"]
        assert scenes.audited(database, "booking") == ["booked", "booked"]

    def test_return_labels_are_told_apart(self, database: Database) -> None:
        """Each leg's label is a document of its own kind."""
        scenes.booked(database, "R-1")

        assert sorted(each.kind for each in scenes.rows(database, Document)) == ["label", "return_label"]

    def test_rejected_is_final(self, database: Database, carrier: FakeCarrier) -> None:
        """What the carrier refuses is not asked again, and the evidence keeps its words."""
        carrier.script(OUT, Rejected(code="120206", reason="Missing or invalid ship to postal code"))
        fence = scenes.planned(database, "R-1")
        counts = scenes.book_due(fence)
        scenes.book_due(fence)
        steps = scenes.rows(database, BookingStep, BookingStep.booking_id == scenes.booking(database).id)

        assert counts == {"booked": 1, "rejected": 1}
        assert _state(database) == BookingState.REJECTED
        assert carrier.asked_under(OUT) == 1
        assert steps[-1].evidence == {"code": "120206", "reason": "Missing or invalid ship to postal code"}

    def test_retry_after_is_planned_again(self, database: Database, carrier: FakeCarrier) -> None:
        """Surely not done: the attempt does not count, and it is due when the carrier said."""
        carrier.script(OUT, RetryAfter(wait=timedelta(seconds=40), reason="429"))
        fence = scenes.planned(database, "R-1")
        scenes.book_due(fence)
        waiting = scenes.booking(database)
        with clock.held(NOON + timedelta(seconds=40)):
            scenes.book_due(fence)

        assert (waiting.state, waiting.attempt) == (BookingState.PLANNED, 0)
        assert waiting.due_at == NOON + timedelta(seconds=40)
        assert (_state(database), scenes.booking(database).attempt) == (BookingState.CONFIRMED, 1)
        assert scenes.journal(database) == ["intent", "retry_after", "intent", "booked"]

    def test_a_wrong_retry_header_is_capped(self, database: Database, carrier: FakeCarrier) -> None:
        """A carrier that asks for a day is asked again after a quarter of an hour."""
        carrier.script(OUT, RetryAfter(wait=timedelta(days=1), reason="429"))
        fence = scenes.planned(database, "R-1")
        scenes.book_due(fence)

        assert scenes.booking(database).due_at == NOON + timedelta(minutes=15)

    def test_unknown_waits_for_the_settle_window(self, database: Database, carrier: FakeCarrier) -> None:
        """What may have happened is due for a look-up 15 minutes later, not for a call."""
        carrier.script(OUT, ACCEPTED_THEN_SILENT)
        fence = scenes.planned(database, "R-1")
        counts = scenes.book_due(fence)
        found = scenes.booking(database)

        assert counts == {"booked": 1, "unknown": 1}
        assert (found.state, found.attempt) == (BookingState.UNKNOWN, 1)
        assert (found.unknown_since, found.due_at) == (NOON, SETTLED)
        assert scenes.journal(database) == ["intent", "unknown"]
        assert shipments.due_bookings(fence, BookingState.PLANNED) == []

    def test_booked_without_label_stands(self, database: Database, carrier: FakeCarrier) -> None:
        """A label that cannot be read loses no booking: numbers first, label later."""
        carrier.script(OUT, WITHOUT_LABEL)
        fence = scenes.planned(database, "R-1")
        scenes.book_due(fence)
        found = scenes.booking(database)

        assert (found.state, found.label_id) == (BookingState.CONFIRMED, None)
        assert found.tracking_number is not None

    def test_audit_chain_stays_whole(self, database: Database, carrier: FakeCarrier) -> None:
        """Threads answering in any order still leave one unbroken chain."""
        scenes.booked(database, *(f"R-{number}" for number in range(1, 13)))

        with database.read() as session:
            assert audit.verify(session) == []


class TestBrokenAdapter:
    """An adapter should answer with outcomes; one that raises may have sent."""

    def _breaks(self, carrier: FakeCarrier, monkeypatch: pytest.MonkeyPatch) -> None:
        """The outbound call of R-1 is accepted, and its answer cannot be read."""
        book = carrier.book

        def unreadable(wanted: Book) -> BookingOutcome:
            outcome = book(wanted)
            if wanted.reference == OUT:
                raise ValueError("could not read 1ZSECRET")
            return outcome

        monkeypatch.setattr(carrier, "book", unreadable)

    def test_a_raise_is_unknown_and_loses_no_other_answer(
        self, database: Database, carrier: FakeCarrier, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Of six answers five are written; the sixth waits for its look-up, with the kind of fault as evidence."""
        self._breaks(carrier, monkeypatch)
        fence = scenes.planned(database, "R-1", "R-2", "R-3")
        counts = scenes.book_due(fence)
        found = scenes.booking(database)
        (step,) = scenes.rows(database, BookingStep, BookingStep.what == "unknown")

        assert counts == {"booked": 5, "unknown": 1}
        assert (found.state, found.attempt, found.due_at) == (BookingState.UNKNOWN, 1, SETTLED)
        assert step.evidence == {"seen": "the adapter broke: ValueError"}

    def test_what_it_had_sent_is_adopted(
        self, database: Database, carrier: FakeCarrier, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The parcel whose answer could not be read is found by its reference, and not asked for again."""
        self._breaks(carrier, monkeypatch)
        scenes.approved(database, "R-1")
        scenes.run_wave()
        calls, _ = scenes.run_wave(SETTLED)

        assert calls == {"adopted": 1}
        assert _state(database) == BookingState.CONFIRMED
        assert carrier.asked_under(OUT) == 1
        assert carrier.booked_twice() == []

    def test_a_look_up_that_raises_does_not_stop_the_others(
        self, database: Database, carrier: FakeCarrier, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Two are unknown, the search of one cannot be read: the other is adopted."""
        find = carrier.find

        def unreadable(sought: str, *, ship_on: date) -> Sequence[Found]:
            if sought == OUT:
                raise KeyError("trackDetails")
            return find(sought, ship_on=ship_on)

        for each in (OUT, BACK):
            carrier.script(each, ACCEPTED_THEN_SILENT)
        scenes.approved(database, "R-1")
        scenes.run_wave()
        monkeypatch.setattr(carrier, "find", unreadable)
        scenes.run_wave(SETTLED)

        assert (_state(database), _state(database, leg="return")) == (BookingState.UNKNOWN, BookingState.CONFIRMED)

    def test_a_label_that_raises_does_not_stop_the_others(
        self, database: Database, carrier: FakeCarrier, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One label cannot be read: its request waits, the other one is booked."""

        def unreadable(_key: BookingKey) -> Label | None:
            raise KeyError("labelImage")

        carrier.script(OUT, WITHOUT_LABEL)
        fence = scenes.planned(database, "R-1", "R-2")
        scenes.book_due(fence)
        monkeypatch.setattr(carrier, "label", unreadable)
        shipments.finish_bookings(fence)

        assert scenes.states(database) == {"R-1": RequestState.BOOKING, "R-2": RequestState.BOOKED}


class TestLateAnswers:
    def test_a_late_answer_changes_nothing(self, database: Database, carrier: FakeCarrier) -> None:
        """Another run took over while the carrier was thinking: its answer is evidence, a look-up finds the parcel."""
        asleep = scenes.planned(database, "R-1")
        taken: list[Fence] = []
        guard = threading.Lock()

        def somebody_takes_over(_wanted: Book) -> None:
            with guard:
                if not taken:
                    with clock.held(NOON + timedelta(minutes=11)):
                        taken.append(waves.open_wave().fence)

        carrier.when_asked = somebody_takes_over
        scenes.book_due(asleep)
        late = scenes.booking(database)
        waves.close_wave(taken[0])

        assert (late.state, late.fence) == (BookingState.UNKNOWN, taken[0].number)
        assert late.tracking_number is None
        assert scenes.journal(database) == ["intent", "call_cut_off", "late_answer"]
        assert scenes.rows(database, Document) == []
        assert scenes.audited(database, "booking") == []

        carrier.when_asked = None
        scenes.run_wave(SETTLED)

        assert _state(database) == BookingState.CONFIRMED
        assert carrier.booked_twice() == []
        assert carrier.asked_under(OUT) == 1


class Stopwatch:
    """Seconds as the steps measure them; they pass only where a test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 1000.0
        monkeypatch.setattr(shipments, "time", SimpleNamespace(monotonic=lambda: self.seconds))


class TestQueuedCalls:
    """One line to the carrier: the outbound call of R-1 holds it, the return call of R-1 waits behind it."""

    @pytest.fixture
    def stopwatch(self, at_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Stopwatch:
        at_desk.settings = at_desk.settings.model_copy(update={"booking_calls_at_once": 1})
        return Stopwatch(monkeypatch)

    def _hang(self, carrier: FakeCarrier, stopwatch: Stopwatch, seconds: float) -> None:
        """The next call takes so long."""

        def hang(_wanted: Book) -> None:
            carrier.when_asked = None
            stopwatch.seconds += seconds

        carrier.when_asked = hang

    def _hang_while_another_run_books(
        self, at_desk: Desk, database: Database, carrier: FakeCarrier, stopwatch: Stopwatch
    ) -> None:
        """The first call hangs for 25 minutes and fails; meanwhile another process takes over, looks up and books."""
        fence = scenes.planned(database, "R-1")
        other_process = scenes.like(at_desk)

        def hang(_wanted: Book) -> None:
            carrier.when_asked = None
            stopwatch.seconds += 25 * 60
            with using(other_process):
                for at in _looks(SETTLED, 3):
                    scenes.run_wave(at)
            carrier.script(OUT, LOST_ON_THE_WAY)  # for the call that hangs

        carrier.when_asked = hang
        scenes.book_due(fence)
        other_process.callers.shutdown()

    def test_a_call_in_the_queue_is_not_sent_late(
        self, at_desk: Desk, database: Database, carrier: FakeCarrier, stopwatch: Stopwatch
    ) -> None:
        """What queued behind a hanging call has been looked up and booked by another run: it is not sent any more."""
        self._hang_while_another_run_books(at_desk, database, carrier, stopwatch)

        assert carrier.booked_twice() == []
        assert carrier.asked_under(BACK) == 1
        assert _state(database, leg="return") == BookingState.CONFIRMED
        assert scenes.journal(database, leg="return") == [
            "intent", "call_cut_off", "not_found", "not_found", "not_booked", "intent", "booked", "late_answer"
        ]  # fmt: skip

    def test_without_the_limit_it_books_twice(
        self, at_desk: Desk, database: Database, carrier: FakeCarrier, stopwatch: Stopwatch,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        """The negative control: with all the time in the world the queued call buys a second paid label."""
        monkeypatch.setattr(shipments, "ASK_WITHIN_SECONDS", math.inf)
        self._hang_while_another_run_books(at_desk, database, carrier, stopwatch)

        assert carrier.booked_twice() == [BACK]

    def test_not_sent_does_not_count(self, database: Database, carrier: FakeCarrier, stopwatch: Stopwatch) -> None:
        """Surely not done: planned again under the same reference, due at once, and the next portion books it."""
        self._hang(carrier, stopwatch, 61)
        fence = scenes.planned(database, "R-1")
        counts = scenes.book_due(fence)
        waiting = scenes.booking(database, leg="return")
        steps = scenes.rows(database, BookingStep, BookingStep.booking_id == waiting.id)
        asked = carrier.asked_under(BACK)
        again = scenes.book_due(fence)
        booked = scenes.booking(database, leg="return")

        assert (counts, asked) == ({"booked": 1, "retryafter": 1}, 0)
        assert (waiting.state, waiting.attempt, waiting.due_at) == (BookingState.PLANNED, 0, NOON)
        assert steps[-1].evidence == {"wait_s": 0, "reason": "not sent: no line was free for 60 s"}
        assert again == {"booked": 1}
        assert (booked.state, booked.attempt, booked.reference) == (BookingState.CONFIRMED, 1, BACK)
        assert scenes.journal(database, leg="return") == ["intent", "retry_after", "intent", "booked"]
        assert carrier.asked_under(BACK) == 1

    @pytest.mark.parametrize(
        ("seconds", "sent"), [pytest.param(60.0, True, id="in-time"), pytest.param(60.001, False, id="too-late")]
    )
    def test_the_last_moment_to_ask(
        self, database: Database, carrier: FakeCarrier, stopwatch: Stopwatch, *, seconds: float, sent: bool
    ) -> None:
        """After exactly 60 seconds the call is still made, a millisecond later it is not."""
        self._hang(carrier, stopwatch, seconds)
        scenes.book_due(scenes.planned(database, "R-1"))

        assert carrier.asked_under(OUT) == 1
        assert carrier.asked_under(BACK) == int(sent)

    def test_the_wait_ends_before_anything_is_settled(self, pack: Pack) -> None:
        """Waiting and the longest call (30 s) together stay below each carrier's settle window."""
        assert pack.carriers
        for terms in pack.carriers:
            assert terms.settle_seconds > shipments.ASK_WITHIN_SECONDS + 30

    def test_calls_at_once_are_limited(self, at_desk: Desk, database: Database, carrier: FakeCarrier) -> None:
        """Four at once were allowed: never more are being asked, over several portions at a time."""
        fence = scenes.planned(database, *(f"R-{number}" for number in range(8)))
        ids = shipments.due_bookings(fence, BookingState.PLANNED)
        under_way, most = threading.Semaphore(at_desk.settings.booking_calls_at_once), []

        def count(_wanted: Book) -> None:
            most.append(under_way.acquire(blocking=False))
            threading.Event().wait(0.005)
            under_way.release()

        carrier.when_asked = count
        portions = [threading.Thread(target=shipments.book, args=(fence, part)) for part in (ids[:8], ids[8:])]
        for portion in portions:
            portion.start()
        for portion in portions:
            portion.join()

        assert most == [True] * 16


class TestUnknown:
    def test_never_asked_before_it_is_settled(self, database: Database, carrier: FakeCarrier) -> None:
        """Runs every minute until the settle window ends neither call nor look."""
        _unknown(database, carrier, ACCEPTED_THEN_SILENT)
        for minute in (1, 5, 14):
            scenes.run_wave(NOON + timedelta(minutes=minute))

        assert carrier.searched == []
        assert carrier.asked_under(OUT) == 1

    def test_found_is_adopted_with_its_label(self, database: Database, carrier: FakeCarrier) -> None:
        """The parcel the carrier has under our reference becomes ours, at the look-up's first sight of it."""
        _unknown(database, carrier, ACCEPTED_THEN_SILENT)
        calls, _ = scenes.run_wave(SETTLED)
        found = scenes.booking(database)
        (label,) = scenes.rows(database, Document, Document.id == found.label_id)
        (truth,) = [one for one in carrier.accepted if one.reference == OUT]

        assert calls == {"adopted": 1}
        assert (found.state, found.tracking_number) == (BookingState.CONFIRMED, truth.tracking_number)
        assert label.sha256 == content_key(label_of(truth.tracking_number))
        assert scenes.journal(database) == ["intent", "unknown", "adopted"]
        assert scenes.states(database) == {"R-1": RequestState.RELEASED}
        assert carrier.booked_twice() == []

    def test_voided_shipments_do_not_count(self, database: Database, carrier: FakeCarrier) -> None:
        """Of two under one reference, one voided, the live one is adopted."""
        _unknown(database, carrier, ACCEPTED_TWICE_THEN_SILENT)
        first, second = (one for one in carrier.accepted if one.reference == OUT)
        carrier.accepted[carrier.accepted.index(first)] = type(first)(
            reference=first.reference, shipment_id=first.shipment_id, tracking_number=first.tracking_number, voided=True
        )
        scenes.run_wave(SETTLED)

        assert scenes.booking(database).tracking_number == second.tracking_number

    def test_found_twice_is_for_a_person(self, database: Database, carrier: FakeCarrier) -> None:
        """Two live parcels under one reference: nobody adopts by guess, the request is held with the reference."""
        _unknown(database, carrier, ACCEPTED_TWICE_THEN_SILENT)
        calls, _ = scenes.run_wave(SETTLED)
        held = scenes.only_hold(database)
        evidence = scenes.rows(database, BookingStep, BookingStep.what == "quarantined")[0].evidence

        assert calls == {"quarantined": 1}
        assert _state(database) == BookingState.QUARANTINED
        assert scenes.states(database) == {"R-1": RequestState.HELD}
        assert (held.reason, held.owner, held.resume_state) == ("booking_unresolved", "operations", "booking")
        assert OUT in held.next_step
        assert "second person" in held.next_step
        assert len(evidence["found"]) == 2

    def test_not_found_often_enough_is_planned_again(self, database: Database, carrier: FakeCarrier) -> None:
        """Three look-ups spread over the window find nothing: the same reference is asked for a second time."""
        _unknown(database, carrier, LOST_ON_THE_WAY)
        words = [scenes.run_wave(at)[0] for at in _looks(SETTLED, 3)]
        found = scenes.booking(database)

        # the third negative plans it again, and the same run books it
        assert words == [{"not_found": 1}, {"not_found": 1}, {"not_booked": 1, "booked": 1}]
        assert (found.state, found.attempt, found.reference) == (BookingState.CONFIRMED, 2, OUT)
        assert [wanted.reference for wanted in carrier.asked].count(OUT) == 2
        assert scenes.journal(database) == [
            "intent", "unknown", "not_found", "not_found", "not_booked", "intent", "booked"
        ]  # fmt: skip
        assert carrier.booked_twice() == []

    def test_looks_are_spread(self, database: Database, carrier: FakeCarrier) -> None:
        """Between two look-ups lie five minutes, however often a run comes by."""
        _unknown(database, carrier, LOST_ON_THE_WAY)
        for second in range(0, 600, 60):
            scenes.run_wave(SETTLED + timedelta(seconds=second))

        assert carrier.searched == [OUT, OUT]  # at 15:00 and 20:00; the third comes at 25:00

    def test_a_parcel_that_shows_late_is_adopted(self, database: Database, carrier: FakeCarrier) -> None:
        """The index lags behind the booking: the second look-up finds what the first did not."""
        carrier.hidden.add(OUT)
        _unknown(database, carrier, ACCEPTED_THEN_SILENT)
        scenes.run_wave(SETTLED)
        carrier.hidden.clear()
        scenes.run_wave(SETTLED + BETWEEN_LOOKS)

        assert _state(database) == BookingState.CONFIRMED
        assert scenes.booking(database).negatives == 0
        assert carrier.booked_twice() == []

    def test_attempts_run_out(self, database: Database, carrier: FakeCarrier) -> None:
        """Three attempts lost on the way are an outage: a person decides, and nothing is asked a fourth time."""
        _unknown(database, carrier, LOST_ON_THE_WAY, LOST_ON_THE_WAY, LOST_ON_THE_WAY)
        asked_at = NOON
        for _ in range(3):
            *_, asked_at = looks = _looks(asked_at + timedelta(minutes=15), 3)
            for at in looks:
                scenes.run_wave(at)

        assert scenes.booking(database).attempt == 3
        assert _state(database) == BookingState.QUARANTINED
        assert scenes.only_hold(database).reason == "booking_unresolved"
        assert carrier.asked_under(OUT) == 3
        assert carrier.bookings_of(OUT) == 0

    def test_a_failed_look_up_proves_nothing(self, database: Database, carrier: FakeCarrier) -> None:
        """A carrier that cannot be asked is asked later; the failure does not count as a negative."""
        carrier.look_ups_down = 2
        _unknown(database, carrier, ACCEPTED_THEN_SILENT)
        calls = [scenes.run_wave(at)[0] for at in _looks(SETTLED, 2)]
        between = scenes.booking(database)
        scenes.run_wave(SETTLED + 2 * BETWEEN_LOOKS)

        assert calls == [{"look_up_failed": 1}, {"look_up_failed": 1}]
        assert (between.state, between.negatives) == (BookingState.UNKNOWN, 0)
        assert _state(database) == BookingState.CONFIRMED

    def test_silence_past_the_deadline_is_for_a_person(self, database: Database, carrier: FakeCarrier) -> None:
        """Asked three times in vain, the last time past the 45 minutes: quarantined, never booked again."""
        carrier.look_ups_down = 100
        _unknown(database, carrier, ACCEPTED_THEN_SILENT)
        states = []
        for at in _looks(NOON + timedelta(minutes=35), 4):  # 12:35, 12:40, 12:45 is not yet past it, 12:50
            scenes.run_wave(at)
            states.append(_state(database))

        assert states == [BookingState.UNKNOWN] * 3 + [BookingState.QUARANTINED]
        assert scenes.only_hold(database).reason == "booking_unresolved"
        assert carrier.asked_under(OUT) == 1

    @pytest.mark.parametrize("script", [ACCEPTED_THEN_SILENT, LOST_ON_THE_WAY], ids=["booked", "not-booked"])
    def test_time_alone_makes_nothing_hopeless(
        self, database: Database, carrier: FakeCarrier, script: Scripted
    ) -> None:
        """Nobody looked for five hours: the carrier is asked as often as otherwise before a person is."""
        _unknown(database, carrier, script)
        for at in _looks(NOON + timedelta(hours=5), 3):
            scenes.run_wave(at)

        assert _state(database) == BookingState.CONFIRMED
        assert carrier.bookings_of(OUT) == 1
        assert carrier.asked_under(OUT) == (1 if script is ACCEPTED_THEN_SILENT else 2)

    def test_look_ups_of_another_run_are_dropped(self, database: Database, carrier: FakeCarrier) -> None:
        """A run that lost its rows while looking writes nothing, whatever it found."""
        _unknown(database, carrier, ACCEPTED_THEN_SILENT)
        with clock.held(SETTLED):
            asleep = waves.open_wave().fence
            ids = shipments.due_bookings(asleep, BookingState.UNKNOWN)
            parcels = _parcels(asleep, ids)
        with clock.held(SETTLED + timedelta(minutes=11)):
            awake = waves.open_wave().fence
            looked = [shipments._look_up(desk(), parcel) for parcel in parcels]
            words = shipments._record_look_ups(looked, asleep, desk())

        assert words == []
        assert (_state(database), scenes.booking(database).fence) == (BookingState.UNKNOWN, awake.number)


def _parcels(fence: Fence, ids: list[int]) -> list[Parcelled]:
    with desk().database.read() as session:
        return parcels_to_book(session, ids, fence, BookingState.UNKNOWN, desk())


class TestNaiveBooking:
    """The negative control: the checks used above do fail for a way of booking that repeats what may have happened."""

    def _ask_until_told(self, carrier: CarrierPort, wanted: Book) -> BookingOutcome:
        outcome = carrier.book(wanted)
        while isinstance(outcome, Unknown):
            outcome = carrier.book(wanted)
        return outcome

    def test_repeating_an_unknown_books_twice(self, database: Database, carrier: FakeCarrier) -> None:
        """Asking again after a time-out buys a second paid label under the same reference, and the check says so."""
        carrier.script(OUT, ACCEPTED_THEN_SILENT)
        fence = scenes.planned(database, "R-1")
        with database.read() as session:
            parcels = parcels_to_book(session, None, fence, BookingState.PLANNED, desk())
        for parcel in parcels:
            self._ask_until_told(carrier, parcel.wanted)

        assert carrier.booked_twice() == [OUT]

    def test_not_settling_books_twice(
        self, at_desk: Desk, database: Database, carrier: FakeCarrier, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """With a settle window of a second and one negative, a lagging index is believed: the window is the safety."""
        hasty = tuple(
            terms.model_copy(update={"settle_seconds": 1, "negatives_needed": 1}) for terms in at_desk.pack.carriers
        )
        monkeypatch.setattr(at_desk, "pack", scenes.with_changes(at_desk.pack, carriers=hasty))
        carrier.hidden.add(OUT)
        _unknown(database, carrier, ACCEPTED_THEN_SILENT)
        scenes.run_wave(NOON + timedelta(seconds=1))

        assert carrier.booked_twice() == [OUT]


class TestLabels:
    def test_a_missing_label_is_fetched_at_once(self, database: Database, carrier: FakeCarrier) -> None:
        """The answer carried none, the carrier has it a moment later: the request is booked in the same run."""
        carrier.script(OUT, WITHOUT_LABEL)
        fence = scenes.planned(database, "R-1")
        scenes.book_due(fence)
        (change,) = shipments.finish_bookings(fence)
        found = scenes.booking(database)

        assert (change.before, change.after) == (RequestState.BOOKING, RequestState.BOOKED)
        assert found.label_id is not None
        assert scenes.journal(database) == ["intent", "booked", "label_stored"]
        assert [key.shipment_id for key in carrier.labels_asked] == [found.shipment_id]

    @pytest.mark.parametrize("trouble", ["labels_missing", "labels_down"])
    def test_a_label_still_missing_waits_a_minute(self, database: Database, carrier: FakeCarrier, trouble: str) -> None:
        """No label yet, or a carrier that cannot be asked: the request waits in booking and is asked again later."""
        carrier.script(OUT, WITHOUT_LABEL)
        setattr(carrier, trouble, 1)
        fence = scenes.planned(database, "R-1")
        scenes.book_due(fence)
        first = shipments.finish_bookings(fence)
        too_early = shipments.finish_bookings(fence)
        with clock.held(NOON + timedelta(minutes=1)):
            later = shipments.finish_bookings(fence)

        assert (first, too_early) == ((), ())
        assert [change.after for change in later] == [RequestState.BOOKED]
        assert len(carrier.labels_asked) == 2
        assert carrier.asked_under(OUT) == 1

    def test_a_full_store_loses_no_booking(
        self, database: Database, carrier: FakeCarrier, documents: MoodyStore
    ) -> None:
        """The label cannot be kept: the booking is confirmed all the same, its label fetched again."""
        documents.refusals = 2
        fence = scenes.planned(database, "R-1")
        counts = scenes.book_due(fence)
        unlabelled = [(each.state, each.label_id) for each in scenes.rows(database, Booking)]
        (change,) = shipments.finish_bookings(fence)

        assert counts == {"booked": 2}
        assert unlabelled == [(BookingState.CONFIRMED, None)] * 2
        assert change.after == RequestState.BOOKED
        assert carrier.booked_twice() == []

    def test_bytes_are_kept_unchanged(self, at_desk: Desk, database: Database) -> None:
        """What lies in the store is what the carrier sent, byte for byte."""
        scenes.booked(database, "R-1")
        (label,) = scenes.rows(database, Document, Document.kind == "label")
        content = at_desk.documents.fetch(label.sha256)

        assert content == label_of(scenes.booking(database).tracking_number or "")
        assert label.size == len(content)


class TestSettling:
    def test_booked_when_every_leg_is_done(self, database: Database) -> None:
        """Both legs confirmed and labelled: the request goes on, with both tracking numbers in the audit."""
        fence = scenes.planned(database, "R-1")
        scenes.book_due(fence)
        (change,) = shipments.finish_bookings(fence)

        assert change.after == RequestState.BOOKED
        assert change.detail == {
            leg: scenes.booking(database, leg=leg).tracking_number for leg in ("outbound", "return")
        }
        assert scenes.audited(database)[-1] == "booking>booked"

    def test_one_open_leg_keeps_it_waiting(self, database: Database, carrier: FakeCarrier) -> None:
        """An unknown return leg: nothing is printed until it is settled."""
        carrier.script(BACK, LOST_ON_THE_WAY)
        fence = scenes.planned(database, "R-1")
        scenes.book_due(fence)

        assert shipments.finish_bookings(fence) == ()
        assert scenes.states(database) == {"R-1": RequestState.BOOKING}

    def test_rejected_is_held_for_operations(self, database: Database, carrier: FakeCarrier) -> None:
        """Reason, owner and next step stand on the hold; both legs rejected make one hold, not two."""
        refusal = Rejected(code="120206", reason="postal code")
        carrier.script(OUT, refusal)
        carrier.script(BACK, refusal)
        fence = scenes.planned(database, "R-1")
        scenes.book_due(fence)
        (change,) = shipments.finish_bookings(fence)
        held = scenes.only_hold(database)

        assert (change.after, change.reason) == (RequestState.HELD, "carrier_rejected")
        assert (held.reason, held.owner, held.resume_state) == ("carrier_rejected", "operations", "booking")
        assert held.words == "ups refused the outbound shipment."
        assert "address" in held.next_step
        assert held.evidence["reference"] == OUT
        assert scenes.told(database) == [f"held/{held.request_id}/1/partner"]

    def test_one_bad_request_does_not_stop_the_others(self, database: Database, carrier: FakeCarrier) -> None:
        """Of three, one is rejected and one unknown: the third is booked."""
        carrier.script(reference("R-2"), Rejected(code="1", reason="no"))
        carrier.script(reference("R-3"), LOST_ON_THE_WAY)
        scenes.booked(database, "R-1", "R-2", "R-3")

        assert scenes.states(database) == {
            "R-1": RequestState.BOOKED, "R-2": RequestState.HELD, "R-3": RequestState.BOOKING
        }  # fmt: skip

    def test_settling_twice_does_nothing(self, database: Database, carrier: FakeCarrier) -> None:
        """A second call finds nothing in booking: no second hold, no second entry."""
        carrier.script(reference("R-2"), Rejected(code="1", reason="no"))
        fence = scenes.booked(database, "R-1", "R-2")
        entries = len(scenes.audited(database))

        assert shipments.finish_bookings(fence) == ()
        assert len(scenes.audited(database)) == entries


def _danish_and_dutch(database: Database) -> Fence:
    """R-1 is reserved in Copenhagen for Copenhagen, R-2 in Venlo for Venlo."""
    with database.write() as session:
        scenes.partner_under_contract(session)
        for depot in (COPENHAGEN, VENLO):
            makers.stock(session, HANDSET, depot=depot)
        makers.request(session, "R-1", lines={HANDSET: 1})
        makers.request(session, "R-2", lines={HANDSET: 1}, country="NL", postal_code="5911")
    fence = scenes.open_run()
    coverage.cover(fence)
    promises.promise(fence)
    stock.reserve(fence)
    return fence


class TestLanesLost:
    """The policy pack loses the lanes from Copenhagen while R-1 is on its way through; R-2 goes from Venlo."""

    def test_reserved_without_lane_is_held_before_booking(
        self, at_desk: Desk, database: Database, carrier: FakeCarrier
    ) -> None:
        """Held with the pair of places, the parts kept; the other request is booked."""
        fence = _danish_and_dutch(database)
        scenes.lose_lanes(at_desk, depot=COPENHAGEN)
        changes = {change.number: change for change in shipments.plan_bookings(fence)}
        scenes.book_due(fence)
        shipments.finish_bookings(fence)
        held = scenes.only_hold(database)

        assert (changes["R-1"].before, changes["R-1"].after) == (RequestState.RESERVED, RequestState.HELD)
        assert changes["R-1"].reason == "no_lane"
        assert held.words == "No lane of the policy pack leads from DK-CPH to DK 2100."
        assert (held.owner, held.resume_state) == ("operations", RequestState.RESERVED)
        assert scenes.states(database) == {"R-1": RequestState.HELD, "R-2": RequestState.BOOKED}
        assert {wanted.reference for wanted in carrier.asked} == {reference("R-2"), reference("R-2", "return")}
        assert scenes.shelf(database) == (10, 1)

    def test_planned_without_lane_is_held_at_the_end(
        self, at_desk: Desk, database: Database, carrier: FakeCarrier
    ) -> None:
        """Lost between planning and booking: never asked for, one hold for both legs; the other request is booked."""
        fence = _danish_and_dutch(database)
        shipments.plan_bookings(fence)
        scenes.lose_lanes(at_desk, depot=COPENHAGEN)
        counts = scenes.book_due(fence)
        changes = {change.number: change for change in shipments.finish_bookings(fence)}
        held = scenes.only_hold(database)

        assert counts == {"booked": 2}
        assert (changes["R-1"].after, changes["R-1"].reason) == (RequestState.HELD, "no_lane")
        assert (held.owner, held.resume_state) == ("operations", RequestState.BOOKING)
        assert COPENHAGEN in held.words
        assert scenes.states(database) == {"R-1": RequestState.HELD, "R-2": RequestState.BOOKED}
        assert (_state(database), scenes.journal(database)) == (BookingState.PLANNED, [])
        assert carrier.asked_under(OUT) == 0

    def test_restored_and_released_it_goes_on(self, at_desk: Desk, database: Database, carrier: FakeCarrier) -> None:
        """The lane is back and the hold released: the planned legs are booked, each once."""
        complete = at_desk.pack
        fence = _danish_and_dutch(database)
        shipments.plan_bookings(fence)
        scenes.lose_lanes(at_desk, depot=COPENHAGEN)
        scenes.book_due(fence)
        shipments.finish_bookings(fence)
        waves.close_wave(fence)
        scenes.work_by(at_desk, complete)
        with database.write() as session:
            held = update(Request).where(Request.state == RequestState.HELD)
            session.execute(held.values(state=scenes.only_hold(database).resume_state))
        scenes.run_wave(NOON + timedelta(minutes=15))

        assert scenes.states(database) == {"R-1": RequestState.RELEASED, "R-2": RequestState.RELEASED}
        assert (carrier.asked_under(OUT), carrier.asked_under(BACK)) == (1, 1)

    def test_what_is_booked_is_not_held(self, at_desk: Desk, database: Database) -> None:
        """The negative control: a parcel that is paid and labelled leaves, whatever became of its lane since."""
        fence = scenes.planned(database, "R-1")
        scenes.book_due(fence)
        scenes.lose_lanes(at_desk, depot=COPENHAGEN)
        (change,) = shipments.finish_bookings(fence)

        assert change.after == RequestState.BOOKED

    def test_unknown_is_settled_without_lane(self, at_desk: Desk, database: Database, carrier: FakeCarrier) -> None:
        """What may be paid for is looked up or put before a person, whatever became of its lane since."""
        _unknown(database, carrier, ACCEPTED_THEN_SILENT)
        scenes.lose_lanes(at_desk, depot=COPENHAGEN)
        for at in _looks(SETTLED, 12):
            scenes.run_wave(at)

        assert scenes.states(database) != {"R-1": RequestState.BOOKING}

    def test_a_label_is_fetched_without_lane(self, at_desk: Desk, database: Database, carrier: FakeCarrier) -> None:
        """Booked and paid, the label still to come: it is fetched, whatever became of the lane since."""
        carrier.script(OUT, WITHOUT_LABEL)
        fence = scenes.planned(database, "R-1")
        scenes.book_due(fence)
        scenes.lose_lanes(at_desk, depot=COPENHAGEN)
        shipments.finish_bookings(fence)

        assert scenes.states(database) != {"R-1": RequestState.BOOKING}


def test_ship_day_is_not_in_the_past(database: Database, carrier: FakeCarrier) -> None:
    """Approved on Friday morning, booked on Monday: the carrier is asked for Monday, the promise says it has moved."""
    scenes.approved(database, "R-1")
    scenes.run_wave(NOON + timedelta(days=3))

    assert {wanted.ship_on for wanted in carrier.asked} == {scenes.MONDAY}


def test_statements_do_not_grow_with_requests(at_desk: Desk, database: Database, carrier: FakeCarrier) -> None:
    """Cover, promise, reserve and plan send as many statements for 200 requests as for 20."""
    per_step: list[list[int]] = []
    for batch, size in enumerate((20, 200)):
        numbers = [f"R-{batch}-{number}" for number in range(size)]
        if batch == 0:
            scenes.approved(database, *numbers, on_hand=1000)
        else:
            with database.write() as session:
                for number in numbers:
                    makers.request(session, number, lines={scenes.HANDSET: 1})
        fence = scenes.open_run()
        counts = []
        for step in (coverage.cover, promises.promise, stock.reserve, shipments.plan_bookings):
            with scenes.counted(database) as sent:
                assert len(step(fence)) == size
            counts.append(len(sent))
        per_step.append(counts)
        waves.close_wave(fence)
        with database.write() as session:
            session.execute(update(Request).values(state=RequestState.CANCELLED))

    few, many = per_step
    # a database without executemany of RETURNING may send a page of rows more; never a statement per request
    assert all(more - less <= 4 for less, more in zip(few, many, strict=True)), per_step
    assert max(many) <= 30


def test_labels_are_asked_for_in_zpl(database: Database, carrier: FakeCarrier) -> None:
    """Warehouses print ZPL; every question asks for it and bills the vendor's account."""
    scenes.booked(database, "R-1")

    assert {(wanted.label, wanted.account) for wanted in carrier.asked} == {(LabelFormat.ZPL, "A1B2C3")}
