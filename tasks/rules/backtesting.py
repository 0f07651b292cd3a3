"""What would have become of past requests under another policy: kept, missed and why, and what it would have cost.

Asked by `tasks.backtests`. Both policies are replayed by the same rule, whatever the stock was: the cheapest way that
keeps the date, else the earliest. The date to keep is the one promised then, or what the live policy would promise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from infra.policy.model import Commitment
from tasks.rules.explaining import reason_of
from tasks.rules.sourcing import Offer, stands_for_nbd


class Cause(StrEnum):
    """Why a date was missed: the first step of the working that is not in the working it is compared with."""

    NO_LANE = "no lane"
    CUT_OFF = "cut-off passed"
    DEPOT_CLOSED = "depot closed"
    HANDLING = "longer handling"
    TRANSIT = "longer transit"
    CUSTOMS = "longer customs"
    CARRIER_CLOSED = "carrier closed"
    DESTINATION_CLOSED = "destination closed"
    OTHER = "other"


def cheapest_that_keeps(offers: Sequence[Offer], promised_on: date, commitment: Commitment) -> Offer:
    """The cheapest offer that keeps the date, then the nearest; else the earliest, then the cheapest.

    `offers` must not be empty.
    """
    return min(offers, key=lambda offer: _preference(offer, promised_on, commitment))


def _preference(offer: Offer, promised_on: date, commitment: Commitment) -> tuple[date, Decimal, int, str, str]:
    # among those that keep the promise the date no longer matters
    day = max(promised_on, offer.promised_on(commitment))
    return day, offer.freight, offer.distance_km, offer.depot, offer.lane.service


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """How one policy sends a request."""

    depot: str
    service: str
    promised_on: date
    freight: Decimal
    kept: bool
    earlier: bool
    """Kept, and a day or more before the date to keep."""
    is_nbd: bool
    """The lane itself stands for the plan's next business day."""


def sent(offer: Offer, promised_on: date, commitment: Commitment) -> Sent:
    on = offer.promised_on(commitment)
    return Sent(
        depot=offer.depot, service=offer.lane.service, promised_on=on, freight=offer.freight,
        kept=on <= promised_on, earlier=on < promised_on, is_nbd=stands_for_nbd(offer.lane, commitment),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """One past request under both policies; None where a policy has no way to send it."""

    request: str
    country: str
    promised_on: date
    live: Sent | None
    other: Sent | None
    why_missed: Cause | None = None
    """Under the other policy; None where it keeps the date."""


_CLOSED_BY = {
    "depot": Cause.DEPOT_CLOSED,
    "pickup": Cause.DEPOT_CLOSED,
    "carrier": Cause.CARRIER_CLOSED,
    "destination": Cause.DESTINATION_CLOSED,
    "receiving": Cause.DESTINATION_CLOSED,
    "customs": Cause.DESTINATION_CLOSED,
}
_COUNTED = {"handling": Cause.HANDLING, "transit": Cause.TRANSIT, "customs": Cause.CUSTOMS}


def cause(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> Cause:
    """The first step in `after`, in its order, that `before` does not have: what made it later, not what followed."""
    late = {step["on"] for step in before if step["kind"] == "late"}
    # by reason and not by party: a weekend that now falls into the handling days fell into the transit days before
    closed = {(step["on"], reason_of(step).text) for step in before if step["kind"] == "skipped"}
    left = Counter(step["kind"] for step in before)
    for step in after:
        kind = step["kind"]
        if kind == "late" and step["on"] not in late:
            return Cause.CUT_OFF
        if kind == "skipped" and (step["on"], reason_of(step).text) not in closed:
            return _CLOSED_BY.get(step["party"], Cause.OTHER)
        if kind in _COUNTED:
            left[kind] -= 1
            if left[kind] < 0:
                return _COUNTED[kind]
    return Cause.OTHER


# --- sums -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Sums over some requests under one policy. `sent + unsent` requests; freight in the pack's one currency."""

    sent: int = 0
    unsent: int = 0
    kept: int = 0
    earlier: int = 0
    missed: int = 0
    nbd: int = 0
    freight: Decimal = Decimal(0)


def tally(each_sent: Iterable[Sent | None]) -> Tally:
    """A request that cannot be sent counts as missed."""
    found = list(each_sent)
    went = [each for each in found if each is not None]
    kept = sum(each.kept for each in went)
    return Tally(
        sent=len(went),
        unsent=len(found) - len(went),
        kept=kept,
        earlier=sum(each.earlier for each in went),
        missed=len(found) - kept,
        nbd=sum(each.is_nbd for each in went),
        freight=sum((each.freight for each in went), Decimal(0)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Both policies side by side. `extra_freight` counts only requests that both can send."""

    name: str
    live: Tally
    other: Tally
    extra_freight: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The whole backtest."""

    requests: int
    total: Compared
    by_depot: tuple[Compared, ...]
    """A request counts at the depot each policy sends it from; extra freight at the other policy's depot."""
    by_country: tuple[Compared, ...]
    causes: Mapping[str, int] = field(default_factory=dict)
    """Why the other policy misses, most frequent first."""


def verdict(replayed: Sequence[Replayed]) -> Verdict:
    """Totals, per depot, per country, and the causes of what the other policy misses."""
    causes = Counter(str(each.why_missed) for each in replayed if each.why_missed is not None)
    return Verdict(
        requests=len(replayed),
        total=_compared("all", replayed, replayed),
        by_depot=_grouped(replayed, _depot_of),
        by_country=_grouped(replayed, lambda each, _policy: each.country),
        causes=dict(causes.most_common()),
    )


def _depot_of(each: Replayed, policy: str) -> str:
    went = each.live if policy == "live" else each.other
    return went.depot if went else "nowhere"


def _grouped(replayed: Sequence[Replayed], name_of: Callable[[Replayed, str], str]) -> tuple[Compared, ...]:
    groups: dict[str, tuple[list[Replayed], list[Replayed]]] = {}
    for each in replayed:
        groups.setdefault(name_of(each, "live"), ([], []))[0].append(each)
        groups.setdefault(name_of(each, "other"), ([], []))[1].append(each)
    return tuple(_compared(name, *groups[name]) for name in sorted(groups))


def _compared(name: str, under_live: Sequence[Replayed], under_other: Sequence[Replayed]) -> Compared:
    both = [(each.live, each.other) for each in under_other]
    return Compared(
        name=name,
        live=tally(each.live for each in under_live),
        other=tally(each.other for each in under_other),
        extra_freight=sum((new.freight - old.freight for old, new in both if old and new), Decimal(0)),
    )
