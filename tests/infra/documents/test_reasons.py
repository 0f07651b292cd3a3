import pytest

from infra.documents.reasons import HOLDS, REFUSALS, HoldReason, RefusalReason


def test_every_reason_has_words():
    """No hold and no refusal leaves a partner without a sentence."""
    assert set(HOLDS) == set(HoldReason)
    assert set(REFUSALS) == set(RefusalReason)


@pytest.mark.parametrize("wording", [*HOLDS.values(), *REFUSALS.values()])
def test_who_has_nothing_to_do_is_told_so(wording):
    """A partner either is asked for something or reads that nothing has to be done."""
    assert wording.asks != wording.remedy.startswith("You do not need to do anything")


def test_new_codes_fall_back_to_a_true_sentence():
    """A code that has no words yet is vague, never wrong, and never stops a letter."""
    assert HoldReason("invented_tomorrow") is HoldReason.OTHER
    assert RefusalReason("invented_tomorrow") is RefusalReason.OTHER
    assert HoldReason("serial_missing") is HoldReason.SERIAL_MISSING
