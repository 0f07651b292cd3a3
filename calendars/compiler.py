"""Compiles every region's calendar into the snapshot: `python -m calendars.compiler`, then review and commit the files.

Run when `holidays`, tzdata or policy.yaml changed; a test recompiles and compares, so none of them changes in silence.
Kept apart from `snapshot` because compiling imports `holidays` (60 ms and 30 MB), and promising must not.
"""

from __future__ import annotations

import json
import lzma
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from calendars import sources
from calendars.snapshot import FOLDER, changed, folded, load_from
from calendars.sources import Days, Policy, RegionRule
from calendars.zones import TZDATA_VERSION


class _Pool:
    """Bit fields, equal ones once; field 0 is empty."""

    def __init__(self, window: range) -> None:
        self._window = window
        self._index: dict[bytes, int] = {}
        self.add(())

    def add(self, days: Iterable[int]) -> int:
        bits = np.zeros(len(self._window), dtype=np.uint8)
        wanted = np.fromiter(days, dtype=np.int64) - self._window[0]
        bits[wanted] = 1
        return self._index.setdefault(np.packbits(bits).tobytes(), len(self._index))

    def content(self) -> bytes:
        return b"".join(self._index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """What `compile_snapshot` made, not yet written."""

    payload: bytes
    names: bytes
    manifest: dict[str, Any]

    def write(self, folder: Path) -> None:
        (folder / "snapshot.xz").write_bytes(_squeeze(self.payload))
        (folder / "names.xz").write_bytes(_squeeze(self.names))
        text = json.dumps(self.manifest, indent=2, sort_keys=True) + "\n"
        (folder / "snapshot.json").write_text(text, encoding="utf-8")


def _squeeze(content: bytes) -> bytes:
    return lzma.compress(content, preset=9 | lzma.PRESET_EXTREME, check=lzma.CHECK_CRC32)


def compile_snapshot(policy_path: Path | None = None) -> Compiled:
    """Compiles every region from the installed `holidays` and the policy; deterministic: same inputs, same bytes."""
    path = policy_path or sources.POLICY_PATH
    policy = sources.load_policy(path)
    window = range(policy.first.toordinal(), policy.last.toordinal() + 1)
    pool = _Pool(window)
    rows: dict[str, str] = {}
    names: dict[str, tuple[tuple[int, ...], tuple[str, ...]]] = {}
    for days, through in _all_days(policy, window):
        fields = (days.holidays, days.weekend, days.make_up, days.estimated, days.half_days)
        rows[days.key] = " ".join(str(pool.add(f)) for f in fields) + f" {through.toordinal()}"
        names[days.key] = (days.holidays, days.names)
    header = {
        "first": policy.first.isoformat(),
        "last": policy.last.isoformat(),
        "rows": dict(sorted(rows.items())),
        "aliases": _aliases(rows),
        "cities": _cities(policy, rows),
    }
    payload = json.dumps(header, sort_keys=True, ensure_ascii=True).encode() + b"\n" + pool.content()
    return Compiled(
        payload=payload,
        names=_packed_names(names, window[0]),
        manifest={
            "sha256": sha256(payload).hexdigest(),
            "calendars": len(rows),
            "first": policy.first.isoformat(),
            "last": policy.last.isoformat(),
            "holidays": sources.LIBRARY_VERSION,
            "tzdata": TZDATA_VERSION,
            "policy_sha256": sha256(path.read_bytes()).hexdigest(),
            "licence": "holiday dates compiled from python-holidays (MIT)",
        },
    )


def _all_days(policy: Policy, window: range) -> Iterable[tuple[Days, date]]:
    for country, subdivisions in sources.countries().items():
        for subdivision in (None, *subdivisions):
            region = sources.calendar_key(country, subdivision)
            rule = policy.rules.get(region) or policy.rules.get(country)
            through = (rule and rule.through) or policy.through
            variants = {
                categories: sources.build(country, subdivision, categories, window)
                for categories in ((), *((c,) for c in sources.closing_categories(country)))
            }
            for days in variants.values():
                yield days, through
            if rule is not None and _differs(rule):
                yield _decided(rule, region, variants, window), through


def _differs(rule: RegionRule) -> bool:
    return bool(rule.categories or rule.weekend or rule.feasts) or rule.make_up is False


def _decided(
    rule: RegionRule,
    region: str,
    variants: Mapping[tuple[str, ...], Days],
    window: range,
) -> Days:
    """The policy's calendar of a region: a library variant, then our weekend, make-up days and feasts."""
    days = variants[rule.categories or ()]
    found = dict(zip(days.holidays, days.names, strict=True))
    for day, name in sources.feast_days(rule.feasts, window):
        found.setdefault(day, f"{name} (policy)")
    return sources.Days(
        key=f"{region}+policy",
        holidays=tuple(sorted(found)),
        names=tuple(found[day] for day in sorted(found)),
        weekend=sources.weekend_days(rule.weekend, window) if rule.weekend else days.weekend,
        make_up=() if rule.make_up is False else days.make_up,
        estimated=days.estimated,
        half_days=variants[()].half_days,
    )


def _aliases(rows: Mapping[str, str]) -> dict[str, str]:
    table = {folded(key): key for key in rows if "+" not in key}
    for country in sources.countries():
        for name, code in sources.aliases(country).items():
            table.setdefault(folded(f"{country}/{name}"), sources.calendar_key(country, code))
    return dict(sorted(table.items()))


def _cities(policy: Policy, rows: Mapping[str, str]) -> list[tuple[str, str, str, str]]:
    table = []
    for city in policy.cities:
        if city.calendar not in rows:
            raise sources.PolicyRefused(f"policy.yaml: {city.names[0]} refers to unknown calendar {city.calendar}")
        table += [(city.country, folded(name), city.subdivision, city.calendar) for name in city.names]
    return sorted(table)


def _packed_names(names: Mapping[str, tuple[tuple[int, ...], tuple[str, ...]]], first: int) -> bytes:
    texts = sorted({text for _, found in names.values() for text in found})
    number = {text: index for index, text in enumerate(texts)}
    keys: dict[str, list[int]] = {}
    for key, (days, found) in sorted(names.items()):
        flat, before = [], first
        for day, text in zip(days, found, strict=True):
            flat += [day - before, number[text]]
            before = day
        keys[key] = flat
    return json.dumps({"first": first, "names": texts, "keys": keys}, separators=(",", ":")).encode()


def main() -> int:
    """Recompiles the committed files and says how many calendars changed."""
    compiled = compile_snapshot()
    before = load_from(FOLDER) if (FOLDER / "snapshot.json").exists() else None
    compiled.write(FOLDER)
    after = load_from(FOLDER)
    different = after.keys if before is None else changed(before, after)
    sys.stdout.write(f"snapshot {after.version}: {len(after.keys)} calendars, {len(different)} changed\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
