"""What UPS is sent, rule by rule. The carrier's own file judges the whole in `test_conformance`."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from carriers.model import Book, LabelFormat, Money, Parcel
from carriers.ups.outgoing import Unsendable, reference_window, shipment
from tests.carriers.makers import (
    ACCOUNT,
    BOSTON,
    COPENHAGEN,
    GENEVA,
    LOUISVILLE,
    VENLO,
    back,
    customs,
    inside_us,
    outbound,
)

SAN_JUAN = replace(BOSTON, city="San Juan", postal_code="00901", subdivision=None, country="PR")
TORONTO = replace(BOSTON, city="Toronto", postal_code="M5V 2T6", subdivision="ON", country="CA", phone="+14165550100")


def sent(wanted: Book) -> dict[str, Any]:
    body: dict[str, Any] = shipment(wanted)["ShipmentRequest"]["Shipment"]
    return body


def parcel_sent(wanted: Book) -> dict[str, Any]:
    body: dict[str, Any] = sent(wanted)["Package"][0]
    return body


@pytest.mark.parametrize("wanted", [outbound(), inside_us(), back(outbound()), back(inside_us())])
def test_freight_is_always_ours(wanted: Book) -> None:
    """Both legs are billed to our account, freight only: a second charge would be refused at home."""
    charges = sent(wanted)["PaymentInformation"]["ShipmentCharge"]

    assert charges == [{"Type": "01", "BillShipper": {"AccountNumber": ACCOUNT}}]


@pytest.mark.parametrize(("payer", "types"), [("consignee", ["01"]), ("vendor", ["01", "02"])])
def test_duties_follow_the_lane(payer: str, types: list[str]) -> None:
    """Only where the lane says the vendor pays duties are they billed to us too."""
    charges = sent(outbound(ship_to=GENEVA, customs=customs(duty_payer=payer)))["PaymentInformation"]["ShipmentCharge"]

    assert types == [charge["Type"] for charge in charges]
    assert {charge["BillShipper"]["AccountNumber"] for charge in charges} == {ACCOUNT}


def test_inside_one_union_nobody_is_billed_for_duties() -> None:
    """A lane to the Canary Islands has papers, but both ends are in Spain: UPS refuses a payer of duties (121524)."""
    charges = sent(outbound(customs=customs(duty_payer="vendor")))["PaymentInformation"]["ShipmentCharge"]

    assert [charge["Type"] for charge in charges] == ["01"]


@pytest.mark.parametrize(
    ("ship_from", "ship_to", "on_package"),
    [
        (LOUISVILLE, BOSTON, True),
        (LOUISVILLE, SAN_JUAN, True),
        (SAN_JUAN, SAN_JUAN, True),
        (LOUISVILLE, TORONTO, False),
        (VENLO, COPENHAGEN, False),
        (VENLO, BOSTON, False),
    ],
    ids=["us_us", "us_pr", "pr_pr", "us_ca", "nl_dk", "nl_us"],
)
def test_reference_hangs_where_ups_wants_it(ship_from: Any, ship_to: Any, *, on_package: bool) -> None:
    """On the package inside the US and Puerto Rico, on the shipment elsewhere, never on both."""
    wanted = outbound("7Q2M9XK4T0VB3HZC", ship_from=ship_from, ship_to=ship_to)
    levels = [node.get("ReferenceNumber") for node in (parcel_sent(wanted), sent(wanted))]

    expected = [[{"Value": "7Q2M9XK4T0VB3HZC"}], None]
    assert levels == (expected if on_package else expected[::-1])


def test_return_swaps_ends_not_payer() -> None:
    """On the way back the customer ships to the depot; the shipper is still the depot and its account."""
    body = sent(back(outbound(ship_from=VENLO, ship_to=COPENHAGEN)))

    assert body["ReturnService"] == {"Code": "9"}
    assert body["ShipFrom"]["Address"]["CountryCode"] == "DK"
    assert body["ShipTo"]["Address"]["CountryCode"] == "NL"
    assert body["Shipper"]["Address"]["CountryCode"] == "NL"
    assert body["Shipper"]["ShipperNumber"] == ACCOUNT


def test_outbound_is_no_return() -> None:
    """No return service on the way out."""
    assert "ReturnService" not in sent(outbound())


@pytest.mark.parametrize(
    ("wanted", "unit", "weight", "size"),
    [
        # 300 x 110 x 205 mm; 300/25.4 = 11.8, 205/25.4 = 8.1, 110/25.4 = 4.3; 2000 g = 4.409 lb
        (inside_us(), ("LBS", "IN"), "4.5", ("12", "9", "5")),
        (outbound(), ("KGS", "CM"), "2.0", ("30", "21", "11")),
        (back(inside_us()), ("LBS", "IN"), "4.5", ("12", "9", "5")),
        (
            outbound(parcel=Parcel(weight_g=12, size_mm=(9, 4, 1), description="Dongle")),
            ("KGS", "CM"),
            "0.1",
            ("1", "1", "1"),
        ),
    ],
    ids=["us", "eu", "us_return", "tiny"],
)
def test_units_follow_the_origin(wanted: Book, unit: tuple[str, str], weight: str, size: tuple[str, ...]) -> None:
    """Pounds and inches from the US, kilograms and centimetres elsewhere; rounded up, longest side first."""
    package = parcel_sent(wanted)
    dimensions = package["Dimensions"]

    assert unit == (package["PackageWeight"]["UnitOfMeasurement"]["Code"], dimensions["UnitOfMeasurement"]["Code"])
    assert weight == package["PackageWeight"]["Weight"]
    assert size == (dimensions["Length"], dimensions["Width"], dimensions["Height"])


@pytest.mark.parametrize(
    ("party", "number"),
    [(BOSTON, "6175550100"), (TORONTO, "4165550100"), (COPENHAGEN, "4533123456")],
    ids=["us_without_1", "ca_without_1", "dk_with_45"],
)
def test_phone_is_written_as_ups_reads_it(party: Any, number: str) -> None:
    """North America without the country code, everybody else with it, digits only."""
    assert sent(outbound(ship_to=party))["ShipTo"]["Phone"]["Number"] == number


def test_saturday_is_a_presence() -> None:
    """The empty indicator asks for Saturday; its absence does not."""
    assert sent(outbound(saturday=True))["ShipmentServiceOptions"] == {"SaturdayDeliveryIndicator": ""}
    assert "ShipmentServiceOptions" not in sent(outbound())


def test_long_street_is_wrapped_whole() -> None:
    """Words move to the next line; none is lost."""
    street = "Gebouw Noordzijde, ingang via de oude fabriekspoort, derde etage"
    lines = sent(outbound(ship_to=replace(COPENHAGEN, street=street, street2=None)))["ShipTo"]["Address"]["AddressLine"]

    assert " ".join(lines) == street
    assert max(map(len, lines)) <= 35


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (outbound(label=LabelFormat.PDF), "LABEL_FORMAT"),
        (replace(back(outbound()), service="13"), "SERVICE"),
        (replace(back(outbound()), saturday=True), "SATURDAY"),
        (outbound(ship_to=replace(COPENHAGEN, street="word " * 40)), "ADDRESS"),
        (outbound(ship_to=replace(COPENHAGEN, street="", street2=None)), "ADDRESS"),
        (outbound(ship_to=GENEVA, customs=customs(documents=("carnet",))), "DOCUMENT"),
    ],
    ids=["pdf", "return_service", "return_on_saturday", "long_street", "no_street", "paper"],
)
def test_impossible_wishes_are_refused_here(wanted: Book, code: str) -> None:
    """What UPS could only refuse or misunderstand is not sent; the code says why."""
    with pytest.raises(Unsendable) as refused:
        shipment(wanted)

    assert refused.value.code == code


def test_mixed_currencies_are_refused() -> None:
    """One invoice, one currency."""
    papers = customs()
    in_francs = replace(papers.items[0], value=Money(amount=Decimal(5), currency="CHF"))

    with pytest.raises(Unsendable, match="CHF"):
        shipment(outbound(ship_to=GENEVA, customs=replace(papers, items=(*papers.items, in_francs))))


def test_invoice_carries_the_lane_and_the_goods() -> None:
    """Terms, reason, buyer and goods reach the commercial invoice; DDU is called DAP today."""
    forms = sent(outbound(ship_to=GENEVA, customs=customs(incoterm="DDU")))["ShipmentServiceOptions"][
        "InternationalForms"
    ]

    assert forms["FormType"] == ["01"]
    assert forms["TermsOfShipment"] == "DAP"
    assert forms["InvoiceDate"] == "20261120"
    assert forms["Contacts"]["SoldTo"]["Address"]["CountryCode"] == "CH"
    product = forms["Product"][0]
    assert (product["CommodityCode"], product["OriginCountryCode"]) == ("851718", "MX")
    assert product["Unit"] == {"Number": "2", "UnitOfMeasurement": {"Code": "PCS"}, "Value": "310.00"}


def test_papers_are_those_of_the_lane() -> None:
    """A packing list comes with every unit in the one parcel; the invoice is always there."""
    papers = customs(documents=("packing_list",))
    forms = sent(outbound(ship_to=GENEVA, customs=papers))["ShipmentServiceOptions"]["InternationalForms"]

    assert forms["FormType"] == ["01", "06"]
    inside = forms["Product"][0]["PackingListInfo"]["PackageAssociated"]
    assert inside == [{"PackageNumber": "1", "ProductAmount": "2"}]


def test_return_takes_the_partial_invoice() -> None:
    """UPS accepts no full invoice with a return service; the goods go back to us."""
    forms = sent(back(outbound(ship_to=GENEVA, customs=customs())))["ShipmentServiceOptions"]["InternationalForms"]

    assert forms["FormType"] == ["05"]
    assert forms["Contacts"]["SoldTo"]["Address"]["CountryCode"] == "NL"


@pytest.mark.parametrize(
    ("wanted", "total"),
    [
        (inside_us(ship_to=TORONTO, customs=customs()), {"CurrencyCode": "EUR", "MonetaryValue": "620"}),
        (outbound(ship_to=GENEVA, customs=customs()), None),
    ],
    ids=["us_ca_2x310", "nl_ch"],
)
def test_value_is_stated_where_ups_asks(wanted: Book, total: dict[str, str] | None) -> None:
    """From the US to Canada and Puerto Rico the shipment states its value in whole units."""
    assert sent(wanted).get("InvoiceLineTotal") == total


def test_look_up_window_surrounds_the_ship_date() -> None:
    """A week before, a fortnight after, across the year's end."""
    assert reference_window(date(2026, 12, 28), ACCOUNT) == {
        "shipperNum": ACCOUNT,
        "fromPickUpDate": "20261221",
        "toPickUpDate": "20270111",
        "refNumType": "SmallPackage",
    }
