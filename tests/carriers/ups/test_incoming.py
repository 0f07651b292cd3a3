"""What UPS has said, also when it says it oddly."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from carriers import wire
from carriers.classification import DOES_NOT_READ, CarrierError, Reply
from carriers.model import Money
from carriers.outcomes import NotFound, Rejected, RetryAfter, TooLate, Unknown, Voided
from carriers.ups import incoming

NUMBER = "1Z999AA10123456784"
REFERENCE = "7Q2M9XK4T0VB3HZC"
ZPL = base64.b64encode(b"^XA^FDlabel^FS^XZ").decode()


def reply(body: Any, status: int = 200) -> Reply:
    return Reply(status=status, headers={}, body=body if isinstance(body, bytes) else wire.to_bytes(body))


def package(**changes: Any) -> dict[str, Any]:
    label = {"ImageFormat": {"Code": "ZPL"}, "GraphicImage": ZPL}
    return {"TrackingNumber": NUMBER, "ShippingLabel": label} | changes


def answer(packages: Any, context: str = REFERENCE, results: dict[str, Any] | None = None) -> dict[str, Any]:
    total = {"CurrencyCode": "EUR", "MonetaryValue": "41.40"}
    facts = {"ShipmentIdentificationNumber": NUMBER, "ShipmentCharges": {"TotalCharges": total}}
    return {
        "ShipmentResponse": {
            "Response": {"TransactionReference": {"CustomerContext": context}},
            "ShipmentResults": facts | {"PackageResults": packages} | (results or {}),
        }
    }


def booked(body: Any) -> Any:
    return incoming.booked(reply(body), reference=REFERENCE)


@pytest.mark.parametrize("packages", [[package()], package()], ids=["list", "bare_object"])
def test_booking_reads_list_and_object(packages: Any) -> None:
    """UPS sends a list of one as an object on some versions (UPS-API/api-documentation #3)."""
    seen = booked(answer(packages))

    assert (seen.shipment_id, seen.tracking_number) == (NUMBER, NUMBER)
    assert seen.charge == Money(amount=Decimal("41.40"), currency="EUR")
    assert seen.label.content == b"^XA^FDlabel^FS^XZ"


@pytest.mark.parametrize(
    "image",
    ["@@not base64@@", base64.b64encode(b"<html>").decode(), base64.b64encode(b"^XA^FDcut").decode(), 7, None, "é"],
    ids=["not_base64", "no_zpl", "cut_zpl", "number", "null", "not_ascii"],
)
def test_bad_label_never_costs_the_booking(image: Any) -> None:
    """The numbers are kept, the label is None and fetched later."""
    seen = booked(answer([package(ShippingLabel={"GraphicImage": image})]))

    assert seen.tracking_number == NUMBER
    assert seen.label is None


@pytest.mark.parametrize(
    "results",
    [{"ShipmentCharges": None}, {"ShipmentCharges": {"TotalCharges": {"CurrencyCode": "EUR", "MonetaryValue": "?"}}}],
    ids=["none", "no_number"],
)
def test_bad_charge_never_costs_the_booking(results: dict[str, Any]) -> None:
    """A charge that does not read is None."""
    assert booked(answer([package()], results=results)).charge is None


def test_negotiated_charge_wins() -> None:
    """We pay the negotiated total, not the published one."""
    negotiated = {"NegotiatedRateCharges": {"TotalCharge": {"CurrencyCode": "EUR", "MonetaryValue": "30.10"}}}

    assert booked(answer([package()], results=negotiated)).charge == Money(amount=Decimal("30.10"), currency="EUR")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"ShipmentResponse": {"Resp',
        b"<html>busy</html>",
        {"response": {"errors": [{"code": "1", "message": "an error in a 200"}]}},
        answer([]),
        answer([{}]),
        answer([package(TrackingNumber="")]),
        answer([package(TrackingNumber=None)]),
        answer([package()], context="ANOTHERREFERENCE"),
        [],
        None,
    ],
    ids=["empty", "cut", "html", "error", "no_parcel", "bare", "no_number", "null", "foreign", "array", "null_body"],
)
def test_success_without_a_number_does_not_read(body: Any) -> None:
    """Each raises one of the classes that `settle` turns into Unknown; none is taken for a booking."""
    with pytest.raises(DOES_NOT_READ):
        booked(body)


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"response": {"errors": [{"code": "120100", "message": "No"}]}}, [CarrierError(code="120100", message="No")]),
        ({"response": {"errors": {"code": 1}}}, [CarrierError(code="1", message="")]),
        ({"response": {}}, []),
        ({"fault": "proxy"}, []),
        (b"<html>", []),
        ([], []),
    ],
    ids=["list", "object", "none", "foreign", "html", "array"],
)
def test_only_the_carriers_errors_count(body: Any, errors: list[CarrierError]) -> None:
    """A body in other words than UPS's holds no errors of UPS."""
    assert incoming.errors_of(reply(body, 400)) == errors


@pytest.mark.parametrize(
    ("code", "outcome"),
    [("1", Voided), ("&#xD;&#xD;&#xD;1", Voided), ("0", TooLate)],
    ids=["voided", "stray_entities", "not_voided"],
)
def test_void_answer_reads(code: str, outcome: type) -> None:
    """Also with the stray entities of recorded replies (UPS-API/api-documentation #63)."""
    body = {"VoidShipmentResponse": {"SummaryResult": {"Status": {"Code": code, "Description": "x"}}}}

    assert isinstance(incoming.voided(reply(body)), outcome)


@pytest.mark.parametrize(
    ("settled", "outcome"),
    [
        (Voided(), Voided()),
        (Unknown(evidence="x"), Unknown(evidence="x")),
        (Rejected(code="190117", reason="already"), Voided()),
        (Rejected(code="190102", reason="window"), TooLate(reason="window")),
        (Rejected(code="190100", reason="number"), NotFound()),
        (Rejected(code="190001", reason="busy"), RetryAfter(wait=timedelta(minutes=5), reason="busy")),
        (Rejected(code="999999", reason="new"), TooLate(reason="new")),
    ],
    ids=["voided", "unknown", "already", "window", "number", "busy", "new_code"],
)
def test_void_refusals_in_our_words(settled: Any, outcome: Any) -> None:
    """An unfamiliar refusal counts as "still there": a person looks, nobody believes the parcel gone."""
    assert incoming.void_outcome(settled) == outcome


def tracked(*activities: dict[str, Any], **changes: Any) -> list[Any]:
    parcel = {"trackingNumber": NUMBER, "activity": list(activities)} | changes
    return incoming.tracked(reply({"trackResponse": {"shipment": [{"package": [parcel]}]}}), reference=REFERENCE)


def activity(kind: str = "M", **moment: str) -> dict[str, Any]:
    return {"status": {"type": kind}, "date": "20261120", "time": "030000"} | moment


@pytest.mark.parametrize(
    ("moment", "instant"),
    [
        ({"gmtDate": "20261120", "gmtTime": "80507"}, datetime(2026, 11, 20, 8, 5, 7, tzinfo=UTC)),
        ({"gmtDate": "20261120", "gmtTime": "08:05:07"}, datetime(2026, 11, 20, 8, 5, 7, tzinfo=UTC)),
        ({}, None),
        ({"gmtDate": "20261120", "gmtTime": "99:99:99"}, None),
    ],
    ids=["lost_zero", "colons", "local_only", "nonsense"],
)
def test_booking_moment_is_never_guessed(moment: dict[str, str], instant: datetime | None) -> None:
    """GMT fields in both spellings; local time alone is no moment."""
    assert tracked(activity(**moment))[0].booked_at == instant


def test_voided_shipments_are_shown_as_such() -> None:
    """A voided shipment is found, and marked."""
    assert [found.voided for found in tracked(activity("MV"), activity("M"))] == [True]
    assert [found.voided for found in tracked(activity("M"))] == [False]


@pytest.mark.parametrize(
    ("stated", "count"),
    [([{"number": REFERENCE}], 1), ({"number": REFERENCE}, 1), ([], 1), ([{"number": REFERENCE + "9"}], 0)],
    ids=["list", "object", "none", "another"],
)
def test_only_our_reference_counts(stated: Any, count: int) -> None:
    """A search that matches loosely must not make us adopt a stranger's parcel."""
    assert len(tracked(referenceNumber=stated)) == count


def test_unknown_number_shows_nothing() -> None:
    """UPS answers 200 with a warning and no parcel (UPS-API/api-documentation #166)."""
    shipment = {"inquiryNumber": NUMBER, "warnings": [{"code": "TW0001", "message": "Tracking Information Not Found"}]}

    assert incoming.tracked(reply({"trackResponse": {"shipment": [shipment]}}), reference=REFERENCE) == []


def test_recovery_lists_candidates() -> None:
    """Several shipments come as candidates without labels; each is found once."""
    body = {
        "LabelRecoveryResponse": {
            "LabelResults": [],
            "TrackingCandidate": [{"TrackingNumber": NUMBER}, {"TrackingNumber": "1Z999AA10123456785"}],
        }
    }

    assert [found.tracking_number for found in incoming.recovered(reply(body))] == [NUMBER, "1Z999AA10123456785"]


def test_token_reads_seconds_as_text() -> None:
    """UPS writes `expires_in` as a string."""
    token = incoming.token(reply({"access_token": "abc", "expires_in": "14399"}))

    assert (token.value, token.lives_s) == ("abc", 14399.0)
