"""UPS's dialect: OAuth, Ship v2409, Void v2409, Label Recovery v1, Track by Reference v1.

Its answers are checked against UPS's own OpenAPI files by the tests. Error numbers and their words are UPS's
(Shipping Package developer guide, appendix; UPS-API/api-documentation issues #108, #116, #166).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.routing import Route

from carriers import wire
from carriers.sandbox.answering import HTML_TYPE, Answer, Faces, Outcome, respond
from carriers.sandbox.charges import charge, currency_of
from carriers.sandbox.faults import Fault, Operation
from carriers.sandbox.labels import LabelText, zpl
from carriers.sandbox.ledger import Booking
from carriers.sandbox.shipment_numbers import ups_number
from carriers.sandbox.world import Draft, Voiding, World
from carriers.unions import inside_one_union

CARRIER = "ups"
RETURN_WINDOW, OUTBOUND_WINDOW = timedelta(hours=24), timedelta(days=90)
SERVICES = {
    "01": "UPS NEXT DAY AIR",
    "02": "UPS 2ND DAY AIR",
    "03": "UPS GROUND",
    "07": "UPS EXPRESS",
    "08": "UPS EXPEDITED",
    "11": "UPS STANDARD",
    "12": "UPS 3 DAY SELECT",
    "13": "UPS NEXT DAY AIR SAVER",
    "14": "UPS NEXT DAY AIR EARLY",
    "54": "UPS EXPRESS PLUS",
    "59": "UPS 2ND DAY AIR A.M.",
    "65": "UPS SAVER",
    "74": "UPS EXPRESS 12:00",
}
NOT_FOR_RETURNS = frozenset({"13", "59"})
THERMAL_FORMATS = frozenset({"ZPL", "EPL", "SPL", "GIF"})
WITHOUT_POSTAL_CODE = frozenset({"AE", "AG", "AO", "BO", "BS", "HK", "IE", "PA", "QA"})
US_AREA = frozenset({"US", "PR"})
POUND_KG = Decimal("0.45359237")
ACCOUNT = re.compile(r"[0-9A-Z]{6}")
NUMBER = re.compile(r"1Z[0-9A-Z]{16}")


def _refused(status: int, *errors: tuple[str, str]) -> Answer:
    listed = [{"code": code, "message": message} for code, message in errors]
    return Answer(status=status, body=wire.to_bytes({"response": {"errors": listed}}))


UNAUTHORISED = _refused(401, ("250002", "Invalid Authentication Information."))
MALFORMED = _refused(400, ("10002", "The request is well formed but the request is not valid"))
NOTHING_TRACKED = _refused(404, ("TW0001", "Tracking Information Not Found"))
NOT_FOUND_WORDS = (
    "The shipment for the requested tracking number or the combination of reference number plus shipper number "
    "could not be found. Please check the submitted data or wait until the shipment is processed."
)
TOO_MANY_WORDS = (
    "Too many shipments found with the requested Shipper Number and Reference Number. "
    "Please re-submit the request with the Tracking Number."
)
NO_SHIPMENT = _refused(400, ("9801031", NOT_FOUND_WORDS))
SEVERAL_SHIPMENTS = _refused(400, ("300035", TOO_MANY_WORDS))
NEITHER_NUMBER = _refused(
    400, ("300005", "Either tracking number or combination of reference plus shipper number required")
)
SHIPMENT_VOIDED = _refused(
    400, ("300033", "The shipment for which you are trying to recover a label or Receipt has been voided.")
)
VOIDINGS = {
    Voiding.ALREADY: _refused(400, ("190117", "The Shipment has already been voided")),
    Voiding.TOO_LATE: _refused(400, ("190102", "No shipment found within the allowed void period")),
    Voiding.NOT_FOUND: _refused(400, ("190102", "No shipment found within the allowed void period")),
}
INVALID_NUMBER = _refused(400, ("190100", "Invalid ShipmentIdentificationNumber."))
BROKEN_PAGE = b"<html><head><title>503 Service Unavailable</title></head><body>Upstream time-out</body></html>"


def routes(world: World) -> list[Route]:
    """UPS's own paths; they collide with no other carrier's, so one address serves all dialects."""
    desk = TokenDesk(world)
    ups = Dialect(world, desk)
    return [
        Route("/api/shipments/{version}/ship", ups.ship, methods=["POST"]),
        Route("/api/shipments/{version}/void/cancel/{number}", ups.void, methods=["DELETE"]),
        Route("/api/labels/{version}/recovery", ups.recover, methods=["POST"]),
        Route("/api/track/v1/reference/details/{reference}", ups.track, methods=["GET"]),
        Route("/security/v1/oauth/token", ups.token, methods=["POST"]),
    ]


class TokenDesk:
    """Client credentials in, signed tokens out; nothing to remember, so a restart keeps old tokens alive.

    Tokens die by the virtual clock: moving it makes a client's token expire on the way, as in life.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._key = hashlib.blake2b(f"token desk {world.plan.seed}".encode()).digest()[:32]
        self._dies_at: dict[str, float] = {}
        self._issued = 0

    def issue(self, client_id: str) -> tuple[str, int]:
        """A token and its life in seconds."""
        seconds = self._world.habits.token_seconds
        self._issued += 1
        client = base64.urlsafe_b64encode(client_id.encode()).decode().rstrip("=")
        claim = f"{client}.{self._issued}.{self._now() + seconds:.0f}"
        return f"{claim}.{self._signature(claim)}", seconds

    def accepts(self, authorization: str) -> bool:
        token = authorization.removeprefix("Bearer ")
        dies_at = self._dies_at.get(token)
        if dies_at is None:
            dies_at = self._dies_at[token] = self._verified(token)
        return self._now() < dies_at

    def _verified(self, token: str) -> float:
        """When it dies; for a forged one, long ago."""
        claim, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature, self._signature(claim)):
            return float("-inf")
        return float(claim.rpartition(".")[2])

    def _signature(self, claim: str) -> str:
        return hashlib.blake2b(claim.encode(), key=self._key, digest_size=16).hexdigest()

    def _now(self) -> float:
        return self._world.clock.now().timestamp()


class Dialect:
    """UPS's end points over one world."""

    def __init__(self, world: World, desk: TokenDesk) -> None:
        self._world = world
        self._desk = desk
        retry_after = (b"retry-after", b"%d" % world.habits.retry_after_seconds)
        self._faces = Faces(
            throttled=Answer(
                status=429, body=_refused(429, ("10429", "Too Many Requests")).body, headers=(retry_after,)
            ),
            unauthorised=UNAUTHORISED,
            broken=_refused(500, ("20001", "General process failure")),
            broken_page=Answer(status=503, body=BROKEN_PAGE, content_type=HTML_TYPE),
        )

    async def token(self, request: Request) -> Outcome:
        body = await request.body()
        client_id = _basic_client(request.headers.get("authorization", ""))
        return respond(self._world, self._faces, Operation.TOKEN, client_id, partial(self._token, client_id, body))

    async def ship(self, request: Request) -> Outcome:
        if not self._desk.accepts(request.headers.get("authorization", "")):
            return Outcome(UNAUTHORISED)
        body = await request.body()
        asked = read_shipment(body)
        if asked is None:
            return Outcome(MALFORMED)
        return respond(self._world, self._faces, Operation.BOOK, asked.reference, partial(self._ship, asked, body))

    async def void(self, request: Request) -> Outcome:
        if not self._desk.accepts(request.headers.get("authorization", "")):
            return Outcome(UNAUTHORISED)
        number = request.path_params["number"]
        return respond(self._world, self._faces, Operation.VOID, number, partial(self._void, number))

    async def recover(self, request: Request) -> Outcome:
        if not self._desk.accepts(request.headers.get("authorization", "")):
            return Outcome(UNAUTHORISED)
        number, account, reference = read_recovery(await request.body())
        if number:
            return respond(self._world, self._faces, Operation.LABEL, number, partial(self._label, number))
        if not reference:
            return Outcome(NEITHER_NUMBER)
        perform = partial(self._recover, account, reference)
        return respond(self._world, self._faces, Operation.FIND, f"recovery:{reference}", perform)

    async def track(self, request: Request) -> Outcome:
        if not self._desk.accepts(request.headers.get("authorization", "")):
            return Outcome(UNAUTHORISED)
        reference = request.path_params["reference"]
        perform = partial(self._track, reference, dict(request.query_params))
        return respond(self._world, self._faces, Operation.FIND, reference, perform)

    def _token(self, client_id: str, body: bytes, _fault: Fault | None) -> Answer:
        if parse_qs(body.decode("latin-1")).get("grant_type") != ["client_credentials"]:
            return _refused(400, ("10400", "Invalid/Missing Grant Type"))
        if not client_id:
            return _refused(401, ("10401", "ClientId is Invalid"))
        value, seconds = self._desk.issue(client_id)
        issued_at = str(round(self._world.clock.now().timestamp() * 1000))
        facts = {
            "token_type": "Bearer",
            "issued_at": issued_at,
            "client_id": client_id,
            "access_token": value,
            "expires_in": str(seconds),
            "status": "approved",
        }
        return Answer(status=200, body=wire.to_bytes(facts))

    def _ship(self, asked: Asked, body: bytes, fault: Fault | None) -> Answer:
        if faults := refusals(asked, self._world):
            return _refused(400, *faults)
        amount, currency = charge(asked.service, asked.origin, asked.destination, asked.weight_kg)
        draft = Draft(
            carrier=CARRIER,
            account=asked.account,
            reference=asked.reference,
            leg="return" if asked.is_return else "outbound",
            service=asked.service,
            ship_on=asked.ship_on or self._world.clock.now().date(),
            origin=asked.origin,
            destination=asked.destination,
            amount=amount,
            currency=currency,
            request=body,
        )
        number = partial(ups_number, asked.account, asked.service)
        booking = self._world.accept(draft, number=number, late=fault is Fault.LATE_COMMIT)
        return Answer(status=200, body=wire.to_bytes(shipped(booking, asked, fault)))

    def _void(self, number: str, _fault: Fault | None) -> Answer:
        if not NUMBER.fullmatch(number):
            return INVALID_NUMBER
        voiding = self._world.void(CARRIER, number, window=void_window)
        if voiding is not Voiding.DONE:
            return VOIDINGS[voiding]
        return Answer(status=200, body=wire.to_bytes(voided(number)))

    def _label(self, number: str, fault: Fault | None) -> Answer:
        booking = self._world.by_number(CARRIER, number)
        if booking is None or booking.visible_at > self._world.clock.now():
            return NO_SHIPMENT
        if booking.voided_at is not None:
            return SHIPMENT_VOIDED
        return Answer(status=200, body=wire.to_bytes(recovered(booking, fault)))

    def _recover(self, account: str, reference: str, fault: Fault | None) -> Answer:
        shown = self._world.shown(CARRIER, account, reference)
        if not shown:
            return NO_SHIPMENT
        if len(shown) > 1:
            return SEVERAL_SHIPMENTS
        return self._label(shown[0].tracking_number, fault)

    def _track(self, reference: str, query: dict[str, str], _fault: Fault | None) -> Answer:
        shown = [
            booking
            for booking in self._world.shown(CARRIER, query.get("shipperNum", ""), reference)
            if query.get("fromPickUpDate", "") <= f"{booking.ship_on:%Y%m%d}" <= query.get("toPickUpDate", "99999999")
        ]
        if not shown:
            return NOTHING_TRACKED
        shipments = [tracked(booking) for booking in shown]
        return Answer(status=200, body=wire.to_bytes({"trackResponse": {"shipment": shipments}}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A ship request as the dialect reads it. `shipment` is UPS's own node."""

    shipment: dict[str, Any]
    label_format: str
    context: str | None
    account: str
    service: str
    reference: str
    origin: str
    destination: str
    is_return: bool
    ship_on: date | None
    weight_kg: Decimal


def read_shipment(body: bytes) -> Asked | None:
    """The request, or None where it is no ship request at all."""
    try:
        return _read_shipment(wire.from_bytes(body)["ShipmentRequest"])
    except (ValueError, LookupError, TypeError, AttributeError, InvalidOperation):
        return None


def _read_shipment(request: dict[str, Any]) -> Asked:
    shipment = request["Shipment"]
    package = shipment["Package"][0]
    sender = shipment.get("ShipFrom") or shipment["Shipper"]
    references = package.get("ReferenceNumber") or shipment.get("ReferenceNumber") or [{"Value": ""}]
    weight = package["PackageWeight"]
    in_kg = Decimal(1) if weight["UnitOfMeasurement"]["Code"] == "KGS" else POUND_KG
    return Asked(
        shipment=shipment,
        label_format=request.get("LabelSpecification", {}).get("LabelImageFormat", {}).get("Code", ""),
        context=request["Request"].get("TransactionReference", {}).get("CustomerContext"),
        account=shipment["Shipper"].get("ShipperNumber", ""),
        service=shipment.get("Service", {}).get("Code", ""),
        reference=references[0]["Value"],
        origin=sender["Address"]["CountryCode"],
        destination=shipment["ShipTo"]["Address"]["CountryCode"],
        is_return="ReturnService" in shipment,
        ship_on=_day(shipment.get("ShipmentDate")),
        weight_kg=Decimal(weight["Weight"]) * in_kg,
    )


def read_recovery(body: bytes) -> tuple[str, str, str]:
    """Tracking number, account and reference of a label recovery; empty where they are not stated."""
    try:
        asked = wire.from_bytes(body)["LabelRecoveryRequest"]
        values = asked.get("ReferenceValues", {})
        reference = values.get("ReferenceNumber", {}).get("Value", "")
        return asked.get("TrackingNumber", ""), values.get("ShipperNumber", ""), reference
    except (ValueError, LookupError, TypeError, AttributeError):
        return "", "", ""


Rule = tuple[str, str, Callable[[Asked, World], bool]]
RULES: Sequence[Rule] = (
    (
        "120100",
        "Missing or Invalid shipper number",
        lambda a, w: not (ACCOUNT.fullmatch(a.account) and w.knows_account(a.account)),
    ),
    ("120107", "Missing/Invalid Shipper PostalCode", lambda a, _: not _has_postal_code(a.shipment["Shipper"])),
    ("120207", "Missing/Invalid ShipTo PostalCode", lambda a, _: not _has_postal_code(a.shipment["ShipTo"])),
    ("120202", "Missing/Invalid ShipTo AddressLine1", lambda a, _: not a.shipment["ShipTo"]["Address"]["AddressLine"]),
    (
        "120206",
        "Missing/Invalid ShipTo StateProvinceCode",
        lambda a, _: a.destination in ("US", "CA") and not a.shipment["ShipTo"]["Address"].get("StateProvinceCode"),
    ),
    ("120500", "Missing/Invalid Service/Code", lambda a, _: a.service not in SERVICES),
    (
        "121320",
        "The Authorized Return Service is unavailable with the selected service.",
        lambda a, _: a.is_return and a.service in NOT_FOR_RETURNS,
    ),
    (
        "121015",
        "The Saturday Delivery option cannot be combined with the Return Services option.",
        lambda a, _: a.is_return and "SaturdayDeliveryIndicator" in a.shipment.get("ShipmentServiceOptions", {}),
    ),
    (
        "120541",
        "Shipment/ReferenceNumber is not allowed for this shipment",
        lambda a, _: _inside_us(a) and "ReferenceNumber" in a.shipment,
    ),
    (
        "120542",
        "Package/ReferenceNumber is not allowed for this shipment",
        lambda a, _: not _inside_us(a) and "ReferenceNumber" in a.shipment["Package"][0],
    ),
    ("120601", "Missing/Invalid Package weight", lambda a, _: a.weight_kg <= 0),
    (
        "120548",
        "A shipment cannot have a KGS/IN or LBS/CM as its unit of measurements",
        lambda a, _: _units(a) not in ({"KGS", "CM"}, {"LBS", "IN"}),
    ),
    (
        "120546",
        "LBS is not a valid unit of measurement for weight for this shipment",
        lambda a, _: a.origin not in US_AREA and "LBS" in _units(a),
    ),
    (
        "120622",
        "Package description is required",
        lambda a, _: a.is_return and not a.shipment["Package"][0].get("Description"),
    ),
    (
        "120317",
        "The ShipFrom country must be the same as the Shipper country",
        lambda a, _: not a.is_return and a.origin != a.shipment["Shipper"]["Address"]["CountryCode"],
    ),
    (
        "120415",
        "PaymentInformation/Prepaid/BillShipper/AccountNumber must be the same shipper number as Shipper/ShipperNumber",
        lambda a, _: _payers(a).get("01") != a.account,
    ),
    (
        "121524",
        "The payer of Duty and Tax charges is not required for Qualified Domestic Shipments.",
        lambda a, _: "02" in _payers(a) and _qualified_domestic(a),
    ),
    ("120702", "Missing/Invalid LabelSpecification/LabelImageFormat/Code", lambda a, _: a.label_format != "ZPL"),
)
"""What UPS refuses, with its number. Labels: UPS makes four thermal and image formats, this sandbox makes ZPL."""


def refusals(asked: Asked, world: World) -> list[tuple[str, str]]:
    """The first rule that is broken, as UPS reports one error at a time; empty for a good request."""
    return next(([(code, message)] for code, message, is_broken in RULES if is_broken(asked, world)), [])


def _has_postal_code(party: dict[str, Any]) -> bool:
    address = party["Address"]
    return bool(address.get("PostalCode", "").strip()) or address["CountryCode"] in WITHOUT_POSTAL_CODE


def _inside_us(asked: Asked) -> bool:
    return {asked.origin, asked.destination} <= US_AREA


def _qualified_domestic(asked: Asked) -> bool:
    return inside_one_union(asked.origin, asked.destination) or _inside_us(asked)


def _units(asked: Asked) -> set[str]:
    package = asked.shipment["Package"][0]
    parts = (package["PackageWeight"], package.get("Dimensions", package["PackageWeight"]))
    return {part["UnitOfMeasurement"]["Code"] for part in parts}


def _payers(asked: Asked) -> dict[str, str]:
    charges = asked.shipment.get("PaymentInformation", {}).get("ShipmentCharge", [])
    return {entry["Type"]: entry.get("BillShipper", {}).get("AccountNumber", "") for entry in charges}


SUCCESS = {"ResponseStatus": {"Code": "1", "Description": "Success"}}


def shipped(booking: Booking, asked: Asked, fault: Fault | None) -> dict[str, Any]:
    """The answer to a booking. Charges as UPS splits them; the account has no negotiated rates."""
    money = {"CurrencyCode": booking.currency, "MonetaryValue": str(booking.amount)}
    nothing = {"CurrencyCode": booking.currency, "MonetaryValue": "0.00"}
    package = {"TrackingNumber": booking.tracking_number, "ServiceOptionsCharges": nothing}
    if fault is not Fault.NO_LABEL:
        package["ShippingLabel"] = _image(label(booking, asked), fault, name="ImageFormat")
    response: dict[str, Any] = dict(SUCCESS)
    if asked.context is not None:
        response["TransactionReference"] = {"CustomerContext": asked.context}
    return {
        "ShipmentResponse": {
            "Response": response,
            "ShipmentResults": {
                "ShipmentCharges": {
                    "TransportationCharges": money,
                    "ServiceOptionsCharges": nothing,
                    "TotalCharges": money,
                },
                "BillingWeight": asked.shipment["Package"][0]["PackageWeight"],
                "ShipmentIdentificationNumber": booking.shipment_id,
                "PackageResults": [package],
            },
        }
    }


def voided(number: str) -> dict[str, Any]:
    status = {"Code": "1", "Description": "Voided"}
    return {
        "VoidShipmentResponse": {
            "Response": SUCCESS,
            "SummaryResult": {"Status": status},
            "PackageLevelResults": [{"TrackingNumber": number, "Status": status}],
        }
    }


def recovered(booking: Booking, fault: Fault | None) -> dict[str, Any]:
    """The label again, made from the request as it came."""
    result: dict[str, Any] = {"TrackingNumber": booking.tracking_number}
    asked = read_shipment(booking.request)
    if asked is not None and fault is not Fault.NO_LABEL:
        result["LabelImage"] = _image(label(booking, asked), fault, name="LabelImageFormat")
    return {
        "LabelRecoveryResponse": {
            "Response": SUCCESS,
            "ShipmentIdentificationNumber": booking.shipment_id,
            "LabelResults": [result],
        }
    }


def tracked(booking: Booking) -> dict[str, Any]:
    """One shipment as tracking shows it before the first scan: manifested, perhaps voided."""
    activities = [
        _activity(booking.accepted_at, "M", "MP", "Shipper created a label, UPS has not received the package")
    ]
    if booking.voided_at is not None:
        activities.insert(0, _activity(booking.voided_at, "MV", "VP", "Shipment information voided"))
    package = {
        "trackingNumber": booking.tracking_number,
        "currentStatus": {"type": activities[0]["status"]["type"], "code": activities[0]["status"]["code"]},
        "activity": activities,
        "packageCount": 1,
        "referenceNumber": [{"type": "SHIPMENT", "number": booking.reference}],
    }
    return {"inquiryNumber": booking.tracking_number, "package": [package]}


def _activity(at: datetime, kind: str, code: str, words: str) -> dict[str, Any]:
    day, clock = f"{at:%Y%m%d}", f"{at:%H%M%S}"
    return {
        "date": day,
        "time": clock,
        "gmtDate": day,
        "gmtTime": f"{at:%H:%M:%S}",
        "gmtOffset": "+00:00",
        "status": {"type": kind, "code": code, "description": words},
        "logicalScan": True,
    }


def void_window(booking: Booking) -> timedelta:
    return RETURN_WINDOW if booking.leg == "return" else OUTBOUND_WINDOW


def label(booking: Booking, asked: Asked) -> bytes:
    shipment = asked.shipment
    return zpl(
        LabelText(
            sender=_lines(shipment.get("ShipFrom") or shipment["Shipper"]),
            receiver=_lines(shipment["ShipTo"]),
            ship_on=f"{booking.ship_on:%d %b %Y}".upper(),
            weight=f"{asked.weight_kg:.1f} KG",
            service=SERVICES[booking.service],
            tracking_number=booking.tracking_number,
            billing="P/P" + (" RETURN SERVICE" if asked.is_return else ""),
            reference=booking.reference,
            note=f"{booking.origin}-{booking.destination} {currency_of(booking.origin)} SANDBOX, NOT FOR CARRIAGE",
        )
    )


def _lines(party: dict[str, Any]) -> list[str]:
    address = party["Address"]
    town = " ".join(filter(None, (address.get("PostalCode"), address["City"], address.get("StateProvinceCode"))))
    phone = party.get("Phone", {}).get("Number", "")
    lines = [party.get("AttentionName", ""), phone, party["Name"], *address["AddressLine"], town]
    return [*lines, address["CountryCode"]]


def _image(content: bytes, fault: Fault | None, *, name: str) -> dict[str, Any]:
    image = "@@not base64@@" if fault is Fault.CORRUPT_LABEL else base64.b64encode(content).decode()
    return {name: {"Code": "ZPL", "Description": "ZPL"}, "GraphicImage": image}


def _day(stated: str | None) -> date | None:
    return None if not stated else date.fromisoformat(f"{stated[:4]}-{stated[4:6]}-{stated[6:8]}")


def _basic_client(authorization: str) -> str:
    """The client id of a Basic header that also has a secret; empty for anything else."""
    try:
        pair = base64.b64decode(authorization.removeprefix("Basic "), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    client_id, _, secret = pair.partition(":")
    return client_id if secret else ""
