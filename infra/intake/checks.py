"""One row judged: an `ApprovedRequest`, or every fault of the row.

The order is that of a person reading the row: who, what, found and approved when, where to, whom to call. Later
checks use earlier results (the phone needs the country), and stay silent where those are missing, so that one
mistake is reported once. Called by `reading`; pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TypeVar, get_args

from babel import Locale
from pydantic import ValidationError

from infra.intake.columns import BY_NAME, BY_PATH, folded
from infra.intake.contacts import read_email, read_phone
from infra.intake.faults import Cause, Fault, RowRefused, from_pydantic
from infra.intake.instants import Moment, Zone, read_moment, read_zone, refuse_contradiction, zone_names
from infra.intake.known import Known, KnownContract, KnownPartner, KnownPlan, Nearest, plan_spelling
from infra.intake.part_lines import Written, checked_lines, split_cell, split_objects
from infra.intake.places import LANGUAGES, read_country, read_subdivision
from infra.intake.postal import WITHOUT_CODES, padded, written_code
from infra.intake.schema import ApprovedRequest, Contact, Diagnosis, LanguageCode, PartLine, ShipTo
from infra.intake.text import Cell, as_text, is_empty, plain_cells, refuse_rounded, shown

T = TypeVar("T")

FUTURE_ALLOWANCE = timedelta(minutes=5)
"""How far a sender's clock may run ahead of ours."""

_MISSING = {
    "diagnosed_by": "missing_diagnosis",
    "diagnosed_at": "missing_diagnosis",
    "finding": "missing_diagnosis",
} | dict.fromkeys(("contact_name", "contact_phone", "contact_email"), "missing_contact")
# what people type where a form insists; none of it is a finding or a person
_NOTHING = frozenset(
    {"na", "tbd", "none", "null", "unknown", "unbekannt", "onbekend", "ukendt", "desconocido", "xxx", ""}
)

_YES_AND_NO = {
    "en": ("yes y true 1 x", "no n false 0"),
    "de": ("ja j wahr", "nein falsch"),
    "nl": ("waar", "nee onwaar"),
    "da": ("jo sand", "nej falsk"),
    "es": ("sí si s verdadero", "falso"),
    "fr it pt": ("oui vrai sim vero", "non faux não nao"),
}
"""With what Excel makes of TRUE and FALSE in its own languages; German `ja` is Dutch and Danish too."""

_YES = frozenset(word for yes, _ in _YES_AND_NO.values() for word in yes.split())
_NO = frozenset(word for _, no in _YES_AND_NO.values() for word in no.split())
_QUANTITY_FAULTS = frozenset({"not_a_whole_number", "quantity_out_of_range"})
_SERIAL = re.compile(r"(?=[A-Z\-]*\d)[A-Z0-9][A-Z0-9\-]{2,28}[A-Z0-9]")
_SERIAL_LABEL = re.compile(r"(?:S/?N\s*[:#]\s*|SN\s+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What a row is judged by. `now` is aware; approvals later than it are refused."""

    known: Known
    now: datetime
    nearest: Nearest


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """Something changed on the sender's behalf: told, not refused."""

    code: str
    text: str


class _Sheet:
    """The row under judgement: its cells, and what was found wrong so far."""

    def __init__(self, cells: Mapping[str, Cell], door: Door) -> None:
        self.cells = cells
        self._plain = plain_cells(cells)
        self.door = door
        self.causes: list[Cause] = []
        self.asides: list[Aside] = []

    def refuse(self, name: str, fault: Fault) -> None:
        column = BY_NAME[name]
        value = shown(self.cells.get(name)) if fault.value is None else shown(fault.value)
        named = fault.with_facts(column=name, meaning=column.meaning, limit=column.max_length, known=self._plans())
        self.causes.append(Cause(column=name, value=value, fault=named))

    def _plans(self) -> str:
        return ", ".join(sorted(self.door.known.plan_by_code))

    def attempt(self, name: str, read: Callable[[], T]) -> T | None:
        """What `read` gives, or None with its fault kept."""
        try:
            return read()
        except Fault as fault:
            self.refuse(name, fault)
            return None

    def text(self, name: str) -> str | None:
        """The clean text of a column, empty where nothing stands there; None where it is refused."""
        plain = self._plain.get(name)
        if plain is not None:
            return plain
        cell = self.cells.get(name)
        if is_empty(cell):
            return ""
        try:
            return as_text(cell, BY_NAME[name])
        except Fault as fault:
            self.refuse(name, fault)
            return None

    def needed(self, name: str) -> str | None:
        """As `text`, but an empty cell is refused too."""
        text = self.text(name)
        if text == "" or (name in _MISSING and text is not None and len(text) <= 12 and folded(text) in _NOTHING):
            self.refuse(name, Fault(_MISSING.get(name, "missing_value")))
            return None
        return text

    def read(self, name: str, read: Callable[[str], T]) -> T | None:
        """What `read` makes of a needed text."""
        text = self.needed(name)
        if text is None:
            return None
        try:
            return read(text)
        except Fault as fault:
            self.refuse(name, fault)
            return None


def check_cells(cells: Mapping[str, Cell], door: Door) -> tuple[ApprovedRequest, tuple[Aside, ...]]:
    """The request a row states, and what was mended in it. Raises `RowRefused` with every fault of the row.

    `cells` are by column name; missing ones count as empty.
    """
    sheet = _Sheet(cells, door)
    partner, contract = _contract(sheet)
    facts: dict[str, object] = {
        "partner": partner and partner.code,
        "number": sheet.needed("number"),
        "plan": contract and contract.plan,
        "account": contract and contract.account,
        "site": _site(sheet, contract),
        "serial": _serial(sheet, contract),
        "lines": _lines(sheet),
        **_times(sheet),
        "approved_by": sheet.needed("approved_by"),
        **_destination(sheet),
        "onsite_wanted": _onsite(sheet),
        "language": _language(sheet, partner),
        "incident": sheet.text("incident") or None,
    }
    if sheet.causes:
        raise RowRefused(tuple(sheet.causes))
    return _request(sheet, facts), tuple(sheet.asides)


def _request(sheet: _Sheet, facts: Mapping[str, object]) -> ApprovedRequest:
    try:
        return ApprovedRequest.model_validate(facts)
    except ValidationError as error:  # Defensive: the schema has become stricter than the checks above
        for place, fault in from_pydantic(error):
            path = ".".join(str(step) for step in place if isinstance(step, str))
            column = BY_PATH.get(path)
            sheet.refuse(column.name if column else "parts", fault)
        raise RowRefused(tuple(sheet.causes)) from error


def _contract(sheet: _Sheet) -> tuple[KnownPartner | None, KnownContract | None]:
    """The partner, and its contract that the account and the plan name together."""
    partner = sheet.read("partner", lambda text: _partner(text, sheet.door.known))
    plan = sheet.read("plan", lambda text: _plan(text, sheet.door))
    account = sheet.needed("account")
    if partner is None or account is None:
        return partner, None
    of_account = [contract for contract in partner.contracts if contract.account.casefold() == account.casefold()]
    if not of_account:
        # near spellings of this partner's own accounts only: other partners' are nobody's business
        own = (contract.account for contract in partner.contracts)
        hint = sheet.door.nearest.hint(f"account of {partner.code}", account, own)
        sheet.refuse("account", Fault("unknown_account", hint=hint))
    if plan is None:
        return partner, None
    return partner, _under_plan(sheet, partner, of_account, plan)


def _under_plan(
    sheet: _Sheet, partner: KnownPartner, of_account: list[KnownContract], plan: KnownPlan
) -> KnownContract | None:
    if all(contract.plan != plan.code for contract in partner.contracts):
        sheet.refuse("plan", Fault("plan_not_of_partner"))
        return None
    found = next((contract for contract in of_account if contract.plan == plan.code), None)
    if of_account and found is None:
        plans = ", ".join(sorted({contract.plan for contract in of_account}))
        sheet.refuse("plan", Fault("plan_account_mismatch", plans=plans))
    return found


def _partner(text: str, known: Known) -> KnownPartner:
    partner = known.partner_by_folded_code.get(text.casefold())
    if partner is None:  # no hint: partner codes are not for guessing
        raise Fault("unknown_partner")
    return partner


def _plan(text: str, door: Door) -> KnownPlan:
    plan = door.known.plan_by_spelling.get(plan_spelling(text))
    if plan is None:
        raise Fault("unknown_plan", hint=door.nearest.hint("plan", text, door.known.plan_by_code))
    return plan


def _site(sheet: _Sheet, contract: KnownContract | None) -> str | None:
    text = sheet.text("site")
    if not text or contract is None or not contract.sites:
        return text or None
    found = next((site for site in contract.sites if site.casefold() == text.casefold()), None)
    if found is None:
        hint = sheet.door.nearest.hint(f"site of {contract.account}", text, contract.sites)
        sheet.refuse("site", Fault("unknown_site", hint=hint))
    return found


def _serial(sheet: _Sheet, contract: KnownContract | None) -> str | None:
    text = sheet.text("serial")
    if text:
        return sheet.attempt("serial", lambda: _read_serial(text))
    if text == "" and contract and sheet.door.known.plan_by_code[contract.plan].serial_required:
        sheet.refuse("serial", Fault("serial_missing", plan=contract.plan))
    return None


def _read_serial(text: str) -> str:
    refuse_rounded(text, "serial")
    bare = _SERIAL_LABEL.sub("", text, count=1).replace(" ", "").upper()
    if not _SERIAL.fullmatch(bare):
        raise Fault("serial_format")
    return bare


def _lines(sheet: _Sheet) -> tuple[PartLine, ...]:
    written, faults = _written_lines(sheet)
    with_column = _with_quantity_column(sheet, written)
    lines, more = checked_lines(with_column, known=sheet.door.known, nearest=sheet.door.nearest)
    for fault in (*faults, *more):
        of_quantity = with_column is not written and fault.code in _QUANTITY_FAULTS
        sheet.refuse("quantity" if of_quantity else "parts", fault)
    return lines


def _written_lines(sheet: _Sheet) -> tuple[list[Written], list[Fault]]:
    cell = sheet.cells.get("parts")
    if isinstance(cell, list) and cell:
        return split_objects(cell, lambda part: as_text(part, BY_NAME["number"]))
    text = sheet.needed("parts")
    written, faults = split_cell(text or "")
    return written, [Fault("missing_value")] if text and not (written or faults) else faults


def _with_quantity_column(sheet: _Sheet, written: list[Written]) -> list[Written]:
    quantity = sheet.text("quantity")
    if not quantity or not written:
        return written
    if len(written) > 1 or written[0][1] is not None:
        sheet.refuse("quantity", Fault("quantity_twice"))
        return written
    return [(written[0][0], quantity)]


def _times(sheet: _Sheet) -> dict[str, object]:
    zone_text = sheet.text("zone")
    zone = sheet.attempt("zone", lambda: _zone(zone_text, sheet.door)) if zone_text else None
    if zone is None and zone_text != "":
        return _names_only(sheet)  # without a readable zone, the times would be refused for the same reason again
    approved = _moment(sheet, "approved_at", zone)
    diagnosed = _moment(sheet, "diagnosed_at", zone)
    if approved:
        _judge_approval(sheet, approved, diagnosed, zone)
    diagnosis = _diagnosis(sheet, diagnosed)
    written_in = zone or approved
    return {
        "diagnosis": diagnosis,
        "approved_at": approved and approved.at,
        "approval_zone": written_in and (written_in.name if isinstance(written_in, Zone) else written_in.zone),
    }


def _names_only(sheet: _Sheet) -> dict[str, object]:
    for name in ("diagnosed_by", "finding", "diagnosed_at", "approved_at"):
        if name in {"diagnosed_by", "finding"} or is_empty(sheet.cells.get(name)):
            sheet.needed(name)
    return {}


def _zone(text: str, door: Door) -> Zone:
    try:
        return read_zone(text)
    except Fault as fault:
        raise fault.with_hint(door.nearest.hint("zone", text, zone_names().values())) from None


def _moment(sheet: _Sheet, name: str, zone: Zone | None) -> Moment | None:
    cell = sheet.cells.get(name)
    if isinstance(cell, str) or is_empty(cell):
        return sheet.read(name, lambda text: read_moment(text, zone))
    return sheet.attempt(name, lambda: read_moment(cell, zone))


def _judge_approval(sheet: _Sheet, approved: Moment, diagnosed: Moment | None, zone: Zone | None) -> None:
    if zone:
        sheet.attempt("approved_at", lambda: refuse_contradiction(approved, zone))
    if approved.at > sheet.door.now + FUTURE_ALLOWANCE:
        sheet.refuse("approved_at", Fault("approval_in_future"))
    if diagnosed and diagnosed.at > approved.at:
        sheet.refuse("diagnosed_at", Fault("diagnosis_after_approval"))


def _diagnosis(sheet: _Sheet, diagnosed: Moment | None) -> Diagnosis | None:
    by, finding = sheet.needed("diagnosed_by"), sheet.needed("finding")
    if by is None or finding is None or diagnosed is None:
        return None
    return Diagnosis(by=by, at=diagnosed.at, finding=finding)


def _destination(sheet: _Sheet) -> dict[str, object]:
    nearest = sheet.door.nearest
    country = sheet.read("country", lambda text: read_country(text, nearest))
    company, street, city = sheet.needed("company"), sheet.needed("street"), sheet.needed("city")
    street2 = sheet.text("street2") or None
    contact = _contact(sheet, country)
    if country is None:
        return {"contact": contact}
    subdivision = _subdivision(sheet, country)
    postal_code = _postal_code(sheet, country)
    if company is None or street is None or city is None or postal_code is None:
        return {"contact": contact}
    ship_to = ShipTo(
        company=company,
        street=street,
        street2=street2,
        city=city,
        postal_code=postal_code,
        subdivision=subdivision,
        country=country,
    )
    return {"contact": contact, "ship_to": ship_to}


def _subdivision(sheet: _Sheet, country: str) -> str | None:
    text = sheet.text("subdivision")
    if text is None:
        return None
    return sheet.attempt("subdivision", lambda: read_subdivision(text, country, sheet.door.nearest))


def _postal_code(sheet: _Sheet, country: str) -> str | None:
    cell = sheet.cells.get("postal_code")
    text = (sheet.text if country in WITHOUT_CODES else sheet.needed)("postal_code")
    if text is None:
        return None
    if isinstance(cell, int | float) and not isinstance(cell, bool) and text.isdecimal():
        text = _padded(sheet, text, country)
    return sheet.attempt("postal_code", lambda: written_code(text, country))


def _padded(sheet: _Sheet, text: str, country: str) -> str:
    whole = padded(int(text), country)
    if whole != text:
        told = f"postal_code was the number {text}; read as {whole}, with the zeros Excel drops."
        sheet.asides.append(Aside(code="postal_code_padded", text=told))
    return whole


def _contact(sheet: _Sheet, country: str | None) -> Contact | None:
    name = sheet.needed("contact_name")
    phone = _phone(sheet, country)
    email = sheet.read("contact_email", read_email)
    if name is None or phone is None or email is None:
        return None
    return Contact(name=name, phone=phone, email=email)


def _phone(sheet: _Sheet, country: str | None) -> str | None:
    text = sheet.needed("contact_phone")
    if text is None or country is None:  # without the country a national number cannot be judged
        return None
    found = sheet.attempt("contact_phone", lambda: read_phone(text, country))
    if found and found[1]:
        told = f"contact_phone: the extension of {text!r} is not kept."
        sheet.asides.append(Aside(code="extension_dropped", text=told))
    return found[0] if found else None


def _onsite(sheet: _Sheet) -> bool:
    text = (sheet.text("onsite") or "").casefold()
    if not text or text in _NO:
        return False
    if text not in _YES:
        sheet.refuse("onsite", Fault("not_yes_or_no"))
    return True


@lru_cache(maxsize=1024)
def _language_code(text: str) -> LanguageCode | None:
    return _LANGUAGE_BY_NAME.get(folded(text)) or _LANGUAGE_BY_NAME.get(re.split("[-_]", text.casefold())[0])


def _language_names() -> dict[str, LanguageCode]:
    """Code, and name in each of the five: `german`, `deutsch`, `duits`, `tysk`, `alemán`."""
    codes: tuple[LanguageCode, ...] = get_args(LanguageCode)
    names: dict[str, LanguageCode] = {}
    for code in codes:
        for locale in LANGUAGES:
            names[folded(Locale(locale).languages[code])] = code
        names[code] = code
    return names


_LANGUAGE_BY_NAME = _language_names()


def _language(sheet: _Sheet, partner: KnownPartner | None) -> LanguageCode | None:
    text = sheet.text("language")
    if not text:
        return partner.language if partner and text == "" else None
    code = _language_code(text)
    if code is None:
        sheet.refuse("language", Fault("unknown_language"))
    return code
