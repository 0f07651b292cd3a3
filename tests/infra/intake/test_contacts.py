"""The short cut for phone numbers never disagrees with the library it goes around."""

from __future__ import annotations

from random import Random

import phonenumbers
import pycountry
import pytest

from infra.intake.contacts import _plainly_valid, read_email, read_phone
from infra.intake.faults import Fault


def _by_the_library(text: str, country: str) -> str | None:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(number, 0) if phonenumbers.is_valid_number(number) else None


def test_short_cut_agrees_with_the_library() -> None:
    """For thousands of altered numbers of every country: what the short cut accepts, the library accepts alike."""
    random = Random(11)
    accepted = 0
    for country in (each.alpha_2 for each in pycountry.countries):
        for kind in range(11):
            example = phonenumbers.example_number_for_type(country, kind)
            if example is None:
                continue
            national = phonenumbers.national_significant_number(example)
            for _ in range(4):
                digits = [random.choice("0123456789") if random.random() < 0.2 else digit for digit in national]
                text = (
                    f"+{example.country_code} "
                    + random.choice(["", "0", "1", "8"]) * (random.random() < 0.2)
                    + "".join(digits)
                )
                found = _plainly_valid(text, country)
                accepted += found is not None
                assert found in (None, _by_the_library(text, country)), (text, country)

    assert accepted > 1000


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("+44 (0)20 7946 0018", "GB", "+442079460018"),
        ("020 7946 0018", "GB", "+442079460018"),
        ("0045 33123456", "DE", "+4533123456"),
        ("+45 33 12 34 56", "DE", "+4533123456"),
        ("06 698 12345", "IT", "+390669812345"),
        ("+1 416 555 0123", "US", "+14165550123"),
        ("4533123456", "SE", "+4533123456"),
    ],
)
def test_numbers_as_partners_write_them(text: str, country: str, expected: str) -> None:
    """National, international, with trunk zero in brackets, with 00, from another country, without the plus."""
    assert read_phone(text, country)[0] == expected


@pytest.mark.parametrize("text", ["", "hello", "+45 33 12", "+999 12345678", "112", "+45" + "3" * 40, "٣٣١٢٣٤"])
def test_no_numbers_are_refused(text: str) -> None:
    """Letters, short codes and impossible countries."""
    with pytest.raises(Fault, match="phone_invalid"):
        read_phone(text, "DK")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A.b+c@EXAMPLE.com", "A.b+c@example.com"),
        ("åse@eksempel.example.com", "åse@eksempel.example.com"),
        ("o'brien@x.example.com", "o'brien@x.example.com"),
    ],
)
def test_addresses_are_kept(text: str, expected: str) -> None:
    """Only the domain changes case; unusual but valid letters are accepted."""
    assert read_email(text) == expected


@pytest.mark.parametrize(
    "text", ["a@b", "a..b@example.com", "a.@example.com", ".a@example.com", "a@-b.com", "a b@example.com", "a@x.test",
             f"{'a' * 65}@example.com", "<a@example.com>", "a@example.com;b@example.com"]
)  # fmt: skip
def test_no_addresses_are_refused(text: str) -> None:
    """The short cut lets nothing through that email-validator refuses."""
    with pytest.raises(Fault, match="email_invalid"):
        read_email(text)
