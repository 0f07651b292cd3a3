"""One token for many threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from carriers.classification import NotSent
from carriers.tokens import AccessToken, TokenSource

THREADS = 16


class Desk:
    """A token desk that counts, takes its time, and can be closed."""

    def __init__(self, *, lives_s: float = 100.0, work_s: float = 0.0) -> None:
        self.fetched = 0
        self.is_open = True
        self._lives_s = lives_s
        self._work_s = work_s

    def fetch(self) -> AccessToken:
        time.sleep(self._work_s)
        self.fetched += 1
        if not self.is_open:
            raise NotSent("desk closed", wait=timedelta(seconds=30))
        return AccessToken(value=f"token-{self.fetched}", lives_s=self._lives_s)


class Hand:
    """A stopwatch moved by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def at_once(ask: Callable[[], str]) -> list[str]:
    """What `THREADS` threads get that all start together."""
    gate = threading.Barrier(THREADS)

    def one(_: int) -> str:
        gate.wait()
        try:
            return ask()
        except NotSent as refused:
            return refused.reason

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, range(THREADS)))


def test_cold_start_fetches_once() -> None:
    """Sixteen threads, no token yet: one fetch, sixteen times the same token."""
    desk = Desk(work_s=0.05)
    source = TokenSource(desk.fetch)

    assert at_once(source.current) == ["token-1"] * THREADS
    assert desk.fetched == 1


def test_sixteen_refusals_renew_once() -> None:
    """Sixteen calls meet 401 with the same token: one new one for all."""
    desk = Desk(work_s=0.05)
    source = TokenSource(desk.fetch)
    refused = source.current()

    assert at_once(lambda: source.renewed_after(refused)) == ["token-2"] * THREADS
    assert desk.fetched == 2


def test_closed_desk_is_asked_once() -> None:
    """Threads that waited for a failed fetch fail with it instead of queueing up behind each other."""
    desk = Desk(work_s=0.05)
    desk.is_open = False
    source = TokenSource(desk.fetch)

    assert at_once(source.current) == ["desk closed"] * THREADS
    assert desk.fetched == 1


def test_failure_is_forgotten() -> None:
    """A second after a failure the desk is asked again."""
    desk, hand = Desk(), Hand()
    source = TokenSource(desk.fetch, stopwatch=hand)
    desk.is_open = False
    with pytest.raises(NotSent):
        source.current()
    desk.is_open = True
    hand.seconds += 1.1

    assert source.current() == "token-2"


@pytest.mark.parametrize(("age_s", "expected"), [(89.0, "token-1"), (91.0, "token-2")])
def test_token_is_renewed_before_it_dies(age_s: float, expected: str) -> None:
    """A token of 100 s is used for 90 s (a tenth of its life is margin)."""
    desk, hand = Desk(lives_s=100.0), Hand()
    source = TokenSource(desk.fetch, stopwatch=hand)
    source.current()
    hand.seconds = age_s

    assert source.current() == expected


def test_living_token_bridges_a_closed_desk() -> None:
    """While the old token still lives, a failing renewal stops nobody."""
    desk, hand = Desk(lives_s=100.0), Hand()
    source = TokenSource(desk.fetch, stopwatch=hand)
    source.current()
    desk.is_open = False
    hand.seconds = 95.0

    assert source.current() == "token-1"


def test_token_value_does_not_show() -> None:
    """Tokens are secrets too."""
    assert "token-1" not in repr(Desk().fetch())
