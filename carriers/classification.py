"""What an effectful call has done: the one place that turns what was seen into an outcome.

Called by every adapter's `book` and `void`. The ledger acts on the class alone, so a wrong line here is a double
booking or a lost one; that is why the rules are tables and the tests walk through all of them.

    what was seen                                            what it means
    ├── an exception that proves no request left             RetryAfter  (connect, pool, proxy, token)
    ├── any other exception                                  Unknown     (time-out, reset, too large, too slow)
    ├── 2xx that reads                                       the adapter's own value
    ├── 2xx that does not read, 1xx, 3xx                     Unknown
    ├── 401 (after one refresh), 429                         RetryAfter
    ├── 408, 409, 5xx                                        Unknown
    └── other 4xx  ├── carrier's own error, definite code    Rejected
                   └── no carrier error, or a doubtful code  Unknown
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx

from carriers.outcomes import Rejected, RetryAfter, Unknown

Read = TypeVar("Read")

LONGEST_WAIT = timedelta(minutes=15)
"""A carrier that says "come back tomorrow" is asked again sooner: the cut-off is today."""
SHORTEST_WAIT = timedelta(seconds=1)
WAIT_WHEN_THROTTLED = timedelta(seconds=10)
WAIT_WHEN_UNREACHABLE = timedelta(seconds=5)

NEVER_SENT: tuple[type[Exception], ...] = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
"""No connection, no free connection, no tunnel: not a byte of the request has left. `ReadError` and `WriteError` are
absent on purpose: httpx raises them after the first byte, and a half-sent request may have been enough."""

DOUBTFUL_STATUSES = frozenset({408, 409})
"""Request time-out and conflict: the carrier speaks of a request it may already have carried out."""


class NotSent(Exception):
    """The call was given up before a byte of it left, for example because no token was to be had."""

    def __init__(self, reason: str, *, wait: timedelta = WAIT_WHEN_UNREACHABLE) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait = wait


class Unreadable(Exception):
    """A reply that does not say what was done. Never retry: it may have been done."""


DOES_NOT_READ = (Unreadable, ValueError, LookupError, TypeError, AttributeError)
"""What walking through a body of unexpected shape raises."""


class ReplyError(Exception):
    """A reply that was given up while it came in: too large or too slow. It may have been done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back over HTTP. Header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierError:
    """One error as the carrier words it."""

    code: str
    message: str


def settle(
    seen: Exception | Reply,
    *,
    read: Callable[[Reply], Read],
    errors: Callable[[Reply], Sequence[CarrierError]],
    doubtful_codes: frozenset[str] = frozenset(),
) -> Read | Rejected | RetryAfter | Unknown:
    """The outcome of one effectful call, from the exception it raised or the reply it got.

    `read` turns a 2xx into the adapter's value and raises one of `DOES_NOT_READ` where it cannot. `errors` lists the
    carrier's own errors of a 4xx, empty where the body is not the carrier's. `doubtful_codes` are errors after which
    the carrier may nevertheless have booked.
    """
    if isinstance(seen, Exception):
        return _from_exception(seen)
    if 200 <= seen.status < 300:
        return _from_success(seen, read)
    return _from_refusal(seen, errors, doubtful_codes)


def _from_exception(raised: Exception) -> RetryAfter | Unknown:
    if isinstance(raised, NotSent):
        return RetryAfter(wait=raised.wait, reason=raised.reason)
    seen = f"{type(raised).__name__}: {raised}"[:200]
    if isinstance(raised, NEVER_SENT):
        return RetryAfter(wait=WAIT_WHEN_UNREACHABLE, reason=seen)
    return Unknown(evidence=seen)


def _from_success(reply: Reply, read: Callable[[Reply], Read]) -> Read | Unknown:
    try:
        return read(reply)
    except DOES_NOT_READ as cannot_read:
        # The body may hold a customer's address: a fingerprint is enough to find it again in a capture.
        fingerprint = hashlib.sha256(reply.body).hexdigest()[:12]
        return Unknown(
            evidence=f"HTTP {reply.status} that does not read ({type(cannot_read).__name__}: {cannot_read}), "
            f"{len(reply.body)} bytes, sha256 {fingerprint}"
        )


def _from_refusal(
    reply: Reply, errors: Callable[[Reply], Sequence[CarrierError]], doubtful_codes: frozenset[str]
) -> Rejected | RetryAfter | Unknown:
    if reply.status == 429:
        return RetryAfter(wait=retry_after(reply.headers), reason="HTTP 429: throttled")
    if reply.status == 401:
        return RetryAfter(wait=WAIT_WHEN_THROTTLED, reason="HTTP 401: token refused, also after one refresh")
    if 400 <= reply.status < 500 and reply.status not in DOUBTFUL_STATUSES:
        found = errors(reply)
        if found and not any(error.code in doubtful_codes for error in found):
            return Rejected(code=found[0].code, reason="; ".join(f"{e.code} {e.message}" for e in found))
    return Unknown(evidence=_sighting(reply))


def _sighting(reply: Reply) -> str:
    kind = reply.headers.get("content-type", "no content type")
    start = reply.body[:160].decode("utf-8", "replace").replace("\n", " ")
    return f"HTTP {reply.status}, {len(reply.body)} bytes, {kind}: {start}"


def retry_after(headers: Mapping[str, str]) -> timedelta:
    """How long the carrier asks us to stay away, between one second and a quarter of an hour.

    Seconds or an HTTP date (RFC 9110, 10.2.3). A date is measured against the reply's own `Date`, so that neither
    our clock nor its drift plays a part. Absent or absurd: ten seconds.
    """
    asked = _asked_wait(headers.get("retry-after", "").strip(), headers.get("date", ""))
    return min(max(asked, SHORTEST_WAIT), LONGEST_WAIT)


def _asked_wait(value: str, sent_at: str) -> timedelta:
    if value.isdecimal():
        return timedelta(seconds=min(int(value[:9]), 86_400))
    try:
        return parsedate_to_datetime(value) - parsedate_to_datetime(sent_at)
    except (ValueError, TypeError):
        return WAIT_WHEN_THROTTLED
