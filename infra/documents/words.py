"""Words and dates the reader's way: gettext catalogues of `infra/locale`, and Babel.

Called by `letters`, `pick_list` and `packing_slip`. The English sentence in the source is the key; every language,
English too, has a catalogue, and a test refuses a missing sentence, because gettext falls back in silence.
Catalogues are compiled from their .po when first asked for (about 20 ms each), so no .mo can be out of date.
To renew them after changing a sentence, from the repository's root:

    pybabel extract -k "n_ say count:1,2" --no-location -o documents.pot infra/documents
    pybabel update -D documents -i documents.pot -d infra/locale --no-fuzzy-matching -w 200
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from infra.clock import aware_utc

Language = Literal["da", "nl", "de", "en", "es"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
CATALOGUES = Path(__file__).parent.parent / "locale"
DOMAIN = "documents"
_TERRITORY = re.compile(r"[A-Z]{2}")


class UnknownLanguageError(LookupError):
    """We write Danish, Dutch, German, English and Spanish: choose one of da, nl, de, en, es."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Sentences in one language, dates in one locale. Made by `words`, cheap to keep, safe to share."""

    language: Language
    locale: Locale
    catalogue: GNUTranslations

    def say(self, sentence: str, /, **values: object) -> str:
        """The translated sentence with its `%(name)s` filled in; values are inserted once and never read again."""
        return self.catalogue.gettext(sentence) % values if values else self.catalogue.gettext(sentence)

    def count(self, one: str, many: str, n: int, /, **values: object) -> str:
        """The translated sentence in the plural form for `n`, which it may show as `%(n)s`."""
        return self.catalogue.ngettext(one, many, n) % {"n": self.number(n), **values}

    def number(self, n: int) -> str:
        """1.000 in Dutch, 1,000 in English."""
        group = self.locale.number_symbols["latn"]["group"]
        return f"{n:,}".replace(",", str(group))

    def day(self, day: date) -> str:
        """Weekday, day, month in words, year: never a numeric date, which two readers read two ways."""
        return format_date(day, format="full", locale=self.locale)

    def local(self, instant: datetime, zone: str) -> str:
        """Weekday, day, month and minute in `zone`, short: Fri, 20 Nov 15:00. `instant` is aware; 24 hours a day."""
        there = aware_utc(instant).astimezone(ZoneInfo(zone))
        day, minute = (format_skeleton(skeleton, there, locale=self.locale) for skeleton in ("MMMEd", "Hm"))
        return f"{day} {minute}"

    def country(self, code: str) -> str:
        """The country's name in this language; the code itself where CLDR knows none."""
        return str(self.locale.territories.get(code, code))


def words(language: str, territory: str | None = None) -> Words:
    """Words for a reader: `territory` (ISO 3166-1) only decides the order of a date, US readers' for example.

    English without a territory is British, as everybody else we write to puts the day first.
    Anything but two capitals counts as no territory. Raises `UnknownLanguageError`.
    """
    if language not in LANGUAGES:
        raise UnknownLanguageError(f"{language!r}: {UnknownLanguageError.__doc__}")
    known = territory if territory and _TERRITORY.fullmatch(territory) else None
    return _words(language, known or ("GB" if language == "en" else None))


@cache
def _words(language: Language, territory: str | None) -> Words:
    return Words(language=language, locale=_locale(language, territory), catalogue=_catalogue(language))


def _locale(language: str, territory: str | None) -> Locale:
    try:
        return Locale(language, territory)
    except UnknownLocaleError:  # Danish as read in Germany: CLDR has no such locale, and the language decides
        return Locale(language)


@cache
def _catalogue(language: str) -> GNUTranslations:
    path = CATALOGUES / language / "LC_MESSAGES" / f"{DOMAIN}.po"
    compiled: Any = BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=language, domain=DOMAIN))
    compiled.seek(0)
    return GNUTranslations(compiled)


def n_(sentence: str) -> str:
    """Marks a sentence kept in a table for extraction; it is translated where it is used."""
    return sentence
