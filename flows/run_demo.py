"""A whole day on one machine: sample files in, waves through Prefect on a held clock, papers and letters out.

Run by `dispatch demo`. The carrier is a real HTTP server of ours with a ledger of its own, so that the books of both
sides can be compared. A demo that was cut off goes on from its rows when it is started again.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from datetime import time as wall
from decimal import Decimal
from pathlib import Path
from typing import Any

from prefect import tags
from prefect.server.api.server import SubprocessASGIServer
from prefect.settings import PREFECT_API_URL, temporary_settings
from pydantic import SecretStr

from carriers.sandbox.running import Sandbox, running
from flows.deliver_notices import deliver_notices
from flows.dispatch_wave import dispatch_wave
from infra import clock
from infra.db.engine import Database
from infra.mail_catcher import MailCatcher
from infra.orchestrator import without_heartbeats
from infra.policy.model import Pack
from infra.policy.pack import load_pack
from infra.sample.writing import write_sample
from infra.settings import CarrierConnection, Settings
from tasks import books, intake, papers
from tasks.books import Books
from tasks.desk import Desk, open_desk, using
from tasks.installation import prepare
from tasks.intake import TakenIn

DEMO_DAY = date(2026, 11, 20)
"""A Friday: promises made after the cut-off show a weekend in their working."""

POSTS = (
    # until when (hours from midnight UTC), how many hours of approvals, share of the day's requests
    (4, 12, Decimal("0.25")),
    (14, 10, Decimal("0.45")),
    (20, 6, Decimal("0.30")),
)
"""Partners' files come in three times a day; each holds what was approved since the one before."""

ROUNDS = (
    # just after the cut-off of its depots: what was approved in time is still packed for the day's pick-up
    (4, 5, ("AU", "NZ", "SG", "JP", "AE")),
    (14, 5, ("NL", "DK", "DE", "ES", "IT", "FR", "SE", "PL", "ZA")),
    (15, 5, ("GB", "PT", "IE")),
    (20, 5, ("US", "CA", "MX", "BR")),
)
"""Hour and minute (UTC) of a round of waves, and the countries of its depots."""

LAST_ROUND = wall(20, 25)
SWEEPS_AT_MOST = 12
SWEEPS_APART = timedelta(minutes=6)
"""A little more than a third of the carrier's settle window: how far apart its look-ups are."""

Say = Callable[[str], None]


def run_demo(
    folder: Path, *, requests: int, seed: int, faults: float, say: Say, started: float | None = None
) -> dict[str, Any]:
    """Run the day in `folder` and return the summary. `say` is told what is going on, a line at a time.

    `started` is when the command began, in seconds of the monotonic clock.
    """
    started = started or time.monotonic()
    goes_on = _prepare_folder(folder, requests=requests, seed=seed)
    first = datetime.combine(DEMO_DAY, wall(POSTS[0][0]), tzinfo=UTC)
    if goes_on:
        say("going on with the day that was cut off")
    with clock.held(first), _rooms(folder, seed=seed, faults=faults, say=say) as (at_desk, carrier):
        waves_started = time.monotonic()
        taken = _run_day(folder, at_desk.pack, carrier, requests=requests, seed=seed, say=say)
        waves_took = time.monotonic() - waves_started
        closed = books.books()
        wrong = books.imbalances()
        truth = carrier.ledger()
        papers.lay_out(folder / "papers")
    mails = len(list((folder / "mails").glob("*.eml")))
    say("the day is over")
    (folder / "finished").touch()
    return _summary(taken, closed, wrong, truth, mails=mails, seconds=time.monotonic() - started, waves_took=waves_took)


def _prepare_folder(folder: Path, *, requests: int, seed: int) -> bool:
    """True where an earlier run of the same demo was cut off. A finished one is cleared away."""
    marker = folder / "demo.json"
    asked = {"requests": requests, "seed": seed}
    cut_off = marker.exists() and not (folder / "finished").exists() and json.loads(marker.read_text()) == asked
    if folder.exists() and not cut_off:
        # Prefect's home was made a moment ago, and may serve many demos
        earlier = [path for path in folder.iterdir() if path.name != "prefect"]
        if earlier and not marker.exists():
            raise FileExistsError(f"{folder} holds something that is not a demo: name another folder with --home")
        for path in earlier:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    marker.write_text(json.dumps(asked))
    return cut_off


@contextmanager
def _rooms(folder: Path, *, seed: int, faults: float, say: Say) -> Iterator[tuple[Desk, Sandbox]]:
    options = ("--seed", str(seed), "--faults", str(faults), "--clock", clock.now().isoformat(), "--hang-seconds", "1")
    with (
        running(folder / "carrier.sqlite", *options) as carrier,
        MailCatcher(folder / "mails") as catcher,
        prefect_server(say=say),
        without_heartbeats(),
    ):
        settings = _settings(folder, carrier, catcher)
        pack = load_pack(settings.policy)
        database = Database(settings.database)
        prepare(database, pack)
        database.close()
        at_desk = open_desk(settings)
        with using(at_desk):
            yield at_desk, carrier
        at_desk.close()


def _settings(folder: Path, carrier: Sandbox, catcher: MailCatcher) -> Settings:
    connection = CarrierConnection(
        base_url=carrier.url, client_id=SecretStr("demo"), client_secret=SecretStr("not a secret")
    )
    return Settings(
        home=folder,
        database_url=SecretStr(f"sqlite:///{(folder / 'dispatch.db').resolve()}"),
        documents_url=str((folder / "documents").resolve()),
        carriers={"ups": connection},
        smtp_host=catcher.host,
        smtp_port=catcher.port,
        smtp_tls="none",
    )


@contextmanager
def prefect_server(*, say: Say) -> Iterator[str]:
    """The Prefect server that is configured, else one of our own for the length of the block."""
    configured = PREFECT_API_URL.value()
    if configured:
        yield configured
        return
    say("starting a Prefect server")
    server = SubprocessASGIServer()
    server.start(timeout=90)
    try:
        with temporary_settings({PREFECT_API_URL: server.api_url}):
            yield server.api_url
    finally:
        server.stop()


def _post(folder: Path, pack: Pack, number: int, *, requests: int, seed: int) -> tuple[datetime, list[Path]]:
    """The files of the day's post `number`, and when they come in (UTC)."""
    hour, hours, _ = POSTS[number]
    counts = [int(requests * share) for _, _, share in POSTS[:-1]]
    counts.append(requests - sum(counts))
    until = datetime.combine(DEMO_DAY, wall(hour), tzinfo=UTC)
    if not counts[number]:
        return until, []
    sample = write_sample(
        folder / "inbox" / f"{hour:02}00", pack=pack, requests=counts[number], seed=seed, day=DEMO_DAY,
        until=until, hours=hours, first_number=1 + sum(counts[:number]),
    )  # fmt: skip
    return until, list(sample.paths)


def _run_day(folder: Path, pack: Pack, carrier: Sandbox, *, requests: int, seed: int, say: Say) -> list[TakenIn]:
    """Posts and rounds in the order of the clock, then sweeps until nothing is left under way."""
    taken: list[TakenIn] = []
    depots: list[str] = []
    posts = [_post(folder, pack, number, requests=requests, seed=seed) for number in range(len(POSTS))]
    for hour, minute, countries in ROUNDS:
        at = datetime.combine(DEMO_DAY, wall(hour, minute), tzinfo=UTC)
        while posts and posts[0][0] <= at:
            came_at, paths = posts.pop(0)
            say(f"{came_at:%H:%M} UTC: the post, {len(paths)} files")
            with clock.held(max(came_at, carrier.now())):
                taken += [intake.take_in(path) for path in paths]
        due = sorted(depot.code for depot in pack.depots if depot.address.country in countries)
        depots += due  # earlier depots ride along: what a carrier left open with them is looked up
        say(f"{at:%H:%M} UTC: waves of {', '.join(due)}")
        _one_round(at, depots, carrier)
    at = datetime.combine(DEMO_DAY, LAST_ROUND, tzinfo=UTC)
    for sweep in range(SWEEPS_AT_MOST):
        say(f"{at:%H:%M} UTC: sweep {sweep + 1}, whatever is left anywhere")
        _one_round(at, [], carrier)
        if books.books().under_way == 0:
            break
        at = max(at, carrier.now()) + SWEEPS_APART
    return taken


def _one_round(at: datetime, depots: list[str], carrier: Sandbox) -> None:
    at = max(at, carrier.now())  # a day that goes on starts where the carrier's clock stood
    with clock.held(at), tags(*(f"depot:{depot}" for depot in depots)):
        carrier.move_clock(at)
        dispatch_wave(depots)
        deliver_notices()


def _summary(
    taken: list[TakenIn],
    closed: Books,
    wrong: list[str],
    truth: dict[str, Any],
    *,
    mails: int,
    seconds: float,
    waves_took: float,
) -> dict[str, Any]:
    return {
        "requests": closed.requests,
        "rejected_rows": sum(each.rejected for each in taken),
        "dispatched": closed.dispatched,
        "held": closed.held,
        "refused": closed.refused,
        "backordered": closed.backordered,
        "under_way": closed.under_way,
        "bookings_in_our_books": closed.bookings,
        "shipments_billed_by_carrier": truth["billed"],
        "pick_lists": closed.pick_lists,
        "notices_sent": closed.notices_sent,
        "mails_caught": mails,
        "promises_kept_nbd": closed.promises_kept_nbd,
        "rows_read": sum(each.rows for each in taken),
        "repeated_rows": sum(each.repeated for each in taken),
        "imbalances": wrong,
        "seconds": round(seconds, 2),
        "requests_per_second": round(closed.requests / waves_took, 1) if waves_took else 0.0,
    }
