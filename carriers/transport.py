"""HTTP as every adapter uses it: one pool of connections, a time-out on everything, never a retry.

Nothing here knows a carrier. `Transport.send` either returns the whole reply or raises; what an exception means is
decided in `carriers.classification`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from carriers.classification import Reply, ReplyError

LARGEST_REPLY = 8 * 1024 * 1024
"""Bytes. A booking with label and customs papers stays far below 1 MB."""
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

Stopwatch = Callable[[], float]
"""Seconds since some fixed moment: measures lengths, never asks what time it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Whom we are to a carrier. `account` is billed; the secret never shows in a repr."""

    account: str
    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeOuts:
    """Seconds. `total_s` bounds a reply that drips: each piece in time, the whole never.

    The ledger's settle window must be longer than `total_s` plus the carrier's slowest work.
    """

    connect_s: float = 3.0
    read_s: float = 20.0
    write_s: float = 10.0
    pool_s: float = 30.0
    total_s: float = 30.0


class ReplyTooLarge(ReplyError):
    """The carrier sent more than any answer needs; reading stopped."""


class ReplyTooSlow(ReplyError):
    """The reply was still dripping when the total time was over."""


class Transport:
    """One carrier's connections, safe to share between threads. Close it when done."""

    def __init__(
        self,
        base_url: str,
        time_outs: TimeOuts,
        *,
        connections: int = 32,
        stopwatch: Stopwatch = time.monotonic,
    ) -> None:
        self.base_url = _trustworthy(base_url)
        self._total_s = time_outs.total_s
        self._stopwatch = stopwatch
        self._client = httpx.Client(
            timeout=httpx.Timeout(
                connect=time_outs.connect_s, read=time_outs.read_s, write=time_outs.write_s, pool=time_outs.pool_s
            ),
            # Idle connections are dropped well before servers do (5 s is a usual keep-alive): a request sent into a
            # connection that is just being closed would be an Unknown.
            limits=httpx.Limits(
                max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=4.0
            ),
            follow_redirects=False,
            trust_env=False,
            # No compression: the size limit then counts what was really sent.
            headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "parts-dispatch"},
        )

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        content: bytes | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request, one whole reply, never a second request. Raises httpx's errors and the two above."""
        deadline = self._stopwatch() + self._total_s
        request = self._client.build_request(
            method, self.base_url + path, headers=dict(headers), content=content, params=params
        )
        response = self._client.send(request, stream=True)
        try:
            return Reply(status=response.status_code, headers=response.headers, body=self._body(response, deadline))
        finally:
            response.close()

    def _body(self, response: httpx.Response, deadline: float) -> bytes:
        pieces: list[bytes] = []
        size = 0
        for piece in response.iter_raw():
            size += len(piece)
            if size > LARGEST_REPLY:
                raise ReplyTooLarge(f"HTTP {response.status_code}, more than {LARGEST_REPLY} bytes")
            if self._stopwatch() > deadline:
                raise ReplyTooSlow(f"HTTP {response.status_code}, {size} bytes after {self._total_s} s")
            pieces.append(piece)
        return b"".join(pieces)

    def close(self) -> None:
        self._client.close()


def _trustworthy(base_url: str) -> str:
    """The address without its trailing slash. Raises `ValueError` for clear text to anywhere but this machine."""
    parts = urlsplit(base_url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return base_url.rstrip("/")
    raise ValueError(f"credentials do not travel in clear text: {parts.scheme}://{parts.hostname}")
