"""Theirs to ours: what UPS has said. Pure; called by `carriers.ups.client` only.

Identifiers are read first and alone; a label that does not decode never costs us the booking. UPS sends a list of one
as a bare object on some versions (UPS-API/api-documentation #3): both are accepted everywhere. Unknown fields are
ignored.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from carriers import wire
from carriers.classification import DOES_NOT_READ, CarrierError, Reply, Unreadable
from carriers.model import Found, Label, LabelFormat, Money
from carriers.outcomes import Booked, NotFound, Rejected, RetryAfter, TooLate, Unknown, Voided, VoidOutcome
from carriers.tokens import AccessToken

DOUBTFUL_CODES = frozenset({"20001"})
""""General process failure", marked transient by UPS and sent as a 400: it does not say how far the process came."""
VOID_AGAIN_LATER = frozenset({"190001"})
""""Void not available at this time"."""
ALREADY_VOIDED = frozenset({"190117"})
NEVER_A_SHIPMENT = frozenset({"190100", "190109"})
"""Not a valid number: we never had such a shipment."""
NOT_VISIBLE_CODES = frozenset({"9801031", "300007"})
""""... could not be found. Please check the submitted data or wait until the shipment is processed": not proof."""
NO_LABEL_CODES = NOT_VISIBLE_CODES | {"300002", "300006", "300032", "300033", "300034", "9801034"}
"""Label sent, expired, none, voided, not yet processed."""
VOIDED_STATUS, MANIFESTED_STATUS = "MV", "M"
"""Billing information voided, billing information received (activity status type)."""
_GMT_DATE_LENGTH, _GMT_TIME_LENGTH = 8, 6


def errors_of(reply: Reply) -> Sequence[CarrierError]:
    """UPS's own errors in `reply`; empty where the body is somebody else's (a proxy's page, for example)."""
    try:
        listed = wire.from_bytes(reply.body)["response"]["errors"]
        return [CarrierError(code=str(e["code"]), message=str(e.get("message", ""))) for e in _each(listed)]
    except DOES_NOT_READ:
        return []


def booked(reply: Reply, *, reference: str) -> Booked:
    """The booking in a 2xx. Raises `Unreadable` where it names no shipment, or is the answer to another request."""
    response = wire.from_bytes(reply.body)["ShipmentResponse"]
    echoed = response.get("Response", {}).get("TransactionReference", {}).get("CustomerContext", reference)
    if echoed != reference:
        raise Unreadable("the answer belongs to another request")
    results = response["ShipmentResults"]
    package = next(_each(results["PackageResults"]), {})
    tracking_number = _identifier(package["TrackingNumber"])
    shipment_id = _identifier(results.get("ShipmentIdentificationNumber", tracking_number))
    return Booked(
        shipment_id=shipment_id,
        tracking_number=tracking_number,
        charge=_charge(results),
        label=_label(package.get("ShippingLabel")),
    )


def voided(reply: Reply) -> Voided | TooLate:
    """What a 2xx to a void says. Raises where it says nothing."""
    status = wire.from_bytes(reply.body)["VoidShipmentResponse"]["SummaryResult"]["Status"]
    # Recorded replies carry stray entities before the code (UPS-API/api-documentation #63).
    if str(status["Code"]).replace("&#xD;", "").strip() == "1":
        return Voided()
    return TooLate(reason=f"not voided: {status.get('Description', 'no reason given')}")


def void_outcome(settled: Voided | TooLate | Rejected | RetryAfter | Unknown) -> VoidOutcome:
    """A refusal in the words of voiding.

    190102, "no shipment found within the allowed void period", covers both "too late" and "no such shipment". We only
    void what we have seen, so it is read as too late: a person looks at it, and nobody believes the parcel gone.
    """
    if not isinstance(settled, Rejected):
        return settled
    if settled.code in ALREADY_VOIDED:
        return Voided()
    if settled.code in NEVER_A_SHIPMENT:
        return NotFound()
    if settled.code in VOID_AGAIN_LATER:
        return RetryAfter(wait=timedelta(minutes=5), reason=settled.reason)
    return TooLate(reason=settled.reason)


def tracked(reply: Reply, *, reference: str) -> list[Found]:
    """Every shipment a look-up by reference shows, voided ones included, in UPS's order."""
    shipments = wire.from_bytes(reply.body)["trackResponse"]["shipment"]
    return [
        _found(package)
        for shipment in _each(shipments)
        for package in _each(shipment.get("package", []))
        if package.get("trackingNumber") and _carries(package, reference)
    ]


def recovered(reply: Reply) -> list[Found]:
    """The shipments a label recovery by reference names: one with its label, or several candidates without."""
    response = wire.from_bytes(reply.body)["LabelRecoveryResponse"]
    shipment_id = response.get("ShipmentIdentificationNumber")
    found = {}
    for result in (*_each(response.get("LabelResults", [])), *_each(response.get("TrackingCandidate", []))):
        if number := result.get("TrackingNumber"):
            found[number] = Found(
                shipment_id=str(shipment_id or number),
                tracking_number=str(number),
                booked_at=None,
                voided=False,
                label=_recovered_label(result),
            )
    return list(found.values())


def label(reply: Reply) -> Label | None:
    """The label of a recovery by number; None where it is missing or damaged."""
    response = wire.from_bytes(reply.body)["LabelRecoveryResponse"]
    return next(filter(None, map(_recovered_label, _each(response.get("LabelResults", [])))), None)


def token(reply: Reply) -> AccessToken:
    """The token of a 2xx of the token desk. UPS writes the seconds as a string."""
    body = wire.from_bytes(reply.body)
    if not body["access_token"]:
        raise Unreadable("an empty token")
    return AccessToken(value=str(body["access_token"]), lives_s=float(body.get("expires_in", 0)))


def _each(node: Any) -> Iterator[dict[str, Any]]:
    """The objects of a list, or the one object that should have been a list."""
    return iter(node if isinstance(node, list) else [node])


def _identifier(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Unreadable("a shipment without its number")
    return value.strip()


def _charge(results: dict[str, Any]) -> Money | None:
    """What we pay: the negotiated total where UPS states one, else the published. None where it does not read."""
    try:
        negotiated = results.get("NegotiatedRateCharges", {}).get("TotalCharge")
        total = negotiated or results["ShipmentCharges"]["TotalCharges"]
        amount = Decimal(total["MonetaryValue"])
        return Money(amount=amount, currency=str(total["CurrencyCode"])) if amount.is_finite() else None
    except (LookupError, TypeError, AttributeError, InvalidOperation):
        return None


def _label(node: Any) -> Label | None:
    """The label in a booking's answer, or None for anything a printer would choke on."""
    if not isinstance(node, dict) or not isinstance(node.get("GraphicImage"), str):
        return None
    try:
        content = binascii.a2b_base64(node["GraphicImage"], strict_mode=True)
    except ValueError:  # also `binascii.Error`
        return None
    whole = content.lstrip().startswith(b"^XA") and content.rstrip().endswith(b"^XZ")
    return Label(format=LabelFormat.ZPL, content=content) if whole else None


def _recovered_label(result: dict[str, Any]) -> Label | None:
    return _label(result.get("LabelImage"))


def _carries(package: dict[str, Any], reference: str) -> bool:
    """Whether the parcel has exactly our reference; parcels that state none are believed."""
    stated = {entry.get("number") for entry in _each(package.get("referenceNumber", []))}
    return not stated or reference in stated


def _found(package: dict[str, Any]) -> Found:
    number = str(package["trackingNumber"])
    activities = list(_each(package.get("activity", [])))
    kinds = {activity.get("status", {}).get("type") for activity in activities}
    kinds.add(package.get("currentStatus", {}).get("type"))
    manifested = (a for a in activities if a.get("status", {}).get("type") == MANIFESTED_STATUS)
    return Found(
        shipment_id=number,  # one parcel per shipment: UPS numbers a shipment by its first parcel
        tracking_number=number,
        booked_at=next(filter(None, map(_instant, manifested)), None),
        voided=VOIDED_STATUS in kinds,
    )


def _instant(activity: dict[str, Any]) -> datetime | None:
    """The activity's moment in UTC from UPS's GMT fields; None where they are absent: local time alone is no moment.

    `gmtTime` is seen as "74700" and as "07:47:00" (UPS-API/api-documentation #99, #187).
    """
    day = str(activity.get("gmtDate", ""))
    clock = str(activity.get("gmtTime", "")).replace(":", "").rjust(_GMT_TIME_LENGTH, "0")
    if len(day) != _GMT_DATE_LENGTH or not activity.get("gmtTime"):
        return None
    try:
        return datetime.strptime(day + clock, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
