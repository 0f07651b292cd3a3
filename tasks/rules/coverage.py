"""Is this replacement covered, and what goes with it? Decided once per request, before anything is promised.

Asked by `tasks.coverage`. The order of the rules is the order in which a person would ask: is there a contract, is the
device one we replace, is it within what was bought, may this partner have it, is it asked for twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from infra.policy.model import Category, Pack, Plan, Product


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractTerms:
    """The part of a contract that coverage reads. Dates are inclusive and local to the contract's zone."""

    number: str
    sites: tuple[str, ...]
    categories: tuple[str, ...]
    onsite: bool
    starts_on: date
    ends_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request asks for. `approved_on` is local to the contract's zone."""

    plan: str
    site: str | None
    serial: str | None
    parts: tuple[str, ...]
    approved_on: date
    onsite_wanted: bool
    open_elsewhere: str | None = None
    """Number of an earlier open request for the same serial."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    contract: str
    onsite: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Final unless the partner sends something new. `rule` is stable; `words` are for a person."""

    rule: str
    words: str
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A person decides: `owner` is the role, `next_step` what they do."""

    rule: str
    words: str
    owner: str
    next_step: str
    evidence: dict[str, Any] = field(default_factory=dict)


Coverage = Covered | Refused | Held


def decide(
    asked: Asked, *, contracts: Sequence[ContractTerms], certified_until: Mapping[str, date], pack: Pack
) -> Coverage:
    """Covered, refused or held. `contracts` are those of the partner for this plan and account, in any order.

    Several may be in force (an add-on bought later): the one that covers counts, else the one a person can help with.
    `certified_until` is the last valid day per product family, inclusive.
    """
    in_force = [contract for contract in contracts if contract.starts_on <= asked.approved_on <= contract.ends_on]
    if not in_force:
        return _none_in_force(contracts, asked.approved_on)
    in_order = sorted(in_force, key=lambda contract: (asked.onsite_wanted and not contract.onsite, contract.number))
    found = [_under(contract, asked, certified_until, pack) for contract in in_order]
    return min(found, key=lambda decision: _BEST_FIRST.index(type(decision)))


_BEST_FIRST: tuple[type[Coverage], ...] = (Covered, Held, Refused)


def _under(contract: ContractTerms, asked: Asked, certified_until: Mapping[str, date], pack: Pack) -> Coverage:
    plan = pack.plan_by_code[asked.plan]
    products = [_product_of(part, contract, asked, certified_until, pack) for part in asked.parts]
    return (
        _identified(asked, plan)
        or _replaceable(products, asked.approved_on)
        or _within(products, contract, plan, pack)
        or _certified(products, certified_until, plan, asked.approved_on)
        or _known_site(asked, contract)
        or _asked_once(asked)
        or Covered(contract=contract.number, onsite=asked.onsite_wanted and contract.onsite)
    )


def _none_in_force(contracts: Sequence[ContractTerms], day: date) -> Refused:
    if not contracts:
        return Refused(rule="no_contract", words="No contract of this partner covers this account under this plan.")
    latest = max(contracts, key=lambda contract: contract.ends_on)
    return Refused(
        rule="contract_not_in_force",
        words=f"Contract {latest.number} ran from {latest.starts_on} to {latest.ends_on}; approved on {day}.",
        evidence={"contract": latest.number, "ends_on": latest.ends_on.isoformat()},
    )


def _product_of(
    part: str, contract: ContractTerms, asked: Asked, certified_until: Mapping[str, date], pack: Pack
) -> Product:
    """The product that stands for the part. Where it fits several, one that would be covered; a request names none."""
    plan = pack.plan_by_code[asked.plan]

    def objections(product: Product) -> tuple[int, int]:
        alone = [product]
        findings = (
            _replaceable(alone, asked.approved_on),
            _within(alone, contract, plan, pack),
            _certified(alone, certified_until, plan, asked.approved_on),
        )
        # what is refused stays refused; what is held a person can still allow
        return sum(isinstance(each, Refused) for each in findings), sum(isinstance(each, Held) for each in findings)

    fitting = [pack.product_by_number[number] for number in pack.part_by_number[part].fits]
    return min(fitting, key=lambda product: (objections(product), -(product.end_of_service_on or date.max).toordinal()))


def _identified(asked: Asked, plan: Plan) -> Refused | None:
    if asked.serial or not plan.serial_required_on_replacement:
        return None
    return Refused(rule="serial_missing", words="A hardware replacement needs the serial number of the defective unit.")


def _replaceable(products: Sequence[Product], day: date) -> Refused | None:
    for product in products:
        if product.quote_only:
            return Refused(
                rule="needs_quote",
                words=f"{product.name} ({product.number}) is serviced on separate quote only.",
                evidence={"product": product.number},
            )
        if product.end_of_service_on and day > product.end_of_service_on:
            return Refused(
                rule="end_of_service",
                words=f"Service for {product.name} ({product.number}) ended on {product.end_of_service_on}.",
                evidence={"product": product.number, "ended_on": product.end_of_service_on.isoformat()},
            )
    return None


def _within(products: Sequence[Product], contract: ContractTerms, plan: Plan, pack: Pack) -> Refused | Held | None:
    if plan.coverage != "chosen_categories":
        return None
    outside = [product for product in products if _category(product, pack) not in contract.categories]
    if not outside:
        return None
    names = ", ".join(product.number for product in outside)
    chosen = ", ".join(contract.categories) or "none"
    if len(outside) == len(products):
        return Refused(
            rule="category_not_covered",
            words=f"{names}: contract {contract.number} covers the categories {chosen}.",
            evidence={"products": [product.number for product in outside]},
        )
    return Held(
        rule="not_all_products_included",
        words=f"{names} is outside the chosen categories ({chosen}), the rest is inside.",
        owner="contracts",
        next_step="Decide whether to send the covered lines, all lines or nothing.",
        evidence={"products": [product.number for product in outside]},
    )


def _category(product: Product, pack: Pack) -> Category:
    return pack.family_by_code[product.family].category


def _certified(products: Sequence[Product], certified_until: Mapping[str, date], plan: Plan, day: date) -> Held | None:
    if not plan.certification_required:
        return None
    for family in sorted({product.family for product in products}):
        until = certified_until.get(family)
        if until is None or until < day:
            state = "is missing" if until is None else f"ended on {until}"
            return Held(
                rule="certification",
                words=f"The partner's certification for the family {family} {state}.",
                owner="contracts",
                next_step="Record the renewed certification, or refuse.",
                evidence={"family": family, "until": until.isoformat() if until else None},
            )
    return None


def _known_site(asked: Asked, contract: ContractTerms) -> Held | None:
    if not contract.sites or asked.site is None or asked.site in contract.sites:
        return None
    return Held(
        rule="unknown_site",
        words=f"Site {asked.site} is not one of contract {contract.number}.",
        owner="contracts",
        next_step="Add the site to the contract, or refuse.",
        evidence={"contract": contract.number},
    )


def _asked_once(asked: Asked) -> Held | None:
    if asked.open_elsewhere is None:
        return None
    return Held(
        rule="serial_already_open",
        words=f"Request {asked.open_elsewhere} already replaces this serial and is still open.",
        owner="operations",
        next_step="Ask the partner which of the two is meant; refuse the other.",
        evidence={"other_request": asked.open_elsewhere},
    )
