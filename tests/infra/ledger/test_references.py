"""The carrier reference is stable, unguessable and fits everywhere."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from infra.ledger.references import CROCKFORD, client_reference

FACTS = {"partner": "nordlyd", "number": "R-1", "leg": "outbound", "generation": 1}


def test_the_same_shipment_has_the_same_reference() -> None:
    """Every attempt asks under one reference, so one look-up sees them all."""
    assert client_reference(b"k" * 32, **FACTS) == client_reference(b"k" * 32, **FACTS)


@given(st.sampled_from([{"partner": "other"}, {"number": "R-2"}, {"leg": "return"}, {"generation": 2}]))
def test_another_shipment_has_another(change: dict[str, object]) -> None:
    """Partner, request, leg and generation each make a new one."""
    assert client_reference(b"k" * 32, **{**FACTS, **change}) != client_reference(b"k" * 32, **FACTS)


def test_another_key_gives_another() -> None:
    """Without the key nobody can compute a partner's references."""
    assert client_reference(b"a" * 32, **FACTS) != client_reference(b"b" * 32, **FACTS)


@given(st.text(max_size=40), st.integers(1, 10**6))
def test_it_is_sixteen_crockford_characters(number: str, generation: int) -> None:
    """Fits UPS's 35, Evri's 20 and the minimum of 8, and survives being read aloud."""
    made = client_reference(b"k", partner="p", number=number, leg="return", generation=generation)

    assert len(made) == 16
    assert set(made) <= set(CROCKFORD)
