import csv as comma_separated
import io
import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from threading import Thread

import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.documents import pick_list
from infra.documents.barcodes import NotEncodableError
from tests.infra.documents.papers import make_line, make_lines, make_pick_list, page_texts, scanned


def bins(lines) -> list[str]:
    return [line.bin for line in lines]


@pytest.mark.parametrize(
    ("walked", "why"),
    [
        (["A-9", "A-10"], "numbers by value"),
        (["A-03-2-07", "A-3-2-8", "A-03-10-01"], "leading zeros do not count"),
        (["A-3", "A-3-1"], "the shelf before its places"),
        (["a-1", "B-1"], "letters without case"),
        (["1-A", "A-1"], "numbers before letters"),
        (["Z-99-9-99", ""], "no bin last"),
        (["Z-99-9-99", "   "], "blank is no bin"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_bins_come_in_walking_order(walked, why):
    """Bins are sorted as a person walks past them."""
    lines = [make_line(bin=code) for code in reversed(walked)]

    assert walked == bins(pick_list.in_bin_order(lines)), why


def test_text_order_would_be_wrong():
    """Control: sorting the codes as plain text sends the picker to A-10 before A-9."""
    assert sorted(["A-9", "A-10"]) == ["A-10", "A-9"]


@given(st.lists(st.text(alphabet="AB-0129 ", max_size=12), max_size=12), st.randoms())
def test_bin_order_does_not_depend_on_the_order_given(codes, dice):
    """The same lines print in the same order, however the database returned them."""
    lines = [make_line(bin=code, request=f"WO-{at}") for at, code in enumerate(codes)]
    shuffled = list(lines)
    dice.shuffle(shuffled)

    assert pick_list.in_bin_order(lines) == pick_list.in_bin_order(shuffled)


@given(st.lists(st.integers(min_value=0, max_value=10**30), min_size=1, max_size=9))
def test_numeric_bins_sort_like_numbers(numbers):
    """For bins that are bare numbers the order is that of the integers, however long."""
    lines = [make_line(bin=str(number)) for number in numbers]

    assert sorted(numbers) == [int(code) for code in bins(pick_list.in_bin_order(lines))]


def test_every_line_can_be_scanned_at_200_dpi():
    """Each parcel reference, and the wave on each page, is read from the pixels of a 200 dpi scan."""
    printed = make_pick_list(*make_lines(60))
    pdf = pick_list.pdf(printed)
    pages = len(pypdfium2.PdfDocument(pdf))

    assert scanned(pdf, dpi=200) == sorted([line.reference for line in printed.lines] + [printed.wave] * pages)


def test_scan_at_60_dpi_reads_no_line():
    """Control: the scanner works from pixels, and too few of them do not do."""
    printed = make_pick_list(*make_lines(10))

    assert not set(scanned(pick_list.pdf(printed), dpi=60)) & {line.reference for line in printed.lines}


def test_header_and_page_number_on_every_page():
    """A page that falls out of the stack still says wave, depot, columns and which page it is."""
    texts = page_texts(pick_list.pdf(make_pick_list(*make_lines(60))))

    assert len(texts) >= 4
    for number, text in enumerate(texts, start=1):
        assert "CPH-2026-11-20-W3" in text
        assert "CPH København" in text
        assert f"Page {number} of {len(texts)}" in text
    assert all("Request and recipient" in text for text in texts[:-1])


def test_a_page_holds_sixteen_lines():
    """Ordinary lines, wrapped descriptions among them, come sixteen to a page."""
    texts = page_texts(pick_list.pdf(make_pick_list(*make_lines(33))))

    assert [text.count("WO-2026-") for text in texts] == [16, 16, 1]


def test_paper_shows_the_depots_time():
    """14:00 UTC is 15:00 on the wall in Copenhagen in November, and the zone is named."""
    (text,) = page_texts(pick_list.pdf(make_pick_list(make_line())))

    assert "Cut-off Fri 20 Nov 15:00" in text
    assert "Pick-up Fri 20 Nov 17:30" in text
    assert "(Europe/Copenhagen)" in text


@pytest.mark.parametrize(
    ("utc_hour", "shown"),
    [(0, "Sun 25 Oct 02:30"), (1, "Sun 25 Oct 02:30"), (2, "Sun 25 Oct 03:30")],
    ids=["still summer", "the hour again", "winter"],
)
def test_paper_shows_the_depots_time_in_the_night_of_two_hours(utc_hour, shown):
    """The night the clock goes back, paper shows what hangs on the wall."""
    at = datetime(2026, 10, 25, utc_hour, 30, tzinfo=UTC)

    assert shown in page_texts(pick_list.pdf(make_pick_list(make_line(), cutoff_at=at)))[0]


def test_substituted_part_stands_above_its_replacement():
    """The part asked for is printed, struck through, directly above the one to take."""
    line = make_line(part="NEW-2", substituted_for="OLD-1")
    (text,) = page_texts(pick_list.pdf(make_pick_list(line)))

    assert "OLD-1 NEW-2" in text


def test_a_strike_runs_through_the_substituted_part():
    """The page differs from one without a substitution by ink across the old number, not by its text alone."""
    struck = pick_list.pdf(make_pick_list(make_line(substituted_for="OLD-1")))
    lines = [item for item in pypdfium2.PdfDocument(struck)[0].get_objects() if item.type == 2]
    plain = pick_list.pdf(make_pick_list(make_line(remarks="OLD-1")))
    others = [item for item in pypdfium2.PdfDocument(plain)[0].get_objects() if item.type == 2]

    assert len(lines) == len(others) + 1


def test_totals_add_up_per_part():
    """The totals name each part once, with its pieces and lines: 2 + 3 = 5 pieces in 2 lines."""
    printed = make_pick_list(
        make_line(part="P-1", description="Codec", quantity=2), make_line(part="P-1", description="Codec", quantity=3),
        make_line(part="P-2", description="Headset"),
    )  # fmt: skip
    text = page_texts(pick_list.pdf(printed))[-1]

    assert "P-1 Codec 5 2 P-2 Headset 1 1" in text


def test_letters_of_all_our_languages_are_printed():
    """Danish, Dutch, German, Spanish and Polish letters have glyphs in the bundled fonts."""
    letters = "ÆØÅæøå ÄÖÜäöüß ëïéè áéíóúñ¿¡ Łódź Żółć ąęśćń"
    (text,) = page_texts(pick_list.pdf(make_pick_list(make_line(company=letters))))

    assert letters in text


def test_letters_without_a_glyph_do_not_stop_the_wave():
    """Japanese prints as boxes, because one bad line must not keep a wave from being picked."""
    pdf = pick_list.pdf(make_pick_list(make_line(company="株式会社サンプル", city="東京 🚚", remarks="\u202eabc\x00")))

    assert len(page_texts(pdf)) == 1


@pytest.mark.parametrize(
    "hostile",
    ['#eval("1+1")', '#read("/etc/passwd")', "$ x^2 $", "*bold* _it_ `raw`", "@ref <label>", "\\u{41} #[x]", "//x"],
)
def test_markup_from_outside_is_printed_as_it_is(hostile):
    """Whatever a partner writes is text: nothing of it is evaluated, read or set in bold."""
    line = make_line(company=hostile, remarks=hostile, description=hostile, request=hostile)
    (text,) = page_texts(pick_list.pdf(make_pick_list(line)))

    assert text.count(" ".join(hostile.split())) >= 3


def test_long_words_break_instead_of_running_into_the_next_column():
    """A number of 60 characters without a space keeps out of the bar code beside it."""
    printed = make_pick_list(make_line(request="W" * 60, part="P" * 60, bin="B" * 40, company="C" * 80))

    assert "7F3K9QXM2B5T0001" in scanned(pick_list.pdf(printed), dpi=200)


def test_empty_wave_says_so():
    """A wave without lines is a page that says there is nothing to pick."""
    assert "Nothing to pick." in page_texts(pick_list.pdf(make_pick_list()))[0]


@pytest.mark.parametrize(
    ("language", "title"),
    [("da", "Plukliste"), ("nl", "Picklijst"), ("de", "Pickliste"), ("en", "Pick list"), ("es", "Lista de picking")],
)
def test_depot_reads_its_own_language(language, title):
    """Headings, dates and page numbers are in the language of the depot."""
    (text,) = page_texts(pick_list.pdf(make_pick_list(make_line(), language=language)))

    assert title in text


def test_reference_without_a_bar_code_is_refused():
    """A reference that no scanner could read is an error now, not a surprise at the packing table."""
    with pytest.raises(NotEncodableError):
        pick_list.pdf(make_pick_list(make_line(reference="Ærø")))


def test_same_facts_give_the_same_bytes():
    """All three forms are the same, byte by byte, when printed again, and differ when a fact differs."""
    printed = make_pick_list(*make_lines(20))
    again = make_pick_list(*reversed(make_lines(20)))
    other = replace(printed, wave="CPH-2026-11-20-W4")

    for form in (pick_list.pdf, pick_list.csv):
        assert form(printed) == form(again)
        assert form(printed) != form(other)
    assert pick_list.json(printed) == pick_list.json(again)


def test_threads_share_the_press():
    """Waves of several depots printed at once come out as if printed one after the other."""
    waves = [make_pick_list(make_line(), wave=f"W-{at}") for at in range(6)]
    alone = [pick_list.pdf(wave) for wave in waves]
    together: dict[str, bytes] = {}
    threads = [Thread(target=lambda wave=wave: together.update({wave.wave: pick_list.pdf(wave)})) for wave in waves]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert alone == [together[wave.wave] for wave in waves]


def test_thousand_lines_take_two_seconds():
    """A thousand lines cost at most two seconds of one processor's time."""
    printed = make_pick_list(*make_lines(1000), wave="BIG")
    before = time.process_time()
    pick_list.pdf(printed)

    assert time.process_time() - before <= 2.0


def read_csv(content: bytes, delimiter: str = ",") -> list[dict[str, str]]:
    return list(comma_separated.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=delimiter))


def test_csv_begins_with_a_byte_order_mark():
    """Excel takes UTF-8 for UTF-8 only when the mark is there."""
    assert pick_list.csv(make_pick_list(make_line())).startswith(b"\xef\xbb\xbf")


def test_csv_holds_every_line_in_bin_order():
    """The sheet says what the paper says, with the depot's times and their offset."""
    first, second = read_csv(pick_list.csv(make_pick_list(make_line(bin="A-10"), make_line(bin="A-9", quantity=2))))

    assert (first["bin"], first["quantity"], second["bin"]) == ("A-9", "2", "A-10")
    assert first["cutoff"] == "2026-11-20T15:00:00+01:00"
    assert first["company"] == "Ørsted Energi A/S"


@pytest.mark.parametrize("hostile", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")', "＝1+1"])
def test_csv_formulas_are_inert(hostile):
    """A cell that a spreadsheet would calculate begins with an apostrophe."""
    (row,) = read_csv(pick_list.csv(make_pick_list(make_line(company=hostile, remarks=hostile))))

    assert row["company"] == row["remarks"] == f"'{hostile}"


def test_csv_leaves_ordinary_cells_alone():
    """Control: text and numbers that start no formula get no apostrophe."""
    (row,) = read_csv(pick_list.csv(make_pick_list(make_line(company="A=B", remarks="3-1")), delimiter=";"), ";")

    assert (row["company"], row["remarks"], row["quantity"]) == ("A=B", "3-1", "1")


@given(st.text(max_size=30))
def test_csv_cells_come_back_whole(text):
    """Quotes, separators and line breaks in a cell stay in that cell."""
    (row,) = read_csv(pick_list.csv(make_pick_list(make_line(remarks=text.replace("\x00", "")))))

    assert row["remarks"].removeprefix("'") == text.replace("\x00", "").removeprefix("'")
    assert row["country"] == "DK"


def test_json_says_everything_in_utc():
    """The machine's form has the same lines in the same order, and instants in UTC."""
    printed = make_pick_list(make_line(bin="A-10"), make_line(bin="A-9", substituted_for="OLD-1"))
    facts = json.loads(pick_list.json(printed))

    assert facts["format"] == 1
    assert facts["cutoff_at"] == "2026-11-20T14:00:00+00:00"
    assert facts["services"] == [{"name": "Express Saver", "parcels": 2}, {"name": "Standard", "parcels": 1}]
    assert [line["bin"] for line in facts["lines"]] == ["A-9", "A-10"]
    assert facts["lines"][0]["substituted_for"] == "OLD-1"
