"""The columns of a request file: one table for readers, messages and the README.

One row is one request: several parts stand in one cell, `HS-EARPAD-01 x2; CBL-USB-2M`. A header may be written by
any of its synonyms, in any case, with spaces, dashes or underscores. JSONL may use these names flat, or the nested
names of `schema.ApprovedRequest` (the `path` of a column). Called by the three table readers and by `checks`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column; `max_length` in characters after trimming."""

    name: str
    meaning: str
    example: str
    path: str
    """Where the value stands in a nested JSON object, dotted."""
    mandatory: bool = False
    """Whether the header must be there; a cell may still be mandatory under a plan, as `serial` is."""
    max_length: int = 60
    several_lines: bool = False
    signs_allowed: bool = False
    """Whether the value may begin with + or -, as phone numbers and offsets do."""
    synonyms: tuple[str, ...] = ()


COLUMNS: tuple[Column, ...] = (
    Column(
        name="partner",
        path="partner",
        mandatory=True,
        max_length=40,
        meaning="the partner's code",
        example="NORDLYS",
        synonyms=("partner code", "reseller", "partnercode", "partnerkode", "socio"),
    ),
    Column(
        name="number",
        path="number",
        mandatory=True,
        max_length=40,
        meaning="the partner's own request number, unique per partner",
        example="NL-2026-004711",
        synonyms=(
            "request",
            "request number",
            "request no",
            "request id",
            "rma",
            "rma number",
            "case number",
            "ticket",
            "ticket number",
            "vorgangsnummer",
            "aanvraagnummer",
            "sagsnummer",
        ),
    ),
    Column(
        name="plan",
        path="plan",
        mandatory=True,
        max_length=60,
        meaning="the service plan, by code or by name",
        example="partner-plus",
        synonyms=("service plan", "plan code", "serviceplan"),
    ),
    Column(
        name="account",
        path="account",
        mandatory=True,
        max_length=40,
        meaning="the account of the contract",
        example="ACC-1001",
        synonyms=("account number", "account id", "master account", "kundennummer", "klantnummer", "kundenummer"),
    ),
    Column(
        name="site",
        path="site",
        max_length=40,
        meaning="the site ID of the contract, where the plan works by account",
        example="SITE-CPH-1",
        synonyms=("site id", "location id", "standort"),
    ),
    Column(
        name="serial",
        path="serial",
        max_length=40,
        meaning="serial number of the defective device; mandatory where the plan says so",
        example="8G21BF2C4471A9",
        synonyms=("serial number", "serial no", "s/n", "sn", "seriennummer", "serienummer", "numero de serie"),
    ),
    Column(
        name="parts",
        path="lines",
        mandatory=True,
        max_length=400,
        several_lines=True,
        meaning="what to send: part numbers, each with ` x2` for two of it, separated by ; , | or a new line",
        example="HS-EARPAD-01 x2; CBL-USB-2M",
        synonyms=("part", "part number", "part no", "part numbers", "lines", "teilenummer", "onderdeel", "pieza"),
    ),
    Column(
        name="quantity",
        path="quantity",
        max_length=10,
        meaning="how many, only where `parts` names a single part without ` x2`",
        example="2",
        synonyms=("qty", "menge", "aantal", "antal", "cantidad"),
    ),
    Column(
        name="diagnosed_by",
        path="diagnosis.by",
        mandatory=True,
        meaning="who found the fault",
        example="Mette Holm",
        synonyms=("diagnosis by", "diagnosed by", "engineer"),
    ),
    Column(
        name="diagnosed_at",
        path="diagnosis.at",
        mandatory=True,
        max_length=60,
        meaning="when the fault was found: as approved_at",
        example="2026-11-20T13:20:00+01:00",
        synonyms=("diagnosis at", "diagnosis date", "diagnosed on"),
    ),
    Column(
        name="finding",
        path="diagnosis.finding",
        mandatory=True,
        max_length=1000,
        several_lines=True,
        meaning="what was found",
        example="Left ear cup silent after firmware 4.1, cable excluded",
        synonyms=("diagnosis", "diagnosis finding", "fault", "problem", "befund", "bevinding", "diagnose"),
    ),
    Column(
        name="approved_by",
        path="approved_by",
        mandatory=True,
        meaning="who approved",
        example="Jens Krogh",
        synonyms=("approval by", "approver"),
    ),
    Column(
        name="approved_at",
        path="approved_at",
        mandatory=True,
        max_length=60,
        meaning="when it was approved: ISO 8601 with offset; or 20.11.2026 14:05 or an Excel date, with `zone`",
        example="2026-11-20T14:05:00+01:00",
        synonyms=("approval", "approval at", "approval date", "approved on", "approval time"),
    ),
    Column(
        name="zone",
        path="approval_zone",
        max_length=60,
        signs_allowed=True,
        meaning="zone of the two times where they carry none: an IANA name or an offset",
        example="Europe/Copenhagen",
        synonyms=("approval zone", "time zone", "timezone", "tz", "zeitzone", "tijdzone", "tidszone", "zona horaria"),
    ),
    Column(
        name="company",
        path="ship_to.company",
        mandatory=True,
        meaning="who receives the part",
        example="Fjordlys Tandklinik (fictional)",
        synonyms=("ship to", "ship to company", "consignee", "firma", "bedrijf", "virksomhed", "empresa", "name"),
    ),
    Column(
        name="street",
        path="ship_to.street",
        mandatory=True,
        meaning="street and house number",
        example="Vesterbrogade 12",
        synonyms=("address", "address 1", "address line 1", "street 1", "strasse", "straat", "gade", "calle"),
    ),
    Column(
        name="street2",
        path="ship_to.street2",
        meaning="floor, building, suite",
        example="3. sal",
        synonyms=("street 2", "address 2", "address line 2", "adresszusatz"),
    ),
    Column(
        name="city",
        path="ship_to.city",
        mandatory=True,
        meaning="town",
        example="København V",
        synonyms=("town", "place", "ort", "stadt", "plaats", "by", "ciudad", "localidad"),
    ),
    Column(
        name="postal_code",
        path="ship_to.postal_code",
        mandatory=True,
        max_length=16,
        meaning="postal code; in Excel format the column as text, or leading zeros are lost",
        example="1620",
        synonyms=("postcode", "post code", "zip", "zip code", "plz", "postleitzahl", "postnummer", "codigo postal"),
    ),
    Column(
        name="subdivision",
        path="ship_to.subdivision",
        meaning="state or province, by ISO 3166-2 code or by name; mandatory for AU, BR, CA, MX, US",
        example="KY",
        synonyms=("state", "province", "region", "bundesland", "provincie", "provincia", "estado"),
    ),
    Column(
        name="country",
        path="ship_to.country",
        mandatory=True,
        meaning="country, by ISO 3166-1 code or by its name in Danish, Dutch, German, English or Spanish",
        example="DK",
        synonyms=("country code", "land", "pais"),
    ),
    Column(
        name="contact_name",
        path="contact.name",
        mandatory=True,
        meaning="the named contact at the site",
        example="Sofie Lund",
        synonyms=("contact", "contact person", "ansprechpartner", "contactpersoon", "kontaktperson", "contacto"),
    ),
    Column(
        name="contact_phone",
        path="contact.phone",
        mandatory=True,
        max_length=40,
        signs_allowed=True,
        meaning="the contact's phone; without + it is read as a number of the destination country",
        example="+45 33 12 34 56",
        synonyms=("phone", "phone number", "telephone", "tel", "mobile", "telefon", "telefoon", "telefono"),
    ),
    Column(
        name="contact_email",
        path="contact.email",
        mandatory=True,
        max_length=254,
        meaning="the contact's e-mail",
        example="sofie.lund@fjordlys.example.com",
        synonyms=("email", "e-mail", "mail", "email address", "contact mail", "correo", "correo electronico"),
    ),
    Column(
        name="onsite",
        path="onsite_wanted",
        max_length=10,
        meaning="whether a technician is wanted: yes or no in any of the five languages; empty is no",
        example="no",
        synonyms=("onsite wanted", "on site", "technician", "techniker", "technicus", "tekniker", "tecnico"),
    ),
    Column(
        name="language",
        path="language",
        max_length=30,
        meaning="language of the notices: da, nl, de, en or es; empty is the partner's",
        example="da",
        synonyms=("lang", "sprache", "taal", "sprog", "idioma", "notice language"),
    ),
    Column(
        name="incident",
        path="incident",
        max_length=40,
        meaning="the cloud partner's incident number, where there is one",
        example="INC0012345",
        synonyms=("incident number", "incident no", "incident id"),
    ),
)

BY_NAME: dict[str, Column] = {column.name: column for column in COLUMNS}
BY_PATH: dict[str, Column] = {column.path: column for column in COLUMNS}
MANDATORY: tuple[str, ...] = tuple(column.name for column in COLUMNS if column.mandatory)


def folded(word: str) -> str:
    """`word` without case, accents, spaces and punctuation, so that `Código postal` is `codigopostal`."""
    if not word.isascii():
        word = unicodedata.normalize("NFKD", word.replace("ß", "ss").replace("ø", "o").replace("Ø", "O"))
    return "".join(filter(str.isalnum, word)).casefold()


def _spellings() -> dict[str, str]:
    spellings: dict[str, str] = {}
    for column in COLUMNS:
        for spelling in (column.name, column.path, *column.synonyms):
            taken_by = spellings.setdefault(folded(spelling), column.name)
            assert taken_by == column.name, f"{spelling!r} names both {taken_by} and {column.name}"
    return spellings


SPELLINGS: dict[str, str] = _spellings()


@lru_cache(maxsize=1024)
def named(header: str) -> str | None:
    """The column a header cell stands for, or None for one we do not know."""
    return SPELLINGS.get(folded(header))


def recognised(headers: Iterable[str]) -> int:
    """How many of `headers` are names of ours: what tells a delimiter or a header row from another."""
    return sum(named(header) is not None for header in headers)
