"""UPS over HTTP: the `CarrierPort` the ledger talks to. Made by `carriers.connections`.

Booking is one request, never two: the only repetition is after a 401, which UPS answers before it looks at the
shipment. Look-ups and label requests change nothing and raise `CarrierUnavailable` when they learn nothing.

Finding by reference asks *Track by Reference* first, because it lists every parcel under a reference: duplicates, and
voided ones with their status. *Label Recovery* by reference answers for a single live shipment only ("multiple
shipments found" and "has been voided" are errors there), but it knows a shipment earlier than tracking does, so it is
asked when tracking shows nothing.
"""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import TypeVar
from urllib.parse import quote

import httpx

from carriers import wire
from carriers.classification import DOES_NOT_READ, NotSent, Reply, ReplyError, retry_after, settle
from carriers.model import Book, BookingKey, Found, Label
from carriers.outcomes import BookingOutcome, Rejected, VoidOutcome
from carriers.port import CarrierUnavailable
from carriers.tokens import NO_TOKEN_WAIT, AccessToken, TokenSource
from carriers.transport import Credentials, Stopwatch, TimeOuts, Transport
from carriers.ups import incoming, outgoing

Read = TypeVar("Read")

TOKEN_PATH = "/security/v1/oauth/token"  # noqa: S105 - a path, not a password
SHIP_PATH = "/api/shipments/v2409/ship"
VOID_PATH = "/api/shipments/v2409/void/cancel/"
RECOVERY_PATH = "/api/labels/v1/recovery"
TRACK_PATH = "/api/track/v1/reference/details/"
SOURCE = "parts-dispatch"
"""UPS asks every caller to name itself (`transactionSrc`)."""

FAILURES = (httpx.HTTPError, ReplyError)
"""What a request can end in without a whole reply."""


class Ups:
    """One account at UPS, safe to share between threads. `close` it when done."""

    code = "ups"

    def __init__(
        self,
        *,
        base_url: str,
        credentials: Credentials,
        time_outs: TimeOuts,
        stopwatch: Stopwatch = time.monotonic,
    ) -> None:
        self._credentials = credentials
        self._transport = Transport(base_url, time_outs, stopwatch=stopwatch)
        self._tokens = TokenSource(self._fetch_token, stopwatch=stopwatch)

    def __repr__(self) -> str:
        return f"Ups({self._transport.base_url}, account {self._credentials.account})"

    def book(self, wanted: Book) -> BookingOutcome:
        """Book one parcel, prepaid. At most one booking reaches UPS, whatever happens on the way back.

        Only for the account we look up: a shipment on another one could never be found again after an Unknown.
        """
        if wanted.account != self._credentials.account:
            return Rejected(code="ACCOUNT", reason=f"connected for account {self._credentials.account} only")
        try:
            body = wire.to_bytes(outgoing.shipment(wanted))
        except outgoing.Unsendable as refused:
            return Rejected(code=refused.code, reason=refused.reason)
        return settle(
            self._attempt("POST", SHIP_PATH, content=body),
            read=partial(incoming.booked, reference=wanted.reference),
            errors=incoming.errors_of,
            doubtful_codes=incoming.DOUBTFUL_CODES,
        )

    def void(self, key: BookingKey) -> VoidOutcome:
        """Cancel the shipment and its charge. Safe to repeat: voided twice is `Voided`."""
        settled = settle(
            self._attempt("DELETE", VOID_PATH + quote(key.shipment_id, safe="")),
            read=incoming.voided,
            errors=incoming.errors_of,
            doubtful_codes=incoming.DOUBTFUL_CODES,
        )
        return incoming.void_outcome(settled)

    def find(self, reference: str, *, ship_on: date) -> Sequence[Found]:
        """Every shipment UPS shows under `reference`; empty means *not visible yet*. Raises `CarrierUnavailable`."""
        shown = self._tracked(reference, ship_on)
        return shown or self._recovered(reference)

    def label(self, key: BookingKey) -> Label | None:
        """The label again, or None while UPS has none. Raises `CarrierUnavailable`."""
        reply = self._look("POST", RECOVERY_PATH, content=wire.to_bytes(outgoing.label_by_number(key)))
        if reply.status == 200:
            return _understood(reply, incoming.label)
        _refuse_unless(reply, incoming.NO_LABEL_CODES)
        return None

    def close(self) -> None:
        self._transport.close()

    def _tracked(self, reference: str, ship_on: date) -> list[Found]:
        window = outgoing.reference_window(ship_on, self._credentials.account)
        reply = self._look("GET", TRACK_PATH + quote(reference, safe=""), params=window)
        if reply.status == 200:
            return _understood(reply, partial(incoming.tracked, reference=reference))
        if reply.status == 404 and incoming.errors_of(reply):  # a proxy's 404 proves nothing
            return []
        raise _unavailable(reply)

    def _recovered(self, reference: str) -> list[Found]:
        body = outgoing.label_by_reference(reference, self._credentials.account)
        reply = self._look("POST", RECOVERY_PATH, content=wire.to_bytes(body))
        if reply.status == 200:
            return _understood(reply, incoming.recovered)
        _refuse_unless(reply, incoming.NOT_VISIBLE_CODES)
        return []

    def _attempt(self, method: str, path: str, *, content: bytes | None = None) -> Reply | Exception:
        """The reply, or the exception in its place: an effectful call has no other ending."""
        try:
            return self._send(method, path, content=content)
        except (*FAILURES, NotSent) as failure:
            return failure

    def _look(
        self, method: str, path: str, *, content: bytes | None = None, params: Mapping[str, str] | None = None
    ) -> Reply:
        try:
            return self._send(method, path, content=content, params=params)
        except (*FAILURES, NotSent) as failure:
            raise CarrierUnavailable(f"{type(failure).__name__}: {failure}") from failure

    def _send(
        self, method: str, path: str, *, content: bytes | None = None, params: Mapping[str, str] | None = None
    ) -> Reply:
        """One request; after a 401 once more with a new token, because a refused token books nothing."""
        token = self._tokens.current()
        reply = self._transport.send(method, path, headers=_headers(token), content=content, params=params)
        if reply.status != 401:
            return reply
        token = self._tokens.renewed_after(token)
        return self._transport.send(method, path, headers=_headers(token), content=content, params=params)

    def _fetch_token(self) -> AccessToken:
        """Raises `NotSent`: without a token nothing leaves, so nothing was booked."""
        try:
            reply = self._transport.send(
                "POST", TOKEN_PATH, headers=self._token_headers(), content=b"grant_type=client_credentials"
            )
        except FAILURES as failure:
            raise NotSent(f"token desk: {type(failure).__name__}") from failure
        if reply.status == 429:
            raise NotSent("token desk: throttled", wait=retry_after(reply.headers))
        if reply.status != 200:
            said = "; ".join(f"{e.code} {e.message}" for e in incoming.errors_of(reply))
            raise NotSent(f"token desk: HTTP {reply.status} {said}".strip(), wait=NO_TOKEN_WAIT)
        try:
            return incoming.token(reply)
        except DOES_NOT_READ as unreadable:
            raise NotSent("token desk: no token in its answer", wait=NO_TOKEN_WAIT) from unreadable

    def _token_headers(self) -> dict[str, str]:
        pair = f"{self._credentials.client_id}:{self._credentials.client_secret}".encode()
        return {
            "Authorization": "Basic " + base64.b64encode(pair).decode(),
            "Content-Type": "application/x-www-form-urlencoded",
            "x-merchant-id": self._credentials.account,
        }


def _headers(token: str) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "transId": uuid.uuid4().hex,  # correlation in UPS's logs only: it does not stop a duplicate
        "transactionSrc": SOURCE,
    }


def _understood(reply: Reply, read: Callable[[Reply], Read]) -> Read:
    try:
        return read(reply)
    except DOES_NOT_READ as unreadable:
        raise CarrierUnavailable(f"HTTP {reply.status} that does not read: {unreadable}") from unreadable


def _refuse_unless(reply: Reply, harmless_codes: frozenset[str]) -> None:
    codes = {error.code for error in incoming.errors_of(reply)}
    if not codes or not codes <= harmless_codes:
        raise _unavailable(reply)


def _unavailable(reply: Reply) -> CarrierUnavailable:
    said = "; ".join(f"{e.code} {e.message}" for e in incoming.errors_of(reply)) or "no carrier error"
    return CarrierUnavailable(f"HTTP {reply.status}: {said}")
