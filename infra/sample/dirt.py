"""The mistakes partners make, one function each, with the code the door must refuse them by.

A kind spoils the cells of a good request and nothing else, so that its row is refused for this code alone. Called by
`writing`; the tests hold every kind against `infra.intake`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from infra.sample.draw import Cells, Drawn, local


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One mistake: its name, the intended code, and how it is made. `cells` come with their times written."""

    name: str
    code: str
    spoil: Callable[[Cells, Drawn], Cells]
    needs_serial: bool = False
    """Only a request that names a device can be spoilt this way."""


def _with(**changed: str) -> Callable[[Cells, Drawn], Cells]:
    return lambda cells, _: cells | changed


def _misspelt_part(cells: Cells, _: Drawn) -> Cells:
    first, separator, others = cells["parts"].partition(";")
    part, space, quantity = first.partition(" ")
    return cells | {"parts": f"{part[:-1]}Q{space}{quantity}{separator}{others}"}


def _day_before_diagnosis(cells: Cells, drawn: Drawn) -> Cells:
    late = local(drawn.approved_at + timedelta(hours=3), drawn.zone)
    return cells | {"diagnosed_at": late.isoformat(timespec="seconds")}


def _next_year(cells: Cells, drawn: Drawn) -> Cells:
    later = local(drawn.approved_at + timedelta(days=365), drawn.zone)
    return cells | {"approved_at": later.isoformat(timespec="seconds")}


def _without_zone(cells: Cells, drawn: Drawn) -> Cells:
    naive = {
        name: local(at, drawn.zone).strftime("%Y-%m-%d %H:%M")
        for name, at in (("approved_at", drawn.approved_at), ("diagnosed_at", drawn.diagnosed_at))
    }
    return cells | naive | {"zone": ""}


def _slashes(cells: Cells, drawn: Drawn) -> Cells:
    return cells | {"approved_at": local(drawn.approved_at, drawn.zone).strftime("%d/%m/%Y %H:%M")}


def _wrong_offset(cells: Cells, drawn: Drawn) -> Cells:
    """The offset of another season in front of the right zone: an hour off."""
    there = local(drawn.approved_at, drawn.zone)
    offset = (there.utcoffset() or timedelta()) + timedelta(hours=1)
    minutes = int(offset.total_seconds() // 60)
    sign = "-" if minutes < 0 else "+"
    written = f"{there:%Y-%m-%dT%H:%M:%S}{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    early = local(drawn.diagnosed_at - timedelta(hours=3), drawn.zone).isoformat(timespec="seconds")
    return cells | {"approved_at": written, "diagnosed_at": early, "zone": drawn.zone}


KINDS: tuple[Kind, ...] = (
    Kind(name="partner nobody knows", code="unknown_partner", spoil=_with(partner="no-such-partner")),
    Kind(name="plan nobody knows", code="unknown_plan", spoil=_with(plan="gold-support")),
    Kind(name="account of nobody", code="unknown_account", spoil=_with(account="000-000")),
    Kind(name="misspelt part", code="unknown_part", spoil=_misspelt_part),
    Kind(
        name="quantity of zero",
        code="quantity_out_of_range",
        spoil=lambda cells, _: cells | {"parts": f"{cells['parts'].split(';')[0].split(' ')[0]} x0"},
    ),
    Kind(name="no part at all", code="missing_value", spoil=_with(parts="")),
    Kind(name="no serial", code="serial_missing", spoil=_with(serial=""), needs_serial=True),
    Kind(name="serial not read", code="serial_format", spoil=_with(serial="see label")),
    Kind(name="serial through Excel", code="excel_rounded", spoil=_with(serial="8,26112E+12")),
    Kind(name="times without zone", code="instant_without_zone", spoil=_without_zone),
    Kind(name="date with slashes", code="ambiguous_date", spoil=_slashes),
    Kind(name="approved next year", code="approval_in_future", spoil=_next_year),
    Kind(name="diagnosed after approval", code="diagnosis_after_approval", spoil=_day_before_diagnosis),
    Kind(name="offset against zone", code="zone_contradicts", spoil=_wrong_offset),
    Kind(name="zone by abbreviation", code="unknown_zone", spoil=_with(zone="CEST")),
    Kind(name="country nobody knows", code="unknown_country", spoil=_with(country="Freedonia")),
    Kind(name="postal code too short", code="postal_code_format", spoil=_with(postal_code="12")),
    Kind(name="phone with a digit missing", code="phone_invalid", spoil=_with(contact_phone="+45 33 12")),
    Kind(name="e-mail without domain", code="email_invalid", spoil=_with(contact_email="front.desk@")),
    Kind(name="no contact", code="missing_contact", spoil=_with(contact_name="")),
    Kind(name="no finding", code="missing_diagnosis", spoil=_with(finding="n/a")),
    Kind(name="language we do not write", code="unknown_language", spoil=_with(language="fr")),
    Kind(name="neither yes nor no", code="not_yes_or_no", spoil=_with(onsite="perhaps")),
    Kind(name="formula in a name", code="formula_prefix", spoil=_with(company="@SUM(A1:A9)")),
    Kind(name="street of a novelist", code="too_long", spoil=_with(street="Rue " + "de la très longue avenue " * 5)),
)
"""Every kind but one; `NUMBER_TWICE` takes two rows."""

NUMBER_TWICE = Kind(
    name="same number, other street", code="number_twice", spoil=lambda cells, _: cells | {"street": "Other Street 1"}
)
