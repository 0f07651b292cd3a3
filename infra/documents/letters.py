"""Localised notices: what partners, site contacts and warehouses read in their mail.

`tasks.notices` states the facts, `write` gives subject, text and HTML; `infra.mail` sends them. A promise is a day,
never a time. Whatever comes from outside is escaped in HTML, kept on one line, and linked only when it is a web
address.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from infra.documents.brand import Brand
from infra.documents.packing_slip import Item
from infra.documents.reasons import HOLDS, REFUSALS, HoldReason, RefusalReason, Wording
from infra.documents.words import Language, Words, words

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """Ready for `infra.mail`: `text` says everything that `html` says."""

    subject: str
    text: str
    html: str
    language: Language


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One box on its way."""

    carrier: str
    tracking_number: str
    tracking_url: str | None
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A day at the destination. `promised` where the plan promises arrival, otherwise it is what we expect."""

    on: date
    promised: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    company: str
    city: str
    country: str
    """ISO 3166-1 alpha-2; the letter spells it out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatched:
    """To the partner: it has left."""

    request: str
    parcels: tuple[Parcel, ...]
    arrival: Arrival | None
    to: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchedSite:
    """To the site's contact: it is coming, and what to do with the old part."""

    request: str
    contact: str
    parcels: tuple[Parcel, ...]
    arrival: Arrival | None
    to: Place
    return_business_days: int | None
    """Counted from delivery; None when nothing has to come back."""
    return_label: bool
    """A prepaid label lies in the box."""
    technician: bool
    """Somebody will come to install it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """To the partner: it waits. `detail` is shown as found, for example the serial number in question."""

    request: str
    reason: HoldReason
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """To the partner: it will not happen, and what can be done."""

    request: str
    reason: RefusalReason
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backordered:
    """To the partner: out of stock. `expected_on` is when we expect the stock, or None while nobody knows."""

    request: str
    items: tuple[Item, ...]
    expected_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseMoved:
    """To the partner: the days have changed. `why` is said already, in the letter's language."""

    request: str
    promised: Literal["ship", "arrive"]
    old_on: date
    new_on: date
    """The promised day."""
    arrive_on: date
    provisional: bool
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PickListReady:
    """To the warehouse, with the files attached to the mail. Instants are aware, shown in the depot's `zone`."""

    wave: str
    depot: str
    zone: str
    cutoff_at: datetime
    pickup_at: datetime
    carrier: str
    lines: int
    pieces: int
    parcels: int
    files: tuple[str, ...]


Notice: TypeAlias = Dispatched | DispatchedSite | Held | Refused | Backordered | PromiseMoved | PickListReady


def write(notice: Notice, *, brand: Brand, language: str, territory: str | None = None) -> Letter:
    """The letter for `notice` under `brand`.

    `territory` (the reader's country, ISO 3166-1) only decides the order of a date. The same facts give the same
    letter. Raises `UnknownLanguageError`.
    """
    said = words(language, territory)
    page = _tidy(_COMPOSERS[type(notice)](notice, said), regards=said.say("Kind regards"))
    return Letter(
        subject=page.subject,
        text=_text(page, brand),
        html=_html().render(page=page, brand=brand, language=said.language, reach=_reach(brand)),
        language=said.language,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    label: str
    value: str
    link: str | None = None
    opens: bool = False
    """The first row about something new: a parcel after the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """A letter before it is text or HTML: every string one line."""

    subject: str
    greeting: str
    opening: str
    rows: tuple[_Row, ...]
    closing: tuple[str, ...]
    regards: str = ""


def _dispatched(notice: Dispatched, said: Words) -> _Page:
    return _Page(
        subject=said.count(
            "Request %(request)s: the replacement part is on its way",
            "Request %(request)s: %(n)s replacement parts are on their way",
            _pieces(notice.parcels),
            request=notice.request,
        ),
        greeting=said.say("Hello,"),
        opening=said.count(
            "The replacement part for request %(request)s has left our depot.",
            "The %(n)s replacement parts for request %(request)s have left our depot.",
            _pieces(notice.parcels),
            request=notice.request,
        ),
        rows=(*_travel_rows(notice, said), *_parcel_rows(notice.parcels, said)),
        closing=_follow(notice, said),
    )


def _dispatched_site(notice: DispatchedSite, said: Words) -> _Page:
    return _Page(
        subject=said.count(
            "Your replacement part is on its way (request %(request)s)",
            "Your %(n)s replacement parts are on their way (request %(request)s)",
            _pieces(notice.parcels),
            request=notice.request,
        ),
        greeting=said.say("Hello %(name)s,", name=notice.contact) if notice.contact.strip() else said.say("Hello,"),
        opening=said.count(
            "Your replacement part is on its way to you.",
            "Your %(n)s replacement parts are on their way to you.",
            _pieces(notice.parcels),
        ),
        rows=(*_travel_rows(notice, said), *_parcel_rows(notice.parcels, said)),
        closing=(*_receive(notice, said), *_give_back(notice, said)),
    )


def _held(notice: Held, said: Words) -> _Page:
    wording = HOLDS[notice.reason]
    subject = (
        said.say("Request %(request)s is waiting for your answer", request=notice.request)
        if wording.asks
        else said.say("Request %(request)s is on hold while we check something", request=notice.request)
    )
    return _Page(
        subject=subject,
        greeting=said.say("Hello,"),
        opening=said.say("We cannot send the replacement for request %(request)s yet.", request=notice.request),
        rows=_wording_rows(wording, notice.detail, said),
        closing=(said.say("As soon as we have your answer, we will carry on."),) if wording.asks else (),
    )


def _refused(notice: Refused, said: Words) -> _Page:
    return _Page(
        subject=said.say("We cannot accept request %(request)s", request=notice.request),
        greeting=said.say("Hello,"),
        opening=said.say(
            "Thank you for request %(request)s. Unfortunately we cannot accept it.", request=notice.request
        ),
        rows=_wording_rows(REFUSALS[notice.reason], notice.detail, said),
        closing=(),
    )


def _backordered(notice: Backordered, said: Words) -> _Page:
    pieces = sum(item.quantity for item in notice.items)
    expected = said.day(notice.expected_on) if notice.expected_on else said.say("not known yet")
    return _Page(
        subject=said.say("Request %(request)s: out of stock at the moment", request=notice.request),
        greeting=said.say("Hello,"),
        opening=said.count(
            "The part for request %(request)s is out of stock at the moment.",
            "%(n)s parts for request %(request)s are out of stock at the moment.",
            pieces,
            request=notice.request,
        ),
        rows=(*_item_rows(notice.items, said), _Row(label=said.say("Expected in stock"), value=expected)),
        closing=(
            said.say(
                "We will ship as soon as we have stock, and then tell you the delivery day."
                " You do not need to do anything."
            ),
        ),
    )


def _promise_moved(notice: PromiseMoved, said: Words) -> _Page:
    doubt = (said.say("The day is provisional: a calendar on the way is not final yet."),)
    return _Page(
        subject=said.say("Request %(request)s: the delivery day has changed", request=notice.request),
        greeting=said.say("Hello,"),
        opening=said.say("The delivery day for request %(request)s has changed.", request=notice.request),
        rows=(*_moved_rows(notice, said), *(_Row(label=said.say("Reason"), value=why) for why in notice.why)),
        closing=(*(doubt if notice.provisional else ()), said.say("If the delivery day changes, we will tell you.")),
    )


def _moved_rows(notice: PromiseMoved, said: Words) -> tuple[_Row, ...]:
    """The promised day, what it was before where it moved, and the arrival where that is not what is promised."""
    arrives = notice.promised == "arrive"
    before = _Row(label=said.say("Before"), value=said.day(notice.old_on))
    label = said.say("Promised delivery") if arrives else said.say("Promised dispatch")
    expected = _Row(label=said.say("Expected delivery"), value=said.day(notice.arrive_on))
    return (
        *((before,) if notice.old_on != notice.new_on else ()),
        _Row(label=label, value=said.day(notice.new_on)),
        *(() if arrives else (expected,)),
    )


def _pick_list_ready(notice: PickListReady, said: Words) -> _Page:
    cutoff = said.local(notice.cutoff_at, notice.zone)
    amount = (
        said.count("%(n)s line", "%(n)s lines", notice.lines),
        said.count("%(n)s piece", "%(n)s pieces", notice.pieces),
        said.count("%(n)s parcel", "%(n)s parcels", notice.parcels),
    )
    return _Page(
        subject=said.say("Pick list %(wave)s, %(lines)s, cut-off %(cutoff)s", wave=notice.wave, lines=amount[0],
                         cutoff=cutoff),
        greeting=said.say("Hello,"),
        opening=said.say("The pick list for wave %(wave)s is ready.", wave=notice.wave),
        rows=(
            _Row(label=said.say("Depot"), value=notice.depot),
            _Row(label=said.say("To pick"), value=" · ".join(amount)),
            _Row(label=said.say("Cut-off"), value=cutoff),
            _Row(label=said.say("Pick-up"), value=said.local(notice.pickup_at, notice.zone)),
            _Row(label=said.say("Carrier"), value=notice.carrier),
            *(_Row(label=said.say("Attached"), value=file) for file in notice.files),
        ),
        closing=(said.say("Please have everything packed before the pick-up."),),
    )  # fmt: skip


_COMPOSERS: dict[type, Callable[[Any, Words], _Page]] = {
    Dispatched: _dispatched,
    DispatchedSite: _dispatched_site,
    Held: _held,
    Refused: _refused,
    Backordered: _backordered,
    PromiseMoved: _promise_moved,
    PickListReady: _pick_list_ready,
}


def _pieces(parcels: Iterable[Parcel]) -> int:
    """At least one: a letter without a list of contents speaks of the part."""
    return max(1, sum(item.quantity for parcel in parcels for item in parcel.items))


def _travel_rows(notice: Dispatched | DispatchedSite, said: Words) -> tuple[_Row, ...]:
    to = _Row(
        label=said.say("Delivery to"),
        value=f"{notice.to.company}, {notice.to.city}, {said.country(notice.to.country)}",
    )
    if notice.arrival is None:
        return (to,)
    label = said.say("Promised delivery") if notice.arrival.promised else said.say("Expected delivery")
    return (_Row(label=label, value=said.day(notice.arrival.on)), to)


def _parcel_rows(parcels: Iterable[Parcel], said: Words) -> tuple[_Row, ...]:
    """Each parcel with its own number and contents: a second parcel never hides the first."""
    return tuple(
        row
        for parcel in parcels
        for row in (
            _Row(label=said.say("Carrier"), value=parcel.carrier, opens=True),
            _Row(label=said.say("Tracking number"), value=parcel.tracking_number, link=_web(parcel.tracking_url)),
            *_item_rows(parcel.items, said),
        )
    )


def _item_rows(items: Iterable[Item], said: Words) -> tuple[_Row, ...]:
    return tuple(
        _Row(label=said.say("Part"), value=f"{said.number(item.quantity)} × {item.part} {item.description}")
        for item in items
    )


def _wording_rows(wording: Wording, detail: str, said: Words) -> tuple[_Row, ...]:
    found = (_Row(label=said.say("Detail"), value=detail),) if detail.strip() else ()
    return (
        _Row(label=said.say("Reason"), value=said.say(wording.problem)),
        *found,
        _Row(label=said.say("What to do"), value=said.say(wording.remedy)),
    )


def _follow(notice: Dispatched, said: Words) -> tuple[str, ...]:
    several = len(notice.parcels)
    split = (
        said.count(
            "It travels in %(n)s parcel.",
            "They travel in %(n)s parcels, each with a tracking number of its own.",
            several,
        ),
    )
    changed = (said.say("If the delivery day changes, we will tell you."),)
    return (split if several > 1 else ()) + (changed if notice.arrival else ())


def _receive(notice: DispatchedSite, said: Words) -> tuple[str, ...]:
    ready = (said.say("Please make sure that somebody can receive the delivery on that day."),)
    technician = (said.say("A technician will contact you to arrange a visit. It will be after the delivery."),)
    return (ready if notice.arrival else ()) + (technician if notice.technician else ())


def _give_back(notice: DispatchedSite, said: Words) -> tuple[str, ...]:
    if notice.return_business_days is None:
        return ()
    due = said.count(
        "Please send the defective equipment back within %(n)s business day after delivery.",
        "Please send the defective equipment back within %(n)s business days after delivery.",
        notice.return_business_days,
    )
    how = (
        said.say("A prepaid return label is in the box.")
        if notice.return_label
        else said.say("The packing slip in the box tells you how.")
    )
    return (f"{due} {how}",)


# Controls, and the marks that turn the direction of writing: a file name ending in gpj.exe must not read as .jpg.
_UNPRINTED = re.compile("[\\s\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]+")


def _one_line(text: str) -> str:
    return _UNPRINTED.sub(" ", text).strip()


def _tidy(page: _Page, *, regards: str) -> _Page:
    return replace(
        page,
        subject=_one_line(page.subject),
        greeting=_one_line(page.greeting),
        opening=_one_line(page.opening),
        rows=tuple(replace(row, value=_one_line(row.value)) for row in page.rows),
        closing=tuple(_one_line(sentence) for sentence in page.closing),
        regards=regards,
    )


def _web(url: str | None) -> str | None:
    """The address if a browser would go to a web site with it; javascript: and the like are not linked."""
    if url is None or _UNPRINTED.search(url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in {"http", "https"} and parts.netloc else None


def _reach(brand: Brand) -> str:
    return _one_line(" · ".join(part for part in (brand.email, brand.phone) if part))


def _text_row(row: _Row) -> str:
    return ("\n" if row.opens else "") + f"{row.label}: {row.value}" + (f"\n{row.link}" if row.link else "")


def _text(page: _Page, brand: Brand) -> str:
    rows = [_text_row(row) for row in page.rows]
    end = (page.regards, _one_line(brand.name), _reach(brand))
    blocks = (page.greeting, page.opening, "\n".join(rows), *page.closing, "\n".join(end))
    return "\n\n".join(blocks) + "\n"


@cache
def _html() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("letter.html")
