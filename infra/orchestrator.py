"""Prefect, as this house uses it: one way to make a step, one way to tell the run page what happened.

Called by `flows`. Retries, caching and concurrency limits are off on purpose: repeating is the ledger's business, and a
second layer of retries on an effect is how a parcel is paid for twice.
"""

from __future__ import annotations

import atexit
import gc
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

EVENTS_IN_ONE_CALL = 500

QUIET_SERVER = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "90",
    # larger batches: the server's work per task run falls to a quarter (measured)
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TRIGGERS_READ_BATCH_SIZE": "100",
    # a server that lives as long as one command has no automations and nobody watching its stream of events;
    # each of these would read every event once more. A server of your own keeps its own settings.
    "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "false",
    "PREFECT_SERVER_EVENTS_STREAM_OUT_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_SERVER_LEVEL": "ERROR",
    "PREFECT_CLI_COLORS": "false",
}


def prepare_environment(home: Path | None = None) -> None:
    """Defaults for a Prefect on this machine alone, before Prefect is imported; what is set already stays.

    With `home` Prefect keeps its own database there. Where PREFECT_API_URL is set, that server is used instead.
    """
    for name, value in QUIET_SERVER.items():
        os.environ.setdefault(name, value)
    if home is not None and "PREFECT_API_URL" not in os.environ:
        home.mkdir(parents=True, exist_ok=True)
        os.environ.setdefault("PREFECT_HOME", str(home.resolve()))


@contextmanager
def without_heartbeats() -> Iterator[None]:
    """Flow runs inside send no heartbeats, for whom nobody waits when a person runs a wave by hand.

    Ending the heartbeat thread costs up to a second a run (it sleeps by whole seconds); a served flow keeps it, so
    that Prefect's automations can tell a run that died.
    """
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings  # noqa: PLC0415 - as above

    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        yield


def step(verb: Callable[..., Any], *, name: str) -> Any:
    """A Prefect task around one step: no retries, no cache, no stored result."""
    from prefect import task  # noqa: PLC0415 - Prefect takes a second to import, and intake does without it
    from prefect.cache_policies import NO_CACHE  # noqa: PLC0415 - Prefect takes a second to import, and intake does without it

    made: Any = task  # its overloads do not take NO_CACHE
    return made(verb, name=name, retries=0, cache_policy=NO_CACHE, persist_result=False, log_prints=False)


@cache
def spare_the_collector() -> None:
    """Take what is loaded by now out of the garbage collector's sight, once per process.

    Importing Prefect leaves some half a million objects that live for ever; walking them again and again while a wave
    makes thousands of its own doubled the time of its vectorised steps (measured: 0.87 s against 0.43 s).
    """
    gc.collect()
    gc.freeze()
    # at the end everything is let go as usual, or extension modules report their types as leaked
    atexit.register(gc.unfreeze)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One thing that happened to one object; `payload` holds ids, never personal data."""

    event: str
    """Dotted, for example `parts.request.booked`: what automations match on."""
    resource_id: str
    resource_name: str
    at: datetime
    payload: dict[str, Any] = field(default_factory=dict)


def announce(occurrences: Iterable[Occurrence]) -> int:
    """Send events to Prefect, many in one call. Returns how many were sent.

    Best effort: what happened is on record already, so a Prefect that is away delays an automation and nothing else.
    """
    import httpx  # noqa: PLC0415 - Prefect takes a second to import, and intake does without it
    from prefect.client.orchestration import get_client  # noqa: PLC0415 - as above
    from prefect.exceptions import PrefectHTTPStatusError  # noqa: PLC0415 - as above

    sent = 0
    related = _this_run()
    with get_client(sync_client=True) as client:
        for portion in _portions([_event(each, related) for each in occurrences]):
            try:
                client.request("POST", "/events", json=portion)
            except (httpx.HTTPError, PrefectHTTPStatusError):
                return sent
            sent += len(portion)
    return sent


def _portions(events: Sequence[dict[str, Any]]) -> list[Sequence[dict[str, Any]]]:
    return [events[start : start + EVENTS_IN_ONE_CALL] for start in range(0, len(events), EVENTS_IN_ONE_CALL)]


def _this_run() -> list[dict[str, str]]:
    from prefect.context import FlowRunContext  # noqa: PLC0415 - Prefect takes a second to import, and intake does without it

    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return []
    return [{"prefect.resource.id": f"prefect.flow-run.{context.flow_run.id}", "prefect.resource.role": "flow-run"}]


def _event(each: Occurrence, related: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "occurred": each.at.isoformat(),
        "event": each.event,
        "resource": {"prefect.resource.id": each.resource_id, "prefect.resource.name": each.resource_name},
        "related": related,
        "payload": each.payload,
    }
