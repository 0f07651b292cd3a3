"""What an approved request is, at the door: validated, complete, not yet stored.

Made by the readers in this room, stored by `tasks.intake`. All instants are aware; `approval_zone` keeps the zone the
sender wrote, because the record keeps UTC.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

LanguageCode = Literal["da", "nl", "de", "en", "es"]


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PartLine(Frozen):
    """One part asked for; several lines make one request (M2)."""

    part: str
    quantity: int = Field(ge=1, le=99)


class Diagnosis(Frozen):
    """Who found what, and when: an approval without it is not an approval (M1)."""

    by: str
    at: datetime
    finding: str


class Contact(Frozen):
    """The site's named contact: mandatory (M16)."""

    name: str
    phone: str
    """E.164, for example +4533123456."""
    email: str


class ShipTo(Frozen):
    """Where the part goes. `subdivision` is the ISO 3166-2 part after the dash, or None."""

    company: str
    street: str
    street2: str | None = None
    city: str
    postal_code: str
    subdivision: str | None = None
    country: str


class ApprovedRequest(Frozen):
    """One approved replacement request, as one file row (or object) states it."""

    partner: str
    number: str
    """The partner's own request number: unique per partner."""
    plan: str
    account: str
    site: str | None = None
    serial: str | None = None
    lines: tuple[PartLine, ...] = Field(min_length=1)
    diagnosis: Diagnosis
    approved_by: str
    approved_at: datetime
    approval_zone: str
    """As written: an IANA name or an offset such as +01:00."""
    ship_to: ShipTo
    contact: Contact
    onsite_wanted: bool = False
    language: LanguageCode
    incident: str | None = None
    """The cloud partner's incident number (M21)."""


class Refusal(Frozen):
    """One thing wrong with one row: what the sender needs to mend it."""

    file: str
    row: int
    """As seen in Excel: the header is row 1; for JSONL the line number; 0 for the file as a whole."""
    column: str
    value: str
    """As it stood in the file, cut to 80 characters."""
    code: str
    """Stable machine word, for example `unknown_country`."""
    problem: str
    remedy: str
