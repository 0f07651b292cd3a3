"""How fast a promise is, beside what one would otherwise use, in one process and one run: figures, not assertions.

    python tests/benchmarks/promise.py [--rows 1000000] [--repeats 7] [--json]

Goals: scalar <= 300 ns, batch <= 10 ns a row, snapshot loads in <= 10 ms into <= 3 MB, regions rebuild in <= 2 s;
>= 400x a fresh `holidays` object per order, >= 30x pandas CustomBusinessDay, >= 4x numpy.busday_offset.
Times are the best of the repeats, in nanoseconds of wall time per promise unless the name says otherwise.
"""

from __future__ import annotations

import argparse
import gc
import json
import operator
import platform
import random
import sys
import time as clock
import tracemalloc
import warnings
from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import holidays
import numpy as np
import pandas as pd
from workalendar.europe import NorthRhineWestphalia

from calendars import compiler, snapshot, sources
from calendars.cutoffs import CutoffRule
from calendars.promises import Destination, LaneBook, Origin, compile_lane, promise_batch
from calendars.regions import resolve_region
from calendars.zones import TZDATA_VERSION, zone

ORIGINS = ("DE-NW", "DE-BY", "FR", "GB-ENG", "NL", "US-NY", "US-CA", "JP")
DESTINATIONS = ("DE-BE", "FR", "IT", "ES-MD", "AT", "CH-ZH", "GB-SCT")
START = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
SPAN = 2 * 365 * 86_400


def nanoseconds(work: Callable[[], object], count: int, repeats: int) -> float:
    """Best wall time of `repeats` runs of `work`, divided by the `count` promises it makes."""
    best = float("inf")
    gc.collect()
    for _ in range(repeats):
        begun = clock.perf_counter_ns()
        work()
        best = min(best, clock.perf_counter_ns() - begun)
    return best / count


def each(answer: Callable[[Any], object], questions: Iterable[Any]) -> Callable[[], object]:
    """Asks every question and keeps no answer; the loop runs in C, so that it costs next to nothing."""
    return lambda: deque(map(answer, questions), maxlen=0)


def lanes():
    known = snapshot.load()

    def zone_of(place):
        country, _, rest = place.partition("-")
        return resolve_region(country, rest or None).zone

    return [
        compile_lane(
            Origin(
                depot=here,
                zone=zone_of(here),
                calendar=known.business_calendar(here),
                cutoff=CutoffRule(default=time(14)),
            ),
            Destination(zone=zone_of(there), delivery=known.business_calendar(there)),
        )
        for here in ORIGINS
        for there in DESTINATIONS
    ]


def ours(rows: int, repeats: int) -> dict[str, float]:
    compiled = lanes()
    chance = random.Random(1)
    epochs = [START + chance.randrange(SPAN) for _ in range(20_000)]
    quicks = [chance.choice(compiled).quick for _ in epochs]
    receipts = [datetime.fromtimestamp(epoch, UTC) for epoch in epochs[:300]]
    numbers = np.random.default_rng(1)
    many, which = numbers.integers(START, START + SPAN, rows), numbers.integers(0, len(compiled), rows)
    book, first = LaneBook(compiled), np.zeros(rows, dtype=np.int64)
    return {
        "scalar_hot_lane": nanoseconds(each(compiled[0].quick, epochs), len(epochs), repeats),
        "scalar_56_lanes": nanoseconds(
            lambda: deque(map(operator.call, quicks, epochs), maxlen=0), len(epochs), repeats
        ),
        "receipt_with_trace": nanoseconds(each(compiled[0].promise, receipts), len(receipts), repeats),
        "batch_56_lanes": nanoseconds(lambda: promise_batch(book, which, many), rows, repeats),
        "batch_one_lane": nanoseconds(lambda: promise_batch(book, first, many), rows, repeats),
    }


def naive(approved_at: datetime, shared) -> date:
    """What an application without tables does: zone, cut-off, then step over closed days of both ends."""
    local = approved_at.astimezone(zone("Europe/Berlin"))
    # `shared` None: two fresh objects for every order, as the library's examples do it
    here, there = shared or tuple(holidays.country_holidays("DE", subdiv=code) for code in ("NW", "BE"))
    day = local.date() if local.time() <= time(14) else local.date() + timedelta(days=1)
    while not here.is_working_day(day):
        day += timedelta(days=1)
    return there.get_nth_working_day(day, 1)


def others(rows: int, repeats: int) -> dict[str, float]:
    chance = random.Random(1)
    instants = [datetime.fromtimestamp(START + chance.randrange(SPAN), UTC) for _ in range(1_000)]
    days = [instant.date() for instant in instants]
    years = range(2026, 2029)
    shared = tuple(holidays.country_holidays("DE", subdiv=code, years=years) for code in ("NW", "BE"))
    closed = sorted(shared[1])
    week = pd.offsets.CustomBusinessDay(holidays=closed)
    stamps = [pd.Timestamp(day) for day in days]
    numpy_week = np.busdaycalendar(holidays=np.array(closed, dtype="datetime64[D]"))
    column = np.datetime64("2026-01-01") + np.random.default_rng(1).integers(0, 730, rows)
    single = [np.datetime64(day) for day in days]
    workdays = NorthRhineWestphalia()
    return {
        "holidays_fresh_object_per_order": nanoseconds(each(partial(naive, shared=None), instants[:100]), 100, repeats),
        "holidays_shared_object": nanoseconds(each(partial(naive, shared=shared), instants), 1_000, repeats),
        "holidays_get_nth_working_day": nanoseconds(
            each(lambda day: shared[1].get_nth_working_day(day, 1), days), 1_000, repeats
        ),
        "workalendar_add_working_days": nanoseconds(
            each(lambda day: workdays.add_working_days(day, 1), days), 1_000, repeats
        ),
        "pandas_custom_business_day": nanoseconds(each(lambda stamp: stamp + week, stamps), 1_000, repeats),
        "numpy_busday_offset_scalar": nanoseconds(
            each(lambda day: np.busday_offset(day, 1, roll="backward", busdaycal=numpy_week), single), 1_000, repeats
        ),
        "numpy_busday_offset_batch": nanoseconds(
            lambda: np.busday_offset(column, 1, roll="backward", busdaycal=numpy_week), rows, repeats
        ),
    }


def stored(repeats: int) -> dict[str, float]:
    def plain_regions():
        policy = sources.load_policy()
        window = range(policy.first.toordinal(), policy.last.toordinal() + 1)
        for country, subdivisions in sources.countries().items():
            for subdivision in (None, *subdivisions):
                sources.build(country, subdivision, (), window)

    load_ms = nanoseconds(lambda: snapshot.load_from(snapshot.FOLDER), 1, max(repeats, 15)) / 1e6
    tracemalloc.start()
    kept = snapshot.load_from(snapshot.FOLDER)
    megabytes = tracemalloc.get_traced_memory()[0] / 1e6
    tracemalloc.stop()
    unpack_us = nanoseconds(lambda: [kept._unpack(key) for key in kept.keys[:200]], 200, repeats) / 1e3
    begun = clock.process_time()
    plain_regions()
    regions_s = clock.process_time() - begun
    begun = clock.process_time()
    compiler.compile_snapshot()
    everything_s = clock.process_time() - begun
    compile_us = nanoseconds(lanes, len(ORIGINS) * len(DESTINATIONS), repeats) / 1e3
    return {
        "snapshot_load_ms": load_ms,
        "snapshot_megabytes": megabytes,
        "snapshot_unpack_one_calendar_us": unpack_us,
        "rebuild_all_regions_cpu_s": regions_s,
        "rebuild_everything_cpu_s": everything_s,
        "compile_lane_us": compile_us,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    mine, theirs = ours(options.rows, options.repeats), others(options.rows, options.repeats)
    ratios = {
        f"{name} / ours": value / (mine["batch_56_lanes"] if name.endswith("batch") else mine["scalar_56_lanes"])
        for name, value in theirs.items()
    }
    report = {
        "python": platform.python_version(),
        "versions": {m.__name__: m.__version__ for m in (holidays, np, pd)} | {"tzdata": TZDATA_VERSION},
        "ours_ns": mine,
        "others_ns": theirs,
        "ratios": ratios,
        "stored": stored(options.repeats),
    }
    if options.json:
        print(json.dumps(report, indent=2))
        return
    for title in ("ours_ns", "others_ns", "ratios", "stored"):
        print(title)
        for name, value in report[title].items():
            print(f"  {name:40} {value:14,.2f}")


if __name__ == "__main__":
    main()
