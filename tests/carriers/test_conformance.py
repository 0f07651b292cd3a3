"""UPS's own OpenAPI files judge what the adapter sends and what the sandbox answers."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import httpx
import pytest

from carriers import wire
from carriers.model import Book, BookingKey
from carriers.sandbox.application import application
from carriers.sandbox.faults import Fault, FaultPlan, ScriptedFault
from carriers.sandbox.ledger import Ledger
from carriers.sandbox.virtual_clock import VirtualClock
from carriers.sandbox.world import Habits, World
from carriers.ups import outgoing
from tests.carriers.makers import (
    ACCOUNT,
    BOSTON,
    GENEVA,
    LOUISVILLE,
    MORNING,
    SHIP_ON,
    back,
    customs,
    inside_us,
    outbound,
)
from tests.carriers.specification import Exchange, Judge, errata

SHIPPING, TRACKING, OAUTH = "ups-Shipping.yaml", "ups-Tracking.yaml", "ups-OAuthClientCredentials.yaml"
SHIP, RECOVERY = "/api/shipments/v2409/ship", "/api/labels/v1/recovery"
SAN_JUAN = replace(BOSTON, city="San Juan", postal_code="00901", subdivision=None, country="PR")

BOOKINGS = {
    "inside_eu": outbound(),
    "inside_us": inside_us(),
    "us_to_puerto_rico": inside_us(ship_to=SAN_JUAN, customs=customs()),
    "return_eu": back(outbound()),
    "return_us": back(inside_us()),
    "saturday": outbound(saturday=True),
    "customs_consignee_pays": outbound(ship_to=GENEVA, customs=customs()),
    "customs_vendor_pays": outbound(ship_to=GENEVA, customs=customs(incoterm="DDP", duty_payer="vendor")),
    "customs_packing_list": outbound(ship_to=GENEVA, customs=customs(documents=("commercial_invoice", "packing_list"))),
    "customs_on_return": back(outbound(ship_to=GENEVA, customs=customs(incoterm="DDU"))),
    "customs_from_us": inside_us(service="07", ship_to=GENEVA, customs=customs()),
}


class Counter:
    """UPS's desk without a network: the sandbox in this process, every exchange written down."""

    def __init__(self, *faults: Fault) -> None:
        script = tuple(ScriptedFault(fault=fault) for fault in faults)
        world = World(Ledger(":memory:"), VirtualClock(MORNING), plan=FaultPlan(script=script), habits=Habits())
        self._application = application(world)
        self.seen: dict[str, list[Exchange]] = {SHIPPING: [], TRACKING: [], OAUTH: []}
        self._token = ""

    def ask(self, file: str, method: str, path: str, content: bytes | None = None, query: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self._token}", "transId": "t" * 32, "transactionSrc": "tests"}
        request = {"method": method, "path": path, "content": content, "headers": headers, "query": query or {}}
        return self._exchange(file, request | {"content_type": "application/json"})

    def log_in(self) -> None:
        headers = {"Authorization": "Basic " + base64.b64encode(b"client:secret").decode()}
        request = {"method": "POST", "path": "/security/v1/oauth/token", "content": b"grant_type=client_credentials"}
        form = {"headers": headers, "query": {}, "content_type": "application/x-www-form-urlencoded"}
        self._token = self._exchange(OAUTH, request | form)["access_token"]

    def _exchange(self, file: str, request: dict[str, Any]) -> Any:
        answer = asyncio.run(self._request(request))
        self.seen[file].append(Exchange(status=answer.status_code, answer=answer.content, **request))
        return wire.from_bytes(answer.content)

    async def _request(self, request: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(app=self._application)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.request(
                request["method"],
                request["path"],
                content=request["content"],
                headers=request["headers"] | {"Content-Type": request["content_type"]},
                params=request["query"],
            )


def book(counter: Counter, wanted: Book) -> BookingKey:
    answer = counter.ask(SHIPPING, "POST", SHIP, wire.to_bytes(outgoing.shipment(wanted)))
    number = answer["ShipmentResponse"]["ShipmentResults"]["ShipmentIdentificationNumber"]
    return BookingKey(shipment_id=number, tracking_number=number, reference=wanted.reference)


@cache
def a_parcels_life() -> dict[str, list[Exchange]]:
    """Every end point once or more: token, bookings, labels, look-ups, voids, and what follows a void."""
    counter = Counter()
    counter.log_in()
    keys = [book(counter, wanted) for wanted in BOOKINGS.values()]
    window = outgoing.reference_window(SHIP_ON, ACCOUNT)
    for key in (keys[0], keys[3]):
        counter.ask(SHIPPING, "POST", RECOVERY, wire.to_bytes(outgoing.label_by_number(key)))
    for reference in (keys[0].reference, keys[3].reference, "NOSUCHREFERENCE0"):
        counter.ask(SHIPPING, "POST", RECOVERY, wire.to_bytes(outgoing.label_by_reference(reference, ACCOUNT)))
        counter.ask(TRACKING, "GET", f"/api/track/v1/reference/details/{reference}", query=window)
    for number in (keys[0].shipment_id, keys[0].shipment_id, "1ZA1B2C30000000000"):
        counter.ask(SHIPPING, "DELETE", f"/api/shipments/v2409/void/cancel/{number}")
    counter.ask(SHIPPING, "POST", RECOVERY, wire.to_bytes(outgoing.label_by_number(keys[0])))
    counter.ask(TRACKING, "GET", f"/api/track/v1/reference/details/{keys[0].reference}", query=window)
    return counter.seen


def all_faults(judge: Judge, exchanges: Sequence[Exchange]) -> list[str]:
    return [
        f"{exchange.method} {exchange.path} {exchange.status} {fault}"
        for exchange in exchanges
        for fault in judge.faults(exchange)
    ]


@pytest.mark.parametrize("file", [SHIPPING, TRACKING, OAUTH])
def test_every_exchange_passes_the_carriers_file(file: str) -> None:
    """Requests of the adapter and answers of the sandbox are valid by UPS's own OpenAPI file."""
    judge = Judge(file)

    exchanges = a_parcels_life()[file]

    assert exchanges
    assert all_faults(judge, exchanges) == []


@pytest.mark.parametrize("name", BOOKINGS)
def test_bookings_send_no_field_the_carrier_ignores(name: str) -> None:
    """A misspelt field is valid OpenAPI and a silently lost instruction: none is sent."""
    assert Judge(SHIPPING).unknown_fields("SHIPRequestWrapper", outgoing.shipment(BOOKINGS[name])) == []


@pytest.mark.parametrize("fault", [Fault.NO_LABEL, Fault.CORRUPT_LABEL, Fault.THROTTLE, Fault.EXPIRED_TOKEN])
def test_faulty_answers_are_the_carriers_too(fault: Fault) -> None:
    """What UPS may also send (no label, 429, 401) is valid by its file, so the tests exercise nothing impossible."""
    counter = Counter(fault)
    counter.log_in()
    counter.ask(SHIPPING, "POST", SHIP, wire.to_bytes(outgoing.shipment(outbound())))

    assert all_faults(Judge(SHIPPING), counter.seen[SHIPPING]) == []


@pytest.mark.parametrize("erratum", errata(), ids=lambda erratum: ".".join(map(str, erratum["at"][-3:])))
def test_every_erratum_is_still_needed(erratum: dict[str, Any]) -> None:
    """Without any one of the corrections the carrier's file refuses something it describes as right."""
    judge = Judge(erratum["file"], without=erratum)

    assert all_faults(judge, a_parcels_life()[erratum["file"]])


@pytest.mark.parametrize(
    ("spoil", "place"),
    [
        (lambda body: body["Shipment"]["ShipTo"]["Address"].pop("CountryCode"), "CountryCode"),
        (lambda body: body["Shipment"]["Shipper"].update(ShipperNumber="A1B2C3D"), "ShipperNumber"),
        (lambda body: body["Shipment"].update(ShipmentDate="2026-11-20"), "ShipmentDate"),
        (lambda body: body["Request"].update(SubVersion="v2409"), "SubVersion"),
    ],
    ids=["no_country", "long_account", "dashed_date", "path_version_as_subversion"],
)
def test_the_judge_still_refuses(spoil: Any, place: str) -> None:
    """Negative control: with the errata applied, real mistakes (seen in other clients) are found."""
    body = outgoing.shipment(outbound())
    spoil(body["ShipmentRequest"])
    answer = a_parcels_life()[SHIPPING][0]
    spoilt = replace(answer, content=wire.to_bytes(body))

    faults = Judge(SHIPPING).faults(spoilt)

    assert any(place in fault for fault in faults), faults


def test_the_judge_sees_unknown_fields() -> None:
    """Negative control: a field of another carrier's is reported with its place."""
    body = outgoing.shipment(inside_us(ship_from=LOUISVILLE))
    body["ShipmentRequest"]["Shipment"]["ServiceType"] = "FIRST_OVERNIGHT"

    assert Judge(SHIPPING).unknown_fields("SHIPRequestWrapper", body) == ["/ShipmentRequest/Shipment/ServiceType"]
