"""What the page of a watch run is told: an event per moved promise, a table of moves and one of what is getting late.

Called by `flows.watch_promises`. Request numbers, dates and reasons only; names and addresses stay in the record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infra import clock
from infra.orchestrator import Occurrence, announce

if TYPE_CHECKING:
    from tasks.drift import Drift  # what steps hand over; a step module is never imported by another
    from tasks.radar import Blip

LATE_WITHIN_MINUTES = 120
"""The radar table of a run page: what a person can still do something about."""
ROWS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What a run came to."""

    open_promises: int
    moved: int
    busy: int
    unanswered: int
    on_radar: int
    getting_late: int
    """Cut-off within two hours, or passed."""
    lost: int
    """Of those: nothing keeps the promise once the cut-off is missed."""


def summary(drift: Drift, blips: Sequence[Blip]) -> Watched:
    """Everything of one run in one value."""
    late = getting_late(blips)
    return Watched(
        open_promises=drift.open_promises,
        moved=len(drift.moved),
        busy=len(drift.busy),
        unanswered=len(drift.unanswered),
        on_radar=len(blips),
        getting_late=len(late),
        lost=sum(not hasattr(blip.if_missed, "extra_cost") for blip in late),
    )


def getting_late(blips: Sequence[Blip]) -> list[Blip]:
    """The most urgent first, as the radar gives them."""
    return [blip for blip in blips if blip.minutes_left <= LATE_WITHIN_MINUTES]


def announce_moves(drift: Drift) -> int:
    """One event per move: `parts.promise.moved`."""
    at = clock.now()
    return announce(
        Occurrence(
            event="parts.promise.moved",
            resource_id=f"parts.request.{each.request_id}",
            resource_name=each.request,
            at=at,
            payload={"was": each.old_on.isoformat(), "now": each.new_on.isoformat(), "commitment": each.commitment},
        )
        for each in drift.moved
    )


def publish(drift: Drift, blips: Sequence[Blip]) -> None:
    """Artifacts of the run: what moved, and what is getting late."""
    from prefect.artifacts import create_table_artifact  # noqa: PLC0415 - Prefect takes a second to import, and the commands do without it

    moves = [
        {"request": each.request, "state": each.state, "was": str(each.old_on), "now": str(each.new_on)}
        for each in drift.moved[:ROWS]
    ]
    late: list[dict[str, Any]] = [
        {
            "minutes": blip.minutes_left, "depot": blip.depot, "request": blip.request, "state": blip.state,
            "promised": str(blip.promised_on),
        }
        for blip in getting_late(blips)[:ROWS]
    ]  # fmt: skip
    create_table_artifact(table=moves, description=f"{len(drift.moved)} promises moved; `dispatch explain --diff`")
    create_table_artifact(table=late, description=f"{len(late)} requests are getting late; `dispatch radar`")
