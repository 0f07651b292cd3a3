"""The digest is of the content: equal through every disguise, different for every difference."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from infra.intake.checks import Door, check_cells
from infra.intake.digest import content_sha256
from infra.intake.known import Nearest
from infra.intake.schema import ApprovedRequest
from tests.infra.intake.rows import NOW, known, row


def _request(**changes: Any) -> ApprovedRequest:
    return check_cells(row(**changes), Door(known=known(), now=NOW, nearest=Nearest()))[0]


def test_disguises_do_not_count() -> None:
    """Another zone of the same instant, order of lines, spacing and Unicode form."""
    request = _request()
    disguised = request.model_copy(
        update={
            "approved_at": request.approved_at.astimezone(ZoneInfo("Asia/Tokyo")),
            "approval_zone": "Asia/Tokyo",
            "lines": tuple(reversed(request.lines)),
            "ship_to": request.ship_to.model_copy(update={"city": " Ko\u0308benhavn  V".replace("o\u0308", "ø")}),
        }
    )

    assert content_sha256(disguised) == content_sha256(request)


def test_unicode_forms_are_one() -> None:
    """A decomposed ü is a ü."""
    composed, decomposed = _request(city="Zürich"), _request().model_copy(deep=True)
    decomposed = decomposed.model_copy(update={"ship_to": composed.ship_to.model_copy(update={"city": "Zu\u0308rich"})})

    assert content_sha256(decomposed) == content_sha256(composed)


@pytest.mark.parametrize(
    "changes",
    [
        {"number": "R-2"},
        {"parts": "HS-EARPAD-01 x3; CBL-USB-2M"},
        {"approved_at": "2026-11-20T14:05:01+01:00"},
        {"street2": "3. sal"},
        {"onsite": "yes"},
        {"incident": "INC1"},
        {"finding": "left ear cup silent"},
    ],
)
def test_differences_count(changes: dict[str, str]) -> None:
    """Every field of the content changes the digest."""
    assert content_sha256(_request(**changes)) != content_sha256(_request())


def test_digest_is_pinned() -> None:
    """The stored digests stay comparable: changing the canonical form must be a decision."""
    assert content_sha256(_request()) == PINNED


PINNED = "9587dde81e3df3f3bbc14b12b0c1ee253f47f2fe12cbded6d3a38cbb61b980e0"


def test_naive_copies_are_no_excuse() -> None:
    """Instants are aware in a request; the digest is taken in UTC."""
    assert isinstance(_request().approved_at, datetime)
    assert _request().approved_at.utcoffset() is not None
