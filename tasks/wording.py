"""Says what `tasks.rules.explaining` found, in the reader's language: sentences of the catalogue `promises`.

Shared by `tasks.explanations`, `tasks.quotes` and `tasks.drift`. Dates, clock times, lengths and numbers are written
the reader's way by Babel; names of holidays and reasons that people wrote are quoted as they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from gettext import GNUTranslations
from io import BytesIO
from typing import Any

from babel.dates import format_skeleton
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.units import format_unit

from infra.documents.words import CATALOGUES, Words, words
from infra.policy.model import Pack
from tasks.rules.explaining import Depot, Local, Reason, Said, Service, n_

DOMAIN = "promises"

_SHARED_REASONS = {"weekend": n_("weekend"), "carrier holiday": n_("holiday of the carrier")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """Says sentences in one language; names of depots and services come from the policy pack."""

    said: Words
    pack: Pack

    def all(self, sentences: Iterable[Said]) -> list[str]:
        """Each sentence, in order."""
        return [self.one(sentence) for sentence in sentences]

    def one(self, sentence: Said) -> str:
        """One sentence with its values written out; values are inserted once and never read again."""
        values = {name: self._value(value) for name, value in sentence.values.items()}
        return self.said.say(sentence.sentence, **values)

    def _value(self, value: Any) -> str:  # noqa: PLR0911 - one line per type of value
        match value:
            case Depot():
                depot = self.pack.depot_by_code.get(value.code)
                return f"{depot.name} ({value.code})" if depot else value.code
            case Service():
                service = self.pack.service_by_id.get(value.id)
                return service.name if service else value.id
            case Local():
                return self.said.local(value.at, value.zone)
            case Reason():
                return self.said.say(_SHARED_REASONS[value.text]) if value.text in _SHARED_REASONS else value.text
            case date():
                return self.said.day(value)
            case time():
                return self._wall(value)
            case timedelta():
                return self._length(value)
            case int():
                return self.said.number(value)
            case Decimal():
                return str(format_decimal(value, locale=self.said.locale))
            case _:
                return str(value)

    def _wall(self, wall: time) -> str:
        """15:00, 15.00 in Danish; seconds only where there are some."""
        moment = datetime.combine(date(2000, 1, 1), wall)
        return str(format_skeleton("Hms" if wall.second else "Hm", moment, locale=self.said.locale))

    def _length(self, length: timedelta) -> str:
        """The two largest units: 3 days 22 hrs, 12 min 5 sec."""
        hours, rest = divmod(length.seconds, 3600)
        parts = {"day": length.days, "hour": hours, "minute": rest // 60, "second": rest % 60}
        some = [(unit, n) for unit, n in parts.items() if n][:2] or [("second", 0)]
        return " ".join(format_unit(n, f"duration-{unit}", length="short", locale=self.said.locale) for unit, n in some)


def teller(language: str, pack: Pack) -> Teller:
    """Raises `UnknownLanguageError`."""
    return Teller(said=_words(language), pack=pack)


def _words(language: str) -> Words:
    known = words(language)
    return replace(known, catalogue=_catalogue(known.language))


@cache
def _catalogue(language: str) -> GNUTranslations:
    compiled: Any = BytesIO()
    with (CATALOGUES / language / "LC_MESSAGES" / f"{DOMAIN}.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=language, domain=DOMAIN))
    compiled.seek(0)
    return GNUTranslations(compiled)
