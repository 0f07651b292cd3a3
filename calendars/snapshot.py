"""The packed, immutable, versioned snapshot of every region's days: compiled seldom, loaded in milliseconds.

`compiler` writes `snapshot.xz`, `names.xz` and `snapshot.json` (the manifest) beside this file; they are committed.
`load()` gives the shared snapshot to everybody else in the room, without importing what it was compiled from.
`snapshot.xz` holds a JSON header line and a pool of bit fields, one bit per day; equal fields are stored once.
`names.xz` holds what the days are called and is read only when somebody asks for a reason.
"""

from __future__ import annotations

import json
import lzma
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from calendars.operating import (
    BEYOND,
    ESTIMATED,
    HALF_DAY,
    HOLIDAY,
    MAKE_UP,
    WEEKDAYS,
    WEEKEND,
    CalendarError,
    OperatingCalendar,
    Weekday,
    weekly,
)

FOLDER = Path(__file__).parent
_KINDS = (HOLIDAY, WEEKEND, MAKE_UP, ESTIMATED, HALF_DAY)
"""Order of the pool indices in a key's row."""


class UnknownCalendar(CalendarError):
    """The snapshot has no calendar under that key."""


class SnapshotDamaged(CalendarError):
    """The file's content does not have the manifest's hash: check it out again or recompile."""


@dataclass(frozen=True, slots=True)
class _Names:
    """Names of one key's holidays, loaded on the first question."""

    folder: Path
    key: str

    def __getitem__(self, ordinal: int) -> str:
        return _names_of(self.folder, self.key).get(ordinal, "holiday")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Snapshot:
    """Every region's days between `first` and `last` (inclusive). Shareable between threads."""

    first: date
    last: date
    version: str
    """First 12 hexadecimal digits of the payload's SHA-256: written beside every promise."""
    manifest: Mapping[str, Any]
    folder: Path
    """Where it was read from: the names of the days are fetched there when somebody asks."""
    aliases: Mapping[str, str]
    """Names of subdivisions, folded (`de/bayern`), to the key they mean."""
    cities: tuple[tuple[str, str, str, str], ...]
    """Country, folded city name, its ISO subdivision, the calendar key of the municipality."""
    _rows: Mapping[str, str] = field(repr=False)
    _pool: bytes = field(repr=False)
    _made: dict[str, OperatingCalendar] = field(default_factory=dict, repr=False)

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self._rows)

    def __contains__(self, key: str) -> bool:
        return key in self._rows

    def calendar(self, key: str) -> OperatingCalendar:
        """The calendar compiled under exactly `key`; several `+categories` are closed when either is.

        Raises `UnknownCalendar`. `regions.calendar_key` turns what people write into a key.
        """
        if key not in self._made:
            # Two threads may both build it: the results are equal, the second replaces the first.
            self._made[key] = self._build(key)
        return self._made[key]

    def business_calendar(self, region: str) -> OperatingCalendar:
        """The calendar a promise uses for `region`: ours where the policy differs from the library, else the plain."""
        return self.calendar(self.business_key(region))

    def business_key(self, region: str) -> str:
        """`SE` -> `SE+policy`; a region without a policy of its own keeps its key."""
        return f"{region}+policy" if f"{region}+policy" in self._rows else region

    def weekly(self, key: str, weekdays: Iterable[Weekday] = WEEKDAYS, **options: Any) -> OperatingCalendar:
        """`operating.weekly` over this snapshot's window: carriers' and consignees' own weeks."""
        return weekly(key, first=self.first, last=self.last, weekdays=weekdays, **options)

    def _build(self, key: str) -> OperatingCalendar:
        place, *categories = key.split("+")
        if len(categories) > 1 and key not in self._rows:
            first, *rest = (self.calendar(f"{place}+{category}") for category in categories)
            for other in rest:
                first &= other
            return first
        return self._unpack(key)

    def _unpack(self, key: str) -> OperatingCalendar:
        try:
            *indices, through = map(int, self._rows[key].split())
        except KeyError:
            raise UnknownCalendar(f"no calendar {key!r} in snapshot {self.version}") from None
        first = self.first.toordinal()
        length = self.last.toordinal() - first + 1
        flags = np.zeros(length, dtype=np.uint8)
        for kind, index in zip(_KINDS, indices, strict=True):
            flags |= self._bits(index, length) * np.uint8(kind)
        flags[max(0, through - first + 1) :] |= BEYOND
        return OperatingCalendar(
            key=key,
            first=first,
            flags=flags.tobytes(),
            through=date.fromordinal(through),
            source=f"snapshot {self.version}",
            names=_Names(self.folder, key),
        )

    def _bits(self, index: int, length: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
        width = (length + 7) // 8
        packed = np.frombuffer(self._pool, dtype=np.uint8, count=width, offset=index * width)
        return np.unpackbits(packed, count=length)


def load_from(folder: Path) -> Snapshot:
    """Reads a compiled snapshot. Raises `SnapshotDamaged` when it is not what its manifest says."""
    manifest = json.loads((folder / "snapshot.json").read_text(encoding="utf-8"))
    payload = lzma.decompress((folder / "snapshot.xz").read_bytes())
    digest = sha256(payload).hexdigest()
    if digest != manifest["sha256"]:
        raise SnapshotDamaged(f"snapshot.xz has SHA-256 {digest}, its manifest says {manifest['sha256']}")
    line, _, pool = payload.partition(b"\n")
    header = json.loads(line)
    return Snapshot(
        first=date.fromisoformat(header["first"]),
        last=date.fromisoformat(header["last"]),
        version=digest[:12],
        manifest=MappingProxyType(manifest),
        folder=folder,
        aliases=MappingProxyType(header["aliases"]),
        cities=tuple((c, n, s, k) for c, n, s, k in header["cities"]),
        _rows=MappingProxyType(header["rows"]),
        _pool=pool,
    )


@lru_cache(maxsize=1)
def load() -> Snapshot:
    """The committed snapshot, loaded once per process."""
    return load_from(FOLDER)


def changed(before: Snapshot, after: Snapshot) -> tuple[str, ...]:
    """Keys whose days differ between two snapshots, or that only `after` has: whose promises must be computed again."""
    return tuple(key for key in after.keys if key not in before or before.calendar(key) != after.calendar(key))


@lru_cache(maxsize=2)
def _name_tables(folder: Path) -> tuple[list[str], dict[str, list[int]], int]:
    names = json.loads(lzma.decompress((folder / "names.xz").read_bytes()))
    return names["names"], names["keys"], names["first"]


@lru_cache(maxsize=256)
def _names_of(folder: Path, key: str) -> dict[int, str]:
    """Ordinal -> name for one key: stored as alternating day steps and name numbers."""
    names, keys, first = _name_tables(folder)
    flat, table, day = keys.get(key, []), {}, first
    for step, number in zip(flat[::2], flat[1::2], strict=True):
        day += step
        table[day] = names[number]
    return table


def folded(name: str) -> str:
    """Lower case without accents: how names of places are compared."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss"))
    return "".join(c for c in plain if not unicodedata.combining(c)).casefold().strip()
