"""What the door must know to judge a row: facts from the record or the policy, frozen for one reading.

Made by `tasks.intake` from the record, or by `known_from_pack` from a policy pack; read by `checks`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property, lru_cache

from infra.intake.columns import folded
from infra.intake.schema import LanguageCode
from infra.policy.model import Pack, Partner, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPlan:
    """A plan, as far as a row is concerned."""

    code: str
    name: str
    serial_required: bool
    """A replacement under it needs the serial of the defective device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownContract:
    """A contract; an empty `sites` means that sites are not listed, and any is accepted."""

    account: str
    plan: str
    sites: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPartner:
    code: str
    language: LanguageCode
    contracts: tuple[KnownContract, ...]


@dataclass(frozen=True, kw_only=True)
class Known:
    """Partners with their contracts, plans, and the part numbers that exist. Codes are matched without case."""

    partners: tuple[KnownPartner, ...]
    plans: tuple[KnownPlan, ...]
    parts: frozenset[str]

    @cached_property
    def partner_by_folded_code(self) -> dict[str, KnownPartner]:
        return {partner.code.casefold(): partner for partner in self.partners}

    @cached_property
    def plan_by_code(self) -> dict[str, KnownPlan]:
        return {plan.code: plan for plan in self.plans}

    @cached_property
    def plan_by_spelling(self) -> dict[str, KnownPlan]:
        """By folded name and by folded code; the code wins. `+` is kept apart: Poly+ is not Poly."""
        by_name = {plan_spelling(plan.name): plan for plan in self.plans}
        return by_name | {plan_spelling(plan.code): plan for plan in self.plans}

    @cached_property
    def part_by_folded_number(self) -> dict[str, str]:
        return {number.casefold(): number for number in self.parts}


@lru_cache(maxsize=1024)
def plan_spelling(text: str) -> str:
    return folded(text.replace("+", " plus "))


def _known_plan(plan: Plan) -> KnownPlan:
    by_serial = plan.identified_by == "serial" or plan.serial_required_on_replacement
    return KnownPlan(code=plan.code, name=plan.name, serial_required=by_serial)


def _known_partner(partner: Partner) -> KnownPartner:
    contracts = tuple(
        KnownContract(account=contract.account, plan=contract.plan, sites=contract.sites)
        for contract in partner.contracts
    )
    return KnownPartner(code=partner.code, language=partner.language, contracts=contracts)


def known_from_pack(pack: Pack) -> Known:
    """What the pack itself knows: for a fresh installation, the demo and the tests."""
    return Known(
        partners=tuple(_known_partner(partner) for partner in pack.partners),
        plans=tuple(_known_plan(plan) for plan in pack.plans),
        parts=frozenset(part.number for part in pack.parts),
    )


class Nearest:
    """Nearest spellings, for one reading. difflib is slow, so the answers are kept and their number is capped:
    a file whose every row is misspelt must not take minutes.
    """

    def __init__(self, budget: int = 500) -> None:
        self._budget = budget
        self._answers: dict[tuple[str, str], str] = {}

    def hint(self, kind: str, word: str, choices: Iterable[str]) -> str:
        """` Did you mean X?`, or nothing. `kind` keeps parts and countries apart."""
        key = (kind, word)
        if key not in self._answers:
            if self._budget == 0:
                return ""
            self._budget -= 1
            self._answers[key] = _nearest(word, choices)
        return self._answers[key]


def _nearest(word: str, choices: Iterable[str]) -> str:
    by_folded = {choice.casefold(): choice for choice in choices}
    found = get_close_matches(word.casefold()[:80], by_folded, n=1, cutoff=0.7)
    return f" Did you mean {by_folded[found[0]]}?" if found else ""
