"""The world's own time: it stands still until moved, or follows the wall clock. Asked by `world.py` only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class ClockGoesBack(ValueError):
    """Time in the sandbox only goes forward: the ledger already holds later moments."""


class VirtualClock:
    """Aware UTC instants. `start` None follows the wall clock, plus whatever it has been advanced by."""

    def __init__(self, start: datetime | None) -> None:
        self._held = None if start is None else start.astimezone(UTC)
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        # The wall clock of a simulated world, not of the house: nothing outside the sandbox ever sees this reading.
        return self._held if self._held is not None else datetime.now(UTC) + self._ahead

    def move_to(self, instant: datetime) -> None:
        """Raises `ClockGoesBack` for an instant before now, `ValueError` for one without a zone."""
        if instant.tzinfo is None:
            raise ValueError(f"{instant.isoformat()} has no zone")
        self.advance(instant - self.now())

    def advance(self, by: timedelta) -> None:
        if by < timedelta(0):
            raise ClockGoesBack(f"{by} from {self.now().isoformat()}")
        if self._held is None:
            self._ahead += by
        else:
            self._held += by
