"""What a promise's receipt says, step by step, and what differs between two of them.

Pure: a stored receipt in, sentences with their values out, in the order a person would tell it. `tasks.explanations`
says them in a language; the English sentence is the key of the catalogue (infra/locale/*/LC_MESSAGES/promises.po).
The working is what `calendars.traces` wrote: steps of a kind, a party and a reason, which is read here once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """An instant as the depot's clock shows it."""

    at: datetime
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Depot:
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a day is closed: `weekend` and `carrier holiday` are words of ours, anything else is quoted as given."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One sentence: the English key and its values, whose types say how a language writes them."""

    sentence: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One revision of a promise, as it is on record."""

    revision: int
    commitment: str
    """`ship` or `arrive`."""
    ship_on: date
    arrive_on: date
    provisional: bool
    depot: str
    service: str
    versions: Mapping[str, str]
    trace: Sequence[Mapping[str, Any]]
    alternatives: Sequence[Mapping[str, Any]]

    @property
    def promised_on(self) -> date:
        return self.ship_on if self.commitment == "ship" else self.arrive_on


def n_(sentence: str) -> str:
    """Marks a sentence for the catalogue."""
    return sentence


# --- one receipt ----------------------------------------------------------------------------------------------------


def explained(receipt: Receipt, *, approved_at: datetime) -> list[Said]:
    """The whole receipt: what is promised, how the dates came about, why this depot, and what it was computed from."""
    steps = working(receipt.trace, approved_at=approved_at)
    return [*promised(receipt), *steps, *choice(receipt), *origins(receipt.versions)]


def promised(receipt: Receipt) -> list[Said]:
    """The promised date, the other one as a target, and whether they are firm."""
    arrives = receipt.commitment == "arrive"
    first = n_("Promised: delivery on %(day)s.") if arrives else n_("Promised: dispatch on %(day)s.")
    second = n_("Target: dispatch on %(day)s.") if arrives else n_("Target: delivery on %(day)s.")
    target = receipt.ship_on if arrives else receipt.arrive_on
    said = [Said(sentence=first, values={"day": receipt.promised_on}), Said(sentence=second, values={"day": target})]
    if receipt.provisional:
        said.append(Said(sentence=n_("Both dates are provisional: a calendar on the way is not final yet.")))
    return said


def working(trace: Sequence[Mapping[str, Any]], *, approved_at: datetime | None = None) -> list[Said]:
    """Approval, the depot's local time, the cut-off, every skipped day with its party and reason, and both dates.

    A trace that begins after `approved_at` counts from the instant the parts were found: the parcel could not be packed
    for an earlier pick-up, and what looks like a cut-off in it is the last packing before a pick-up.
    """
    zone = _zone(trace)
    steps = [_STEPS.get(step["kind"], _unknown)(step, zone) for step in trace]
    start = _start(trace)
    if approved_at is None or start is None or start <= approved_at:
        return steps
    return [
        Said(sentence=_APPROVED, values={"at": Local(at=approved_at, zone="UTC")}),
        *(Said(sentence=_WHEN_PLANNED.get(said.sentence, said.sentence), values=said.values) for said in steps),
    ]


def _start(trace: Sequence[Mapping[str, Any]]) -> datetime | None:
    return next((_at(step) for step in trace if step["kind"] == "approved"), None)


def _zone(trace: Sequence[Mapping[str, Any]]) -> str:
    for step in trace:
        found = _LOCAL.fullmatch(step["reason"])
        if found:
            return found["zone"]
    return "UTC"


_LOCAL = re.compile(r"local time of (?P<depot>\S+) \((?P<zone>[^)]+)\)")
_LATE = re.compile(r"(?:approved at (?P<approved>[\d:]+), )?cut-off was (?P<cutoff>[\d:]+)")
_CUTOFF = re.compile(r"cut-off of \S+ met with (?:(?P<days>\d+) days?, )?(?P<h>\d+):(?P<m>\d+):(?P<s>\d+) to spare")
_NUMBER = re.compile(r".* business day (?P<n>\d+)")
_DISPATCH = re.compile(r".* when it leaves at (?P<time>[\d:]+)")
_LEAVES = re.compile(r"leaves (?P<depot>\S+)")
_WEEKEND = re.compile(r"weekend \(\w+\)")
_SOURCE = re.compile(r" \[[^\]]*\]")


def _on(step: Mapping[str, Any]) -> date:
    return date.fromisoformat(step["on"])


def _at(step: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(step["at"])


_APPROVED = n_("Approved on %(at)s UTC.")
_TOO_LATE = n_("Too late for %(day)s: the cut-off was %(cutoff)s, the approval came at %(approved)s.")
_IN_TIME = n_("In time for the cut-off on %(at)s, with %(spare)s to spare.")
_PASSED = n_("Too late for %(day)s: its cut-off, %(cutoff)s, had passed.")
_WHEN_PLANNED = {
    _APPROVED: n_("Counted from %(at)s UTC, when its parts were found: it could not be packed earlier."),
    _TOO_LATE: n_("Too late for %(day)s: packing had to begin by %(cutoff)s, and it was %(approved)s."),
    _IN_TIME: n_("In time to be packed from %(at)s for the pick-up, with %(spare)s to spare."),
    _PASSED: n_("Too late for %(day)s: packing had to begin by %(cutoff)s."),
}
"""The same steps, where the trace counts from the moment the parts were found and not from the approval."""


def _approved(step: Mapping[str, Any], _zone: str) -> Said:
    return Said(sentence=_APPROVED, values={"at": Local(at=_at(step), zone="UTC")})


def _local(step: Mapping[str, Any], zone: str) -> Said:
    found = _LOCAL.fullmatch(step["reason"])
    depot = Depot(code=found["depot"]) if found else Depot(code="")
    sentence = n_("At the depot in %(depot)s it was then %(at)s.")
    return Said(sentence=sentence, values={"depot": depot, "at": Local(at=_at(step), zone=zone)})


def _late(step: Mapping[str, Any], zone: str) -> Said:
    found = _LATE.fullmatch(step["reason"])
    if found is None:
        return _unknown(step, zone)
    return Said(sentence=_TOO_LATE if found["approved"] else _PASSED, values={"day": _on(step), **_found(found)})


def _found(found: re.Match[str]) -> dict[str, Any]:
    """Named groups by name; days and wall-clock times as such, everything else as text."""
    given = {name: value for name, value in found.groupdict().items() if value is not None}
    return {name: _READ.get(name, str)(value) for name, value in given.items()}


_READ: dict[str, Callable[[str], Any]] = {
    "day": date.fromisoformat,
    "approved": time.fromisoformat,
    "cutoff": time.fromisoformat,
    "time": time.fromisoformat,
    "freight": Decimal,
    "holder": lambda code: Depot(code=code),
}


_SKIPPED = {
    "depot": n_("Not %(day)s: the depot is closed (%(why)s)."),
    "pickup": n_("Not %(day)s: the carrier does not collect (%(why)s)."),
    "carrier": n_("Not %(day)s: the carrier does not deliver (%(why)s)."),
    "destination": n_("Not %(day)s: no deliveries at the destination (%(why)s)."),
    "receiving": n_("Not %(day)s: nobody receives at the site (%(why)s)."),
    "customs": n_("Not %(day)s: customs is closed (%(why)s)."),
}


def _skipped(step: Mapping[str, Any], zone: str) -> Said:
    if step["party"] not in _SKIPPED:
        return _unknown(step, zone)
    return Said(sentence=_SKIPPED[step["party"]], values={"day": _on(step), "why": reason_of(step)})


def reason_of(step: Mapping[str, Any]) -> Reason:
    """Why the day is closed, without the key of the calendar that says so: that stands among the versions."""
    bare = _SOURCE.sub("", step["reason"])
    return Reason(text="weekend" if _WEEKEND.fullmatch(bare) else bare)


def _cutoff(step: Mapping[str, Any], zone: str) -> Said:
    found = _CUTOFF.fullmatch(step["reason"])
    if found is None:
        return _unknown(step, zone)
    days, hours, minutes, seconds = (int(found[name] or 0) for name in ("days", "h", "m", "s"))
    spare = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    return Said(sentence=_IN_TIME, values={"at": Local(at=_at(step), zone=zone), "spare": spare})


_COUNTED = {
    "handling": n_("Handling day %(n)s at the depot: %(day)s."),
    "transit": n_("Transit day %(n)s: %(day)s."),
    "customs": n_("Customs day %(n)s: %(day)s."),
}


def _counted(step: Mapping[str, Any], zone: str) -> Said:
    found = _NUMBER.fullmatch(step["reason"])
    if found is None:
        return _unknown(step, zone)
    return Said(sentence=_COUNTED[step["kind"]], values={"n": int(found["n"]), "day": _on(step)})


def _ship(step: Mapping[str, Any], zone: str) -> Said:
    found = _LEAVES.fullmatch(step["reason"])
    if found is None:
        return _unknown(step, zone)
    values = {"depot": Depot(code=found["depot"]), "day": _on(step)}
    return Said(sentence=n_("It leaves the depot in %(depot)s on %(day)s."), values=values)


def _dispatch(step: Mapping[str, Any], zone: str) -> Said:
    found = _DISPATCH.fullmatch(step["reason"])
    if found is None:
        return _unknown(step, zone)
    sentence = n_("When it leaves at %(time)s, the destination already has %(day)s.")
    return Said(sentence=sentence, values={**_found(found), "day": _on(step)})


def _arrive(step: Mapping[str, Any], _zone: str) -> Said:
    return Said(sentence=n_("It arrives on %(day)s."), values={"day": _on(step)})


def _unknown(step: Mapping[str, Any], _zone: str) -> Said:
    """A step written by another release: better in its own words than left out."""
    when = step["on"] or step["at"] or ""
    return Said(sentence="%(words)s", values={"words": f"{when} {step['party']}: {step['reason']}"})


_STEPS: dict[str, Callable[[Mapping[str, Any], str], Said]] = {
    "approved": _approved,
    "local": _local,
    "late": _late,
    "skipped": _skipped,
    "cutoff": _cutoff,
    "handling": _counted,
    "ship": _ship,
    "dispatch": _dispatch,
    "transit": _counted,
    "customs": _counted,
    "arrive": _arrive,
}


# --- why this depot -------------------------------------------------------------------------------------------------


def choice(receipt: Receipt) -> list[Said]:
    """The depot and service taken, and each one that lost, with its reason."""
    values = {"depot": Depot(code=receipt.depot), "service": Service(id=receipt.service)}
    taken = Said(sentence=n_("Taken: %(depot)s, by %(service)s."), values=values)
    if not receipt.alternatives:
        return [taken, Said(sentence=n_("This revision compared no other depot or service."))]
    return [taken, *(_lost(lost) for lost in receipt.alternatives)]


_LOST = (
    (
        re.compile(r"would promise (?P<day>\d{4}-\d\d-\d\d), parts are reserved at (?P<holder>\S+)"),
        n_("Not taken: %(depot)s, by %(service)s: would promise %(day)s, but the parts are reserved in %(holder)s."),
    ),
    (re.compile(r"short of (?P<parts>.+)"), n_("Not taken: %(depot)s, by %(service)s: too little stock of %(parts)s.")),
    (re.compile(r"would promise (?P<day>\d{4}-\d\d-\d\d)"),
     n_("Not taken: %(depot)s, by %(service)s: would promise %(day)s.")),
    (re.compile(r"(?P<km>\d+) km away, taken (?P<taken>\d+) km"),
     n_("Not taken: %(depot)s, by %(service)s: %(km)s km away, the one taken %(taken)s km.")),
    (re.compile(r"freight (?P<freight>[\d.]+), taken (?P<taken>[\d.]+)"),
     n_("Not taken: %(depot)s, by %(service)s: freight %(freight)s, the one taken %(taken)s.")),
)  # fmt: skip


def _lost(lost: Mapping[str, Any]) -> Said:
    values: dict[str, Any] = {"depot": Depot(code=lost["depot"]), "service": Service(id=lost["service"])}
    for pattern, sentence in _LOST:
        if found := pattern.fullmatch(lost["why"]):
            return Said(sentence=sentence, values={**values, **_found(found)})
    sentence = n_("Not taken: %(depot)s, by %(service)s: %(why)s.")
    return Said(sentence=sentence, values={**values, "why": lost["why"]})


def origins(versions: Mapping[str, str]) -> list[Said]:
    """The versions everything was computed from."""
    known = {name: versions.get(name, "-") for name in ("data", "tzdata", "policy")}
    sentence = n_("Computed from calendars %(data)s, time zones %(tzdata)s and policy %(policy)s.")
    return [Said(sentence=sentence, values=known)]


# --- two receipts ---------------------------------------------------------------------------------------------------


def differences(before: Receipt, after: Receipt) -> list[Said]:
    """Why the date moved: the dates, then who sends, then each step that is there in one receipt alone."""
    return [*_dates(before, after), *reasons(before, after), *_versions(before, after)]


def reasons(before: Receipt, after: Receipt) -> list[Said]:
    """The steps that differ, without the dates they lead to."""
    return [
        *_sender(before, after),
        *_planned_later(before, after),
        *_cutoffs(before.trace, after.trace),
        *_skips(before.trace, after.trace),
        *_counts(before.trace, after.trace),
    ]


def _dates(before: Receipt, after: Receipt) -> list[Said]:
    values = {"old": before.promised_on, "new": after.promised_on}
    if before.promised_on == after.promised_on:
        return [Said(sentence=n_("The promised date stays %(day)s."), values={"day": after.promised_on})]
    if after.commitment == "arrive":
        return [Said(sentence=n_("Promised delivery moved from %(old)s to %(new)s."), values=values)]
    return [Said(sentence=n_("Promised dispatch moved from %(old)s to %(new)s."), values=values)]


def _sender(before: Receipt, after: Receipt) -> list[Said]:
    said = []
    if before.depot != after.depot:
        values = {"old": Depot(code=before.depot), "new": Depot(code=after.depot)}
        said.append(Said(sentence=n_("It leaves from %(new)s instead of %(old)s."), values=values))
    if before.service != after.service:
        services = {"old": Service(id=before.service), "new": Service(id=after.service)}
        said.append(Said(sentence=n_("It goes by %(new)s instead of %(old)s."), values=services))
    if said:
        left = {"depot": before.depot, "service": before.service}
        said += [_lost(lost) for lost in after.alternatives if {k: lost[k] for k in left} == left]
    return said


def _planned_later(before: Receipt, after: Receipt) -> list[Said]:
    """The later receipt counts from another instant than the approval: stock or hands came too late for a pick-up."""
    old, new = _start(before.trace), _start(after.trace)
    if old is None or new is None or new <= old:
        return []
    return [Said(sentence=_WHEN_PLANNED[_APPROVED], values={"at": Local(at=new, zone="UTC")})]


def _cutoffs(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> list[Said]:
    """Cut-offs of one day that changed, and days for which the approval is now too late or no longer is."""
    if _start(before) != _start(after):
        return []  # cut-offs for approvals and last packings are different limits
    said = []
    old, new = _cutoff_times(before), _cutoff_times(after)
    for day in sorted(old.keys() & new.keys()):
        if old[day] != new[day]:
            values = {"day": day, "old": old[day], "new": new[day]}
            said.append(Said(sentence=n_("The cut-off on %(day)s is %(new)s instead of %(old)s."), values=values))
    zone = _zone(after)
    missed = {_on(step) for step in before if step["kind"] == "late"}
    said += [_late(step, zone) for step in after if step["kind"] == "late" and _on(step) not in missed]
    return said


def _cutoff_times(trace: Iterable[Mapping[str, Any]]) -> dict[date, time]:
    """Local day -> its cut-off, as far as the trace names them."""
    found: dict[date, time] = {}
    for step in trace:
        if step["kind"] == "cutoff":
            found[_at(step).date()] = _at(step).time()
        elif step["kind"] == "late" and (late := _LATE.fullmatch(step["reason"])):
            found[_on(step)] = time.fromisoformat(late["cutoff"])
    return found


def _skips(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> list[Said]:
    """Days skipped in one receipt alone; a day the new journey never comes to is not one that opened."""
    old, new = _closed(before), _closed(after)
    said = [_skipped(step, "") for key, step in new.items() if key not in old]
    inspected = {_on(step) for step in after if step["on"]}
    for (day, why), step in old.items():
        if (day, why) not in new and day in inspected:
            values = {"day": day, "why": reason_of(step)}
            said.append(Said(sentence=n_("No longer skipped: %(day)s (%(why)s)."), values=values))
    return said


def _closed(trace: Iterable[Mapping[str, Any]]) -> dict[tuple[date, str], Mapping[str, Any]]:
    """Skipped days by day and reason: a weekend that the depot has now and the carrier had then is the same weekend."""
    found: dict[tuple[date, str], Mapping[str, Any]] = {}
    for step in trace:
        if step["kind"] == "skipped":
            found.setdefault((_on(step), reason_of(step).text), step)
    return found


_LENGTHS = {
    "handling": n_("The depot takes %(new)s business days to prepare it instead of %(old)s."),
    "transit": n_("The journey takes %(new)s business days instead of %(old)s."),
    "customs": n_("Customs takes %(new)s business days instead of %(old)s."),
}


def _counts(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> list[Said]:
    said = []
    for kind, sentence in _LENGTHS.items():
        old, new = (sum(step["kind"] == kind for step in trace) for trace in (before, after))
        if old != new:
            said.append(Said(sentence=sentence, values={"old": old, "new": new}))
    return said


def _versions(before: Receipt, after: Receipt) -> list[Said]:
    """Which calendars, zones or policy changed in between; a calendar used by one receipt alone is not a change."""
    shared = [name for name in before.versions if name in after.versions]
    return [
        Said(
            sentence=n_("Changed since: %(name)s, version %(old)s, now %(new)s."),
            values={"name": name, "old": before.versions[name], "new": after.versions[name]},
        )
        for name in shared
        if before.versions[name] != after.versions[name]
    ]


def calendars_changed(before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    """Whether the days or the clocks behind two receipts differ, as opposed to the policy alone.

    `data` names the snapshot of all regions, most of which no single receipt uses.
    """
    old, new = ({k: v for k, v in each.items() if k not in {"policy", "data"}} for each in (before, after))
    return old != new
