"""One OAuth token for many threads: fetched once, renewed before it dies. Used by every adapter that has tokens."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from carriers.classification import NotSent
from carriers.transport import Stopwatch

RENEW_EARLY_S = 60.0
"""Renewed this long before its end (or a tenth of a shorter life), so that none dies on the way."""
QUIET_AFTER_FAILURE_S = 1.0
"""Threads that waited for a failed fetch do not each fetch again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    value: str = field(repr=False)
    lives_s: float
    """Seconds from its issue, as the carrier says."""


class TokenSource:
    """Hands out the current token. `fetch` asks the carrier and raises `NotSent` when it gets none."""

    def __init__(self, fetch: Callable[[], AccessToken], *, stopwatch: Stopwatch = time.monotonic) -> None:
        self._fetch = fetch
        self._stopwatch = stopwatch
        self._lock = threading.Lock()
        self._token = ""
        self._renew_at = float("-inf")
        self._dies_at = float("-inf")
        self._failure: NotSent | None = None
        self._failed_at = float("-inf")

    def current(self) -> str:
        """A token that lives long enough for one call. Raises `NotSent` when the carrier gives none.

        While one thread renews a token that still lives, the others go on with it.
        """
        now = self._stopwatch()
        if now < self._renew_at:
            return self._token
        if not self._lock.acquire(blocking=now >= self._dies_at):
            return self._token
        try:
            return self._token if self._stopwatch() < self._renew_at else self._renewed()
        except NotSent:
            if self._stopwatch() < self._dies_at:  # the old one still lives: a slow token desk stops nobody yet
                return self._token
            raise
        finally:
            self._lock.release()

    def renewed_after(self, refused: str) -> str:
        """A token other than `refused`, which the carrier has just turned down; many refusals, one fetch."""
        with self._lock:
            return self._token if self._token and self._token != refused else self._renewed()

    def _renewed(self) -> str:
        now = self._stopwatch()
        if self._failure is not None and now - self._failed_at < QUIET_AFTER_FAILURE_S:
            raise NotSent(self._failure.reason, wait=self._failure.wait)
        try:
            fetched = self._fetch()
        except NotSent as failure:
            self._failure, self._failed_at = failure, self._stopwatch()
            raise
        self._failure = None
        self._token = fetched.value
        self._dies_at = now + fetched.lives_s
        self._renew_at = self._dies_at - min(RENEW_EARLY_S, fetched.lives_s / 10)
        return self._token


NO_TOKEN_WAIT = timedelta(seconds=30)
"""Refused credentials do not heal in a second; an unreachable token desk may."""
