"""Postal codes get one spelling, and a prefix matches exactly the codes it means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.policy.postal import postal_key


@pytest.mark.parametrize(
    ("country", "written", "key"),
    [
        ("SE", "SE-123 45", "12345"),
        ("BR", "69000-000", "69000000"),
        ("NL", "5928 pe", "5928PE"),
        ("CA", "X0A 0H0", "X0A0H0"),
        ("US", " 99501 ", "99501"),
        ("ES", "07", "07"),
        ("GB", "iv51 9xx", "IV 51 9XX "),
        ("GB", "IV519XX", "IV 51 9XX "),
        ("GB", "IV51", "IV 51 "),
        ("GB", "IV", "IV "),
        ("GB", "EC1A 1BB", "EC 1A 1BB "),
        ("GB", "not a code", "NOTACODE"),
        ("GB", "", ""),
    ],
)
def test_spelling_is_unified(country: str, written: str, key: str) -> None:
    """Case, blanks, hyphens and a country prefix do not matter; British codes are cut at their joints."""
    assert postal_key(country, written) == key


@pytest.mark.parametrize(
    ("prefix", "code", "matches"),
    [
        ("KA27", "KA27 8DB", True),  # Arran
        ("KA2", "KA27 8DB", False),  # Kilmarnock is not Arran
        ("KA27", "KA2 7DB", False),  # the same letters run together, another place
        ("L", "LL57 1AA", False),  # Liverpool is not Bangor
        ("LL", "LL57 1AA", True),
        ("KW", "KW15 1AA", True),
    ],
)
def test_british_prefix_means_a_whole_district(prefix: str, code: str, matches: bool) -> None:  # noqa: FBT001 - a row
    """An area or a district matches its own codes and no neighbour that begins with the same letters."""
    assert postal_key("GB", code).startswith(postal_key("GB", prefix)) is matches


@given(st.sampled_from(["GB", "NL", "SE"]), st.text(max_size=12))
def test_any_text_has_a_key(country: str, text: str) -> None:
    """What people type never raises."""
    assert isinstance(postal_key(country, text), str)
