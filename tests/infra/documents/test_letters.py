import re
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.documents.brand import Brand
from infra.documents.letters import (
    Arrival,
    Backordered,
    Dispatched,
    DispatchedSite,
    Held,
    Letter,
    Parcel,
    PickListReady,
    Place,
    Refused,
    write,
)
from infra.documents.packing_slip import Item
from infra.documents.reasons import HoldReason, RefusalReason
from infra.documents.words import LANGUAGES

BRAND = Brand(name="Nordic AV Partners", email="support@example.com", phone="+45 33 12 34 56", colour="#0b5c4a")
CODEC = Item(part="2200-87290-001", description="Studio X50 codec", quantity=1)
PARCEL = Parcel(
    carrier="UPS", tracking_number="1Z999AA10123456784", tracking_url="https://www.example.com/track?n=1Z9&l=da",
    items=(CODEC,),
)  # fmt: skip
MONDAY = Arrival(on=date(2026, 11, 23), promised=True)
SITE = Place(company="Ørsted Energi A/S", city="Fredericia", country="DK")
DISPATCHED = Dispatched(request="WO-17", parcels=(PARCEL,), arrival=MONDAY, to=SITE)
TO_SITE = DispatchedSite(
    request="WO-17", contact="Søren Ærø", parcels=(PARCEL,), arrival=MONDAY, to=SITE, return_business_days=10,
    return_label=True, technician=True,
)  # fmt: skip
HELD = Held(request="WO-17", reason=HoldReason.SERIAL_UNKNOWN, detail="8G2149C5D3A07")
REFUSED = Refused(request="WO-17", reason=RefusalReason.QUOTE_ONLY)
BACKORDERED = Backordered(request="WO-17", items=(CODEC,), expected_on=date(2026, 12, 1))
READY = PickListReady(
    wave="CPH-W3", depot="CPH København", zone="Europe/Copenhagen", cutoff_at=datetime(2026, 11, 20, 14, tzinfo=UTC),
    pickup_at=datetime(2026, 11, 20, 16, 30, tzinfo=UTC), carrier="UPS", lines=34, pieces=40, parcels=30,
    files=("pick-list.pdf", "pick-list.csv"),
)  # fmt: skip
TIME_OF_DAY = re.compile(r"\b\d\d[:.]\d\d\b")
NOTICES = [DISPATCHED, TO_SITE, HELD, REFUSED, BACKORDERED, READY]


def letter(notice, **options) -> Letter:
    return write(notice, **({"brand": BRAND, "language": "en"} | options))


class Reader(HTMLParser):
    """What a mail program sees: tags with their attributes, and words."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in {"style", "title"}:
            self.words.append(data)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert not reader.open
    return reader


def squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("notice", NOTICES, ids=lambda notice: type(notice).__name__)
def test_html_and_text_say_the_same(notice, language):
    """Who reads only the text misses nothing: every word of the HTML is in it, in every language."""
    written = letter(notice, language=language)
    text = squeezed(written.text)

    assert written.language == language
    assert all(squeezed(words) in text for words in read(written.html).words if words.strip("\xa0 \n"))


@pytest.mark.parametrize("notice", NOTICES, ids=lambda notice: type(notice).__name__)
def test_html_names_its_language_and_both_colour_schemes(notice):
    """Screen readers choose the voice by `lang`; dark mode is announced and has colours."""
    html = letter(notice, language="da").html
    tags = read(html).tags

    assert ("html", {"lang": "da", "dir": "ltr"}) in tags
    assert ("meta", {"name": "color-scheme", "content": "light dark"}) in tags
    assert "prefers-color-scheme: dark" in html


@pytest.mark.parametrize("notice", NOTICES, ids=lambda notice: type(notice).__name__)
def test_html_fetches_nothing(notice):
    """No image, style sheet, script or font from anywhere: the only address is the tracking link."""
    html = letter(notice).html
    tags = read(html).tags

    assert not {tag for tag, _ in tags} & {"img", "script", "link", "iframe", "object", "svg"}
    assert "url(" not in html
    assert "@import" not in html
    assert {attributes["href"] for tag, attributes in tags if "href" in attributes} <= {PARCEL.tracking_url}


def test_dispatched_tells_everything_a_partner_asks_for():
    """Request, part, carrier, number, link and the day, so that nobody has to ask where it is."""
    written = letter(DISPATCHED)

    assert written.subject == "Request WO-17: the replacement part is on its way"
    for fact in ("UPS", "1Z999AA10123456784", PARCEL.tracking_url, "1 × 2200-87290-001 Studio X50 codec",
                 "Promised delivery: Monday, 23 November 2026", "Ørsted Energi A/S, Fredericia, Denmark"):  # fmt: skip
        assert fact in written.text


def test_tracking_link_is_escaped_once():
    """The ampersand of an address is written as HTML wants it and arrives whole."""
    html = letter(DISPATCHED).html

    assert 'href="https://www.example.com/track?n=1Z9&amp;l=da"' in html


def test_a_second_parcel_does_not_hide_the_first():
    """Each parcel keeps its own number, and the letter says that there are two."""
    second = replace(PARCEL, tracking_number="1Z999AA10000000002")
    written = letter(replace(DISPATCHED, parcels=(PARCEL, second)))

    assert "2 replacement parts are on their way" in written.subject
    assert "They travel in 2 parcels" in written.text
    assert written.text.index("1Z999AA10123456784") < written.text.index("1Z999AA10000000002")


def test_expected_is_not_promised():
    """Where the plan promises shipping only, the day of arrival is called expected."""
    text = letter(replace(DISPATCHED, arrival=replace(MONDAY, promised=False))).text

    assert "Expected delivery: Monday" in text
    assert "Promised" not in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("notice", [DISPATCHED, TO_SITE, BACKORDERED], ids=lambda notice: type(notice).__name__)
def test_no_hour_is_ever_promised(notice, language):
    """The letters to partners and sites carry days, never a time of day."""
    assert not TIME_OF_DAY.search(letter(notice, language=language).text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_hour_would_be_seen(language):
    """Control: the warehouse's letter has times, and the search above finds them in every language."""
    assert TIME_OF_DAY.search(letter(READY, language=language).text)


def test_a_day_has_the_readers_order():
    """The same day is written one way for a British and another for an American reader."""
    assert "Monday, November 23, 2026" in letter(DISPATCHED, territory="US").text
    assert "mandag den 23. november 2026" in letter(DISPATCHED, language="da", territory="DK").text


@pytest.mark.parametrize(
    ("change", "present", "absent"),
    [
        ({}, "A technician will contact you", "The packing slip in the box"),
        ({"technician": False}, "prepaid return label", "technician"),
        ({"return_label": False}, "The packing slip in the box tells you how.", "prepaid"),
        ({"return_business_days": None}, "A technician", "send the defective"),
        ({"return_business_days": 1}, "within 1 business day after", "days after"),
        ({"arrival": None}, "on its way", "on that day"),
        ({"contact": " "}, "Hello,", "Søren"),
    ],
    ids=["all", "no visit", "own cost", "keep it", "one day", "no day", "nameless"],
)
def test_site_reads_only_what_concerns_it(change, present, absent):
    """The site contact reads what to expect and what to send back, and nothing that does not apply."""
    text = letter(replace(TO_SITE, **change)).text

    assert present in text
    assert absent not in text


@pytest.mark.parametrize("reason", HoldReason)
def test_held_says_why_and_what_to_do(reason):
    """Every hold gives a reason and a next step; only one that needs an answer asks for it."""
    written = letter(Held(request="WO-17", reason=reason))

    assert "\nReason: " in written.text
    assert "\nWhat to do: " in written.text
    assert ("waiting for your answer" in written.subject) != ("You do not need to do anything" in written.text)


@pytest.mark.parametrize("reason", RefusalReason)
def test_refused_says_why_and_what_can_be_done(reason):
    """A refusal is never bare."""
    text = letter(Refused(request="WO-17", reason=reason)).text

    assert "Unfortunately we cannot accept it." in text
    assert "\nWhat to do: " in text


def test_detail_is_shown_where_there_is_one():
    """What was found stands beside the reason, and an empty detail leaves no empty row."""
    assert "Detail: 8G2149C5D3A07" in letter(HELD).text
    assert "Detail" not in letter(replace(HELD, detail="  ")).text


def test_backorder_without_a_date_admits_it():
    """Nobody invents a date: until stock is known the letter says so."""
    assert "Expected in stock: Tuesday, 1 December 2026" in letter(BACKORDERED).text
    assert "Expected in stock: not known yet" in letter(replace(BACKORDERED, expected_on=None)).text


def test_warehouse_reads_its_own_clock_and_files():
    """The warehouse reads cut-off and pick-up in its own time, how much there is, and what is attached."""
    written = letter(READY)

    assert written.subject == "Pick list CPH-W3, 34 lines, cut-off Fri 20 Nov 15:00"
    assert "34 lines · 40 pieces · 30 parcels" in written.text
    assert "Pick-up: Fri 20 Nov 17:30" in written.text
    assert "Attached: pick-list.csv" in written.text


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)> {{ 7*7 }} {% raw %} %(request)s ]]>"


@pytest.mark.parametrize("language", LANGUAGES)
def test_markup_from_outside_is_inert(language):
    """Tags, attributes and template marks from partners arrive as the characters they are, everywhere."""
    item = Item(part=HOSTILE, description=HOSTILE, quantity=1)
    parcel = Parcel(carrier=HOSTILE, tracking_number=HOSTILE, tracking_url=None, items=(item,))
    place = Place(company=HOSTILE, city=HOSTILE, country=HOSTILE)
    notice = replace(TO_SITE, request=HOSTILE, contact=HOSTILE, parcels=(parcel,), to=place)
    written = write(notice, brand=replace(BRAND, name=HOSTILE, email=HOSTILE), language=language)
    reader = read(written.html)

    assert not {tag for tag, _ in reader.tags} & {"script", "img"}
    assert not [attributes for _, attributes in reader.tags if "onerror" in attributes]
    assert "".join(reader.words).count(HOSTILE) >= 8
    assert "49" not in written.html


def test_markup_would_be_seen():
    """Control: the reader above does see a tag when there is one."""
    assert "script" in {tag for tag, _ in read("<p><script></script></p>").tags}


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//example.com",
        "https://",
        "https://exa\nmple.com",
        "ftp://x",
        "http://[",
    ],
)
def test_only_web_addresses_are_linked(url):
    """An address a browser would run, or not understand, is not linked, and the number is still there."""
    written = letter(replace(DISPATCHED, parcels=(replace(PARCEL, tracking_url=url),)))

    assert "href" not in written.html
    assert "1Z999AA10123456784" in written.text


@given(st.text(max_size=40))
def test_a_subject_is_one_line(text):
    """Whatever stands in a request number, the subject stays one line without control or direction marks."""
    subject = letter(replace(DISPATCHED, request=text)).subject

    assert len(subject.splitlines()) == 1
    assert not set(subject) & set("\r\n\x00\x1b\u202e\u2028")


def test_line_breaks_open_no_new_rows():
    """A value cannot forge a second fact below itself."""
    text = letter(replace(HELD, detail="x\nWhat to do: send money\u2028y")).text

    assert text.count("\nWhat to do: ") == 1


def test_same_facts_give_the_same_letter():
    """A letter written again is the same, and another brand is another letter."""
    assert letter(DISPATCHED) == letter(DISPATCHED)
    assert letter(DISPATCHED) != letter(DISPATCHED, brand=replace(BRAND, name="Vendor"))


def test_ten_thousand_letters_take_twenty_seconds():
    """Ten thousand letters in all languages cost at most twenty seconds of one processor's time."""
    before = time.process_time()
    for at in range(10_000):
        letter(NOTICES[at % len(NOTICES)], language=LANGUAGES[at % len(LANGUAGES)])

    assert time.process_time() - before <= 20
