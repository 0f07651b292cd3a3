"""What time it is: the only place in the house that asks the machine.

Flows, tasks and the console call `now()`; rules never do, they are handed the instant.
Tests and the demo hold the clock with `held(instant)`, so a day of waves takes seconds.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

HELD_CLOCK_VARIABLE = "DISPATCH_CLOCK"


class NaiveInstantError(ValueError):
    """An instant without a zone: say which one, for example 2026-11-20T14:05:00+01:00."""


_lock = threading.Lock()
_held_at: datetime | None = None


def aware_utc(instant: datetime) -> datetime:
    """The same instant in UTC. Raises `NaiveInstantError` for a datetime without a zone."""
    if instant.tzinfo is None or instant.utcoffset() is None:
        message = f"{instant.isoformat()} has no zone: {NaiveInstantError.__doc__}"
        raise NaiveInstantError(message)
    return instant.astimezone(UTC)


def now() -> datetime:
    """The present instant, aware, in UTC: the held one where the clock is held."""
    if _held_at is not None:
        return _held_at
    from_environment = os.environ.get(HELD_CLOCK_VARIABLE)
    if from_environment:
        return aware_utc(datetime.fromisoformat(from_environment))
    return datetime.now(UTC)


@contextmanager
def held(instant: datetime) -> Iterator[None]:
    """Hold the clock of this process, all threads of it, at `instant` (aware).

    Not inherited by child processes; they are given `DISPATCH_CLOCK`.
    """
    global _held_at  # noqa: PLW0603 - Prefect runs tasks in threads, which do not all inherit context variables
    with _lock:
        before, _held_at = _held_at, aware_utc(instant)
    try:
        yield
    finally:
        with _lock:
            _held_at = before
