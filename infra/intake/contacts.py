"""Phone numbers and e-mail addresses made into their one canonical form.

phonenumbers and email-validator judge; their slow parts are asked once per distinct value. Called by `checks`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import NumberParseException, PhoneNumberFormat

from infra.intake.faults import Fault

_PUNCTUATION = str.maketrans("", "", " -.()/")
_PLAIN_ADDRESS = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9_+\-]|\.(?!\.|@)){0,63})@([A-Za-z0-9.\-]{4,190})")


@lru_cache(maxsize=8192)
def _domain(name: str) -> str:
    return validate_email(f"a@{name}", check_deliverability=False).domain


def read_email(text: str) -> str:
    """`text` as an address: domain in lower case, Unicode in NFC; nothing is asked of the network. Raises `Fault`."""
    try:
        plain = _PLAIN_ADDRESS.fullmatch(text)
        if plain:  # the local part is surely good, so only the domain is judged, once
            return f"{plain[1]}@{_domain(plain[2])}"
        return validate_email(text, check_deliverability=False, strict=True).normalized
    except EmailNotValidError:
        raise Fault("email_invalid") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Numbering:
    """A country's own numbers, as far as they can be judged without the library's slow general way."""

    code: str
    whole: re.Pattern[str]
    """Any number of the country."""
    kinds: re.Pattern[str]
    """A number of a kind that exists there: fixed, mobile, toll-free, ..."""
    trunk: re.Pattern[str]
    """What is dialled before a number inside the country and may have to be taken off: then the library decides."""


_KINDS = (
    "fixed_line",
    "mobile",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "personal_number",
    "voip",
    "pager",
    "uan",
    "voicemail",
)


@lru_cache(maxsize=300)
def _numbering(country: str) -> _Numbering | None:
    """None for countries that share their code with a larger one: which of them a number is in takes the library."""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(country, None)
    if metadata is None or metadata.country_code is None or metadata.general_desc is None:
        return None
    if phonenumbers.region_code_for_country_code(metadata.country_code) != country:
        return None
    kinds = [desc.national_number_pattern for name in _KINDS if (desc := getattr(metadata, name)) is not None]
    return _Numbering(
        code=f"+{metadata.country_code}",
        whole=re.compile(metadata.general_desc.national_number_pattern or "(?!)"),
        kinds=re.compile("|".join(f"(?:{pattern})" for pattern in kinds if pattern)),
        trunk=re.compile(metadata.national_prefix_for_parsing or "(?!)"),
    )


def _plainly_valid(text: str, country: str) -> str | None:
    """E.164 for an international number of `country` beyond doubt, or None: then the library is asked."""
    numbering = _numbering(country)
    bare = text.translate(_PUNCTUATION)
    if numbering is None or not bare.startswith(numbering.code):
        return None
    national = bare[len(numbering.code) :]
    if not (national.isascii() and national.isdecimal()) or numbering.trunk.match(national):
        return None
    return bare if numbering.whole.fullmatch(national) and numbering.kinds.fullmatch(national) else None


@lru_cache(maxsize=65536)
def _e164(text: str, country: str) -> tuple[str, bool] | None:
    if plain := _plainly_valid(text, country):
        return plain, False
    try:
        number = phonenumbers.parse(text, country)
    except NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164), bool(number.extension)


@lru_cache(maxsize=300)
def phone_example(country: str) -> str:
    """A number of `country` as it should be written."""
    example = phonenumbers.example_number(country) or phonenumbers.example_number("DK")
    assert example is not None
    return phonenumbers.format_number(example, PhoneNumberFormat.INTERNATIONAL)


def read_phone(text: str, country: str) -> tuple[str, bool]:
    """E.164 for `text`, and whether an extension was dropped; without + it is a number of `country`. Raises `Fault`.

    Excel makes the number 4533123456 of +4533123456, so bare digits are tried once more with the + back.
    """
    found = _e164(text, country) or (_e164(f"+{text}", country) if text.isdecimal() else None)
    if found is None:
        raise Fault("phone_invalid", country=country, example=phone_example(country))
    return found
