"""The UPS adapter against the sandbox over real loopback HTTP: each fault, its outcome, and what the ledger says."""

from __future__ import annotations

import hashlib
import socket
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from carriers import wire
from carriers.classification import Reply
from carriers.connections import connect
from carriers.model import Book, BookingKey, Found, Leg
from carriers.outcomes import Booked, NotFound, Rejected, RetryAfter, TooLate, Unknown, Voided
from carriers.port import CarrierPort, CarrierUnavailable
from carriers.sandbox.faults import FaultPlan
from carriers.sandbox.ledger import Ledger
from carriers.sandbox.running import Sandbox, running
from carriers.sandbox.ups import Dialect, TokenDesk, read_shipment
from carriers.sandbox.virtual_clock import VirtualClock
from carriers.sandbox.world import Habits, World
from carriers.transport import TimeOuts
from carriers.ups import client as ups_client
from carriers.ups import incoming, outgoing
from carriers.ups.client import Ups
from tests.carriers.makers import (
    GENEVA,
    HASTY,
    MORNING,
    SHIP_ON,
    back,
    credentials,
    customs,
    inside_us,
    key_of,
    outbound,
)

LATE = timedelta(seconds=300)
SETTLE = timedelta(minutes=15)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    ledger = tmp_path_factory.mktemp("sandbox") / "ledger.sqlite"
    options = ("--clock", MORNING.isoformat(), "--hang-seconds", "1.2", "--seed", "7")
    with running(ledger, *options) as started:
        yield started


@pytest.fixture
def ups(sandbox: Sandbox) -> Iterator[CarrierPort]:
    sandbox.set_faults(rate=0, script=[])
    carrier = connect("ups", base_url=sandbox.url, credentials=credentials(), time_outs=HASTY)
    yield carrier
    carrier.close()


@pytest.fixture
def reference(request: pytest.FixtureRequest) -> str:
    """One of its own for every test, of the length the ledger uses."""
    return hashlib.blake2b(request.node.name.encode(), digest_size=8).hexdigest().upper()


def live(sandbox: Sandbox, reference: str) -> list[dict[str, Any]]:
    """What the carrier bills under `reference`, by its own ledger."""
    return [row for row in sandbox.rows() if row["reference"] == reference and row["voided_at"] is None]


@dataclass(frozen=True)
class Case:
    fault: str
    outcome: type
    billed: int
    """Shipments the carrier has really made."""


CASES = [
    Case("accept_then_hang", Unknown, 1),
    Case("accept_then_drop", Unknown, 1),
    Case("accept_then_5xx_json", Unknown, 1),
    Case("accept_then_5xx_html", Unknown, 1),
    Case("accept_then_truncated", Unknown, 1),
    Case("no_label", Booked, 1),
    Case("corrupt_label", Booked, 1),
    Case("late_commit", Unknown, 0),
    Case("refuse_5xx", Unknown, 0),
    Case("throttle", RetryAfter, 0),
    Case("expired_token", RetryAfter, 0),
]


@pytest.mark.slow
@pytest.mark.parametrize("leg", Leg)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.fault)
def test_each_fault_has_its_outcome(sandbox: Sandbox, ups: CarrierPort, reference: str, case: Case, leg: Leg) -> None:
    """The class tells the truth about the ledger: never Rejected or RetryAfter where a shipment exists."""
    sandbox.script(case.fault, key=reference)
    wanted = outbound(reference) if leg is Leg.OUTBOUND else back(outbound(), reference)

    seen = ups.book(wanted)

    assert isinstance(seen, case.outcome), seen
    assert len(live(sandbox, reference)) == case.billed


@pytest.mark.slow
def test_faultless_booking_is_complete(sandbox: Sandbox, ups: CarrierPort, reference: str) -> None:
    """Numbers, price and label come back, and the ledger holds exactly this shipment."""
    seen = ups.book(outbound(reference))

    assert isinstance(seen, Booked)
    assert seen.charge is not None
    assert seen.label is not None
    row = live(sandbox, reference)
    assert [seen.tracking_number] == [entry["tracking_number"] for entry in row]
    assert str(seen.charge.amount) == row[0]["amount"]


@pytest.mark.slow
def test_dripping_answer_is_given_up(sandbox: Sandbox, reference: str) -> None:
    """Each piece in time, the whole never: the total time-out ends it, and it may be booked."""
    sandbox.script("accept_then_slow_body", key=reference)
    impatient = replace(HASTY, total_s=0.5)
    carrier = connect("ups", base_url=sandbox.url, credentials=credentials(), time_outs=impatient)

    seen = carrier.book(outbound(reference))

    assert isinstance(seen, Unknown)
    assert "ReplyTooSlow" in seen.evidence
    assert len(live(sandbox, reference)) == 1
    carrier.close()


@pytest.mark.slow
def test_dripping_answer_in_time_is_read(sandbox: Sandbox, ups: CarrierPort, reference: str) -> None:
    """Slowness alone loses nothing."""
    sandbox.script("accept_then_slow_body", key=reference)

    assert isinstance(ups.book(outbound(reference)), Booked)


@pytest.mark.slow
def test_late_commit_appears_after_the_clock(sandbox: Sandbox, ups: CarrierPort, reference: str) -> None:
    """Nothing to be found when the client gives up, a billed shipment five minutes later: why look-ups wait."""
    sandbox.script("late_commit", key=reference)
    assert isinstance(ups.book(outbound(reference)), Unknown)
    sandbox.set_faults(script=[])
    assert ups.find(reference, ship_on=SHIP_ON) == []

    sandbox.advance(LATE)

    found = ups.find(reference, ship_on=SHIP_ON)
    assert [entry["shipment_id"] for entry in live(sandbox, reference)] == [shown.shipment_id for shown in found]
    assert len(found) == 1


@pytest.mark.slow
def test_one_expired_token_is_renewed(sandbox: Sandbox, ups: CarrierPort, reference: str) -> None:
    """A single 401 costs a new token, not a booking."""
    sandbox.script("expired_token", key=reference, attempt=1)

    assert isinstance(ups.book(outbound(reference)), Booked)
    assert len(live(sandbox, reference)) == 1


@pytest.mark.slow
def test_token_dead_by_the_carriers_clock_is_renewed(sandbox: Sandbox, ups: CarrierPort, reference: str) -> None:
    """The carrier's clock decides when a token is dead; the next call renews it."""
    assert isinstance(ups.book(outbound(reference)), Booked)
    sandbox.advance(timedelta(hours=5))

    assert isinstance(ups.book(outbound(reference + "B")), Booked)


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["refuse_5xx", "accept_then_hang", "expired_token"])
def test_no_token_means_nothing_sent(sandbox: Sandbox, ups: CarrierPort, reference: str, fault: str) -> None:
    """Whatever the token desk does, no booking has left: it may be tried again."""
    sandbox.script(fault, operation="token")

    assert isinstance(ups.book(outbound(reference)), RetryAfter)
    assert live(sandbox, reference) == []


def test_unreachable_carrier_may_be_asked_again() -> None:
    """Nobody listens: nothing was sent, and look-ups say so."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    carrier = connect("ups", base_url=f"http://127.0.0.1:{port}", credentials=credentials(), time_outs=HASTY)

    assert isinstance(carrier.book(outbound()), RetryAfter)
    with pytest.raises(CarrierUnavailable):
        carrier.find("7Q2M9XK4T0VB3HZC", ship_on=SHIP_ON)
    carrier.close()


@pytest.mark.slow
def test_sixteen_threads_fetch_one_token(sandbox: Sandbox, reference: str) -> None:
    """A cold start of sixteen threads costs one token, and books sixteen shipments."""
    client_id = f"stampede-{reference}"
    carrier = connect("ups", base_url=sandbox.url, credentials=credentials(client_id=client_id), time_outs=TimeOuts())
    # The desk would fail every second request of this client: sixteen bookings prove that there was no second one.
    sandbox.script("refuse_5xx", operation="token", key=client_id, attempt=2)
    with ThreadPoolExecutor(16) as pool:
        seen = list(pool.map(carrier.book, [outbound(f"{reference[:12]}{n:04d}") for n in range(16)]))
    carrier.close()

    assert all(isinstance(outcome, Booked) for outcome in seen)
    assert len({outcome.tracking_number for outcome in seen if isinstance(outcome, Booked)}) == 16


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (outbound(ship_to=replace(GENEVA, postal_code="")), "120207"),
        (outbound(service="77"), "120500"),
        (inside_us(ship_to=replace(inside_us().ship_to, subdivision=None)), "120206"),
    ],
    ids=["postal_code", "service", "state"],
)
def test_refusals_are_the_carriers(sandbox: Sandbox, ups: CarrierPort, reference: str, wanted: Book, code: str) -> None:
    """UPS's own error number reaches the ledger, and nothing is billed."""
    seen = ups.book(replace(wanted, reference=reference))

    assert isinstance(seen, Rejected)
    assert seen.code == code
    assert live(sandbox, reference) == []


@pytest.mark.parametrize(
    ("wanted", "code"),
    [(replace(back(outbound()), saturday=True), "SATURDAY"), (outbound(account="Z9Z9Z9"), "ACCOUNT")],
    ids=["impossible", "not_our_account"],
)
def test_local_refusal_sends_nothing(wanted: Book, code: str) -> None:
    """What cannot be asked, or could not be found again, is rejected without a connection."""
    carrier = connect("ups", base_url="http://127.0.0.1:9", credentials=credentials(), time_outs=HASTY)

    seen = carrier.book(wanted)

    assert isinstance(seen, Rejected)
    assert seen.code == code
    carrier.close()


@pytest.mark.slow
def test_find_shows_duplicates_and_voided(ups: CarrierPort, reference: str) -> None:
    """Two shipments under one reference are both shown; after a void one of them is marked."""
    first, second = (ups.book(outbound(reference)) for _ in range(2))
    assert isinstance(first, Booked)
    assert isinstance(second, Booked)
    ups.void(key_of(first, reference))

    found = {shown.shipment_id: shown.voided for shown in ups.find(reference, ship_on=SHIP_ON)}

    assert found == {first.shipment_id: True, second.shipment_id: False}


@pytest.mark.slow
def test_find_does_not_see_other_accounts(sandbox: Sandbox, ups: CarrierPort, reference: str) -> None:
    """A reference that another account uses too is not ours."""
    stranger = connect("ups", base_url=sandbox.url, credentials=credentials(account="Z9Z9Z9"), time_outs=HASTY)
    stranger.book(outbound(reference, account="Z9Z9Z9"))
    stranger.close()

    assert ups.find(reference, ship_on=SHIP_ON) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault", ["refuse_5xx", "throttle", "accept_then_5xx_html", "accept_then_drop", "accept_then_truncated"]
)
@pytest.mark.parametrize("key", ["{}", "recovery:{}"], ids=["tracking", "recovery"])
def test_failed_look_up_is_not_an_absence(
    sandbox: Sandbox, ups: CarrierPort, reference: str, fault: str, key: str
) -> None:
    """A look-up that fails raises, in whichever of its two questions: only an answer may count as a negative."""
    sandbox.script(fault, operation="find", key=key.format(reference))

    with pytest.raises(CarrierUnavailable):
        ups.find(reference, ship_on=SHIP_ON)


@pytest.mark.slow
def test_lost_label_is_fetched_again(sandbox: Sandbox, ups: CarrierPort, reference: str) -> None:
    """The label of a booking whose answer lost it is the one the answer would have had."""
    sandbox.script("no_label", key=reference)
    wanted = outbound(reference)
    booked = ups.book(wanted)
    assert isinstance(booked, Booked)
    assert booked.label is None

    label = ups.label(key_of(booked, reference))

    assert label is not None
    assert booked.tracking_number.encode() in label.content
    assert reference.encode() in label.content


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["no_label", "corrupt_label"])
def test_label_that_is_none_yet(sandbox: Sandbox, ups: CarrierPort, reference: str, fault: str) -> None:
    """A recovery without a readable label is None, not an error: ask again later."""
    booked = ups.book(outbound(reference))
    assert isinstance(booked, Booked)
    sandbox.script(fault, operation="label", key=booked.tracking_number)

    assert ups.label(key_of(booked, reference)) is None


@pytest.mark.slow
def test_void_refunds_once(sandbox: Sandbox, ups: CarrierPort, reference: str) -> None:
    """Voiding twice is voided twice, and the ledger bills nothing."""
    booked = ups.book(outbound(reference))
    assert isinstance(booked, Booked)
    key = key_of(booked, reference)

    assert (ups.void(key), ups.void(key)) == (Voided(), Voided())
    assert live(sandbox, reference) == []


VOID_CASES = [
    Case("accept_then_hang", Unknown, 0),
    Case("accept_then_drop", Unknown, 0),
    Case("accept_then_5xx_json", Unknown, 0),
    Case("accept_then_truncated", Unknown, 0),
    Case("refuse_5xx", Unknown, 1),
    Case("throttle", RetryAfter, 1),
    Case("expired_token", RetryAfter, 1),
]


@pytest.mark.slow
@pytest.mark.parametrize("case", VOID_CASES, ids=lambda case: case.fault)
def test_each_void_fault_has_its_outcome(sandbox: Sandbox, ups: CarrierPort, reference: str, case: Case) -> None:
    """A void is as uncertain as a booking; repeated without the fault it ends as Voided."""
    booked = ups.book(outbound(reference))
    assert isinstance(booked, Booked)
    sandbox.script(case.fault, operation="void", key=booked.shipment_id)

    seen = ups.void(key_of(booked, reference))

    assert isinstance(seen, case.outcome), seen
    assert len(live(sandbox, reference)) == case.billed
    sandbox.set_faults(script=[])
    assert ups.void(key_of(booked, reference)) == Voided()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "outcome"), [("1ZA1B2C30000000000", TooLate), ("NONSENSE", NotFound)], ids=["unknown", "malformed"]
)
def test_void_of_a_stranger(ups: CarrierPort, number: str, outcome: type) -> None:
    """A number UPS cannot void stays somebody's problem; a malformed one never was a shipment."""
    key = BookingKey(shipment_id=number, tracking_number=number, reference="X")

    assert isinstance(ups.void(key), outcome)


@pytest.mark.slow
def test_return_label_dies_after_a_day(sandbox: Sandbox, ups: CarrierPort, reference: str) -> None:
    """Printed return labels can be voided for 24 hours, outbound ones for 90 days."""
    there = ups.book(outbound(reference))
    returning = ups.book(back(outbound(), reference + "R"))
    assert isinstance(there, Booked)
    assert isinstance(returning, Booked)
    sandbox.advance(timedelta(hours=25))

    assert isinstance(ups.void(key_of(returning, reference)), TooLate)
    assert isinstance(ups.void(key_of(there, reference)), Voided)


def naive(ups: CarrierPort, _: Sandbox, wanted: Book) -> None:
    """What must never be done: ask again until it answers."""
    for _attempt in range(20):
        if isinstance(ups.book(wanted), Booked):
            return
    raise AssertionError("not booked in twenty attempts")


def careful(ups: CarrierPort, sandbox: Sandbox, wanted: Book) -> None:
    """The ledger's protocol in short: settle, look up twice, only then again."""
    for _attempt in range(40):
        outcome = ups.book(wanted)
        if isinstance(outcome, Booked):
            return
        assert not isinstance(outcome, Rejected)
        if isinstance(outcome, Unknown) and any(settled_look_up(ups, sandbox, wanted.reference) for _ in range(2)):
            return
    raise AssertionError("not booked in forty attempts")


def settled_look_up(ups: CarrierPort, sandbox: Sandbox, reference: str) -> list[Found]:
    sandbox.advance(SETTLE)
    for _attempt in range(40):
        try:
            return list(ups.find(reference, ship_on=SHIP_ON))
        except CarrierUnavailable:
            continue
    raise AssertionError("no look-up in forty attempts")


@pytest.mark.slow
@pytest.mark.parametrize(("client", "doubles"), [(careful, False), (naive, True)], ids=["careful", "naive_control"])
def test_only_the_careful_client_books_once(
    tmp_path: Path, client: Callable[[CarrierPort, Sandbox, Book], None], *, doubles: bool
) -> None:
    """Same seed, same faults, same check of the ledger: it finds the naive client's doubles and none of the careful."""
    references = [f"WAVE{n:012d}" for n in range(40)]
    options = ("--clock", MORNING.isoformat(), "--seed", "7", "--faults", "0.4", "--hang-seconds", "0.3")
    with running(tmp_path / "ledger.sqlite", *options, "--index-lag-seconds", "600") as sandbox:
        hasty = replace(HASTY, read_s=0.15)
        ups = connect("ups", base_url=sandbox.url, credentials=credentials(), time_outs=hasty)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(partial(client, ups, sandbox), map(outbound, references)))
        sandbox.advance(timedelta(hours=1))
        truth = sandbox.ledger()
        ups.close()

    assert truth["references"] == len(references)
    assert bool(truth["references_with_several_live"]) is doubles, truth
    assert (truth["billed"] > len(references)) is doubles


def test_own_work_is_below_two_milliseconds() -> None:
    """Building the request and reading the answer, label included, takes less than 2 ms a booking (median of 200)."""
    wanted = outbound(ship_to=GENEVA, customs=customs())
    content = wire.to_bytes(outgoing.shipment(wanted))
    asked = read_shipment(content)
    assert asked is not None
    world = World(Ledger(":memory:"), VirtualClock(MORNING), plan=FaultPlan(), habits=Habits())
    answer = Dialect(world, TokenDesk(world))._ship(asked, content, None)

    def once() -> float:
        start = time.perf_counter()
        wire.to_bytes(outgoing.shipment(wanted))
        incoming.booked(Reply(status=200, headers={}, body=answer.body), reference=wanted.reference)
        return time.perf_counter() - start

    assert statistics.median(once() for _ in range(200)) < 0.002


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, b"<html>not found</html>"),
        (404, b"{}"),
        (403, wire.to_bytes({"response": {"errors": [{"code": "10403", "message": "Blocked Merchant"}]}})),
        (200, b"{}"),
        (200, b"[]"),
        (302, b""),
        (500, b""),
    ],
    ids=["proxy_page", "bare_404", "blocked", "empty", "array", "redirect", "broken"],
)
@pytest.mark.parametrize("strange_path", [ups_client.TRACK_PATH, ups_client.RECOVERY_PATH], ids=["track", "recovery"])
def test_strange_answers_are_not_absences(
    monkeypatch: pytest.MonkeyPatch, strange_path: str, status: int, body: bytes
) -> None:
    """Only UPS's own "not found" counts as "not visible yet", in each of the two questions by itself."""
    replies = {**ABSENT, strange_path: (status, body)}

    with pytest.raises(CarrierUnavailable):
        find_with(monkeypatch, replies)


def test_second_shipment_behind_a_vague_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    """ "Too many shipments found" is the opposite of an absence: it raises instead of returning nothing."""
    with pytest.raises(CarrierUnavailable, match="300035"):
        find_with(monkeypatch, {**ABSENT, ups_client.RECOVERY_PATH: (400, said("300035"))})


def test_two_proper_absences_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Positive control: when both questions are answered with "not found", nothing is visible."""
    assert find_with(monkeypatch, ABSENT) == []


def said(code: str) -> bytes:
    return wire.to_bytes({"response": {"errors": [{"code": code, "message": "in UPS's words"}]}})


ABSENT = {ups_client.TRACK_PATH: (404, said("TW0001")), ups_client.RECOVERY_PATH: (400, said("9801031"))}


def find_with(monkeypatch: pytest.MonkeyPatch, replies: Mapping[str, tuple[int, bytes]]) -> Sequence[Found]:
    """A look-up whose two questions get prepared replies, by the start of their paths."""

    def send(_method: str, path: str, **_: Any) -> Reply:
        status, body = next(answer for start, answer in replies.items() if path.startswith(start))
        return Reply(status=status, headers={}, body=body)

    ups = Ups(base_url="http://127.0.0.1:9", credentials=credentials(), time_outs=HASTY)
    monkeypatch.setattr(ups, "_send", send)
    try:
        return ups.find("7Q2M9XK4T0VB3HZC", ship_on=SHIP_ON)
    finally:
        ups.close()
