"""Labels are real ZPL: everything readable survives the escape, nothing breaks out of its field."""

from __future__ import annotations

import re

import pytest

from carriers.sandbox.labels import LabelText, escaped, zpl

HOSTILE = "Ø ^XZ ~JR _5E \\& 株式会社 100% €"


def label(**changes: object) -> str:
    text = {
        "sender": ["Ops", "Venlo"],
        "receiver": ["Åse Nørgaard", "Søndergård A/S"],
        "ship_on": "20 NOV 2026",
        "weight": "2.0 KG",
        "service": "UPS SAVER",
        "tracking_number": "1Z999AA10123456784",
        "billing": "P/P",
        "reference": "7Q2M9XK4T0VB3HZC",
        "note": "SANDBOX",
    }
    return zpl(LabelText(**(text | changes))).decode("ascii")  # type: ignore[arg-type]


def read(field: str) -> str:
    """A `^FH` field as the printer reads it."""
    raw = re.sub(rb"_([0-9A-F]{2})", lambda m: bytes([int(m[1], 16)]), field.encode("ascii"))
    return raw.decode("utf-8")


def fields(text: str) -> list[str]:
    return [read(field) for field in re.findall(r"\^FD(.*?)\^FS", text)]


@pytest.mark.parametrize("text", ["Åse Nørgaard", "Straße 1", "Ñuñoa", HOSTILE, "", "_", "%s"])
def test_text_survives_the_escape(text: str) -> None:
    """What is printed is what was meant, in pure ASCII without ZPL's own signs."""
    assert read(escaped(text)) == text
    assert not set(escaped(text)) & set("^~\\")
    assert escaped(text).isascii()


def test_hostile_name_stays_in_its_field() -> None:
    """A name with commands in it prints as a name: one label begins, one ends."""
    text = label(receiver=[HOSTILE])

    assert HOSTILE in fields(text)
    assert (text.count("^XA"), text.count("^XZ"), text.count("~")) == (1, 1, 0)


def test_label_says_what_a_scanner_needs() -> None:
    """Tracking number and reference are each printed and bar-coded as Code 128; names are readable."""
    text = label()

    barcodes = re.findall(r"\^BCN,\d+,N,N,N,A(?:\^FH)?\^FD([^^]+)\^FS", text)
    assert barcodes == ["1Z999AA10123456784", "7Q2M9XK4T0VB3HZC"]
    assert {"Åse Nørgaard", "Søndergård A/S", "UPS SAVER", "REF 1: 7Q2M9XK4T0VB3HZC"} <= set(fields(text))


def test_label_fits_four_by_six_inches() -> None:
    """Everything starts on the 812 x 1218 dots of a 203 dpi label, in UTF-8."""
    text = label(receiver=[f"line {n}" for n in range(20)])

    places = [(int(x), int(y)) for x, y in re.findall(r"\^FO(\d+),(\d+)", text)]
    assert "^CI28^PW812^LL1218" in text
    assert max(x for x, _ in places) < 812
    assert max(y for _, y in places) < 1218
