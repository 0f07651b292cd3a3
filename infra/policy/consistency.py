"""What must hold between the entries of a policy pack: references resolve, nothing is said twice, nothing contradicts.

Called by `infra.policy.pack` after each entry was found valid by itself. Each check yields a fault per entry to mend
and says nothing about what it cannot judge because another file was unreadable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from functools import partial

import pycountry

from infra.db.states import RequestState
from infra.policy.authoring import (
    Closures,
    DepotStock,
    LaneGroup,
    Papers,
    Quantity,
    Remote,
    ServiceEntry,
    Shelving,
)
from infra.policy.draft import SECTIONS, Draft, Entry, Fault, Path
from infra.policy.model import (
    Commitment,
    Contract,
    Depot,
    Money,
    Part,
    Partner,
    Plan,
    Product,
    Thresholds,
)
from infra.policy.postal import postal_key
from infra.policy.problems import listed, nearest

EUROPEAN_UNION = frozenset(
    [
        "AT",
        "BE",
        "BG",
        "HR",
        "CY",
        "CZ",
        "DK",
        "EE",
        "FI",
        "FR",
        "DE",
        "GR",
        "HU",
        "IE",
        "IT",
        "LV",
        "LT",
        "LU",
        "MT",
        "NL",
        "PL",
        "PT",
        "RO",
        "SK",
        "SI",
        "ES",
        "SE",
    ]  # since 2020-02-01
)
"""One customs territory: a lane inside it needs no papers, except to the remote places that lie outside it."""

REQUEST_STATES = frozenset(str(state) for state in RequestState)
"""What `thresholds.ageing_hours` may name: a misspelt state would be an alarm that never rings."""

_WHAT = {
    "plans": "plan",
    "families": "family",
    "products": "product",
    "parts": "part",
    "depots": "depot",
    "carriers": "carrier",
    "closures": "closure list",
    "services": "service",
    "papers": "set of papers",
    "served": "served country",
}
_FILE_OF = {section.key: section.file for section in SECTIONS}

Check = Callable[[Draft], Iterator[Fault]]


def faults_between(draft: Draft, *, today: date) -> Iterator[Fault]:
    """Every inconsistency, in no particular order. `today` decides which `through` has expired."""
    checks: tuple[Check, ...] = (
        _twice,
        _references,
        _countries,
        _amounts,
        _substitutes,
        _depots,
        partial(_closures, today=today),
        _services,
        _papers,
        _lane_groups,
        _remote_places,
        _reach,
        _thresholds,
        _partners,
        _quantities,
        _opening,
    )
    for check in checks:
        yield from check(draft)


def _at(entry: Entry[object], *steps: int | str) -> Path:
    return (*entry.path, *steps)


def _twice(draft: Draft) -> Iterator[Fault]:
    """No two entries of a list have one name."""
    for section in SECTIONS:
        seen: dict[str, str] = {}
        for entry in draft.entries.get(section.key, []):
            name = str(getattr(entry.value, section.name)) if section.name else entry.key
            name = str(entry.value) if section.key == "served" else name
            steps = (section.name,) if section.name else ()
            if section.shape == "list" and name in seen:
                yield Fault(
                    entry.file, _at(entry, *steps), f"{name!r} is already at {seen[name]}", "rename or remove one"
                )
            seen[name] = f"{section.key}[{entry.key}]"


def _references(draft: Draft) -> Iterator[Fault]:
    """Every name another entry uses exists."""
    for entry, steps, kind, name in _uses(draft):
        known = draft.named.get(kind)
        if known is not None and name not in known:
            what = _WHAT[kind]
            otherwise = f"add it to {_FILE_OF[kind]} under {kind}, or name one that is there"
            yield Fault(
                entry.file, _at(entry, *steps), f"no {what} {name!r}", nearest(name, known, otherwise=otherwise)
            )


Use = tuple[Entry[object], tuple[int | str, ...], str, str]
"""Who refers, where inside it, to which section, by which name."""


def _uses(draft: Draft) -> Iterator[Use]:
    yield from _goods_uses(draft)
    yield from _freight_uses(draft)
    yield from _partner_uses(draft)


def _goods_uses(draft: Draft) -> Iterator[Use]:
    for product in draft.every("products", Product):
        yield product, ("family",), "families", product.value.family
    for part in draft.every("parts", Part):
        yield from ((part, ("fits", at), "products", name) for at, name in enumerate(part.value.fits))
        yield from ((part, ("substitutes", at), "parts", name) for at, name in enumerate(part.value.substitutes))
    for stock in draft.every("opening", DepotStock):
        yield stock, ("[key]",), "depots", stock.key
        yield from ((stock, ("on_hand", name, "[key]"), "parts", name) for name in stock.value.on_hand)
        yield from ((stock, ("bins", name, "[key]"), "parts", name) for name in stock.value.bins)


def _freight_uses(draft: Draft) -> Iterator[Use]:
    for depot in draft.every("depots", Depot):
        by_service = depot.value.cutoffs.by_service
        yield from ((depot, ("cutoffs", "by_service", name, "[key]"), "services", name) for name in by_service)
    for service in draft.every("services", ServiceEntry):
        yield service, ("id",), "carriers", service.value.carrier
        yield service, ("closures",), "closures", service.value.closures
    for group in draft.every("groups", LaneGroup):
        yield from ((group, ("depots", at), "depots", name) for at, name in enumerate(group.value.depots))
        yield group, ("service",), "services", group.value.service
        yield from ((group, ("to", country, "[key]"), "served", country) for country in group.value.to)
        if group.value.papers is not None:
            yield group, ("papers",), "papers", group.value.papers
    for remote in draft.every("remote", Remote):
        yield remote, ("country",), "served", remote.value.country
        if remote.value.papers is not None:
            yield remote, ("papers",), "papers", remote.value.papers


def _partner_uses(draft: Draft) -> Iterator[Use]:
    for partner in draft.every("partners", Partner):
        for at, certification in enumerate(partner.value.certifications):
            yield partner, ("certifications", at, "family"), "families", certification.family
        for at, contract in enumerate(partner.value.contracts):
            yield partner, ("contracts", at, "plan"), "plans", contract.plan


def _countries(draft: Draft) -> Iterator[Fault]:
    """Country codes are ISO 3166-1, not merely two letters."""
    codes: list[tuple[Entry[object], tuple[str, ...], str]] = []
    codes += [(each, (), each.value) for each in draft.every("served", str)]
    codes += [(each, ("address", "country"), each.value.address.country) for each in draft.every("depots", Depot)]
    codes += [(each, ("origin",), each.value.origin) for each in draft.every("parts", Part)]
    for entry, steps, code in codes:
        if pycountry.countries.get(alpha_2=code) is None:
            remedy = "write GB" if code == "UK" else "write the ISO 3166-1 alpha-2 code, such as NL"
            yield Fault(entry.file, _at(entry, *steps), f"no country {code!r}", remedy)


def _amounts(draft: Draft) -> Iterator[Fault]:
    """Customs values and list prices are above zero: a free part is refused at the border."""
    priced: list[tuple[Entry[object], str, Money]] = []
    priced += [(each, "list_price", each.value.list_price) for each in draft.every("products", Product)]
    priced += [(each, "value", each.value.value) for each in draft.every("parts", Part)]
    for entry, step, money in priced:
        if not money.amount > 0:
            yield Fault(entry.file, _at(entry, step), f"{money.amount} is not above zero", "write what it costs")
    for part in draft.every("parts", Part):
        if min(part.value.size_mm) <= 0:
            yield Fault(part.file, _at(part, "size_mm"), "a side is not above zero", "write millimetres, packed")


def _substitutes(draft: Draft) -> Iterator[Fault]:
    """Following substitutes never leads back to where it began."""
    follow = {part.number: part.substitutes for part in draft.values("parts", Part)}
    for part in draft.every("parts", Part):
        chain = _way_back(part.value.number, follow)
        if chain:
            wrong = f"substitutes lead back: {' -> '.join(chain)}"
            yield Fault(part.file, _at(part, "substitutes"), wrong, "remove one link of the circle")


def _way_back(start: str, follow: dict[str, tuple[str, ...]]) -> list[str]:
    """The shortest chain from `start` to itself, empty where there is none."""
    came_from: dict[str, str] = {}
    queue = [start]
    for number in queue:
        for following in follow.get(number, ()):
            if following == start:
                chain = [start, number]
                while chain[-1] != start:
                    chain.append(came_from[chain[-1]])
                return chain[::-1]
            if following not in came_from:
                came_from[following] = number
                queue.append(following)
    return []


def _depots(draft: Draft) -> Iterator[Fault]:
    """A parcel approved at the last second of any cut-off is packed when the carrier calls."""
    for depot in draft.every("depots", Depot):
        yield from _cutoff_faults(depot)
        region, country = depot.value.calendar, depot.value.address.country
        if region.partition("-")[0] != country:
            wrong = f"calendar {region!r} is not of {country}, where the depot stands"
            yield Fault(depot.file, _at(depot, "calendar"), wrong, f"write {country}, or {country}- and a subdivision")


def _cutoff_faults(depot: Entry[Depot]) -> Iterator[Fault]:
    latest = _minus(depot.value.pickup, depot.value.packing_minutes)
    for steps, cutoff in _cutoffs_of(depot.value):
        if cutoff.tzinfo is not None:
            yield Fault(depot.file, _at(depot, *steps), "a cut-off with an offset", "write local time such as 15:00")
        elif latest is None or cutoff > latest:
            before = "the day before" if latest is None else f"{latest:%H:%M}"
            wrong = (
                f"cut-off {cutoff:%H:%M} is after {before}, the pick-up {depot.value.pickup:%H:%M} minus "
                f"{depot.value.packing_minutes} min of packing"
            )
            yield Fault(depot.file, _at(depot, *steps), wrong, "move the cut-off earlier or the pick-up later")
    for day in depot.value.cutoffs.by_weekday:
        if day not in depot.value.weekdays:
            steps = ("cutoffs", "by_weekday", day, "[key]")
            remedy = f"remove it or add {day} to weekdays"
            yield Fault(depot.file, _at(depot, *steps), f"a cut-off for {day}, when the depot is closed", remedy)


def _cutoffs_of(depot: Depot) -> Iterator[tuple[tuple[str, ...], time]]:
    yield ("cutoffs", "default"), depot.cutoffs.default
    yield from ((("cutoffs", "by_weekday", day), at) for day, at in depot.cutoffs.by_weekday.items())
    yield from ((("cutoffs", "by_service", name), at) for name, at in depot.cutoffs.by_service.items())


def _minus(clock_time: time, minutes: int) -> time | None:
    """Wall-clock subtraction within a day; None where it leaves the day."""
    some_day = date(2000, 1, 3)
    earlier = datetime.combine(some_day, clock_time.replace(tzinfo=None)) - timedelta(minutes=minutes)
    return earlier.time() if earlier.date() == some_day else None


def _closures(draft: Draft, *, today: date) -> Iterator[Fault]:
    """A carrier's holidays are known for today, and no day lies past what the list claims to know."""
    for entry in draft.every("closures", Closures):
        if entry.value.through < today:
            wrong = f"expired: the list ends on {entry.value.through}, today is {today}"
            remedy = "add the carrier's holidays of the coming years, then move `through`"
            yield Fault(entry.file, _at(entry, "through"), wrong, remedy)
        for day in entry.value.days:
            if day > entry.value.through:
                wrong = f"{day} is past through {entry.value.through}"
                yield Fault(entry.file, _at(entry, "days", str(day), "[key]"), wrong, "move `through` or remove it")


def _services(draft: Draft) -> Iterator[Fault]:
    """One carrier's code means one service: a booking sends the code alone."""
    seen: dict[tuple[str, str], str] = {}
    for entry in draft.every("services", ServiceEntry):
        key = (entry.value.carrier, entry.value.code)
        if key in seen:
            wrong = f"code {entry.value.code!r} is already that of {seen[key]}"
            yield Fault(entry.file, _at(entry, "code"), wrong, "correct one of the two codes")
        seen[key] = entry.value.id
        if not entry.value.weekdays:
            yield Fault(entry.file, _at(entry, "weekdays"), "no day on which it moves", "write [MON, TUE, ...]")


def _papers(draft: Draft) -> Iterator[Fault]:
    """The incoterm and who pays duty say the same. DAP leaves room: a vendor may pay what the consignee owes."""
    payers = {"DDP": "vendor", "DDU": "consignee"}
    for entry in draft.every("papers", Papers):
        payer = payers.get(entry.value.incoterm, entry.value.duty_payer)
        if payer != entry.value.duty_payer:
            wrong = f"contradiction: {entry.value.incoterm} means the {payer} pays duty"
            yield Fault(entry.file, _at(entry, "duty_payer"), wrong, f"write {payer}, or another incoterm")


def _lane_groups(draft: Draft) -> Iterator[Fault]:
    """A lane is given once and promises only what its days allow."""
    papers = draft.by_key("papers", Papers)
    countries = {depot.code: depot.address.country for depot in draft.values("depots", Depot)}
    seen: dict[tuple[str, str, str], str] = {}
    for group in draft.every("groups", LaneGroup):
        yield from _promise_faults(group, papers)
        for depot in group.value.depots:
            for country in group.value.to:
                at = _at(group, "to", country, "[key]")
                key = (depot, country, group.value.service)
                if key in seen:
                    wrong = f"lane {depot} -> {country} by {group.value.service} is already in {seen[key]!r}"
                    yield Fault(group.file, at, wrong, "keep it in one of the two groups")
                seen[key] = group.value.name
                if group.value.papers is None and _crosses_customs(countries.get(depot, country), country):
                    wrong = f"lane {depot} -> {country} crosses a customs border without papers"
                    yield Fault(group.file, at, wrong, "name a set of `papers` for the group")


def _promise_faults(group: Entry[LaneGroup], papers: dict[str, Papers]) -> Iterator[Fault]:
    wanted = papers.get(group.value.papers or "")
    days = group.value.transit_business_days + (wanted.customs_business_days if wanted else 0)
    if group.value.commitment is Commitment.ARRIVE and days > 1:
        wrong = f"contradiction: `arrive` promises the next business day, transit and customs take {days}"
        yield Fault(group.file, _at(group, "commitment"), wrong, "write ship or none, or correct the days")


def _crosses_customs(origin: str, destination: str) -> bool:
    return origin != destination and not {origin, destination} <= EUROPEAN_UNION


def _remote_places(draft: Draft) -> Iterator[Fault]:
    """A postal prefix belongs to one remote place: two would give it two lanes per depot and service."""
    seen: dict[tuple[str, str], str] = {}
    for entry in draft.every("remote", Remote):
        for at, prefix in enumerate(entry.value.prefixes):
            key = (entry.value.country, postal_key(entry.value.country, prefix))
            if key in seen:
                wrong = f"prefix {prefix!r} is already in {seen[key]!r}"
                yield Fault(entry.file, _at(entry, "prefixes", at), wrong, "keep it in one of the two")
            seen[key] = entry.value.name


def _reach(draft: Draft) -> Iterator[Fault]:
    """Every served country has a lane, every depot has lanes and opening stock."""
    if not draft.complete("groups"):
        return
    groups = draft.values("groups", LaneGroup)
    reached = {country for group in groups for country in group.to}
    shipping = {depot for group in groups for depot in group.depots}
    stocked = draft.named.get("opening")
    for served in draft.every("served", str):
        if served.value not in reached:
            wrong = f"no depot has a lane to {served.value}"
            yield Fault(served.file, served.path, wrong, "add it to a lane group, or stop serving it")
    for depot in draft.every("depots", Depot):
        if depot.value.code not in shipping:
            wrong = f"depot {depot.value.code} has no lane: its stock could never leave"
            yield Fault(depot.file, _at(depot, "code"), wrong, "add it to a group in lanes.yaml")
        if stocked is not None and depot.value.code not in stocked:
            wrong = f"depot {depot.value.code} has no opening stock"
            yield Fault(depot.file, _at(depot, "code"), wrong, "add it to stock.yaml under opening")


def _thresholds(draft: Draft) -> Iterator[Fault]:
    for entry in draft.every("thresholds", Thresholds):
        for state in entry.value.ageing_hours:
            if state not in REQUEST_STATES:
                remedy = nearest(state, REQUEST_STATES, otherwise=f"write one of {listed(REQUEST_STATES, at_most=30)}")
                yield Fault(entry.file, _at(entry, "ageing_hours", state, "[key]"), f"no state {state!r}", remedy)
        for name, value in _numbers(entry.value):
            if value <= 0:
                yield Fault(entry.file, _at(entry, *name), f"{value} is not above zero", "write a number above zero")


def _numbers(thresholds: Thresholds) -> Iterator[tuple[tuple[str, ...], int]]:
    for name, value in thresholds.model_dump().items():
        if isinstance(value, dict):
            yield from (((name, key), each) for key, each in value.items())
        else:
            yield (name,), value


def _partners(draft: Draft) -> Iterator[Fault]:
    """A contract buys what its plan offers, and its number and account are its own."""
    plans = {plan.code: plan for plan in draft.values("plans", Plan)}
    numbers: dict[str, str] = {}
    accounts: dict[str, str] = {}
    for partner in draft.every("partners", Partner):
        for at, contract in enumerate(partner.value.contracts):
            where = ("contracts", at)
            owner = numbers.setdefault(contract.number, f"{partner.value.code}[{at}]")
            if owner != f"{partner.value.code}[{at}]":
                wrong = f"contract {contract.number!r} is already that of {owner}"
                yield Fault(partner.file, _at(partner, *where, "number"), wrong, "give it a number of its own")
            holder = accounts.setdefault(contract.account, partner.value.code)
            if holder != partner.value.code:
                wrong = f"account {contract.account!r} is already that of {holder}"
                yield Fault(partner.file, _at(partner, *where, "account"), wrong, "an account has one partner")
            if contract.plan in plans:
                for step, wrong, remedy in _contract_faults(contract, plans[contract.plan], partner.value):
                    yield Fault(partner.file, _at(partner, *where, step), wrong, remedy)


def _contract_faults(contract: Contract, plan: Plan, partner: Partner) -> Iterator[tuple[str, str, str]]:
    """Field, what is wrong, remedy."""
    if contract.ends_on < contract.starts_on:
        yield "ends_on", f"ends {contract.ends_on}, before it starts {contract.starts_on}", "swap or correct the dates"
    by_category = plan.coverage == "chosen_categories"
    if by_category and not contract.categories:
        yield "categories", f"plan {plan.code} covers chosen categories, none is chosen", "add `categories:`"
    if contract.categories and not by_category:
        yield "categories", f"plan {plan.code} covers registered devices, not categories", "remove `categories:`"
    if contract.onsite and not plan.onsite_option:
        yield "onsite", f"plan {plan.code} has no onsite option", "write false, or another plan"
    if plan.certification_required and not partner.certifications:
        yield "plan", f"plan {plan.code} is for certified partners", "add `certifications:` to the partner"


def _quantities(draft: Draft) -> Iterator[Fault]:
    """Every part matches a quantity, every quantity a part."""
    if not draft.complete("quantities", "parts"):
        return
    quantities, parts = draft.every("quantities", Quantity), draft.every("parts", Part)
    for entry in quantities:
        if not any(entry.value.matches(part.value.number) for part in parts):
            wrong = f"no part matches {entry.value.parts!r}"
            remedy = nearest(entry.value.parts, [part.value.number for part in parts], otherwise="remove or correct it")
            yield Fault(entry.file, _at(entry, "parts"), wrong, remedy)
    for part in parts:
        if not any(entry.value.matches(part.value.number) for entry in quantities):
            wrong = f"part {part.value.number} has no opening quantity"
            yield Fault(part.file, _at(part, "number"), wrong, "add a pattern for it to stock.yaml under quantities")


def _opening(draft: Draft) -> Iterator[Fault]:
    """A bin holds one part, and there are bins enough."""
    parts = tuple(part.number for part in draft.values("parts", Part))
    shelvings = draft.values("shelving", Shelving)
    for entry in draft.every("opening", DepotStock):
        taken: dict[str, str] = {}
        for part, bin_ in entry.value.bins.items():
            if bin_ in taken:
                wrong = f"bin {bin_} already holds {taken[bin_]}"
                yield Fault(entry.file, _at(entry, "bins", part), wrong, "give one of the two another bin")
            taken[bin_] = part
        for part, count in entry.value.on_hand.items():
            if count < 0:
                yield Fault(entry.file, _at(entry, "on_hand", part), f"{count} is below zero", "write 0 or more")
        if shelvings and shelvings[0].slots < len(parts) + len(entry.value.bins):
            wrong = f"{len(parts)} parts and {len(entry.value.bins)} fixed bins do not fit {shelvings[0].slots} bins"
            yield Fault(entry.file, entry.path, wrong, "add aisles, racks, levels or positions to `shelving`")
