"""The outbox is drained: letters to partners, sites and warehouses.

Run by `dispatch notices`, by the demo and by a schedule of every minute.
"""

from __future__ import annotations

from prefect import flow

from infra import clock
from infra.orchestrator import step
from tasks import notices

deliver_due = step(notices.deliver_due, name="deliver due messages")


def run_name() -> str:
    """Prefect's name of a run, by its instant (UTC)."""
    return f"notices-{clock.now():%Y%m%dT%H%MZ}"


@flow(name="deliver-notices", flow_run_name=run_name, persist_result=False)
def deliver_notices() -> dict[str, int]:
    """Deliver what is due; counts of sent, later and given_up."""
    counts: dict[str, int] = deliver_due()
    return counts
