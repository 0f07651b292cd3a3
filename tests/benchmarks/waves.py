"""What a wave costs: ours, one flow run per request, and the floor without an orchestrator, in one run.

    python tests/benchmarks/waves.py --requests 1000 --json

(a) ours: `flows.dispatch_wave` over everything that is due.
(b) plain: one Prefect flow run of seven tasks per request, the way a tutorial would write it, measured on a sample.
(c) floor: the same steps called as plain functions, no Prefect anywhere.

All three have the same kind of database, the same requests and the same carrier over HTTP; each has a fresh copy. The
Prefect server is one for (a) and (b), up before anything is measured. Nothing is asserted here: the ratios are printed.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from infra import clock, orchestrator  # noqa: E402 - the checkout first

NOW = datetime(2026, 11, 20, 5, 30, tzinfo=UTC)
SAMPLE_DAY = date(2026, 11, 19)


def main() -> int:
    asked = _arguments()
    if asked.way:
        print(json.dumps(_run_way(asked)))
        return 0
    home = Path(tempfile.mkdtemp(prefix="waves-"))
    orchestrator.prepare_environment(home / "prefect")
    try:
        facts = _measure(asked, home)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    if asked.json:
        print(json.dumps(facts))
    else:
        for name, value in facts.items():
            print(f"{name:32} {value}")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--plain-sample", type=int, default=20, help="requests measured the plain way")
    parser.add_argument("--larger", type=int, default=0, help="a second size, to see how time grows (0: leave out)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--latency-ms", type=int, default=0, help="what the carrier takes to answer")
    parser.add_argument("--rounds", type=int, default=2, help="ours and the floor in turn; the best of each counts")
    parser.add_argument("--json", action="store_true")
    inner = parser.add_argument_group("for the child processes")
    inner.add_argument("--way", choices=("ours", "floor", "plain", "plain-quiet"))
    inner.add_argument("--home", type=Path)
    inner.add_argument("--prepared", default="prepared")
    return parser.parse_args()


def _measure(asked: argparse.Namespace, home: Path) -> dict[str, Any]:
    """Each way runs in a process of its own, warmed by a small wave, so that none profits from another."""
    from flows.run_demo import prefect_server  # noqa: PLC0415 - after the environment

    _prepared(home / "warm", 20, asked.seed)
    _prepared(home / "prepared", asked.requests, asked.seed)
    _prepared(home / "sample", asked.plain_sample, asked.seed)
    with prefect_server(say=lambda _words: None) as url:
        rounds = [(_child("ours", home, url, asked), _child("floor", home, url, asked)) for _ in range(asked.rounds)]
        plain = _child("plain", home, url, asked, prepared="sample")
        quiet = _child("plain-quiet", home, url, asked, prepared="sample")
        larger = {}
        if asked.larger:
            _prepared(home / "larger", asked.larger, asked.seed)
            larger = _child("ours", home, url, asked, prepared="larger")
    ours, floor = (min(column, key=lambda each: each["seconds"]) for column in zip(*rounds, strict=True))
    return _facts(asked, ours, floor, (plain, quiet), larger)


def _facts(
    asked: argparse.Namespace,
    ours: dict[str, Any],
    floor: dict[str, Any],
    plains: tuple[dict[str, Any], dict[str, Any]],
    larger: dict[str, Any],
) -> dict[str, Any]:
    plain_each, quiet_each = (each["seconds"] / asked.plain_sample for each in plains)
    facts = {
        "requests": asked.requests,
        "ours_seconds": round(ours["seconds"], 3),
        "ours_per_request_ms": round(1000 * ours["seconds"] / asked.requests, 3),
        "plain_per_request_ms": round(1000 * plain_each, 1),
        "plain_without_heartbeats_ms": round(1000 * quiet_each, 1),
        "floor_seconds": round(floor["seconds"], 3),
        "ours_over_plain": round(plain_each * asked.requests / ours["seconds"], 1),
        "ours_over_plain_without_heartbeats": round(quiet_each * asked.requests / ours["seconds"], 1),
        "ours_over_floor": round(floor["seconds"] / ours["seconds"], 3),
        "queries": ours["queries"],
        "queries_per_request": round(ours["queries"] / asked.requests, 3),
        "dispatched": ours["dispatched"],
        "bookings": ours["bookings"],
        "peak_rss_mb": ours["peak_rss_mb"],
    }
    if larger:
        facts |= {
            "larger_requests": asked.larger,
            "larger_seconds": round(larger["seconds"], 3),
            "larger_over_ours": round(larger["seconds"] / ours["seconds"], 2),
            "larger_queries_per_request": round(larger["queries"] / asked.larger, 3),
            "larger_peak_rss_mb": larger["peak_rss_mb"],
        }
    return facts


def _child(way: str, home: Path, url: str, asked: argparse.Namespace, *, prepared: str = "prepared") -> dict[str, Any]:
    ran = subprocess.run(
        [sys.executable, __file__, "--way", way, "--home", str(home), "--prepared", prepared,
         "--latency-ms", str(asked.latency_ms)],
        env={**os.environ, "PREFECT_API_URL": url}, stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    facts: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return facts


def _run_way(asked: argparse.Namespace) -> dict[str, Any]:
    """In the child: a small wave to warm up, then the one that counts."""
    ways = {"ours": _ours, "floor": _floor, "plain": _plain, "plain-quiet": _plain_quiet}
    _timed(asked.home / "warm", asked.home, asked, _floor if asked.way == "floor" else _ours)
    return _timed(asked.home / asked.prepared, asked.home, asked, ways[asked.way])


# --- worlds ---------------------------------------------------------------------------------------------------------


def _prepared(folder: Path, requests: int, seed: int) -> Path:
    """A database with `requests` approved requests and stock for all of them."""
    from sqlalchemy import update  # noqa: PLC0415 - after the environment

    from infra.db.engine import Database  # noqa: PLC0415 - as above
    from infra.db.records import Stock  # noqa: PLC0415 - as above
    from infra.policy.pack import load_pack  # noqa: PLC0415 - as above
    from infra.sample.writing import write_sample  # noqa: PLC0415 - as above
    from tasks import intake  # noqa: PLC0415 - as above
    from tasks.installation import prepare  # noqa: PLC0415 - as above

    with clock.held(NOW):
        pack = load_pack()
        settings = _settings(folder)
        database = Database(settings.database)
        prepare(database, pack)
        with database.write() as session:
            session.execute(update(Stock).where(Stock.on_hand > 0).values(on_hand=1_000_000))
        database.close()
        sample = write_sample(
            folder / "inbox", pack=pack, requests=requests, seed=seed, day=SAMPLE_DAY, dirty_share=0.0
        )
        with _desk(settings):
            for path in sample.paths:
                intake.take_in(path)
    return folder


def _settings(folder: Path, url: str | None = None) -> Any:
    from infra.settings import Settings  # noqa: PLC0415 - after the environment

    carriers = {"ups": {"base_url": url, "client_id": "bench", "client_secret": "bench"}} if url else {}
    return Settings(
        home=folder,
        database_url=f"sqlite:///{folder / 'dispatch.db'}",
        documents_url=str(folder / "documents"),
        carriers=carriers,
    )


@contextmanager
def _desk(settings: Any) -> Iterator[Any]:
    from tasks.desk import open_desk, using  # noqa: PLC0415 - after the environment

    at_desk = open_desk(settings)
    try:
        with using(at_desk):
            yield at_desk
    finally:
        at_desk.close()


def _timed(prepared: Path, home: Path, asked: argparse.Namespace, run: Callable[[], None]) -> dict[str, Any]:
    from carriers.sandbox.running import running  # noqa: PLC0415 - after the environment
    from tasks import books  # noqa: PLC0415 - as above

    folder = Path(tempfile.mkdtemp(dir=home))
    shutil.copytree(prepared, folder, dirs_exist_ok=True)
    options = ("--clock", NOW.isoformat(), "--latency-ms", str(asked.latency_ms))
    with clock.held(NOW), running(folder / "carrier.sqlite", *options) as carrier:
        with _desk(_settings(folder, carrier.url)) as at_desk:
            _ = at_desk.promiser, at_desk.carrier("ups")
            queries = _counted(at_desk.database.engine)
            gc.collect()
            started = time.perf_counter()
            run()
            seconds = time.perf_counter() - started
            counted = books.books()
        truth = carrier.ledger()
    if counted.bookings != truth["billed"]:
        raise SystemExit(f"{prepared.name}: {counted.bookings} bookings in our books, {truth['billed']} billed")
    return {
        "seconds": seconds,
        "queries": queries[0],
        "dispatched": counted.dispatched,
        "bookings": counted.bookings,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def _counted(engine: Any) -> list[int]:
    from sqlalchemy import event  # noqa: PLC0415 - after the environment

    count = [0]

    def more(*_: object) -> None:
        count[0] += 1

    event.listen(engine, "before_cursor_execute", more)
    return count


# --- the three ways -------------------------------------------------------------------------------------------------


def _ours() -> None:
    from flows.dispatch_wave import dispatch_wave  # noqa: PLC0415 - imports Prefect

    with orchestrator.without_heartbeats():
        dispatch_wave(None)


def _plain_quiet() -> None:
    """The plain way without Prefect's heartbeat thread, whose end costs a second a run: the kinder comparison."""
    with orchestrator.without_heartbeats():
        _plain()


def _floor() -> None:
    """The same steps in the same order, the same portions on the same threads, and nothing around them."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - only here

    from infra.db.states import BookingState  # noqa: PLC0415 - after the environment
    from tasks import coverage, pick_lists, promises, shipments, stock, waves  # noqa: PLC0415 - as above
    from tasks.desk import desk  # noqa: PLC0415 - as above

    fence = waves.open_wave().fence
    for step in (coverage.cover, promises.promise, stock.reserve, shipments.plan_bookings):
        step(fence)
    due, size = shipments.due_bookings(fence, BookingState.PLANNED), desk().settings.booking_portion
    portions = [due[start : start + size] for start in range(0, len(due), size)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda portion: shipments.book(fence, portion), portions))
    shipments.finish_bookings(fence)
    pick_lists.release(fence)
    waves.close_wave(fence)


def _plain() -> None:
    """One flow run per request, one task per step: each does for one request what ours does for all."""
    from prefect import flow, task  # noqa: PLC0415 - imports Prefect
    from sqlalchemy import select  # noqa: PLC0415 - after the environment

    from infra.db.records import Request  # noqa: PLC0415 - as above
    from infra.db.states import BookingState  # noqa: PLC0415 - as above
    from infra.ledger import claims  # noqa: PLC0415 - as above
    from tasks import coverage, pick_lists, promises, shipments, stock, waves  # noqa: PLC0415 - as above
    from tasks.desk import desk  # noqa: PLC0415 - as above

    @task(name="claim")
    def claim(request_id: int) -> int:
        with desk().database.write() as session:
            fence = claims.take(session, purpose="plain", at=clock.now())
            claims.claim_rows(session, Request, [request_id], fence)
        return fence.number

    def one_step(verb: Callable[..., Any], name: str) -> Any:
        return task(lambda number: len(verb(_fence(number))), name=name)

    def book_all(number: int) -> int:
        fence = _fence(number)
        shipments.plan_bookings(fence)
        shipments.book(fence, shipments.due_bookings(fence, BookingState.PLANNED))
        return len(shipments.finish_bookings(fence))

    def release(number: int) -> int:
        fence = _fence(number)
        released = pick_lists.release(fence)
        waves.close_wave(fence)
        return len(released)

    steps = [
        one_step(coverage.cover, "cover"),
        one_step(promises.promise, "promise"),
        one_step(stock.reserve, "reserve"),
        task(book_all, name="book"),
        task(release, name="release"),
    ]
    close = task(lambda number: number, name="notify")

    @flow(name="dispatch-one-request")
    def dispatch_one_request(request_id: int) -> None:
        number = claim(request_id)
        for step in steps:
            step(number)
        close(number)

    with desk().database.read() as session:
        ids = list(session.scalars(select(Request.id).order_by(Request.id)))
    for request_id in ids:
        dispatch_one_request(request_id)


def _fence(number: int) -> Any:
    from infra.ledger.claims import Fence  # noqa: PLC0415 - after the environment

    return Fence(number=number, lease_until=clock.now() + timedelta(minutes=10))


if __name__ == "__main__":
    raise SystemExit(main())
