"""Postal codes find their subdivision, and say how sure they are."""

from __future__ import annotations

import pytest

from calendars import postal


@pytest.mark.parametrize(
    ("country", "code", "expected"),
    [
        ("DE", "10115", "DE-BE"),
        ("DE", "20095", "DE-HH"),
        ("DE", "50667", "DE-NW"),
        ("DE", "60311", "DE-HE"),
        ("DE", "70173", "DE-BW"),
        ("DE", "80331", "DE-BY"),
        ("DE", "01067", "DE-SN"),
        ("DE", "99084", "DE-TH"),
        ("DE", "39104", "DE-ST"),
        ("DE", "14467", "DE-BB"),
        ("DE", "18055", "DE-MV"),
        ("DE", "30159", "DE-NI"),
        ("DE", "24103", "DE-SH"),
        ("DE", "28195", "DE-HB"),
        ("DE", "27568", "DE-HB"),
        ("DE", "66111", "DE-SL"),
        ("DE", "55116", "DE-RP"),
        ("DE", "89073", "DE-BW"),
        ("DE", "89231", "DE-BY"),
        ("CH", "8001", "CH-ZH"),
        ("CH", "CH-1201", "CH-GE"),
        ("CH", "1003", "CH-VD"),
        ("CH", "3011", "CH-BE"),
        ("CH", "4051", "CH-BS"),
        ("CH", "6003", "CH-LU"),
        ("CH", "6900", "CH-TI"),
        ("CH", "7000", "CH-GR"),
        ("CH", "9000", "CH-SG"),
        ("CH", "1700", "CH-FR"),
        ("CH", "4500", "CH-SO"),
        ("CH", "9050", "CH-AI"),
        ("AT", "1010", "AT-9"),
        ("AT", "A-6020", "AT-7"),
        ("FR", "57000", "FR-57"),
        ("FR", "75001", "FR"),
        ("FR", "97400", "FR-974"),
        ("ES", "28001", "ES-M"),
        ("IT", "39100", "IT-BZ"),
        ("GB", "EH1 1YZ", "GB-SCT"),
        ("GB", "G2 1AL", "GB-SCT"),
        ("GB", "GL1 1AA", "GB-ENG"),
        ("GB", "sw1a1aa", "GB-ENG"),
        ("GB", "CF10 1AA", "GB-WLS"),
        ("NL", "1012 AB", "NL"),
        ("NZ", "1010", "NZ-AUK"),
        ("NZ", "6011", "NZ-WGN"),
        ("US", "10001", "US-NY"),
        ("US", "73301", "US-TX"),
        ("CA", "M5V 2T6", "CA-ON"),
        ("CA", "X0A 0H0", "CA-NU"),
        ("CA", "X1A 2P5", "CA-NT"),
        ("AU", "2601", "AU-ACT"),
        ("AU", "2000", "AU-NSW"),
        ("BR", "01310-100", "BR-SP"),
        ("BR", "70040-010", "BR-DF"),
    ],
)
def test_well_known_codes(country, code, expected):
    """Codes of well-known places, in the ways people write them."""
    assert postal.candidates(country, code)[0].subdivision == expected


@pytest.mark.parametrize(
    ("country", "code"), [("DE", ""), ("DE", "ABC"), ("GB", "123"), ("US", "34000"), ("SE", "11120"), ("DE", "99999")]
)
def test_unknown_codes_have_no_candidate(country, code):
    """Malformed, military, unassigned codes and countries without a table are not guessed."""
    assert postal.candidates(country, code) == ()


def test_split_codes_keep_both_sides():
    """A code on both sides of a border gives both, the surer first."""
    found = postal.candidates("DE", "12529")

    assert [entry.subdivision for entry in found] == ["DE-BB", "DE-BE"]
    assert found[0].confidence > found[1].confidence


@pytest.mark.parametrize("line", ["DE-BY 0.9 80-8", "DE-BY 0.9 81-80", "DE-BY 0 80", "DE-BY 1.5 80"])
def test_bad_lines_are_refused(line):
    """Ends of unequal length, empty ranges and impossible confidences stop the table."""
    with pytest.raises(postal.PostalTableRefused, match="line 1"):
        postal.parse(line)


def test_table_covers_the_promised_countries():
    """The countries the engine was asked to know by postal code."""
    wanted = {"DE", "CH", "AT", "FR", "ES", "IT", "GB", "PT", "NL", "BE", "NZ", "US", "CA", "AU", "BR"}

    assert set(postal.ranges()) == wanted


def test_every_german_area_is_known():
    """Each two-figure area that the German post has given out is known; those never given out are not looked for."""
    never = {"00", "05", "11", "43", "62"}
    areas = {f"{number:02}" for number in range(100)} - never
    known = {row.first[:2] for row in postal.ranges()["DE"]} | {
        f"{area:02}" for row in postal.ranges()["DE"] for area in range(int(row.first[:2]), int(row.last[:2]) + 1)
    }

    assert areas - known == set()
