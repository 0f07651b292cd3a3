"""Closure files are read whole or refused with file, line and reason."""

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime, time

import pytest

from calendars.cutoffs import CutoffRule
from calendars.overrides import (
    MAX_BYTES,
    MAX_ENTRIES,
    OverrideRefused,
    apply_cutoffs,
    apply_layers,
    layers_from_csv,
    layers_from_ical,
    layers_from_yaml,
    read_overrides,
    to_ical,
)
from calendars.snapshot import load

YAML = """\
calendar: depot/MUC1
through: 2027-12-31
closed:
  - {from: 2026-12-28, to: 2026-12-30, reason: stocktake, source: ops/4711}
open:
  - {date: 2026-12-05, reason: peak Saturday}
cutoff_on: {2026-12-24: "12:00"}
"""
CSV = """\
scope,from,to,open,cutoff,reason,source
depot/MUC1,2026-12-28,2026-12-30,no,,stocktake,ops/4711
depot/MUC1,2026-12-05,,yes,,peak Saturday,
depot/MUC1,2026-12-24,2026-12-24,,12:00,half day,
carrier:ups,2026-12-25,,no,,Christmas,
"""
EVENT = "BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T000000Z\r\n{lines}\r\nEND:VEVENT\r\n"


def ical(*events):
    body = "".join(EVENT.format(uid=n, lines="\r\n".join(lines)) for n, lines in enumerate(events))
    head = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\nX-WR-CALNAME:depot/MUC1\r\n"
    return f"{head}{body}END:VCALENDAR\r\n"


STOCKTAKE = ("DTSTART;VALUE=DATE:20261228", "DTEND;VALUE=DATE:20261231", "SUMMARY:stocktake")
PEAK = ("DTSTART;VALUE=DATE:20261205", "CATEGORIES:OPEN", "SUMMARY:peak Saturday")
HALF = ("DTSTART:20261224T120000", "CATEGORIES:CUTOFF", "SUMMARY:half day")
MUNICH = load().calendar("DE-BY+catholic")


def of_yaml(text):
    return layers_from_yaml(text, file="muc1.yaml")


def of_csv(text, through=None):
    return layers_from_csv(text, file="closures.csv", through=through)


def of_ical(*events, through=date(2027, 12, 31)):
    return layers_from_ical(ical(*events), file="muc1.ics", through=through)


@pytest.mark.parametrize(
    "layers",
    [of_yaml(YAML), of_csv(CSV), of_ical(STOCKTAKE, PEAK, HALF)],
    ids=["yaml", "csv", "icalendar"],
)
def test_three_formats_say_the_same(layers):
    """The same closures in YAML, CSV and iCalendar close and open the same days."""
    calendar = apply_layers(MUNICH, layers[:1])

    closed = [date(2026, 12, day) for day in (28, 29, 30)]
    assert [calendar.is_open(day) for day in closed] == [False] * 3
    assert calendar.is_open(date(2026, 12, 31))
    assert calendar.is_open(date(2026, 12, 5))
    assert "stocktake" in calendar.why_closed(date(2026, 12, 29))


@pytest.mark.parametrize("layers", [of_yaml(YAML), of_csv(CSV), of_ical(HALF)], ids=["yaml", "csv", "icalendar"])
def test_half_day_is_an_earlier_cutoff(layers):
    """A half day changes the cut-off of its date and closes nothing."""
    rule = apply_cutoffs(CutoffRule(default=time(14)), layers)

    assert rule.on(date(2026, 12, 24)) == time(12)
    assert rule.on(date(2026, 12, 23)) == time(14)
    assert apply_layers(MUNICH, layers).is_open(date(2026, 12, 24))


def test_csv_keeps_scopes_apart():
    """Rows of several calendars in one file become one layer each."""
    assert [layer.name for layer in of_csv(CSV)] == ["depot/MUC1", "carrier:ups"]


def test_later_layer_wins():
    """What the consignee's file opens stays open although the depot's file before it closes."""
    second = of_yaml("calendar: order/1\nthrough: 2027-12-31\nopen: [{date: 2026-12-29, reason: emergency}]\n")

    calendar = apply_layers(MUNICH, (*of_yaml(YAML), *second))
    assert calendar.is_open(date(2026, 12, 29))
    assert not apply_layers(MUNICH, (*second, *of_yaml(YAML))).is_open(date(2026, 12, 29))


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (YAML + "colour: red\n", 8, "unknown key 'colour'"),
        (YAML.replace("source:", "sauce:"), 4, "unknown key 'sauce'"),
        (YAML.replace("calendar: depot/MUC1\n", ""), 1, "calendar is missing"),
        (YAML.replace("through: 2027-12-31\n", ""), 1, "through is missing"),
        (YAML.replace("2027-12-31", "2026-12-29"), 4, "past through"),
        (YAML.replace("date: 2026-12-05", "date: 2026-12-29"), 6, "open and closed in one layer"),
        (YAML.replace("reason: stocktake, ", ""), 4, "reason"),
        (YAML.replace("2026-12-28", "28.12.2026"), 4, "not a date"),
        (YAML.replace("to: 2026-12-30", "to: 2026-12-01"), 4, "before it starts"),
        (YAML.replace("to: 2026-12-30", "to: 2027-12-30"), 4, "longer than"),
        (YAML.replace('"12:00"', "noon"), 7, "not a time"),
        (YAML + "calendar: other\n", 8, "given twice"),
        ("calendar: [1\n", 2, "not YAML"),
        ("", 1, "empty"),
        ("- 1\n", 1, "mapping"),
        ("calendar: &a x\nthrough: *a\n", 2, "aliases"),
        (YAML.replace("date: 2026-12-05", "date: 2026-12-05, from: 2026-12-05"), 6, "either date"),
    ],
)
def test_bad_yaml_is_refused_with_its_line(text, line, reason):
    """Each way of being wrong names file, line and what to mend."""
    with pytest.raises(OverrideRefused, match=reason) as refused:
        of_yaml(text)

    assert (refused.value.file, refused.value.line) == ("muc1.yaml", line)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (CSV.replace("source\n", "sauce\n", 1), 1, "columns unknown"),
        (CSV.replace("scope,", "place,", 1), 1, "missing"),
        (CSV.replace(",no,,stock", ",maybe,,stock"), 2, "yes or no"),
        (CSV.replace(",no,,stock", ",,,stock"), 2, "a cut-off, or both"),
        (CSV.replace("2026-12-05", "2026-12-29"), 3, "open and closed"),
        (CSV + "depot/MUC1,2026-12-24,,,11:00,other,\n", 6, "two cut-offs"),
        (CSV + "too,few\n", 6, "cells"),
        (CSV.replace("Christmas", ""), 5, "reason"),
    ],
)
def test_bad_csv_is_refused_with_its_line(text, line, reason):
    """Planners' tables are refused with the row that is wrong."""
    with pytest.raises(OverrideRefused, match=reason) as refused:
        of_csv(text)

    assert refused.value.line == line


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (("DTSTART:20261228T090000", "SUMMARY:meeting"), "timed event"),
        (("DTSTART;VALUE=DATE:20261228", "DTEND;VALUE=DATE:20261228", "SUMMARY:x"), "exclusive"),
        (("DTSTART;VALUE=DATE:20261228",), "reason"),
        (("SUMMARY:x",), "without a start"),
        (("DTSTART;VALUE=DATE:20280103", "SUMMARY:x"), "past through"),
        (("DTSTART;VALUE=DATE:20260101", "RRULE:FREQ=DAILY", "SUMMARY:x"), "recurs more than"),
        (("DTSTART;VALUE=DATE:20260101", "RECURRENCE-ID;VALUE=DATE:20260101", "SUMMARY:x"), "single changes"),
    ],
)
def test_bad_events_are_refused_with_their_line(event, reason):
    """An event we cannot follow is refused at the line it begins, the good one before it notwithstanding."""
    with pytest.raises(OverrideRefused, match=reason) as refused:
        of_ical(STOCKTAKE, event)

    assert refused.value.line == 12


def test_recurring_event_needs_an_end():
    """A yearly closure without a last date would never stop."""
    with pytest.raises(OverrideRefused, match="last date"):
        of_ical(("DTSTART;VALUE=DATE:20261224", "RRULE:FREQ=YEARLY", "SUMMARY:x"), through=None)


def test_recurring_event_closes_each_time():
    """A yearly closure closes every year up to through, except where an EXDATE takes it out."""
    event = ("DTSTART;VALUE=DATE:20261224", "RRULE:FREQ=YEARLY", "EXDATE;VALUE=DATE:20271224", "SUMMARY:eve")
    [layer] = of_ical(event, through=date(2028, 12, 31))

    assert [entry.first for entry in layer.entries] == [date(2026, 12, 24), date(2028, 12, 24)]


def test_cancelled_and_transparent_events_say_nothing():
    """A cancelled closure and a mere note close no day."""
    cancelled = (*STOCKTAKE, "STATUS:CANCELLED")
    note = (*STOCKTAKE, "TRANSP:TRANSPARENT")

    assert of_ical(cancelled, note) == ()
    assert len(of_ical(STOCKTAKE)[0].entries) == 1


def test_garbage_is_not_a_calendar():
    """A file that is no iCalendar is refused, not read as empty."""
    with pytest.raises(OverrideRefused):
        layers_from_ical("BEGIN:VEVENT\nEND:VCARD\n", file="x.ics")


def test_too_many_entries_are_refused():
    """A list longer than anybody reviews is refused."""
    rows = "".join(f"depot/{n},2026-12-28,,no,,x,\n" for n in range(MAX_ENTRIES + 1))

    with pytest.raises(OverrideRefused, match="more than"):
        of_csv("scope,from,to,open,cutoff,reason,source\n" + rows)


def test_files_are_read_by_their_ending(tmp_path):
    """A path chooses its reader; other endings, large files and other encodings are refused."""
    good, odd, large, latin = (tmp_path / name for name in ("a.yaml", "a.txt", "b.csv", "c.csv"))
    good.write_text(YAML, encoding="utf-8")
    odd.write_text(YAML, encoding="utf-8")
    large.write_bytes(b"x" * (MAX_BYTES + 1))
    latin.write_bytes(CSV.replace("stocktake", "Inventur für").encode("latin-1"))

    assert read_overrides(good) == layers_from_yaml(YAML, file="a.yaml")
    for path in (odd, large, latin):
        with pytest.raises(OverrideRefused):
            read_overrides(path)


def test_refusal_survives_pickling():
    """A refusal crosses a process border with its evidence."""
    again = pickle.loads(pickle.dumps(OverrideRefused("a.yaml", 3, "why")))

    assert (again.file, again.line, again.reason) == ("a.yaml", 3, "why")


def test_export_reads_back():
    """Closures exported as iCalendar close the same days when read again; runs are one event."""
    calendar = apply_layers(MUNICH, of_yaml(YAML))
    first, last = date(2026, 1, 1), date(2026, 12, 31)
    content = to_ical(calendar, first=first, last=last, name="depot/MUC1", made_at=datetime(2026, 11, 20, tzinfo=UTC))
    again = layers_from_ical(content.decode(), file="out.ics", through=last)

    days = {entry.first for layer in again for entry in layer.entries}
    assert date(2026, 12, 28) in days
    assert date(2026, 12, 29) not in days
    everything = load().weekly("x").with_overrides(again[0].entries)
    closed = [closure.on for closure in calendar.closures(first, last)]
    assert [closure.on for closure in everything.closures(first, last)] == closed
