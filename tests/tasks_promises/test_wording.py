"""The catalogue of explanations is whole in five languages, and values are written the reader's way."""

from __future__ import annotations

from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import Path

import polib
import pytest
from babel.messages.extract import extract_from_dir

from infra.documents.words import CATALOGUES, LANGUAGES
from infra.policy.model import Pack
from tasks import wording
from tasks.rules.explaining import Depot, Reason, Said, Service
from tasks.wording import teller

SOURCES = Path(wording.__file__).parent
LIKE_FOR_LIKE = {"weekend"}
"""The same word in Danish and Dutch as in English."""


def catalogue(language: str) -> polib.POFile:
    return polib.pofile(str(CATALOGUES / language / "LC_MESSAGES" / "promises.po"))


def extracted() -> set[str]:
    files = [("wording.py", "python"), ("rules/explaining.py", "python")]
    return {str(message) for _, _, message, _, _ in extract_from_dir(SOURCES, files, keywords={"n_": None})}


def placeholders(sentence: str) -> list[str]:
    return sorted(part.split(")")[0] for part in sentence.split("%(")[1:])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_translated(language: str) -> None:
    """Whole, nothing fuzzy, nothing left over: gettext would fall back to English without a word."""
    po = catalogue(language)

    assert {entry.msgid for entry in po} == extracted()
    assert po.percent_translated() == 100
    assert not [entry.msgid for entry in po if entry.fuzzy or entry.obsolete]


def test_sentences_are_found_at_all() -> None:
    """Control: the extraction above reads both files."""
    assert {"weekend", "It arrives on %(day)s."} <= extracted()


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_keep_the_placeholders(language: str) -> None:
    """A lost one would lose a date."""
    assert [
        entry.msgid for entry in catalogue(language) if placeholders(entry.msgid) != placeholders(entry.msgstr)
    ] == []


@pytest.mark.parametrize("language", ["da", "nl", "de", "es"])
def test_nothing_is_left_in_english(language: str) -> None:
    """Every sentence reads otherwise than the English one."""
    copied = {entry.msgid for entry in catalogue(language) if entry.msgid == entry.msgstr}

    assert copied <= LIKE_FOR_LIKE


@pytest.mark.parametrize(
    ("language", "value", "written"),
    [
        pytest.param("de", date(2026, 11, 23), "Montag, 23. November 2026", id="a day"),
        pytest.param("da", time(15, 0), "15.00", id="a Danish time"),
        pytest.param("en", time(15, 0, 1), "15:00:01", id="with the second where it matters"),
        pytest.param("en", timedelta(days=3, hours=22, minutes=30), "3 days 22 hrs", id="two units"),
        pytest.param("es", timedelta(0), "0 s", id="to the second"),
        pytest.param("nl", Decimal("1234.50"), "1.234,5", id="money"),
        pytest.param("es", Reason(text="weekend"), "fin de semana", id="a word of ours"),
        pytest.param("es", Reason(text="Día de la Almudena"), "Día de la Almudena", id="a name of theirs"),
        pytest.param("en", Depot(code="NL-VNL"), "Venlo (NL-VNL)", id="a depot"),
        pytest.param("en", Depot(code="XX-OLD"), "XX-OLD", id="a depot of the past"),
        pytest.param("en", Service(id="ups:standard"), "UPS Standard", id="a service"),
    ],
)
def test_values_are_written_the_readers_way(pack: Pack, language: str, value: object, written: str) -> None:
    """By their type; what the policy no longer knows keeps its code."""
    assert teller(language, pack).one(Said(sentence="%(value)s", values={"value": value})) == written


def test_values_are_never_read_as_sentences(pack: Pack) -> None:
    """A percent sign in a reason that somebody wrote stays what it is."""
    said = Said(sentence="Not %(day)s: the depot is closed (%(why)s).",
                values={"day": date(2026, 11, 20), "why": Reason(text="100% stocktaking %(day)s")})  # fmt: skip

    assert teller("en", pack).one(said).endswith("(100% stocktaking %(day)s).")
