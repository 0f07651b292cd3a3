"""Promises are watched: what the calendars move is moved and said once, and the radar shows what is getting late.

Run by a schedule of every quarter of an hour. A promise in the hands of a dispatch wave is moved by the next run; a run
killed anywhere is finished by the next one, because the record says which promises still stand under old calendars.
"""

from __future__ import annotations

from prefect import flow

from infra import clock
from infra.orchestrator import step
from tasks import drift, radar, watch_reports
from tasks.watch_reports import Watched

move_drifted = step(drift.move_drifted, name="move drifted promises")
read_radar = step(radar.radar, name="read the radar")


def run_name() -> str:
    """Prefect's name of a run, by its instant (UTC)."""
    return f"watch-{clock.now():%Y%m%dT%H%MZ}"


@flow(name="watch-promises", flow_run_name=run_name, persist_result=False)
def watch_promises() -> Watched:
    """One check: promises moved by calendars, and open work by minutes to its cut-off."""
    drifted = move_drifted()
    blips = read_radar()
    watch_reports.announce_moves(drifted)
    watch_reports.publish(drifted, blips)
    return watch_reports.summary(drifted, blips)
