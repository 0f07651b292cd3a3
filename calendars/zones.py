"""Time zones from the pinned `tzdata` package, and which zone an address is in.

The host's zone files may be years old (Vancouver stopped changing clocks in 2026), so the search path is emptied here,
the one place in the house that does it; `zoneinfo` then falls back to the package. Whatever in `calendars` needs a zone
calls `zone()`. The vectorised conversions serve `lanes`, which turns ten years of cut-offs into instants at once.
"""

from __future__ import annotations

import zoneinfo
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import tzdata  # type: ignore[import-untyped]  # a package of data, publishes no types

zoneinfo.reset_tzpath([])
# Zones loaded before this line came from the host; forget them.
ZoneInfo.clear_cache()

TZDATA_VERSION: str = tzdata.IANA_VERSION
"""For example 2026f; recorded in every promise."""

IntArray = npt.NDArray[np.int64]

EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
DAY_SECONDS = 86_400
_SAMPLE_SECONDS = 3 * DAY_SECONDS
"""No zone changes its offset twice within three days."""


class UnknownZone(ValueError):
    """Not an IANA zone of the pinned tzdata: correct the depot's or the address's zone."""


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The IANA zone `name` from the pinned tzdata. Raises `UnknownZone`."""
    try:
        return ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UnknownZone(f"{name!r} is not a time zone of tzdata {TZDATA_VERSION}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Offsets:
    """A zone's offsets over a span: `seconds[k]` holds from `starts[k-1]` (epoch, UTC) on; `seconds[0]` before that."""

    starts: IntArray
    seconds: IntArray

    def instants(self, days: IntArray, second_of_day: IntArray) -> IntArray:
        """Epoch seconds of local wall times. A time in a gap moves forward by it; in a fold the first one is meant.

        Both follow from one threshold: until the later of a change's two local readings the old offset holds.
        """
        local = (days - EPOCH_ORDINAL) * DAY_SECONDS + second_of_day
        thresholds = self.starts + np.maximum(self.seconds[:-1], self.seconds[1:])
        return local - self.seconds[np.searchsorted(thresholds, local, side="right")]

    def local_days(self, instants: IntArray) -> IntArray:
        """Ordinals of the local dates on which epoch seconds `instants` fall."""
        local = instants + self.seconds[np.searchsorted(self.starts, instants, side="right")]
        return local // DAY_SECONDS + EPOCH_ORDINAL


def _offset_at(place: ZoneInfo, instant: int) -> int:
    # fromtimestamp is monotone and exact for whole seconds; utcoffset is never None for a ZoneInfo
    offset = datetime.fromtimestamp(instant, UTC).astimezone(place).utcoffset()
    assert offset is not None
    return offset // timedelta(seconds=1)


def _change_between(place: ZoneInfo, low: int, high: int) -> int:
    """First epoch second in (low, high] that has the offset of `high`."""
    after = _offset_at(place, high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _offset_at(place, middle) == after else (middle, high)
    return high


@lru_cache(maxsize=512)
def offsets(name: str, first_day: int, last_day: int) -> Offsets:
    """Offsets of a zone from two days before `first_day` to two days after `last_day` (ordinals)."""
    place = zone(name)
    low = (first_day - 2 - EPOCH_ORDINAL) * DAY_SECONDS
    high = (last_day + 3 - EPOCH_ORDINAL) * DAY_SECONDS
    points = [*range(low, high, _SAMPLE_SECONDS), high]
    found = [_offset_at(place, point) for point in points]
    starts, seconds = [], [found[0]]
    for before, after, left, right in zip(points, points[1:], found, found[1:], strict=False):
        if left != right:
            starts.append(_change_between(place, before, after))
            seconds.append(right)
    return Offsets(starts=np.array(starts, dtype=np.int64), seconds=np.array(seconds, dtype=np.int64))


_MAIN_ZONE = {
    "AQ": "Antarctica/McMurdo",
    "AR": "America/Argentina/Buenos_Aires",
    "AU": "Australia/Sydney",
    "BR": "America/Sao_Paulo",
    "CA": "America/Toronto",
    "CD": "Africa/Kinshasa",
    "CL": "America/Santiago",
    "CN": "Asia/Shanghai",
    "CY": "Asia/Nicosia",
    "DE": "Europe/Berlin",
    "EC": "America/Guayaquil",
    "ES": "Europe/Madrid",
    "FM": "Pacific/Pohnpei",
    "GL": "America/Nuuk",
    "ID": "Asia/Jakarta",
    "KI": "Pacific/Tarawa",
    "KZ": "Asia/Almaty",
    "MH": "Pacific/Majuro",
    "MN": "Asia/Ulaanbaatar",
    "MX": "America/Mexico_City",
    "MY": "Asia/Kuala_Lumpur",
    "NZ": "Pacific/Auckland",
    "PF": "Pacific/Tahiti",
    "PG": "Pacific/Port_Moresby",
    "PS": "Asia/Hebron",
    "PT": "Europe/Lisbon",
    "RU": "Europe/Moscow",
    "UA": "Europe/Kyiv",
    "UM": "Pacific/Wake",
    "US": "America/New_York",
    "UZ": "Asia/Tashkent",
    # not in zone.tab: Kosovo has no ISO code; Bouvet and Heard are uninhabited
    "XK": "Europe/Belgrade",
    "BV": "Etc/UTC",
    "HM": "Indian/Kerguelen",
}
"""Where a country has several zones: the one most addresses are in (own knowledge; zone.tab is not in that order)."""

_SUBDIVISION_ZONES = """
US America/New_York CT DC DE FL GA IN KY MA MD ME MI NC NH NJ NY OH PA RI SC VA VT WV
US America/Chicago AL AR IA IL KS LA MN MO MS ND NE OK SD TN TX WI
US America/Denver CO ID MT NM UT WY
US America/Phoenix AZ
US America/Los_Angeles CA NV OR WA
US America/Anchorage AK
US Pacific/Honolulu HI
US America/Puerto_Rico PR VI
US Pacific/Guam GU MP
US Pacific/Pago_Pago AS
CA America/St_Johns NL
CA America/Halifax NB NS PE
CA America/Toronto ON QC NU
CA America/Winnipeg MB
CA America/Regina SK
CA America/Edmonton AB NT
CA America/Vancouver BC
CA America/Whitehorse YT
AU Australia/Sydney NSW ACT
AU Australia/Melbourne VIC
AU Australia/Brisbane QLD
AU Australia/Adelaide SA
AU Australia/Darwin NT
AU Australia/Perth WA
AU Australia/Hobart TAS
BR America/Rio_Branco AC
BR America/Maceio AL SE
BR America/Belem AP PA
BR America/Manaus AM
BR America/Boa_Vista RR
BR America/Porto_Velho RO
BR America/Cuiaba MT
BR America/Campo_Grande MS
BR America/Fortaleza CE MA PB PI RN
BR America/Recife PE
BR America/Bahia BA
BR America/Araguaina TO
MX America/Cancun ROO
MX America/Merida YUC CAM
MX America/Monterrey COA DUR NLE TAM
MX America/Chihuahua CHH
MX America/Mazatlan BCS NAY SIN
MX America/Hermosillo SON
MX America/Tijuana BCN
RU Europe/Kaliningrad KGD
RU Europe/Samara SAM UD
RU Europe/Saratov SAR
RU Europe/Astrakhan AST
RU Europe/Ulyanovsk ULY
RU Asia/Yekaterinburg BA CHE KGN KHM ORE PER SVE TYU YAN
RU Asia/Omsk OMS
RU Asia/Novosibirsk NVS
RU Asia/Barnaul ALT AL
RU Asia/Tomsk TOM
RU Asia/Novokuznetsk KEM
RU Asia/Krasnoyarsk KYA KK TY
RU Asia/Irkutsk IRK BU
RU Asia/Chita ZAB
RU Asia/Yakutsk SA AMU
RU Asia/Vladivostok PRI KHA YEV
RU Asia/Magadan MAG
RU Asia/Sakhalin SAK
RU Asia/Kamchatka KAM CHU
ID Asia/Jakarta AC BB BE BT JA JB JI JK JT JW KR LA RI SB SL SM SS SU YO KB KT
ID Asia/Makassar BA GO KI KS KU NB NT SA SG SN SR ST
ID Asia/Jayapura MA MU PA PB PD PE PS PT
ES Atlantic/Canary CN GC TF
ES Africa/Ceuta CE ML
PT Atlantic/Madeira 30
PT Atlantic/Azores 20
CL America/Punta_Arenas MA
CL America/Coyhaique AI
EC Pacific/Galapagos W
CD Africa/Lubumbashi BU HK HL HU IT KC KE KL KS LO LU MA NK SA SK SU TA TO TU
MY Asia/Kuching 12 13 15
MN Asia/Hovd 043 046 071
UA Europe/Simferopol 40 43
NZ Pacific/Chatham CIT
PG Pacific/Bougainville NSB
KI Pacific/Kiritimati L
"""
"""Subdivisions by zone (own knowledge, checked against zone.tab); a split state has the zone of its larger part."""


def _subdivision_zones() -> dict[str, str]:
    table = {}
    for line in _SUBDIVISION_ZONES.split("\n"):
        if line:
            country, name, *codes = line.split()
            table.update({f"{country}-{code}": name for code in codes})
    return table


SUBDIVISION_ZONE = _subdivision_zones()


@lru_cache(maxsize=1)
def _country_zones() -> dict[str, str]:
    """Country -> first zone listed for it in the package's zone.tab."""
    text = (resources.files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    table: dict[str, str] = {}
    for country, _coordinates, name, *_comment in rows:
        table.setdefault(country, name)
    return {**table, **_MAIN_ZONE}


def zone_of(country: str, subdivisions: tuple[str, ...] = ()) -> str:
    """IANA name for an ISO country and its ISO 3166-2 codes, nearest first (`("FR-67", "FR-6AE")`).

    Several zones and no known subdivision: the zone most addresses of the country are in. Raises `UnknownZone`.
    """
    for code in subdivisions:
        if code in SUBDIVISION_ZONE:
            return SUBDIVISION_ZONE[code]
    try:
        return _country_zones()[country]
    except KeyError:
        raise UnknownZone(f"tzdata {TZDATA_VERSION} lists no zone for country {country!r}") from None
