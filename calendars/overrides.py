"""Closures, openings and half days that people write down: YAML, CSV or iCalendar in, iCalendar out.

A file is a layer (government decree, carrier, depot, consignee, order); layers are applied in order, later ones win,
and every entry says open or closed outright. Files come from outside, so they are read with limits and refused as a
whole with file, line and reason: half a closure list is worse than none. Called by tasks that keep such calendars.

YAML                                              CSV
    calendar: depot/MUC1                              scope,from,to,open,cutoff,reason,source
    through: 2027-12-31                               depot/MUC1,2026-12-28,2026-12-30,no,,stocktake,ops/4711
    closed:                                           depot/MUC1,2026-12-24,2026-12-24,,12:00,half day,
      - {from: 2026-12-28, to: 2026-12-30, reason: stocktake, source: ops/4711}
    open:
      - {date: 2026-12-05, reason: peak Saturday}     iCalendar: all-day events close (DTEND exclusive),
    cutoff_on: {2026-12-24: "12:00"}                  CATEGORIES:OPEN opens, CATEGORIES:CUTOFF with a local start
                                                      time is a half day; TRANSP:TRANSPARENT and STATUS:CANCELLED
                                                      say nothing
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any

import yaml
from dateutil.rrule import rrulestr
from icalendar import Calendar, Event

from calendars.cutoffs import CutoffRule
from calendars.operating import CalendarError, OperatingCalendar, Override

MAX_BYTES = 512_000
MAX_ENTRIES = 5_000
MAX_DAYS = 366
"""Of one entry: a longer closure is a depot that should be taken out of the policy."""
MAX_OCCURRENCES = 500
"""Of one recurring event."""
_ONE_DAY = timedelta(days=1)


class OverrideRefused(CalendarError):
    """A closure file was refused as a whole; `file`, `line` and `reason` say what its author must mend."""

    def __init__(self, file: str, line: int, reason: str) -> None:
        super().__init__(f"{file}, line {line}: {reason}")
        self.file, self.line, self.reason = file, line, reason

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.file, self.line, self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """What one file says of one calendar."""

    name: str
    """For example `depot/MUC1`; the scope of a CSV row."""
    entries: tuple[Override, ...]
    cutoff_on: tuple[tuple[date, time], ...] = ()
    """Half days: the earlier local cut-off per date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """One statement of a file, before its layer is checked."""

    scope: str
    first: date
    last: date
    reason: str
    source: str
    line: int
    open: bool | None
    """None: only the cut-off changes."""
    cutoff: time | None = None


def read_overrides(path: Path, *, through: date | None = None) -> tuple[Layer, ...]:
    """Reads a `.yaml`, `.csv` or `.ics` file. `through`: last date entries may name; a YAML file states its own.

    Raises `OverrideRefused` for anything unknown, contradictory, too large or past `through`.
    """
    readers: dict[str, Callable[..., tuple[Layer, ...]]] = {
        ".yaml": layers_from_yaml,
        ".yml": layers_from_yaml,
        ".csv": layers_from_csv,
        ".ics": layers_from_ical,
    }
    if path.suffix.lower() not in readers:
        raise OverrideRefused(path.name, 0, f"only {', '.join(readers)} are read")
    if path.stat().st_size > MAX_BYTES:
        raise OverrideRefused(path.name, 0, f"larger than {MAX_BYTES} bytes")
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise OverrideRefused(path.name, content[: error.start].count(b"\n") + 1, "not UTF-8") from error
    return readers[path.suffix.lower()](text, file=path.name, through=through)


def apply_layers(calendar: OperatingCalendar, layers: Iterable[Layer]) -> OperatingCalendar:
    """The calendar under all layers, in order, later ones winning."""
    for layer in layers:
        calendar = calendar.with_overrides(layer.entries, layer=layer.name)
    return calendar


def apply_cutoffs(rule: CutoffRule, layers: Iterable[Layer]) -> CutoffRule:
    """The cut-off rule with the layers' half days, later layers winning."""
    dates = dict(rule.by_date)
    for layer in layers:
        dates.update(layer.cutoff_on)
    return replace(rule, by_date=tuple(sorted(dates.items())))


# ---------------------------------------------------------------- checks common to all formats


def _layers(said: list[_Said], file: str, through: date | None) -> tuple[Layer, ...]:
    """Layers by scope, in order of appearance, after every check that needs more than one statement."""
    if len(said) > MAX_ENTRIES:
        raise OverrideRefused(file, said[MAX_ENTRIES].line, f"more than {MAX_ENTRIES} entries")
    for entry in said:
        _check(entry, file, through)
    scopes = dict.fromkeys(entry.scope for entry in said)
    return tuple(_layer(scope, [entry for entry in said if entry.scope == scope], file) for scope in scopes)


def _check(entry: _Said, file: str, through: date | None) -> None:
    if not entry.scope or not entry.reason:
        raise OverrideRefused(file, entry.line, "an entry needs a calendar (scope) and a reason")
    if entry.last < entry.first:
        raise OverrideRefused(file, entry.line, f"ends on {entry.last}, before it starts on {entry.first}")
    if (entry.last - entry.first).days >= MAX_DAYS:
        raise OverrideRefused(file, entry.line, f"longer than {MAX_DAYS} days")
    if through is not None and entry.last > through:
        raise OverrideRefused(file, entry.line, f"{entry.last} is past through {through}: extend it on purpose")


def _layer(scope: str, said: list[_Said], file: str) -> Layer:
    days: dict[date, _Said] = {}
    cutoffs: dict[date, time] = {}
    for entry in said:
        for day in _span(entry):
            earlier = days.get(day)
            if entry.open is not None:
                if earlier is not None and earlier.open != entry.open:
                    both = f"{day} is open and closed in one layer (also line {earlier.line})"
                    raise OverrideRefused(file, entry.line, both)
                days[day] = entry
            if entry.cutoff is not None and cutoffs.setdefault(day, entry.cutoff) != entry.cutoff:
                raise OverrideRefused(file, entry.line, f"{day} has two cut-offs in one layer")
    return Layer(
        name=scope,
        entries=tuple(
            Override(
                first=entry.first,
                last=entry.last,
                open=entry.open,
                reason=entry.reason,
                source=entry.source or f"{file}:{entry.line}",
            )
            for entry in said
            if entry.open is not None
        ),
        cutoff_on=tuple(sorted(cutoffs.items())),
    )


def _span(entry: _Said) -> Iterator[date]:
    return (entry.first + _ONE_DAY * step for step in range((entry.last - entry.first).days + 1))


def _date(text: str, file: str, line: int) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise OverrideRefused(file, line, f"{text!r} is not a date like 2026-12-24") from error


def _wall(text: str, file: str, line: int) -> time:
    try:
        return datetime.strptime(text.strip(), "%H:%M").time()  # noqa: DTZ007 - a wall time: the depot has the zone
    except ValueError as error:
        raise OverrideRefused(file, line, f"{text!r} is not a time like 12:00") from error


# ---------------------------------------------------------------- YAML

_FILE_KEYS = frozenset({"calendar", "through", "closed", "open", "cutoff_on"})
_ENTRY_KEYS = frozenset({"date", "from", "to", "reason", "source"})


def layers_from_yaml(text: str, *, file: str, through: date | None = None) -> tuple[Layer, ...]:
    """One layer. The file's `through` is required unless the caller gives one; the earlier of both counts."""
    node = _yaml_root(text, file)
    parts = _pairs(node, _FILE_KEYS, file)
    if "calendar" not in parts:
        raise OverrideRefused(file, 1, "the key calendar is missing: whose days are these?")
    own = _date(_scalar(parts["through"], file), file, _line(parts["through"])) if "through" in parts else None
    limits = [limit for limit in (own, through) if limit is not None]
    if not limits:
        raise OverrideRefused(file, 1, "the key through is missing: until when is the list complete?")
    scope = _scalar(parts["calendar"], file)
    said = [*_yaml_entries(parts, "closed", scope, file), *_yaml_entries(parts, "open", scope, file)]
    for key, value in _items(parts["cutoff_on"], file) if "cutoff_on" in parts else ():
        day, line = _date(key.value, file, _line(key)), _line(key)
        wall = _wall(_scalar(value, file), file, line)
        said.append(
            _Said(scope=scope, first=day, last=day, reason="half day", source="", line=line, open=None, cutoff=wall)
        )
    return _layers(said, file, min(limits))


def _yaml_root(text: str, file: str) -> yaml.Node:
    if len(text.encode()) > MAX_BYTES:
        raise OverrideRefused(file, 0, f"larger than {MAX_BYTES} bytes")
    try:
        # Aliases can make a small file expand without end; a closure list needs none.
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                line = event.start_mark.line + 1 if event.start_mark else 0
                raise OverrideRefused(file, line, "aliases are not read")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise OverrideRefused(file, mark.line + 1 if mark else 0, f"not YAML: {error}") from error
    if node is None:
        raise OverrideRefused(file, 1, "the file is empty")
    return node


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _scalar(node: yaml.Node, file: str) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise OverrideRefused(file, _line(node), "a single value is expected here")
    return str(node.value)


def _items(node: yaml.Node, file: str) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        raise OverrideRefused(file, _line(node), "a mapping (key: value) is expected here")
    seen: set[str] = set()
    for key, _ in node.value:
        if _scalar(key, file) in seen:
            raise OverrideRefused(file, _line(key), f"{key.value!r} is given twice")
        seen.add(key.value)
    return list(node.value)


def _pairs(node: yaml.Node, allowed: frozenset[str], file: str) -> dict[str, yaml.Node]:
    found = {}
    for key, value in _items(node, file):
        if key.value not in allowed:
            raise OverrideRefused(
                file, _line(key), f"unknown key {key.value!r}; known are {', '.join(sorted(allowed))}"
            )
        found[str(key.value)] = value
    return found


def _yaml_entries(parts: dict[str, yaml.Node], key: str, scope: str, file: str) -> Iterator[_Said]:
    node = parts.get(key)
    if node is None:
        return
    if not isinstance(node, yaml.SequenceNode):
        raise OverrideRefused(file, _line(node), f"{key} is a list of entries")
    for item in node.value:
        line, values = _line(item), {k: _scalar(v, file) for k, v in _pairs(item, _ENTRY_KEYS, file).items()}
        if ("date" in values) == ("from" in values) or ("to" in values and "from" not in values):
            raise OverrideRefused(file, line, "an entry has either date, or from (and to)")
        first = values.get("date") or values["from"]
        yield _Said(
            scope=scope,
            first=_date(first, file, line),
            last=_date(values.get("to", first), file, line),
            reason=values.get("reason", ""),
            source=values.get("source", ""),
            line=line,
            open=key == "open",
        )


# ---------------------------------------------------------------- CSV

_COLUMNS = ("scope", "from", "to", "open", "cutoff", "reason", "source")
_YES_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False, "": None}


def layers_from_csv(text: str, *, file: str, through: date | None = None) -> tuple[Layer, ...]:
    """One layer per scope; columns as in the module's example. A row with a cut-off and no `open` is a half day."""
    reader = csv.DictReader(io.StringIO(text), strict=True)
    missing = {"scope", "from", "reason"} - set(reader.fieldnames or ())
    unknown = set(reader.fieldnames or ()) - set(_COLUMNS)
    if missing or unknown:
        raise OverrideRefused(file, 1, f"columns unknown: {sorted(unknown)}, missing: {sorted(missing)}")
    try:
        said = [_csv_row(row, file, reader.line_num) for row in reader]
    except csv.Error as error:
        raise OverrideRefused(file, reader.line_num, f"not CSV: {error}") from error
    return _layers(said, file, through)


def _csv_row(row: dict[str | Any, Any], file: str, line: int) -> _Said:
    if None in row or None in row.values():
        raise OverrideRefused(file, line, "the row has more or fewer cells than the header")
    cell = {key: value.strip() for key, value in row.items()}
    word = cell.get("open", "").lower()
    if word not in _YES_NO:
        raise OverrideRefused(file, line, f"open is yes or no, not {word!r}")
    wall = _wall(cell["cutoff"], file, line) if cell.get("cutoff") else None
    if _YES_NO[word] is None and wall is None:
        raise OverrideRefused(file, line, "a row says open (yes or no), a cut-off, or both")
    return _Said(
        scope=cell["scope"],
        first=_date(cell["from"], file, line),
        last=_date(cell.get("to") or cell["from"], file, line),
        reason=cell["reason"],
        source=cell.get("source", ""),
        line=line,
        open=_YES_NO[word],
        cutoff=wall,
    )


# ---------------------------------------------------------------- iCalendar


def layers_from_ical(text: str, *, file: str, through: date | None = None) -> tuple[Layer, ...]:
    """One layer, named by X-WR-CALNAME (else the file). Recurring events need `through`, and are capped."""
    if len(text.encode()) > MAX_BYTES:
        raise OverrideRefused(file, 0, f"larger than {MAX_BYTES} bytes")
    lines = [number for number, line in enumerate(text.splitlines(), 1) if line.strip().upper() == "BEGIN:VEVENT"]
    try:
        calendar = Calendar.from_ical(text)
        scope = str(calendar.get("X-WR-CALNAME", file))
        said = []
        for line, event in zip(lines, calendar.walk("VEVENT"), strict=True):
            said += list(_event(event, scope, file, line, through))
    except OverrideRefused:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise OverrideRefused(file, lines[0] if lines else 1, f"not iCalendar: {error}") from error
    return _layers(said, file, through)


def _event(event: Any, scope: str, file: str, line: int, through: date | None) -> Iterator[_Said]:
    """The statements of one event; none for cancelled and transparent ones."""
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        return
    words = _categories(event)
    if str(event.get("TRANSP", "OPAQUE")).upper() == "TRANSPARENT" and not words & {"OPEN", "CUTOFF"}:
        return
    if errors := [f"{name}: {problem}" for name, problem in event.errors]:
        raise OverrideRefused(file, line, f"unreadable event: {'; '.join(errors)}")
    if "RECURRENCE-ID" in event or "DTSTART" not in event:
        raise OverrideRefused(file, line, "single changes of a series and events without a start are not read")
    start = event.decoded("DTSTART")
    timed = isinstance(start, datetime)
    if timed and "CUTOFF" not in words:
        raise OverrideRefused(file, line, "a timed event closes no day; CATEGORIES:CUTOFF makes it a half day")
    first = start.date() if isinstance(start, datetime) else start
    length = _length(event, start, file, line)
    said = _Said(
        scope=scope,
        first=first,
        last=first + _ONE_DAY * (length - 1),
        reason=str(event.get("SUMMARY", "")),
        source=str(event.get("UID", "")),
        line=line,
        open=None if timed else "OPEN" in words,
        cutoff=start.time() if isinstance(start, datetime) else None,
    )
    for day in _occurrences(event, first, file, line, through):
        yield replace(said, first=day, last=day + _ONE_DAY * (length - 1))


def _categories(event: Any) -> set[str]:
    found = event.get("CATEGORIES", [])
    entries = found if isinstance(found, list) else [found]
    return {str(word).strip().upper() for entry in entries for word in entry.cats}


def _length(event: Any, start: date, file: str, line: int) -> int:
    """Days of an all-day event: DTEND is exclusive; none means one day."""
    if isinstance(start, datetime):
        return 1
    if "DURATION" in event:
        days = event.decoded("DURATION").days
    else:
        days = (event.decoded("DTEND") - start).days if "DTEND" in event else 1
    if not 1 <= days <= MAX_DAYS:
        raise OverrideRefused(file, line, f"lasts {days} days; DTEND is exclusive and at most {MAX_DAYS} days away")
    return int(days)


def _occurrences(event: Any, first: date, file: str, line: int, through: date | None) -> list[date]:
    """First days of an event's occurrences up to `through`, its EXDATEs taken out."""
    if "RDATE" in event:
        raise OverrideRefused(file, line, "RDATE is not read: write the days as events")
    if "RRULE" not in event:
        return [first]
    if through is None:
        raise OverrideRefused(file, line, "a recurring event needs a last date (through)")
    rule = rrulestr(event["RRULE"].to_ical().decode(), dtstart=datetime.combine(first, time()))
    found: list[date] = []
    for occurrence in rule:
        if occurrence.date() > through:
            break
        found.append(occurrence.date())
        if len(found) > MAX_OCCURRENCES:
            raise OverrideRefused(file, line, f"recurs more than {MAX_OCCURRENCES} times before {through}")
    excluded = _excluded(event)
    return [day for day in found if day not in excluded]


def _excluded(event: Any) -> set[date]:
    found = event.get("EXDATE", [])
    entries = found if isinstance(found, list) else [found]
    values = [entry.dt for group in entries for entry in group.dts]
    return {value.date() if isinstance(value, datetime) else value for value in values}


def to_ical(calendar: OperatingCalendar, *, first: date, last: date, name: str, made_at: datetime) -> bytes:
    """Closed days of [first, last] that are not merely weekends, as all-day events; runs of one reason are one event.

    `made_at` (aware) is the DTSTAMP: the same calendar made twice differs in nothing else. UIDs are stable.
    """
    out = Calendar()
    out.add("PRODID", "-//parts-dispatch//calendars//EN")
    out.add("VERSION", "2.0")
    out.add("X-WR-CALNAME", name)
    for start, end, reason in _runs(calendar, first, last):
        event = Event()
        digest = blake2b(f"{name} {start} {reason}".encode(), digest_size=8).hexdigest()
        event.add("UID", f"{digest}@parts-dispatch")
        event.add("DTSTAMP", made_at)
        event.add("DTSTART", start)
        event.add("DTEND", end + _ONE_DAY)
        event.add("SUMMARY", reason)
        event.add("TRANSP", "OPAQUE")
        out.add_component(event)
    return bytes(out.to_ical())


def _runs(calendar: OperatingCalendar, first: date, last: date) -> Iterator[tuple[date, date, str]]:
    """Consecutive closures with one reason: first day, last day (inclusive), reason."""
    run: tuple[date, date, str] | None = None
    for closure in calendar.closures(first, last):
        if run and closure.on == run[1] + _ONE_DAY and closure.reason == run[2]:
            run = (run[0], closure.on, closure.reason)
            continue
        if run:
            yield run
        run = (closure.on, closure.on, closure.reason)
    if run:
        yield run
