"""Every ending of an effectful call, one row each: a wrong class here is a double booking or a lost one."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from datetime import timedelta

import httpx
import pytest

from carriers.classification import (
    LONGEST_WAIT,
    WAIT_WHEN_THROTTLED,
    CarrierError,
    NotSent,
    Reply,
    ReplyError,
    Unreadable,
    retry_after,
    settle,
)
from carriers.outcomes import Booked, Rejected, RetryAfter, Unknown
from carriers.transport import ReplyTooLarge, ReplyTooSlow

DONE = Booked(shipment_id="S1", tracking_number="T1", charge=None, label=None)
SAFE_TO_REPEAT = {
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
}
HTTPX_ERRORS = sorted(
    (kind for _, kind in inspect.getmembers(httpx, inspect.isclass) if issubclass(kind, httpx.HTTPError)),
    key=lambda kind: kind.__name__,
)
BAD_ADDRESS = [CarrierError(code="120207", message="Missing/Invalid ShipTo PostalCode")]


def reply(status: int, body: bytes = b"{}", **headers: str) -> Reply:
    return Reply(status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}, body=body)


def outcome(seen: Exception | Reply, *, errors: Sequence[CarrierError] = (), doubtful: Sequence[str] = ()) -> object:
    return settle(seen, read=lambda _: DONE, errors=lambda _: errors, doubtful_codes=frozenset(doubtful))


@pytest.mark.parametrize("kind", HTTPX_ERRORS, ids=lambda kind: kind.__name__)
def test_each_transport_error_has_its_class(kind: type[httpx.HTTPError]) -> None:
    """Only errors that prove nothing left may be repeated; every other error of httpx, also a new one, is Unknown."""
    raised = kind.__new__(kind)
    Exception.__init__(raised, "as seen on the wire")

    expected = RetryAfter if kind in SAFE_TO_REPEAT else Unknown
    assert isinstance(outcome(raised), expected)


@pytest.mark.parametrize(
    "raised",
    [ReplyTooLarge("9 MB"), ReplyTooSlow("31 s"), ReplyError("cut"), ValueError("odd"), OSError("reset")],
    ids=lambda raised: type(raised).__name__,
)
def test_other_exceptions_are_unknown(raised: Exception) -> None:
    """A failure nobody foresaw may have happened after the booking."""
    assert isinstance(outcome(raised), Unknown)


def test_not_sent_keeps_its_wait_and_reason() -> None:
    """A call given up before its first byte is repeated after the wait it asks for."""
    seen = NotSent("no token", wait=timedelta(seconds=30))

    assert outcome(seen) == RetryAfter(wait=timedelta(seconds=30), reason="no token")


@pytest.mark.parametrize("status", [100, 101, 300, 301, 302, 304, 307, 308, 408, 409, *range(500, 512), 520, 522, 599])
def test_doubtful_statuses_are_unknown(status: int) -> None:
    """Whatever the body says: redirects, 408, 409 and every 5xx may hide a booking."""
    assert isinstance(outcome(reply(status), errors=BAD_ADDRESS), Unknown)


@pytest.mark.parametrize("status", [s for s in range(400, 500) if s not in (401, 408, 409, 429)])
def test_other_4xx_with_carrier_error_is_rejected(status: int) -> None:
    """The carrier has looked at the request and says no in its own words."""
    assert outcome(reply(status), errors=BAD_ADDRESS) == Rejected(
        code="120207", reason="120207 Missing/Invalid ShipTo PostalCode"
    )


@pytest.mark.parametrize("status", [400, 403, 404, 413, 422])
def test_4xx_in_foreign_words_is_unknown(status: int) -> None:
    """A proxy's or firewall's page is not the carrier's no: it may stand before a booking that went through."""
    seen = outcome(reply(status, b"<html>Forbidden</html>", content_type="text/html"))

    assert isinstance(seen, Unknown)
    assert "Forbidden" in seen.evidence


def test_4xx_with_doubtful_code_is_unknown() -> None:
    """An error the carrier itself calls transient does not say how far it came."""
    errors = [*BAD_ADDRESS, CarrierError(code="20001", message="General process failure")]

    assert isinstance(outcome(reply(400), errors=errors, doubtful=["20001"]), Unknown)


@pytest.mark.parametrize("status", [401, 429])
def test_refused_before_work_may_be_repeated(status: int) -> None:
    """A refused token and a full gate book nothing, whatever the body says."""
    assert isinstance(outcome(reply(status), errors=BAD_ADDRESS), RetryAfter)


@pytest.mark.parametrize("status", [200, 201, 202, 299])
def test_2xx_that_reads_is_the_booking(status: int) -> None:
    """The adapter's own value comes through untouched."""
    assert outcome(reply(status)) is DONE


@pytest.mark.parametrize(
    "raised", [Unreadable("no number"), ValueError("cut"), KeyError("x"), TypeError("x"), AttributeError("x")]
)
def test_2xx_that_does_not_read_is_unknown(raised: Exception) -> None:
    """Accepted, but by what number? Look it up, never repeat."""

    def read(_: Reply) -> Booked:
        raise raised

    seen = settle(reply(200, b'{"name": "Dana Reyes"'), read=read, errors=lambda _: BAD_ADDRESS)

    assert isinstance(seen, Unknown)
    assert "Dana" not in seen.evidence


DATE = "Fri, 20 Nov 2026 08:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7),
        ({"retry_after": "0"}, 1),
        ({"retry_after": "86400"}, 900),
        ({"retry_after": "9" * 400}, 900),
        ({"retry_after": "Fri, 20 Nov 2026 08:00:45 GMT", "date": DATE}, 45),
        ({"retry_after": "Fri, 20 Nov 2026 07:00:00 GMT", "date": DATE}, 1),
        ({"retry_after": "Fri, 20 Nov 2099 08:00:00 GMT", "date": DATE}, 900),
        ({"retry_after": "Fri, 20 Nov 2026 08:00:45 GMT"}, 10),
        ({"retry_after": "soon"}, 10),
        ({"retry_after": "-5"}, 10),
        ({}, 10),
    ],
    ids=["seconds", "none", "a_day", "absurd", "date", "past", "far", "no_date", "words", "negative", "absent"],
)
def test_retry_after_is_honoured_within_reason(headers: dict[str, str], seconds: int) -> None:
    """Between one second and a quarter of an hour; dates are measured against the reply's own clock."""
    assert retry_after(reply(429, b"", **headers).headers) == timedelta(seconds=seconds)


def test_waits_are_ordered() -> None:
    """The default lies between the shortest and the longest wait."""
    assert timedelta(seconds=1) < WAIT_WHEN_THROTTLED < LONGEST_WAIT
