"""Approved requests become prepaid shipments and pick lists: cover, promise, source and reserve, book, release.

Run by `dispatch run`, by the demo and by the depots' schedules. A run claims what is due and advances it as far as it
goes; run twice, or killed anywhere, nothing is doubled and nothing is lost, because the rows say what is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from prefect import flow, unmapped
from prefect.task_runners import ThreadPoolTaskRunner

from infra import clock
from infra.db.states import BookingState
from infra.orchestrator import spare_the_collector, step
from tasks import announcements, coverage, pick_lists, promises, shipments, stock, waves
from tasks.announcements import WaveSummary
from tasks.desk import desk

open_wave = step(waves.open_wave, name="open wave")
cover = step(coverage.cover, name="cover")
promise = step(promises.promise, name="promise")
reserve = step(stock.reserve, name="source and reserve")
plan_bookings = step(shipments.plan_bookings, name="plan bookings")
resolve_unknown = step(shipments.resolve_unknown, name="resolve unknown")
book = step(shipments.book, name="book")
finish_bookings = step(shipments.finish_bookings, name="labels and settlement")
release = step(pick_lists.release, name="release pick lists")
close_wave = step(waves.close_wave, name="close wave")


def run_name() -> str:
    """Prefect's name of a run: what it is, and the instant it claimed its requests (UTC)."""
    return f"dispatch-{clock.now():%Y%m%dT%H%MZ}"


@flow(
    name="dispatch-wave",
    flow_run_name=run_name,
    task_runner=ThreadPoolTaskRunner(max_workers=2),  # type: ignore[arg-type]  # its result type is a free variable
    persist_result=False,
    validate_parameters=True,
)
def dispatch_wave(depots: list[str] | None = None) -> WaveSummary:
    """Advance everything due at `depots` (all when None) as far as it goes today."""
    spare_the_collector()
    opened = open_wave(depots or ())
    fence = opened.fence
    if not opened.requests:
        close_wave(fence)
        return announcements.summary(0, (), {}, ())
    with announcements.in_the_background() as tell:
        changes = [*tell(cover(fence)), *tell(promise(fence)), *tell(reserve(fence)), *tell(plan_bookings(fence))]
        calls = _portions(resolve_unknown, fence, BookingState.UNKNOWN)
        calls += _portions(book, fence, BookingState.PLANNED)
        changes += tell(finish_bookings(fence))
        released = release(fence)
        changes += tell(tuple(change for each in released for change in each.changes))
    summed = announcements.summary(opened.requests, changes, _added(calls), released)
    announcements.publish(summed, released)
    close_wave(fence)
    return summed


def _portions(verb, fence, state: BookingState) -> list[dict[str, int]]:  # type: ignore[no-untyped-def]  # noqa: ANN001 - Prefect's task type takes the verb's parameters with it
    due = shipments.due_bookings(fence, state)
    size = desk().settings.booking_portion
    portions = [due[start : start + size] for start in range(0, len(due), size)]
    return verb.map(unmapped(fence), portions).result() if portions else []


def _added(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(total)
