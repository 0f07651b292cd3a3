"""The coverage rules as a decision table: each rule where it bites, beside it the nearest case where not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from infra.policy.model import Pack
from tasks.rules.coverage import Asked, ContractTerms, Coverage, Covered, Held, Refused, decide
from tests.tasks.scenes import with_changes

DAY = date(2026, 11, 20)

# parts of the shipped pack, by what their products are
HANDSET = "HND-1001"  # Sonata 250, 350, 450: voice
PHONE_150 = "PHN-1150"  # Sonata 150 alone, service ended on 2025-12-31
HEADSET = "HST-5300"  # Cascade 530: personal
BAR = "BAR-1030"  # Meridian R30: video
BAR_R10 = "BAR-1010"  # Meridian R10 alone, service ended on 2026-09-30
PSU_SHARED = "PSU-8012"  # Meridian R10 and R30 (video), Chorus C60 (voice)
REMOTE = "RMC-6001"  # R10 and Orbit G5, both ended, but R30, X50 and X70 too

CONTRACT = ContractTerms(
    number="C-1", sites=(), categories=(), onsite=False, starts_on=date(2026, 1, 1), ends_on=date(2026, 12, 31)
)
ASKED = Asked(plan="partner-plus", site=None, serial="SN-1", parts=(HANDSET,), approved_on=DAY, onsite_wanted=False)
CERTIFIED = {"sonata": DAY, "cascade": DAY, "meridian": DAY, "chorus": DAY, "orbit": DAY}


def _decide(
    pack: Pack,
    *,
    contracts: tuple[ContractTerms, ...] = (CONTRACT,),
    certified: dict[str, date] | None = None,
    **asked: Any,
) -> Coverage:
    until = CERTIFIED if certified is None else certified
    return decide(replace(ASKED, **asked), contracts=contracts, certified_until=until, pack=pack)


def _enterprise(*categories: str) -> tuple[ContractTerms, ...]:
    return (replace(CONTRACT, categories=categories),)


@pytest.fixture(scope="module")
def with_a_part_of_a_vertical(pack: Pack) -> Pack:
    """The shipped pack and one spare of EduCart, which is serviced on quote only."""
    cart = pack.part_by_number[HANDSET].model_copy(update={"number": "CRT-1", "fits": ("86V40-00",)})
    both = pack.part_by_number[HANDSET].model_copy(update={"number": "CRT-2", "fits": ("86V40-00", "87S20-02")})
    return with_changes(pack, parts=(*pack.parts, cart, both))


class TestTerm:
    @pytest.mark.parametrize(
        ("day", "rule"),
        [
            pytest.param(date(2025, 12, 31), "contract_not_in_force", id="day-before"),
            pytest.param(date(2026, 1, 1), None, id="first-day"),
            pytest.param(date(2026, 12, 31), None, id="last-day"),
            pytest.param(date(2027, 1, 1), "contract_not_in_force", id="day-after"),
        ],
    )
    def test_both_ends_belong_to_it(self, pack: Pack, day: date, rule: str | None) -> None:
        """The first and the last day are covered, the days around them are not."""
        decision = _decide(pack, approved_on=day, certified=dict.fromkeys(CERTIFIED, date(2030, 1, 1)))

        assert getattr(decision, "rule", None) == rule
        assert isinstance(decision, Covered if rule is None else Refused)

    def test_no_contract_is_refused(self, pack: Pack) -> None:
        """Without a contract of the partner for the plan and account there is nothing to discuss."""
        decision = _decide(pack, contracts=())

        assert isinstance(decision, Refused)
        assert decision.rule == "no_contract"

    def test_the_one_in_force_covers(self, pack: Pack) -> None:
        """Of last year's contract and its renewal, the renewal answers, whichever comes first."""
        old = replace(CONTRACT, number="C-0", starts_on=date(2025, 1, 1), ends_on=date(2025, 12, 31))

        for contracts in ((old, CONTRACT), (CONTRACT, old)):
            assert _decide(pack, contracts=contracts) == Covered(contract="C-1", onsite=False)

    def test_a_gap_names_the_latest(self, pack: Pack) -> None:
        """Between two terms the refusal names the contract that ended last and the day."""
        old = replace(CONTRACT, number="C-0", starts_on=date(2024, 1, 1), ends_on=date(2024, 12, 31))
        decision = _decide(pack, contracts=(CONTRACT, old), approved_on=date(2025, 6, 1))

        assert isinstance(decision, Refused)
        assert decision.evidence == {"contract": "C-1", "ends_on": "2026-12-31"}
        assert "approved on 2025-06-01" in decision.words

    def test_any_contract_in_force_may_cover(self, pack: Pack) -> None:
        """An add-on contract for voice beside the one for video, same account: the add-on covers a phone part."""
        for contracts in (self._add_on(), self._add_on()[::-1]):
            decision = _decide(pack, plan="partner-plus-enterprise", contracts=contracts)

            assert decision == Covered(contract="C-2", onsite=False)

    def test_an_add_on_that_has_ended_does_not_count(self, pack: Pack) -> None:
        """The negative control: the same two contracts, the add-on over since yesterday."""
        video, voice = self._add_on()
        over = replace(voice, ends_on=DAY - timedelta(days=1))
        decision = _decide(pack, plan="partner-plus-enterprise", contracts=(video, over))

        assert isinstance(decision, Refused)
        assert decision.rule == "category_not_covered"

    def test_what_a_person_can_help_with_before_a_refusal(self, pack: Pack) -> None:
        """One contract refuses the category, the other would do but for the site: held, whichever comes first."""
        video, voice = self._add_on()
        elsewhere = replace(voice, sites=("CPH-01",))

        for contracts in ((video, elsewhere), (elsewhere, video)):
            decision = _decide(pack, plan="partner-plus-enterprise", contracts=contracts, site="OSL-01")

            assert isinstance(decision, Held)
            assert (decision.rule, decision.evidence) == ("unknown_site", {"contract": "C-2"})

    def test_all_refuse_and_one_is_told(self, pack: Pack) -> None:
        """Two contracts in force and the part outside both: refused, and the words name a contract of the two."""
        contracts = tuple(replace(each, categories=("video",)) for each in self._add_on())
        decision = _decide(pack, plan="partner-plus-enterprise", contracts=contracts)

        assert isinstance(decision, Refused)
        assert decision.rule == "category_not_covered"
        assert "C-1" in decision.words

    def _add_on(self) -> tuple[ContractTerms, ContractTerms]:
        """A contract for video and, bought later, one for voice."""
        return replace(CONTRACT, categories=("video",)), replace(CONTRACT, number="C-2", categories=("voice",))

    def test_of_two_that_cover_the_better_counts(self, pack: Pack) -> None:
        """A visit was bought with one of two contracts that cover, and is wanted: no order of the two loses it."""
        with_visit = replace(CONTRACT, number="C-2", onsite=True)

        for contracts in ((with_visit, CONTRACT), (CONTRACT, with_visit)):
            assert _decide(pack, contracts=contracts, onsite_wanted=True) == Covered(contract="C-2", onsite=True)


class TestSerial:
    @pytest.mark.parametrize("serial", [None, ""])
    @pytest.mark.parametrize("plan", ["poly-plus", "partner-plus", "partner-plus-enterprise"])
    def test_a_replacement_names_it(self, pack: Pack, plan: str, serial: str | None) -> None:
        """Under every shipped plan a replacement without serial is refused."""
        decision = _decide(pack, plan=plan, serial=serial, contracts=_enterprise("voice"))

        assert isinstance(decision, Refused)
        assert decision.rule == "serial_missing"

    def test_a_plan_may_not_ask_for_it(self, pack: Pack) -> None:
        """Where the plan's setting says so, nothing is missing."""
        plans = tuple(plan.model_copy(update={"serial_required_on_replacement": False}) for plan in pack.plans)

        assert isinstance(_decide(with_changes(pack, plans=plans), serial=None), Covered)


class TestProducts:
    @pytest.mark.parametrize(
        ("day", "rule"),
        [
            pytest.param(date(2026, 9, 30), None, id="last-day-of-service"),
            pytest.param(date(2026, 10, 1), "end_of_service", id="day-after"),
        ],
    )
    def test_service_ends_after_its_last_day(self, pack: Pack, day: date, rule: str | None) -> None:
        """Meridian R10: service through 30 September 2026, inclusive."""
        decision = _decide(pack, parts=(BAR_R10,), approved_on=day)

        assert getattr(decision, "rule", None) == rule

    def test_the_refusal_says_when_it_ended(self, pack: Pack) -> None:
        """Product and last day stand in the evidence, the name in the words."""
        decision = _decide(pack, parts=(PHONE_150,))

        assert isinstance(decision, Refused)
        assert decision.evidence == {"product": "87S10-02", "ended_on": "2025-12-31"}
        assert "Sonata 150" in decision.words

    def test_one_supported_product_is_enough(self, pack: Pack) -> None:
        """A remote control that fits two ended products and three supported ones is replaced."""
        assert isinstance(_decide(pack, parts=(REMOTE,)), Covered)

    def test_one_ended_part_refuses_all(self, pack: Pack) -> None:
        """A request of a supported and an ended part is refused as a whole, and says for which."""
        decision = _decide(pack, parts=(HANDSET, PHONE_150))

        assert isinstance(decision, Refused)
        assert decision.rule == "end_of_service"

    def test_verticals_need_a_quote(self, with_a_part_of_a_vertical: Pack) -> None:
        """EduCart and its kind are never replaced under a plan."""
        decision = _decide(with_a_part_of_a_vertical, parts=("CRT-1",))

        assert isinstance(decision, Refused)
        assert (decision.rule, decision.evidence) == ("needs_quote", {"product": "86V40-00"})

    def test_a_part_shared_with_a_vertical_is_replaced(self, with_a_part_of_a_vertical: Pack) -> None:
        """What fits an ordinary phone as well goes under that phone's cover."""
        assert isinstance(_decide(with_a_part_of_a_vertical, parts=("CRT-2",)), Covered)


class TestCategories:
    @pytest.mark.parametrize(
        ("chosen", "parts", "kind", "rule"),
        [
            pytest.param(("voice",), (HANDSET,), Covered, None, id="chosen"),
            pytest.param(("personal", "voice"), (HANDSET, HEADSET), Covered, None, id="both-chosen"),
            pytest.param(("video",), (HANDSET,), Refused, "category_not_covered", id="not-chosen"),
            pytest.param((), (HANDSET,), Refused, "category_not_covered", id="none-chosen"),
            pytest.param(("video",), (HANDSET, HEADSET), Refused, "category_not_covered", id="neither-chosen"),
            pytest.param(("voice",), (HANDSET, HEADSET), Held, "not_all_products_included", id="one-of-two"),
            pytest.param(("personal",), (HANDSET, HEADSET), Held, "not_all_products_included", id="the-other-of-two"),
        ],
    )
    def test_enterprise_covers_what_was_chosen(
        self, pack: Pack, chosen: tuple[str, ...], parts: tuple[str, ...], kind: type[Coverage], rule: str | None
    ) -> None:
        """All inside is covered, all outside refused; a mixture is for a person to decide."""
        decision = _decide(pack, plan="partner-plus-enterprise", contracts=_enterprise(*chosen), parts=parts)

        assert isinstance(decision, kind)
        assert getattr(decision, "rule", None) == rule

    def test_a_mixture_names_what_is_outside(self, pack: Pack) -> None:
        """The hold says which product, whose decision it is and between what."""
        decision = _decide(
            pack, plan="partner-plus-enterprise", contracts=_enterprise("voice"), parts=(HANDSET, HEADSET)
        )

        assert isinstance(decision, Held)
        assert decision.evidence == {"products": ["85C20-01"]}
        assert (decision.owner, decision.words) == (
            "contracts", "85C20-01 is outside the chosen categories (voice), the rest is inside."
        )  # fmt: skip
        assert decision.next_step

    def test_registered_devices_have_no_categories(self, pack: Pack) -> None:
        """A contract by device ignores the list, even an unfitting one."""
        assert isinstance(_decide(pack, contracts=_enterprise("video")), Covered)

    @pytest.mark.parametrize(
        ("chosen", "kind"),
        [
            pytest.param("voice", Covered, id="the-conference-phone"),
            pytest.param("video", Covered, id="the-bars"),
            pytest.param("personal", Refused, id="none-of-them"),
        ],
    )
    def test_a_shared_part_is_covered_by_any_category(self, pack: Pack, chosen: str, kind: type[Coverage]) -> None:
        """A power supply fits video bars and a conference phone: a contract for either covers it, another does not."""
        decision = _decide(pack, plan="partner-plus-enterprise", contracts=_enterprise(chosen), parts=(PSU_SHARED,))

        assert isinstance(decision, kind)

    def test_a_shared_part_inside_and_uncertified_is_held(self, pack: Pack) -> None:
        """Voice was bought and the partner is certified for the bars alone: a certification is missing, no more."""
        decision = _decide(
            pack, plan="partner-plus-enterprise", contracts=_enterprise("voice"), parts=(PSU_SHARED,),
            certified={"meridian": DAY},
        )  # fmt: skip

        assert isinstance(decision, Held)
        assert (decision.rule, decision.evidence["family"]) == ("certification", "chorus")


class TestCertification:
    @pytest.mark.parametrize(
        ("until", "state"),
        [
            pytest.param(DAY, None, id="expires-on-the-day"),
            pytest.param(DAY + timedelta(days=1), None, id="expires-tomorrow"),
            pytest.param(DAY - timedelta(days=1), "ended on 2026-11-19", id="expired-yesterday"),
            pytest.param(None, "is missing", id="never-held"),
        ],
    )
    def test_valid_through_its_last_day(self, pack: Pack, until: date | None, state: str | None) -> None:
        """On its last day it is valid; a day later, or never, the request is held with that said."""
        decision = _decide(pack, certified={"sonata": until} if until else {})

        assert isinstance(decision, Covered if state is None else Held)
        if isinstance(decision, Held):
            assert (decision.rule, decision.owner) == ("certification", "contracts")
            assert decision.words.endswith(f"{state}.")
            assert decision.evidence == {"family": "sonata", "until": until.isoformat() if until else None}

    def test_every_family_counts(self, pack: Pack) -> None:
        """Two families, one certified: held for the other."""
        decision = _decide(pack, parts=(HANDSET, HEADSET), certified={"sonata": DAY})

        assert isinstance(decision, Held)
        assert decision.evidence["family"] == "cascade"

    def test_sold_direct_needs_none(self, pack: Pack) -> None:
        """Poly+ has no partner in between."""
        assert isinstance(_decide(pack, plan="poly-plus", certified={}), Covered)

    @pytest.mark.parametrize("family", ["chorus", "meridian"])
    def test_a_shared_part_needs_one_of_its_families(self, pack: Pack, family: str) -> None:
        """The shared power supply goes to a partner certified for Chorus alone, or for Meridian alone."""
        assert isinstance(_decide(pack, parts=(PSU_SHARED,), certified={family: DAY}), Covered)

    def test_a_shared_part_with_no_family_certified_is_held(self, pack: Pack) -> None:
        """The negative control: certified for something else, the same part waits for a person."""
        decision = _decide(pack, parts=(PSU_SHARED,), certified={"sonata": DAY})

        assert isinstance(decision, Held)
        assert decision.rule == "certification"


class TestSite:
    @pytest.mark.parametrize(
        ("sites", "site", "rule"),
        [
            pytest.param(("CPH-01", "AAR-02"), "AAR-02", None, id="listed"),
            pytest.param(("CPH-01",), "OSL-01", "unknown_site", id="not-listed"),
            pytest.param((), "OSL-01", None, id="every-site-of-the-account"),
            pytest.param(("CPH-01",), None, None, id="none-named"),
        ],
    )
    def test_listed_sites_only(self, pack: Pack, sites: tuple[str, ...], site: str | None, rule: str | None) -> None:
        """A contract that lists sites holds a request for another one; an empty list is every site."""
        decision = _decide(pack, contracts=(replace(CONTRACT, sites=sites),), site=site)

        assert getattr(decision, "rule", None) == rule
        assert isinstance(decision, Covered if rule is None else Held)


class TestTwice:
    def test_an_open_request_for_the_serial_holds(self, pack: Pack) -> None:
        """The earlier request is named, so that a person can ask which is meant."""
        decision = _decide(pack, open_elsewhere="R-7")

        assert isinstance(decision, Held)
        assert (decision.rule, decision.owner) == ("serial_already_open", "operations")
        assert decision.evidence == {"other_request": "R-7"}


class TestOnsite:
    @pytest.mark.parametrize(
        ("bought", "wanted", "onsite"),
        [(True, True, True), (True, False, False), (False, True, False), (False, False, False)],
    )
    def test_bought_and_wanted(self, pack: Pack, *, bought: bool, wanted: bool, onsite: bool) -> None:
        """Somebody comes where the option was bought and is wanted; wanting alone is no reason to refuse."""
        decision = _decide(pack, contracts=(replace(CONTRACT, onsite=bought),), onsite_wanted=wanted)

        assert decision == Covered(contract="C-1", onsite=onsite)


class TestOrder:
    def test_refusals_come_before_holds(self, pack: Pack) -> None:
        """What will be refused anyway is not put before a person: an ended product, uncertified and asked twice."""
        decision = _decide(pack, parts=(PHONE_150,), certified={}, open_elsewhere="R-7")

        assert isinstance(decision, Refused)

    def test_the_contract_is_asked_first(self, pack: Pack) -> None:
        """Without contract, serial or product in service, it is the contract that is said."""
        decision = _decide(pack, contracts=(), serial=None, parts=(PHONE_150,))

        assert isinstance(decision, Refused)
        assert decision.rule == "no_contract"

    def test_bar_and_phone_under_one_plan(self, pack: Pack) -> None:
        """Several families, all certified, no categories: one decision for the whole request."""
        assert _decide(pack, parts=(HANDSET, HEADSET, BAR)) == Covered(contract="C-1", onsite=False)
