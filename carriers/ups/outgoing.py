"""Ours to theirs: what UPS is sent. Pure; called by `carriers.ups.client` only.

Every shape here is checked against UPS's own OpenAPI file by the tests. Rules with a number in brackets are UPS's
error codes (Shipping Package developer guide, appendix): what would come back if the rule were broken.
"""

from __future__ import annotations

import textwrap
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from typing import Any

from carriers.model import Book, BookingKey, Customs, CustomsItem, LabelFormat, Leg, Party
from carriers.unions import inside_one_union

SUB_VERSION = "2205"
"""The newest one UPS lists; "v2409" is a path version and would be refused here."""
PRINT_RETURN_LABEL = "9"
TRANSPORTATION, DUTIES_AND_TAXES = "01", "02"
CUSTOMER_PACKAGING = "02"

PACKAGE_REFERENCE_COUNTRIES = frozenset({"US", "PR"})
"""Inside these the reference hangs on the package; anywhere else on the shipment (120541, 120542)."""
IMPERIAL_COUNTRIES = frozenset({"US", "PR"})
NATIONAL_PHONE_COUNTRIES = frozenset({"US", "PR", "CA", "VI"})
"""Area code and seven digits; elsewhere the country code goes in front."""
INVOICE_TOTAL_COUNTRIES = frozenset({"PR", "CA"})
"""From the US to these UPS wants the value of the shipment beside the invoice."""
NOT_FOR_RETURNS = frozenset({"13", "59", "82", "83", "84", "85", "86"})
"""Service codes UPS does not carry as a return (Shipping.yaml, Service.Code)."""

GRAMS_PER_POUND = Decimal("453.59237")
MM_PER_INCH = Decimal("25.4")
TENTH = Decimal("0.1")
NAME_LENGTH, LINE_LENGTH, LINES, CITY_LENGTH, POSTAL_LENGTH, PHONE_LENGTH = 35, 35, 3, 30, 9, 15
DAYS_BEFORE, DAYS_AFTER = 7, 14
"""Around the ship date: UPS's own default looks back only 14 days from today."""


class Unsendable(Exception):
    """Asked for something UPS cannot be asked: refused here, nothing was sent. `code` is stable."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def shipment(wanted: Book) -> dict[str, Any]:
    """The body of a booking. Raises `Unsendable` where UPS could only misunderstand us."""
    _refuse_impossible(wanted)
    return {
        "ShipmentRequest": {
            "Request": {
                "SubVersion": SUB_VERSION,
                "RequestOption": "nonvalidate",
                "TransactionReference": {"CustomerContext": wanted.reference},
            },
            "Shipment": _shipment(wanted),
            "LabelSpecification": _label_specification(),
        }
    }


def label_by_number(key: BookingKey) -> dict[str, Any]:
    """The body that asks for the label of one parcel again."""
    return _recovery(key.reference, TrackingNumber=key.tracking_number)


def label_by_reference(reference: str, account: str) -> dict[str, Any]:
    """The body that asks for whatever label exists under our reference."""
    return _recovery(reference, ReferenceValues={"ReferenceNumber": {"Value": reference}, "ShipperNumber": account})


def reference_window(ship_on: date, account: str) -> dict[str, str]:
    """Query of a look-up by reference: our account only, a week before to a fortnight after the ship date."""
    return {
        "shipperNum": account,
        "fromPickUpDate": _compact(ship_on - timedelta(days=DAYS_BEFORE)),
        "toPickUpDate": _compact(ship_on + timedelta(days=DAYS_AFTER)),
        "refNumType": "SmallPackage",
    }


def _refuse_impossible(wanted: Book) -> None:
    if wanted.label is not LabelFormat.ZPL:
        raise Unsendable("LABEL_FORMAT", "UPS books thermal labels or GIF, never PDF: ask for ZPL")
    if wanted.leg is Leg.RETURN and wanted.service in NOT_FOR_RETURNS:
        raise Unsendable("SERVICE", f"UPS service {wanted.service} does not carry returns")
    if wanted.leg is Leg.RETURN and wanted.saturday:
        raise Unsendable("SATURDAY", "UPS delivers no return label's parcel on a Saturday (121015)")


def _shipment(wanted: Book) -> dict[str, Any]:
    ours = wanted.ship_from if wanted.leg is Leg.OUTBOUND else wanted.ship_to
    on_package = {wanted.ship_from.country, wanted.ship_to.country} <= PACKAGE_REFERENCE_COUNTRIES
    body: dict[str, Any] = {
        "Description": _cut(wanted.parcel.description, NAME_LENGTH),
        # Shipper is who pays and must sit in the account's country (120120): the depot, on both legs.
        "Shipper": {**_party(ours), "ShipperNumber": wanted.account},
        "ShipTo": _party(wanted.ship_to),
        "ShipFrom": _party(wanted.ship_from, with_email=False),
        "PaymentInformation": {"ShipmentCharge": _charges(wanted)},
        "Service": {"Code": wanted.service},
        "ShipmentDate": _compact(wanted.ship_on),
        "Package": [_package(wanted, on_package=on_package)],
    }
    if not on_package:
        body["ReferenceNumber"] = [{"Value": wanted.reference}]
    if wanted.leg is Leg.RETURN:
        body["ReturnService"] = {"Code": PRINT_RETURN_LABEL}
    if options := _service_options(wanted, ours):
        body["ShipmentServiceOptions"] = options
    if wanted.customs and wanted.leg is Leg.OUTBOUND:
        body |= _invoice_total(wanted, wanted.customs)
    return body


def _charges(wanted: Book) -> list[dict[str, Any]]:
    """Freight to our account, always. Duties to us only where the lane says the vendor pays them.

    A charge of type 02 on a qualified domestic shipment (same country, US/PR, inside the EU) is refused, although a
    lane inside one union may need papers: the Canary Islands are Spain, and not in its VAT territory.
    """
    account = {"AccountNumber": wanted.account}
    freight = [{"Type": TRANSPORTATION, "BillShipper": account}]
    if wanted.customs is None or wanted.customs.duty_payer != "vendor" or _qualified_domestic(wanted):
        return freight
    return [*freight, {"Type": DUTIES_AND_TAXES, "BillShipper": account}]


def _qualified_domestic(wanted: Book) -> bool:
    ends = wanted.ship_from.country, wanted.ship_to.country
    return inside_one_union(*ends) or set(ends) <= PACKAGE_REFERENCE_COUNTRIES


def _party(party: Party, *, with_email: bool = True) -> dict[str, Any]:
    body: dict[str, Any] = {
        "Name": _cut(party.company, NAME_LENGTH),
        "AttentionName": _cut(party.contact, NAME_LENGTH),
        "Phone": {"Number": _phone(party)},
        "Address": _address(party),
    }
    if with_email and 0 < len(party.email) <= 50:  # longer ones are refused whole (120210); the parcel can do without
        body["EMailAddress"] = party.email
    return body


def _address(party: Party) -> dict[str, Any]:
    body: dict[str, Any] = {
        "AddressLine": _lines(party),
        "City": _cut(party.city, CITY_LENGTH),
        "CountryCode": party.country,
    }
    if party.postal_code:
        body["PostalCode"] = _postal_code(party.postal_code)
    if party.subdivision:
        body["StateProvinceCode"] = party.subdivision[:5]
    return body


def _lines(party: Party) -> list[str]:
    """Up to three lines of 35. A street that does not fit is refused: a cut one would reach the wrong door."""
    lines = [
        line
        for part in (party.street, party.street2)
        if part
        for line in ([part] if len(part) <= LINE_LENGTH else textwrap.wrap(part, LINE_LENGTH))
    ]
    if not lines or len(lines) > LINES:
        raise Unsendable("ADDRESS", f"the street does not fit {LINES} lines of {LINE_LENGTH} characters")
    return lines


def _postal_code(code: str) -> str:
    return code if len(code) <= POSTAL_LENGTH else "".join(filter(str.isalnum, code))[:POSTAL_LENGTH]


def _phone(party: Party) -> str:
    digits = "".join(filter(str.isdigit, party.phone))
    if party.country in NATIONAL_PHONE_COUNTRIES and len(digits) == 11 and digits[0] == "1":
        return digits[1:]
    return digits[:PHONE_LENGTH]


def _package(wanted: Book, *, on_package: bool) -> dict[str, Any]:
    imperial = wanted.ship_from.country in IMPERIAL_COUNTRIES
    package: dict[str, Any] = {
        # Required for returns (120622), harmless otherwise.
        "Description": _cut(wanted.parcel.description, NAME_LENGTH),
        "Packaging": {"Code": CUSTOMER_PACKAGING},
        "Dimensions": _dimensions(wanted.parcel.size_mm, imperial=imperial),
        "PackageWeight": _weight(wanted.parcel.weight_g, imperial=imperial),
    }
    if on_package:
        package["ReferenceNumber"] = [{"Value": wanted.reference}]
    return package


def _dimensions(size_mm: tuple[int, int, int], *, imperial: bool) -> dict[str, Any]:
    """Whole units, rounded up, the longest side first (UPS demands that of Length)."""
    unit_mm = MM_PER_INCH if imperial else Decimal(10)
    length, width, height = sorted((_ceiling(mm / unit_mm, Decimal(1)) for mm in size_mm), reverse=True)
    return {
        "UnitOfMeasurement": {"Code": "IN" if imperial else "CM"},
        "Length": str(length),
        "Width": str(width),
        "Height": str(height),
    }


def _weight(weight_g: int, *, imperial: bool) -> dict[str, Any]:
    """Tenths of a pound or a kilogram, rounded up, never zero: 2000 g is 4.5 lb (2000 / 453.59237 = 4.409…)."""
    unit_g = GRAMS_PER_POUND if imperial else Decimal(1000)
    weight = max(_ceiling(weight_g / unit_g, TENTH), TENTH)
    return {"UnitOfMeasurement": {"Code": "LBS" if imperial else "KGS"}, "Weight": str(weight)}


def _ceiling(value: Decimal, step: Decimal) -> Decimal:
    return value.quantize(step, rounding=ROUND_CEILING)


def _service_options(wanted: Book, ours: Party) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if wanted.saturday:
        options["SaturdayDeliveryIndicator"] = ""  # presence is the message
    if wanted.customs:
        options["InternationalForms"] = _forms(wanted, wanted.customs, ours)
    return options


INVOICE, PARTIAL_INVOICE, PACKING_LIST = "01", "05", "06"
FORMS = {"commercial_invoice": INVOICE, "packing_list": PACKING_LIST}
"""The lane's words for its papers, and UPS's; a paper UPS does not make is refused, never forgotten."""
TERMS = {"DDU": "DAP"}
"""Incoterms 2010 renamed DDU; UPS's list knows only the new name."""


def _forms(wanted: Book, customs: Customs, ours: Party) -> dict[str, Any]:
    """The commercial invoice; on a return UPS takes only the partial one (128201)."""
    outbound = wanted.leg is Leg.OUTBOUND
    sold_to = wanted.ship_to if outbound else ours
    return {
        "FormType": _form_types(customs) if outbound else [PARTIAL_INVOICE],
        "InvoiceNumber": wanted.reference,
        "InvoiceDate": _compact(wanted.ship_on),
        "TermsOfShipment": TERMS.get(customs.incoterm, customs.incoterm),
        "ReasonForExport": "REPLACEMENT, NO SALE" if outbound else "RETURN",
        "Comments": _cut(customs.reason, 150),
        "CurrencyCode": _single_currency(customs),
        "Contacts": {
            "SoldTo": {
                "Name": _cut(sold_to.company, NAME_LENGTH),
                "AttentionName": _cut(sold_to.contact, NAME_LENGTH),
                "Phone": {"Number": _phone(sold_to)},
                "Address": _address(sold_to),
            }
        },
        "Product": [_product(item, packed=PACKING_LIST in _form_types(customs)) for item in customs.items],
    }


def _form_types(customs: Customs) -> list[str]:
    strangers = [paper for paper in customs.documents if paper not in FORMS]
    if strangers:
        raise Unsendable("DOCUMENT", f"UPS makes no {', '.join(strangers)}")
    return sorted({INVOICE, *(FORMS[paper] for paper in customs.documents)})


def _product(item: CustomsItem, *, packed: bool) -> dict[str, Any]:
    product: dict[str, Any] = {
        "Description": textwrap.wrap(item.description, LINE_LENGTH)[:3],
        "Unit": {
            "Number": str(item.quantity),
            "UnitOfMeasurement": {"Code": "PCS"},
            "Value": str(item.value.amount),
        },
        "CommodityCode": item.hs_code,
        "OriginCountryCode": item.origin,
    }
    if packed:  # all of it in our one parcel (128229)
        inside = {"PackageNumber": "1", "ProductAmount": str(item.quantity)}
        product["PackingListInfo"] = {"PackageAssociated": [inside]}
    return product


def _single_currency(customs: Customs) -> str:
    currencies = {item.value.currency for item in customs.items}
    if len(currencies) != 1:
        raise Unsendable("CURRENCY", f"one currency per invoice (120527), not {sorted(currencies)}")
    return currencies.pop()


def _invoice_total(wanted: Book, customs: Customs) -> dict[str, Any]:
    if wanted.ship_from.country != "US" or wanted.ship_to.country not in INVOICE_TOTAL_COUNTRIES:
        return {}
    total = sum((item.value.amount * item.quantity for item in customs.items), Decimal(0))
    whole = max(total.quantize(Decimal(1), rounding=ROUND_HALF_UP), Decimal(1))  # whole numbers only (120539)
    return {"InvoiceLineTotal": {"CurrencyCode": _single_currency(customs), "MonetaryValue": str(whole)}}


def _recovery(reference: str, **which: Any) -> dict[str, Any]:
    return {
        "LabelRecoveryRequest": {
            "Request": {"TransactionReference": {"CustomerContext": reference}},
            "LabelSpecification": _label_specification(),
            **which,
        }
    }


def _label_specification() -> dict[str, Any]:
    return {"LabelImageFormat": {"Code": "ZPL"}, "LabelStockSize": {"Height": "6", "Width": "4"}}


def _compact(day: date) -> str:
    return day.strftime("%Y%m%d")


def _cut(text: str, length: int) -> str:
    return text.strip()[:length] or "-"
