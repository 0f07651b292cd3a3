"""Why a request waits or is refused, in words a partner can act on.

The words of `letters`; the console may show the same ones. A code that has no words yet becomes `OTHER`: the letter
is then vague but true, and the detail beside it still says what was found.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from infra.documents.words import n_


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """English sentences, to be translated where they are used; `asks` when the partner has something to do."""

    problem: str
    remedy: str
    asks: bool


class HoldReason(StrEnum):
    """What keeps a request waiting, by its stable machine word."""

    SERIAL_MISSING = "serial_missing"
    SERIAL_UNKNOWN = "serial_unknown"
    CONTACT_MISSING = "contact_missing"
    ADDRESS_INCOMPLETE = "address_incomplete"
    PHONE_INVALID = "phone_invalid"
    DIAGNOSIS_MISSING = "diagnosis_missing"
    CUSTOMS_NUMBER_MISSING = "customs_number_missing"
    NOBODY_RECEIVES = "nobody_receives"
    COVERAGE_UNCLEAR = "coverage_unclear"
    NOT_ALL_PRODUCTS = "not_all_products"
    CLOUD_PARTNER = "cloud_partner"
    NO_LANE = "no_lane"
    CARRIER_SILENT = "carrier_silent"
    OTHER = "other"

    @classmethod
    def _missing_(cls, _value: object) -> HoldReason:
        return cls.OTHER


class RefusalReason(StrEnum):
    """Why a request cannot be accepted, by its stable machine word."""

    NOT_COVERED = "not_covered"
    CONTRACT_ENDED = "contract_ended"
    END_OF_SERVICE = "end_of_service"
    QUOTE_ONLY = "quote_only"
    NOT_CERTIFIED = "not_certified"
    CATEGORY_NOT_CHOSEN = "category_not_chosen"
    PART_DOES_NOT_FIT = "part_does_not_fit"
    DUPLICATE = "duplicate"
    OTHER = "other"

    @classmethod
    def _missing_(cls, _value: object) -> RefusalReason:
        return cls.OTHER


_NOTHING_TO_DO = n_("You do not need to do anything. We will write as soon as we know more.")

HOLDS: dict[HoldReason, Wording] = {
    HoldReason.SERIAL_MISSING: Wording(
        problem=n_("The serial number of the defective device is missing."),
        remedy=n_("Please reply with the serial number from the label on the device."),
        asks=True,
    ),
    HoldReason.SERIAL_UNKNOWN: Wording(
        problem=n_("We cannot find the serial number under the contract."),
        remedy=n_("Please check the serial number, or tell us which contract covers the device."),
        asks=True,
    ),
    HoldReason.CONTACT_MISSING: Wording(
        problem=n_("There is no contact person for the site."),
        remedy=n_("Please send us the name, phone number and e-mail address of somebody at the site."),
        asks=True,
    ),
    HoldReason.ADDRESS_INCOMPLETE: Wording(
        problem=n_("The delivery address is incomplete, or the carrier cannot find it."),
        remedy=n_("Please send us the full address: street, house number, postal code and city."),
        asks=True,
    ),
    HoldReason.PHONE_INVALID: Wording(
        problem=n_("The phone number of the contact person is not valid."),
        remedy=n_("Please send us a number, with the country code, that the carrier can call."),
        asks=True,
    ),
    HoldReason.DIAGNOSIS_MISSING: Wording(
        problem=n_("The approval does not say what the diagnosis found."),
        remedy=n_("Please tell us who examined the device, when, and what they found."),
        asks=True,
    ),
    HoldReason.CUSTOMS_NUMBER_MISSING: Wording(
        problem=n_("A number that customs asks for is missing."),
        remedy=n_("Please send us the VAT or EORI number of the recipient."),
        asks=True,
    ),
    HoldReason.NOBODY_RECEIVES: Wording(
        problem=n_("Nobody can receive the parcel at the site on the delivery day."),
        remedy=n_("Please tell us on which days somebody is there, or send us another address."),
        asks=True,
    ),
    HoldReason.COVERAGE_UNCLEAR: Wording(
        problem=n_("We have to check whether the contract covers this device."), remedy=_NOTHING_TO_DO, asks=False
    ),
    HoldReason.NOT_ALL_PRODUCTS: Wording(
        problem=n_("Not all products at this site are included in the contract, so a colleague has to decide."),
        remedy=_NOTHING_TO_DO,
        asks=False,
    ),
    HoldReason.CLOUD_PARTNER: Wording(
        problem=n_("The findings point to the cloud service, not to the device. We are clarifying this first."),
        remedy=_NOTHING_TO_DO,
        asks=False,
    ),
    HoldReason.NO_LANE: Wording(
        problem=n_("We are still looking for a way to ship to this address."), remedy=_NOTHING_TO_DO, asks=False
    ),
    HoldReason.CARRIER_SILENT: Wording(
        problem=n_("The carrier has not confirmed the shipment yet."), remedy=_NOTHING_TO_DO, asks=False
    ),
    HoldReason.OTHER: Wording(
        problem=n_("A colleague has to look at this request first."), remedy=_NOTHING_TO_DO, asks=False
    ),
}

REFUSALS: dict[RefusalReason, Wording] = {
    RefusalReason.NOT_COVERED: Wording(
        problem=n_("The contract does not cover this device."),
        remedy=n_("If the device was registered or the contract renewed recently, please reply with the details."),
        asks=True,
    ),
    RefusalReason.CONTRACT_ENDED: Wording(
        problem=n_("The contract had already ended when the request was approved."),
        remedy=n_("Once the contract is renewed, please send the request again."),
        asks=True,
    ),
    RefusalReason.END_OF_SERVICE: Wording(
        problem=n_("Service for this product has ended."),
        remedy=n_("Just reply to this e-mail if you would like us to suggest a successor."),
        asks=True,
    ),
    RefusalReason.QUOTE_ONLY: Wording(
        problem=n_("This product needs a quote of its own."),
        remedy=n_("Just reply to this e-mail if you would like a quote."),
        asks=True,
    ),
    RefusalReason.NOT_CERTIFIED: Wording(
        problem=n_("Your certification for this product family is missing or has expired."),
        remedy=n_("Please renew the certification, then send the request again."),
        asks=True,
    ),
    RefusalReason.CATEGORY_NOT_CHOSEN: Wording(
        problem=n_("The contract does not include this product category."),
        remedy=n_("Just reply to this e-mail if you would like to add the category."),
        asks=True,
    ),
    RefusalReason.PART_DOES_NOT_FIT: Wording(
        problem=n_("The part does not belong to this product."),
        remedy=n_("Please check the part number, then send the request again."),
        asks=True,
    ),
    RefusalReason.DUPLICATE: Wording(
        problem=n_("We already have this request."),
        remedy=n_("You do not need to do anything: the first request stands."),
        asks=False,
    ),
    RefusalReason.OTHER: Wording(
        problem=n_("The request does not meet the terms of the contract."),
        remedy=n_("If you think that we are mistaken, just reply to this e-mail."),
        asks=True,
    ),
}
