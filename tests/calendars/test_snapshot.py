"""The committed snapshot is what the library and the policy say, bit for bit, and loads without them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import date, timedelta

import holidays
import pytest

from calendars import compiler, sources
from calendars.operating import Override
from calendars.snapshot import FOLDER, SnapshotDamaged, UnknownCalendar, changed, load, load_from


@pytest.fixture(scope="module")
def compiled():
    return compiler.compile_snapshot()


def test_recompiling_gives_the_same_bytes(compiled):
    """Library, policy and committed file agree: the same inputs give the same payload and manifest."""
    manifest = json.loads((FOLDER / "snapshot.json").read_text(encoding="utf-8"))

    assert compiled.manifest == manifest, "run `python -m calendars.compiler` and review what changed"


def test_recompiled_snapshot_reads_back(compiled, tmp_path):
    """What is written is what is loaded, names included."""
    compiled.write(tmp_path)

    assert load_from(tmp_path).version == load().version
    assert (tmp_path / "names.xz").stat().st_size < 200_000
    assert (tmp_path / "snapshot.xz").stat().st_size < 200_000


def test_changed_calendars_are_found(compiled, tmp_path):
    """Between two equal snapshots nothing changed; a moved holiday is found under its key alone."""
    compiled.write(tmp_path)
    again, known = load_from(tmp_path), load()
    before = changed(known, again)
    moved = [Override(first=date(2026, 7, 1), last=date(2026, 7, 1), open=False, reason="decree")]
    again._made["NL"] = known.calendar("NL").with_overrides(moved)

    assert before == ()
    assert changed(known, again) == ("NL",)


def test_damaged_snapshot_is_refused(tmp_path):
    """A payload that is not the manifest's is refused."""
    for name in ("snapshot.xz", "snapshot.json"):
        shutil.copy(FOLDER / name, tmp_path)
    manifest = json.loads((tmp_path / "snapshot.json").read_text(encoding="utf-8"))
    (tmp_path / "snapshot.json").write_text(json.dumps({**manifest, "sha256": "0" * 64}), encoding="utf-8")

    with pytest.raises(SnapshotDamaged):
        load_from(tmp_path)


@pytest.mark.parametrize(
    ("country", "subdivision", "category"),
    [
        ("DE", "NW", None),
        ("DE", "BY", "catholic"),
        ("US", "NY", None),
        ("CN", None, None),
        ("HU", None, None),
        ("AE", None, None),
        ("MY", "01", None),
        ("SA", None, None),
        ("NP", None, None),
        ("IL", None, None),
        ("JP", None, None),
        ("SE", None, "de_facto"),
        ("HK", None, "optional"),
        ("TW", None, None),
        ("BR", "São Paulo Capital", None),
    ],
)
def test_plain_keys_are_the_library(country, subdivision, category):
    """Each day of three years is open exactly when the library calls it a working day."""
    categories = tuple(filter(None, ("public", category)))
    source = getattr(holidays, country)(subdiv=subdivision, categories=categories)
    calendar = load().calendar(sources.calendar_key(country, subdivision, categories[1:]))

    days = [date(2025, 1, 1) + timedelta(days=n) for n in range(3 * 365)]
    assert [calendar.is_open(day) for day in days] == [source.is_working_day(day) for day in days]


def test_policy_keys_differ_as_written():
    """Solothurn closes on Corpus Christi, Libya on Friday, Mauritania on Sunday: in our calendars, not the plain."""
    known = load()

    assert known.calendar("CH-SO").is_open(date(2026, 6, 4))
    assert not known.business_calendar("CH-SO").is_open(date(2026, 6, 4))
    assert not known.business_calendar("LY").is_open(date(2026, 10, 16))
    assert known.business_calendar("LY").is_open(date(2026, 10, 18))
    assert not known.business_calendar("MR").is_open(date(2026, 10, 18))


def test_region_without_policy_keeps_the_library():
    """A region without a line of its own answers with the plain calendar."""
    assert load().business_key("DE-NW") == "DE-NW"


def test_unknown_key_is_refused():
    """A key nobody compiled is an error, not an empty calendar."""
    with pytest.raises(UnknownCalendar):
        load().calendar("DE-ZZ")


def test_horizons_come_from_the_policy():
    """Reviewed horizons reach the calendars, subdivisions included."""
    known = load()

    assert known.calendar("CN").through == date(2026, 12, 31)
    assert known.calendar("DE-NW").through == date(2030, 12, 31)
    assert known.calendar("AU-SA").through == date(2026, 12, 31)
    assert known.calendar("AU-NSW").through == date(2027, 12, 31)


def test_manifest_records_its_sources():
    """The manifest names library, tzdata, policy and window."""
    assert {"holidays", "tzdata", "policy_sha256", "sha256", "first", "last"} <= set(load().manifest)
    assert load().manifest["holidays"] == holidays.__version__


@pytest.mark.slow
def test_promises_do_not_load_the_library():
    """Importing the promise and answering with it loads neither `holidays` nor pandas."""
    program = (
        "import sys, calendars.promises, calendars.regions, calendars.cases;"
        "calendars.regions.resolve_region('DE', 'BY');"
        "sys.exit(bool({'holidays', 'pandas'} & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0
    control = program.replace("import sys,", "import sys, holidays,")
    assert subprocess.run([sys.executable, "-c", control], check=False, timeout=60).returncode == 1
