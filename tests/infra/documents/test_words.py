import ast
import re
from datetime import UTC, date, datetime
from pathlib import Path

import polib
import pytest
from babel.messages.extract import extract_from_dir

from infra.documents import words as room
from infra.documents.words import CATALOGUES, LANGUAGES, UnknownLanguageError, words

SOURCES = Path(room.__file__).parent
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w+\}|%[^(]")
KEYWORDS = {"n_": None, "say": None, "count": (1, 2)}


def catalogue(language: str) -> polib.POFile:
    return polib.pofile(str(CATALOGUES / language / "LC_MESSAGES" / "documents.po"))


def extracted() -> set[tuple[str, str]]:
    """(singular, plural or empty) of every sentence in the source."""
    found = set()
    for _, _, message, _, _ in extract_from_dir(SOURCES, [("**.py", "python")], keywords=KEYWORDS):
        found.add(message if isinstance(message, tuple) else (message, ""))
    return found


def same_placeholders(source: str, translated: str) -> bool:
    return sorted(PLACEHOLDER.findall(source)) == sorted(PLACEHOLDER.findall(translated))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_translated(language):
    """Whole, nothing fuzzy, nothing left over: gettext would fall back to English without a word."""
    po = catalogue(language)

    assert {(entry.msgid, entry.msgid_plural) for entry in po} == extracted()
    assert po.percent_translated() == 100
    assert not [entry.msgid for entry in po if entry.fuzzy or entry.obsolete]


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_keep_the_placeholders(language):
    """Each form has exactly the placeholders of the English form it stands for."""
    for entry in catalogue(language):
        if entry.msgid_plural:
            assert len(entry.msgstr_plural) == 2, entry.msgid
            assert same_placeholders(entry.msgid, entry.msgstr_plural[0]), entry.msgid
            assert same_placeholders(entry.msgid_plural, entry.msgstr_plural[1]), entry.msgid
        else:
            assert same_placeholders(entry.msgid, entry.msgstr), entry.msgid


def test_a_lost_placeholder_would_be_seen():
    """Control: the comparison above notices a placeholder that is missing, misspelt or half there."""
    assert not same_placeholders("Request %(request)s", "Sag")
    assert not same_placeholders("Request %(request)s", "Sag %(sag)s")
    assert not same_placeholders("100 percent", "100 % ")


@pytest.mark.parametrize("language", ["da", "nl", "de", "es"])
def test_sentences_are_not_left_in_english(language):
    """No sentence of four words or more reads the same as the English one."""
    copied = [
        entry.msgid for entry in catalogue(language) if entry.msgstr == entry.msgid and entry.msgid.count(" ") > 2
    ]

    assert not copied


def test_no_sentence_hides_in_an_f_string():
    """Before Python 3.12 the extractor does not look into f-strings, so no translated sentence may stand in one."""
    for source in SOURCES.glob("*.py"):
        for f_string in (node for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.JoinedStr)):
            calls = [node.func for node in ast.walk(f_string) if isinstance(node, ast.Call)]
            names = [call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls]
            assert not set(names) & {"say", "n_"}, f"{source.name}:{f_string.lineno}"


@pytest.mark.parametrize(
    ("language", "territory", "day"),
    [
        ("da", "DK", "mandag den 23. november 2026"), ("nl", "NL", "maandag 23 november 2026"),
        ("de", "AT", "Montag, 23. November 2026"), ("es", "ES", "lunes, 23 de noviembre de 2026"),
        ("en", None, "Monday, 23 November 2026"), ("en", "US", "Monday, November 23, 2026"),
        ("da", "DE", "mandag den 23. november 2026"), ("en", "../../etc", "Monday, 23 November 2026"),
    ],
)  # fmt: skip
def test_days_are_written_the_readers_way(language, territory, day):
    """Weekday and month in words, in the reader's order; a territory nobody writes that language in changes nothing."""
    assert words(language, territory).day(date(2026, 11, 23)) == day


@pytest.mark.parametrize(
    ("language", "shown"),
    [("da", "fre. 20. nov. 15.00"), ("nl", "vr 20 nov 15:00"), ("de", "Fr., 20. Nov. 15:00"),
     ("en", "Fri 20 Nov 15:00"), ("es", "vie, 20 nov 15:00")],
)  # fmt: skip
def test_instants_are_written_the_depots_way(language, shown):
    """Danes put a dot into the time, and nobody has to know what PM is."""
    assert words(language).local(datetime(2026, 11, 20, 14, tzinfo=UTC), "Europe/Copenhagen") == shown


@pytest.mark.parametrize(("n", "expected"), [(0, "0 pakker"), (1, "1 pakke"), (2, "2 pakker"), (1200, "1.200 pakker")])
def test_plurals_and_thousands(n, expected):
    """The plural form follows the number, and the number its language."""
    assert words("da").count("%(n)s parcel", "%(n)s parcels", n) == expected


def test_values_are_never_read_as_sentences():
    """A percent sign or a brace in a name stays what it is."""
    assert words("en").say("Hello %(name)s,", name="%(n)s {0} 100%") == "Hello %(n)s {0} 100%,"


def test_countries_have_names():
    """A country code becomes a name; one that nobody knows stays a code."""
    assert words("da").country("DE") == "Tyskland"
    assert words("da").country("XX") == "XX"


@pytest.mark.parametrize("language", ["sv", "", "da_DK", "../da"])
def test_other_languages_are_refused(language):
    """We do not guess: a language without a catalogue is an error."""
    with pytest.raises(UnknownLanguageError):
        words(language)
