"""The carrier's side: what is accepted is billed, what is billed is remembered."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from carriers.sandbox.faults import Fault, FaultPlan, Operation, ScriptedFault
from carriers.sandbox.ledger import Booking, Ledger
from carriers.sandbox.shipment_numbers import ups_number
from carriers.sandbox.virtual_clock import ClockGoesBack, VirtualClock
from carriers.sandbox.world import Draft, Habits, Voiding, World
from tests.carriers.makers import ACCOUNT, MORNING, SHIP_ON

NUMBER = partial(ups_number, ACCOUNT, "65")
WEEK = timedelta(days=7)


def world(path: Path | str = ":memory:", *, clock: datetime | None = MORNING, **habits: Any) -> World:
    return World(Ledger(str(path)), VirtualClock(clock), plan=FaultPlan(seed=7), habits=Habits(**habits))


def draft(reference: str = "REF1", leg: str = "outbound", amount: str = "10.00") -> Draft:
    return Draft(
        carrier="ups",
        account=ACCOUNT,
        reference=reference,
        leg=leg,
        service="65",
        ship_on=SHIP_ON,
        origin="NL",
        destination="DK",
        amount=Decimal(amount),
        currency="EUR",
        request=b"{}",
    )


def accept(here: World, reference: str = "REF1", **how: Any) -> Booking:
    return here.accept(draft(reference), number=NUMBER, **how)


def void(here: World, booking: Booking, window: timedelta = WEEK) -> Voiding:
    return here.void("ups", booking.shipment_id, window=lambda _: window)


def test_same_reference_twice_is_billed_twice() -> None:
    """No carrier deduplicates by reference; the summary names the double."""
    here = world()
    first, second = accept(here), accept(here)

    facts = here.summary()
    assert (facts["accepted"], facts["billed"], facts["owed"]) == (2, 2, {"EUR": "20.00"})
    assert facts["references_with_several_live"] == {"REF1": [first.shipment_id, second.shipment_id]}


def test_void_refunds_and_undoubles() -> None:
    """After voiding one of two, one is live and one price is owed."""
    here = world()
    first, _ = accept(here), accept(here)

    assert [void(here, first), void(here, first)] == [Voiding.DONE, Voiding.ALREADY]
    facts = here.summary()
    assert (facts["accepted"], facts["billed"], facts["voided"]) == (2, 1, 1)
    assert (facts["owed"], facts["references_with_several_live"]) == ({"EUR": "10.00"}, {})


def test_void_window_closes() -> None:
    """Counted from acceptance; its last moment is still in time."""
    here = world()
    in_time, too_late = accept(here, "A"), accept(here, "B")
    here.clock.advance(WEEK)
    assert void(here, in_time) is Voiding.DONE
    here.clock.advance(timedelta(seconds=1))

    assert void(here, too_late) is Voiding.TOO_LATE


def test_late_commit_waits_for_its_moment() -> None:
    """Until then it is neither billed nor found nor voidable, and yet it will come."""
    here = world(late_seconds=60)
    late = accept(here, late=True)
    assert (here.summary()["billed"], here.summary()["still_to_come"], here.summary()["owed"]) == (0, 1, {})
    assert void(here, late) is Voiding.NOT_FOUND

    here.clock.advance(timedelta(seconds=60))

    assert (here.summary()["billed"], here.summary()["still_to_come"]) == (1, 0)
    assert [late.shipment_id] == [shown.shipment_id for shown in here.shown("ups", ACCOUNT, "REF1")]


def test_index_lags_behind_the_bill() -> None:
    """Billed at once, shown within the lag at the latest, each reference at its own moment."""
    here = world(index_lag_seconds=600)
    references = [f"REF{n}" for n in range(50)]
    for reference in references:
        accept(here, reference)

    def shown() -> int:
        return sum(len(here.shown("ups", ACCOUNT, reference)) for reference in references)

    at_once = shown()
    here.clock.advance(timedelta(seconds=300))
    half_way = shown()
    here.clock.advance(timedelta(seconds=300))
    assert here.summary()["billed"] == 50
    assert at_once < half_way < shown() == 50


def test_restart_remembers_everything(tmp_path: Path) -> None:
    """Bookings, bills, attempts, late commits and the clock outlive the process."""
    path = tmp_path / "ledger.sqlite"
    before = world(path)
    with before.request(Operation.BOOK, "REF1"):
        accept(before)
    accept(before, "REF2", late=True)
    before.move_clock(MORNING + timedelta(hours=2))
    facts = before.summary()
    before.ledger.close()

    after = world(path)

    assert after.summary() == facts
    assert after.clock.now() == MORNING + timedelta(hours=2)
    after.plan = FaultPlan(script=(ScriptedFault(fault=Fault.THROTTLE, attempt=2),))
    with after.request(Operation.BOOK, "REF1") as fault:
        assert fault is Fault.THROTTLE


def test_failed_request_leaves_no_trace() -> None:
    """An attempt that breaks inside the sandbox counts for nothing: all or nothing."""
    here = world()
    with pytest.raises(RuntimeError, match="broken"), here.request(Operation.BOOK, "REF1"):
        accept(here)
        raise RuntimeError("broken")

    assert here.summary()["accepted"] == 0
    assert here.ledger.count_attempt("book", "REF1") == 1


def test_numbers_do_not_depend_on_arrival() -> None:
    """The same references in another order get the same numbers."""
    forward, backward = world(), world()
    references = [f"REF{n}" for n in range(100)]
    there = {reference: accept(forward, reference).shipment_id for reference in references}
    back = {reference: accept(backward, reference).shipment_id for reference in reversed(references)}

    assert there == back
    assert len(set(there.values())) == 100


def test_taken_number_is_not_given_twice() -> None:
    """A crowded number space still gives each shipment its own."""
    here = world()
    numbers = {here.accept(draft(f"R{n}"), number=lambda large: str(large % 50)).shipment_id for n in range(40)}

    assert len(numbers) == 40


def test_legs_are_counted_apart() -> None:
    """Outbound and return have their own figures."""
    here = world()
    accept(here)
    void(here, here.accept(draft("RET", leg="return"), number=NUMBER))

    assert here.summary()["by_leg"] == {
        "outbound": {"accepted": 1, "billed": 1, "voided": 0},
        "return": {"accepted": 1, "billed": 0, "voided": 1},
    }


def test_accounts_can_be_limited() -> None:
    """With a list, only these may be billed; without, any."""
    assert world().knows_account("Z9Z9Z9")
    assert not world(accounts=frozenset({ACCOUNT})).knows_account("Z9Z9Z9")


def test_clock_goes_forward_only() -> None:
    """The ledger already holds later moments."""
    clock = VirtualClock(MORNING)
    clock.move_to(MORNING + WEEK)

    assert clock.now() == MORNING + WEEK
    with pytest.raises(ClockGoesBack):
        clock.move_to(MORNING)
    with pytest.raises(ValueError, match="no zone"):
        clock.move_to(datetime(2027, 1, 1))  # noqa: DTZ001 - naive on purpose


def test_real_clock_can_be_advanced() -> None:
    """A world on wall-clock time moves on by itself, and further when told."""
    clock = VirtualClock(None)
    before = clock.now()
    clock.advance(WEEK)

    assert WEEK <= clock.now() - before < WEEK + timedelta(minutes=1)
