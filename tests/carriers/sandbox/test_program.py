"""The sandbox as a program: starts fast, stops with its parent, remembers after a kill, answers only here."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from carriers import wire
from carriers.connections import connect
from carriers.outcomes import Booked
from carriers.sandbox.running import ROOT, SandboxDidNotStart, command, running
from tests.carriers.makers import HASTY, MORNING, credentials, outbound

pytestmark = pytest.mark.slow
CLOCK = ("--clock", MORNING.isoformat())


@contextmanager
def child(ledger: Path, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, str]]]:
    """A sandbox whose process the test may kill, and its one line."""
    started = subprocess.Popen(
        command(ledger, *CLOCK, *options), stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    )
    assert started.stdout is not None
    try:
        yield started, wire.from_bytes(started.stdout.readline())
    finally:
        started.kill()
        started.wait(timeout=10)
        for pipe in filter(None, (started.stdin, started.stdout)):
            pipe.close()


def summary(admin: str) -> dict[str, Any]:
    facts: dict[str, Any] = httpx.get(f"{admin}/ledger", trust_env=False).json()
    return facts


def test_one_line_says_where(tmp_path: Path) -> None:
    """One JSON line with both addresses, on loopback, and it answers."""
    with child(tmp_path / "l.sqlite") as (_, said):
        assert set(said) == {"url", "admin"}
        assert said["url"].startswith("http://127.0.0.1:")
        assert httpx.get(said["admin"] + "/health", trust_env=False).json()["status"] == "ok"


def test_end_of_input_ends_the_program(tmp_path: Path) -> None:
    """Its parent's end is its own, within seconds, also with a hanging request and open connections."""
    with child(tmp_path / "l.sqlite") as (process, said):
        client = httpx.Client(trust_env=False)
        client.get(said["admin"] + "/health")
        assert process.stdin is not None
        process.stdin.close()

        assert process.wait(timeout=5) == 0
        client.close()


def test_killed_sandbox_remembers(tmp_path: Path) -> None:
    """SIGKILL after an answered booking: the restarted one bills the same shipment and finds it."""
    ledger = tmp_path / "l.sqlite"
    with child(ledger) as (process, said):
        ups = connect("ups", base_url=said["url"], credentials=credentials(), time_outs=HASTY)
        booked = ups.book(outbound("BEFORETHEKILL001"))
        ups.close()
        assert isinstance(booked, Booked)
        before = summary(said["admin"])
        process.kill()
        process.wait(timeout=5)

    with child(ledger) as (_, said):
        assert summary(said["admin"]) == before
        ups = connect("ups", base_url=said["url"], credentials=credentials(), time_outs=HASTY)
        found = ups.find("BEFORETHEKILL001", ship_on=outbound().ship_on)
        ups.close()

    assert [booked.shipment_id] == [shown.shipment_id for shown in found]


def test_start_takes_less_than_a_second(tmp_path: Path) -> None:
    """From start to listening, the best of three: nothing heavy is imported."""
    seconds = []
    for n in range(3):
        began = time.perf_counter()
        with child(tmp_path / f"{n}.sqlite"):
            seconds.append(time.perf_counter() - began)

    assert min(seconds) < 1.0, seconds


def test_import_is_light() -> None:
    """No orchestration, no database toolkit, no HTTP client: only what a server needs."""
    heavy = "prefect, sqlalchemy, httpx, fastapi, infra, tasks, flows, pandas, numpy"
    code = f"import carriers.sandbox.__main__, sys; print([m for m in '{heavy}'.split(', ') if m in sys.modules])"
    seen = subprocess.run([command(Path())[0], "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert seen.stdout.strip() == "[]"


def test_wrong_options_are_explained(tmp_path: Path) -> None:
    """A clock without a zone is refused at the door, and the caller is told that nothing runs."""
    with (
        pytest.raises(SandboxDidNotStart, match="exit status 2"),
        running(tmp_path / "l.sqlite", "--clock", "2026-11-20T08:00:00"),
    ):
        pytest.fail("started without a zone")


def test_threads_in_any_order_meet_the_same_faults(tmp_path: Path) -> None:
    """Two runs, forwards in sixteen threads and backwards in three: same outcomes, numbers and bill."""
    references = [f"WAVE{n:012d}" for n in range(120)]

    def run(name: str, order: list[str], threads: int) -> tuple[dict[str, str], list[str], dict[str, str]]:
        options = (*CLOCK, "--seed", "7", "--faults", "0.5", "--hang-seconds", "0.6")
        with running(tmp_path / f"{name}.sqlite", *options) as sandbox:
            ups = connect("ups", base_url=sandbox.url, credentials=credentials(), time_outs=HASTY)
            with ThreadPoolExecutor(threads) as pool:
                seen = pool.map(ups.book, map(outbound, order))
                outcomes = {ref: type(outcome).__name__ for ref, outcome in zip(order, seen, strict=True)}
            sandbox.advance(timedelta(hours=1))
            ups.close()
            numbers = sorted(row["tracking_number"] for row in sandbox.rows())
            return outcomes, numbers, sandbox.ledger()["owed"]

    forwards = run("forwards", references, 16)

    assert forwards == run("backwards", references[::-1], 3)
    assert set(forwards[0].values()) >= {"Booked", "Unknown", "RetryAfter"}


def test_admin_pages_refuse_nonsense(tmp_path: Path) -> None:
    """Time does not go back, faults have names, and a mistake says which."""
    with running(tmp_path / "l.sqlite", *CLOCK) as sandbox:
        with pytest.raises(httpx.HTTPStatusError, match="400"):
            sandbox.advance(timedelta(seconds=-1))
        with pytest.raises(httpx.HTTPStatusError, match="400"):
            sandbox.script("gremlins")
        assert sandbox.move_clock(MORNING + timedelta(days=1)) == MORNING + timedelta(days=1)


def test_only_named_accounts_are_billed(tmp_path: Path) -> None:
    """With accounts on the command line, any other is a rejection."""
    with running(tmp_path / "l.sqlite", *CLOCK, "--account", "A1B2C3") as sandbox:
        codes = {}
        for account in ("A1B2C3", "Z9Z9Z9"):
            ups = connect("ups", base_url=sandbox.url, credentials=credentials(account=account), time_outs=HASTY)
            codes[account] = getattr(ups.book(outbound(account=account)), "code", "booked")
            ups.close()

    assert codes == {"A1B2C3": "booked", "Z9Z9Z9": "120100"}
