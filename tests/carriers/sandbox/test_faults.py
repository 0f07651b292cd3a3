"""Which request goes wrong is decided by what it is, never by when it comes."""

from __future__ import annotations

import random
from typing import Any

import pytest

from carriers.sandbox.faults import (
    ABOUT_LABELS,
    Fault,
    FaultPlan,
    Operation,
    ScriptedFault,
    plan_from,
)

REFERENCES = [f"REF{n:013d}" for n in range(2_000)]


def faults(plan: FaultPlan, references: list[str]) -> dict[str, Fault | None]:
    return {reference: plan.fault_for(Operation.BOOK, reference, 1) for reference in references}


def test_order_of_arrival_plays_no_part() -> None:
    """Shuffled arrivals meet the same faults."""
    plan = FaultPlan(seed=7, rate=0.3)
    shuffled = random.Random(1).sample(REFERENCES, len(REFERENCES))

    assert faults(plan, REFERENCES) == faults(plan, shuffled)


def test_seed_and_attempt_change_the_draw() -> None:
    """Another seed, or the next attempt, is another draw."""
    plan = FaultPlan(seed=7, rate=0.3)
    second = {ref: plan.fault_for(Operation.BOOK, ref, 2) for ref in REFERENCES}

    assert faults(plan, REFERENCES) != faults(FaultPlan(seed=8, rate=0.3), REFERENCES)
    assert faults(plan, REFERENCES) != second


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 1.0])
def test_rate_is_the_share(rate: float) -> None:
    """Of 2,000 requests about `rate` go wrong (within 4 points; five standard deviations are 5.6 at one half)."""
    hit = sum(fault is not None for fault in faults(FaultPlan(seed=3, rate=rate), REFERENCES).values())

    assert abs(hit / len(REFERENCES) - rate) <= 0.04


def test_every_kind_is_drawn() -> None:
    """At full rate each possible fault hits some booking."""
    assert set(faults(FaultPlan(rate=1.0), REFERENCES).values()) == set(Fault)


def test_label_faults_stay_with_labels() -> None:
    """Look-ups and voids have no label to lose."""
    plan = FaultPlan(rate=1.0)
    for operation in (Operation.FIND, Operation.VOID):
        drawn = {plan.fault_for(operation, reference, 1) for reference in REFERENCES}
        assert not drawn & ABOUT_LABELS
        assert Fault.LATE_COMMIT not in drawn


def test_token_desk_fails_only_on_order() -> None:
    """The rate never hits the token desk: it would hit everybody at once."""
    assert FaultPlan(rate=1.0).fault_for(Operation.TOKEN, "client", 1) is None
    scripted = FaultPlan(script=(ScriptedFault(fault=Fault.THROTTLE, operation=Operation.TOKEN),))
    assert scripted.fault_for(Operation.TOKEN, "client", 1) is Fault.THROTTLE


@pytest.mark.parametrize(
    ("scripted", "hit"),
    [
        ({}, True),
        ({"key": "A"}, True),
        ({"key": "B"}, False),
        ({"attempt": 1}, True),
        ({"attempt": 2}, False),
        ({"operation": Operation.VOID}, False),
    ],
    ids=["all", "this", "another", "first", "second", "void"],
)
def test_script_names_its_victim(scripted: dict[str, Any], *, hit: bool) -> None:
    """Operation, key and attempt must all fit."""
    plan = FaultPlan(script=(ScriptedFault(fault=Fault.THROTTLE, **scripted),))

    assert (plan.fault_for(Operation.BOOK, "A", 1) is Fault.THROTTLE) is hit


def test_no_possible_kind_is_no_fault() -> None:
    """A plan limited to label faults leaves look-ups alone."""
    plan = FaultPlan(rate=1.0, kinds=ABOUT_LABELS)

    assert plan.fault_for(Operation.FIND, "A", 1) is None


def test_stated_plan_keeps_what_it_leaves_out() -> None:
    """The admin page changes only what it names."""
    before = FaultPlan(seed=7, rate=0.1, kinds=frozenset({Fault.THROTTLE}))

    after = plan_from({"script": [{"fault": "no_label", "attempt": 3}]}, before)

    assert (after.seed, after.rate, after.kinds) == (7, 0.1, before.kinds)
    assert after.script == (ScriptedFault(fault=Fault.NO_LABEL, attempt=3),)


@pytest.mark.parametrize("stated", [{"rate": 2}, {"kinds": ["gremlins"]}, {"script": [{"fault": "x"}]}])
def test_nonsense_plan_is_refused(stated: dict[str, Any]) -> None:
    """A misspelt fault must not be a quiet day."""
    with pytest.raises(ValueError):  # noqa: PT011 - the class is the contract
        plan_from(stated, FaultPlan())
