"""The capability table is complete and consistent with the adapters."""

from __future__ import annotations

from datetime import timedelta

import pytest

from carriers.capabilities import CAPABILITIES, Billing, LookUp
from carriers.connections import ADAPTERS
from carriers.model import Leg
from carriers.transport import TimeOuts

SLOWEST_WORK = timedelta(minutes=1)


def test_every_adapter_has_its_record() -> None:
    """What can be booked can also be resolved: no adapter without capabilities."""
    assert set(ADAPTERS) <= set(CAPABILITIES)


@pytest.mark.parametrize("carrier", CAPABILITIES)
def test_settle_window_outlasts_the_client(carrier: str) -> None:
    """An empty look-up proves nothing before our own time-out and the carrier's slowest work are over."""
    assert CAPABILITIES[carrier].settle >= timedelta(seconds=TimeOuts().total_s) + SLOWEST_WORK


@pytest.mark.parametrize("carrier", CAPABILITIES)
def test_records_are_usable(carrier: str) -> None:
    """A 16-character reference fits, each leg has a void window (or None), and a source is named."""
    record = CAPABILITIES[carrier]

    assert record.carrier == carrier
    assert record.reference_max >= 16
    assert set(record.void_window) == set(Leg)
    assert record.label_formats
    assert record.sources


def test_orphans_that_cost_can_be_voided() -> None:
    """Where a label is billed when made, an orphan can be found and voided."""
    for record in CAPABILITIES.values():
        if record.billing is Billing.ON_LABEL:
            assert record.look_up is LookUp.EVENTUAL
            assert all(record.void_window.values())
