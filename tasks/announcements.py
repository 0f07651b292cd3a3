"""What the run page is told: one event per change of state, a table of exceptions, a link per pick list.

Called by `flows.dispatch_wave`. Ids and reasons only; names and addresses stay in the record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

from infra import clock
from infra.db.states import RequestState
from infra.ledger.changes import Change
from infra.orchestrator import Occurrence, announce
from tasks.desk import Desk, desk
from tasks.pick_lists import Released

EXCEPTIONS = (RequestState.HELD, RequestState.REFUSED, RequestState.BACKORDERED)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveSummary:
    """What a run came to."""

    claimed: int
    by_state: dict[str, int]
    """Changes by the state they led to."""
    calls: dict[str, int]
    """Carrier calls and look-ups by outcome."""
    waves: tuple[str, ...]
    exceptions: tuple[dict[str, str], ...]


@contextmanager
def in_the_background() -> Iterator[Callable[[tuple[Change, ...]], tuple[Change, ...]]]:
    """Inside: a function that announces changes while the wave goes on, and gives them back. Waits at the end."""
    with ThreadPoolExecutor(1, thread_name_prefix="announce") as messenger:

        def tell(changes: tuple[Change, ...]) -> tuple[Change, ...]:
            messenger.submit(copy_context().run, announce_changes, changes)
            return changes

        yield tell


def announce_changes(changes: Sequence[Change]) -> int:
    """One event per change: `parts.request.<state>`."""
    at = clock.now()
    return announce(
        Occurrence(
            event=f"parts.request.{change.after}",
            resource_id=f"parts.request.{change.request_id}",
            resource_name=f"{change.partner}/{change.number}",
            at=at,
            payload={"before": str(change.before), "reason": change.reason},
        )
        for change in changes
    )


def summary(
    claimed: int, changes: Sequence[Change], calls: dict[str, int], released: Sequence[Released]
) -> WaveSummary:
    """Everything of one run in one value."""
    return WaveSummary(
        claimed=claimed,
        by_state=dict(Counter(str(change.after) for change in changes)),
        calls=calls,
        waves=tuple(each.wave for each in released),
        exceptions=tuple(_exception(change) for change in changes if change.after in EXCEPTIONS),
    )


def _exception(change: Change) -> dict[str, str]:
    return {
        "request": f"{change.partner}/{change.number}",
        "state": str(change.after),
        "reason": change.reason,
        "evidence": ", ".join(f"{name}: {value}" for name, value in change.detail.items())[:200],
    }


def publish(summed: WaveSummary, released: Sequence[Released]) -> None:
    """Artifacts of the run: the exceptions as a table, the pick lists as a report."""
    from prefect.artifacts import create_markdown_artifact, create_table_artifact  # noqa: PLC0415 - Prefect takes a second to import, and intake does without it

    create_table_artifact(
        table=list(summed.exceptions),
        description=f"{len(summed.exceptions)} requests need somebody; `dispatch holds` says who and what next.",
    )
    create_markdown_artifact(markdown=report(summed, released, desk()), description="What this wave came to")


def report(summed: WaveSummary, released: Sequence[Released], at_desk: Desk) -> str:
    """The run in Markdown: counts, then a row per released wave with its papers."""
    lines = ["| what | how many |", "|---|---|", f"| claimed | {summed.claimed} |"]
    lines += [f"| {state} | {count} |" for state, count in sorted(summed.by_state.items())]
    lines += [f"| carrier: {word} | {count} |" for word, count in sorted(summed.calls.items())]
    if released:
        lines += ["", "| wave | parcels | papers |", "|---|---|---|"]
        lines += [f"| {each.wave} | {each.requests} | {_papers(each, at_desk)} |" for each in released]
    return "\n".join(lines)


def _papers(each: Released, at_desk: Desk) -> str:
    links: list[Any] = [f"{paper.name} (`{at_desk.documents.where(paper.sha256)}`)" for paper in each.papers]
    return "<br>".join(links)
