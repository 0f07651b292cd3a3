"""A wave under Prefect: it does the whole job, and the run page says what an operator wants to see."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from carriers.sandbox.running import Sandbox
from tasks import books
from tasks.desk import Desk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def client(prefect_server: str) -> Any:
    """A client of the test server."""
    from prefect.client.orchestration import get_client  # noqa: PLC0415 - after its environment

    with get_client(sync_client=True) as opened:
        yield opened


def _wait_until(found: Callable[[], Any], description: str) -> Any:
    """The server writes events in batches: ask until they are there."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if answer := found():
            return answer
        time.sleep(0.2)
    raise AssertionError(f"never: {description}")


def test_a_wave_does_the_whole_job(prefect_server: str, at_desk: Desk, carrier: Sandbox) -> None:
    """Every request ends in one place, every booking is billed once, every wave has a pick list."""
    from flows.dispatch_wave import dispatch_wave  # noqa: PLC0415 - imports Prefect

    summed = dispatch_wave()
    counted = books.books()

    assert summed.claimed == 40
    assert counted.under_way == 0
    assert counted.dispatched == summed.by_state["released"] > 20
    assert counted.bookings == carrier.ledger()["billed"]
    assert counted.pick_lists == len(summed.waves)
    assert books.imbalances() == []


def test_a_second_run_finds_nothing_to_do(prefect_server: str, at_desk: Desk, carrier: Sandbox) -> None:
    """Run twice: nothing is claimed but what waits for stock, nothing is booked again."""
    from flows.dispatch_wave import dispatch_wave  # noqa: PLC0415 - imports Prefect

    dispatch_wave()
    billed = carrier.ledger()["billed"]
    again = dispatch_wave()

    assert again.by_state == {}
    assert carrier.ledger()["billed"] == billed


def test_only_the_depots_named_are_advanced(prefect_server: str, at_desk: Desk) -> None:
    """A wave of one depot leaves the requests of the others as they are."""
    from flows.dispatch_wave import dispatch_wave  # noqa: PLC0415 - imports Prefect

    summed = dispatch_wave(["NL-VNL"])

    assert 0 < summed.claimed < 40
    assert {wave[:6] for wave in summed.waves} <= {depot.code for depot in at_desk.pack.depots}
    assert books.books().under_way == 40 - summed.claimed


def test_the_run_page_names_exceptions_and_papers(prefect_server: str, at_desk: Desk, client: Any) -> None:
    """Named run, depot tags, a table of who needs somebody, a report with every pick list."""
    from prefect import tags  # noqa: PLC0415 - imports Prefect
    from prefect.client.schemas.filters import ArtifactFilter, FlowRunFilter  # noqa: PLC0415 - as above

    from flows.dispatch_wave import dispatch_wave  # noqa: PLC0415 - as above

    with tags("depot:NL-VNL"):
        state = dispatch_wave(return_state=True)
    run = client.read_flow_run(state.state_details.flow_run_id)
    artifacts = client.read_artifacts(
        artifact_filter=ArtifactFilter(flow_run_id={"any_": [run.id]}), flow_run_filter=FlowRunFilter()
    )
    kinds = {artifact.type: artifact.data for artifact in artifacts}
    summed = state.result()

    assert run.name == "dispatch-20261120T0900Z"
    assert "depot:NL-VNL" in run.tags
    assert len(summed.exceptions) == kinds["table"].count('"request"') if isinstance(kinds["table"], str) else True
    assert all(wave in str(kinds["markdown"]) for wave in summed.waves)


def test_every_change_of_state_is_an_event(prefect_server: str, at_desk: Desk, client: Any) -> None:
    """Automations can wait for `parts.request.released`; the events hold ids and no personal data."""
    from flows.dispatch_wave import dispatch_wave  # noqa: PLC0415 - imports Prefect

    state = dispatch_wave(return_state=True)
    run_id = state.state_details.flow_run_id
    wanted = sum(state.result().by_state.values())

    def events() -> list[dict[str, Any]]:
        answer = client.request(
            "POST",
            "/events/filter",
            json={
                "filter": {
                    "event": {"prefix": ["parts.request."]},
                    "related": {"id": [f"prefect.flow-run.{run_id}"]},
                    "occurred": {"since": "2026-01-01T00:00:00Z", "until": "2027-01-01T00:00:00Z"},
                },
                "limit": 50,
            },
        ).json()
        return answer["events"] if answer["total"] >= wanted else []

    found = _wait_until(events, f"{wanted} events of this run")

    assert all(event["resource"]["prefect.resource.id"].startswith("parts.request.") for event in found)
    assert all(set(event["payload"]) == {"before", "reason"} for event in found)
