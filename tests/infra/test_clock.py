"""The clock tells aware UTC, and can be held."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from infra import clock


def test_now_is_aware_utc() -> None:
    """Nobody has to ask which zone it is."""
    assert clock.now().tzinfo is UTC


def test_a_held_clock_stands_and_goes_on() -> None:
    """Inside the block time stands, in UTC; nested holds come back to the outer one."""
    outer = datetime(2026, 3, 29, 2, 30, tzinfo=timezone(timedelta(hours=2)))
    with clock.held(outer):
        with clock.held(outer + timedelta(days=1)):
            assert clock.now() == outer + timedelta(days=1)
        assert clock.now() == outer
        assert clock.now().tzinfo is UTC
    assert clock.now() > outer


def test_child_processes_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """DISPATCH_CLOCK holds a whole process."""
    monkeypatch.setenv("DISPATCH_CLOCK", "2026-11-20T14:05:00+01:00")

    assert clock.now() == datetime(2026, 11, 20, 13, 5, tzinfo=UTC)


def test_naive_instants_are_refused() -> None:
    """The error says how to write it."""
    with (
        pytest.raises(clock.NaiveInstantError, match=r"2026-11-20T14:05:00\+01:00"),
        clock.held(
            datetime(2026, 11, 20)  # noqa: DTZ001 - that is the point
        ),
    ):
        pass
