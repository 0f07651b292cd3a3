"""What operators type, run as they run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def _dispatch(home: Path, *words: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DISPATCH_", "PREFECT_"))}
    ran = subprocess.run(
        [sys.executable, "-m", "flows.cli", *words],
        cwd=ROOT, env={**environment, "DISPATCH_HOME": str(home), "COLUMNS": "200"}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert ran.returncode == expect, ran.stdout + ran.stderr
    return ran


def test_a_sample_is_taken_in_and_its_dirt_comes_back(tmp_path: Path) -> None:
    """Good rows are stored, bad rows are reported with row, column and remedy, and a report is written to send back."""
    _dispatch(tmp_path, "sample", str(tmp_path / "in"), "--requests", "60", "--day", "2026-11-19")
    files = sorted(str(path) for path in (tmp_path / "in").iterdir())
    report = tmp_path / "rejected.csv"
    ran = _dispatch(
        tmp_path, "intake", *files, "--at", "2026-11-20T05:00:00Z", "--report", str(report), "--json", expect=1
    )
    taken = json.loads(ran.stdout)["files"]

    assert sum(each["stored"] for each in taken) == 60
    assert sum(each["rejected"] for each in taken) == 3
    assert all(each["rows"] == each["stored"] + each["repeated"] + each["rejected"] for each in taken)
    assert report.read_text("utf-8-sig").splitlines()[0].startswith("file,row,column,value")


def test_taking_in_twice_stores_nothing_twice(tmp_path: Path) -> None:
    """The same files again are repetitions."""
    _dispatch(tmp_path, "sample", str(tmp_path / "in"), "--requests", "20", "--day", "2026-11-19")
    files = sorted(str(path) for path in (tmp_path / "in").iterdir())
    words = ("intake", *files, "--at", "2026-11-20T05:00:00Z", "--json")
    _dispatch(tmp_path, *words, expect=1)
    again = json.loads(_dispatch(tmp_path, *words, expect=1).stdout)["files"]

    assert sum(each["stored"] for each in again) == 0
    assert json.loads(_dispatch(tmp_path, "books", "--json").stdout)["requests"] == 20


def test_a_broken_workbook_is_one_clear_refusal(tmp_path: Path) -> None:
    """A file that is no workbook at all says so, without a traceback."""
    broken = tmp_path / "orders.xlsx"
    broken.write_bytes(b"PK\x03\x04 this is not a workbook")
    ran = _dispatch(tmp_path, "intake", str(broken), expect=1)

    assert "Traceback" not in ran.stdout + ran.stderr
    assert "orders.xlsx" in ran.stdout


def test_the_doctor_finds_a_fresh_installation_well(tmp_path: Path) -> None:
    """After `init` nothing is bad."""
    _dispatch(tmp_path, "init")
    findings = json.loads(_dispatch(tmp_path, "doctor", "--json").stdout)

    assert [each for each in findings if each["good"] is False] == []
    assert {"SQLite", "database", "policy pack", "audit log", "printing"} <= {each["what"] for each in findings}


def test_the_doctor_names_what_is_missing(tmp_path: Path) -> None:
    """Before `init` the database is bad, and the doctor says what to run."""
    findings = json.loads(_dispatch(tmp_path, "doctor", "--json", expect=1).stdout)

    assert [each["remedy"] for each in findings if each["what"] == "database"] == ["Run `dispatch init`."]


def test_a_wave_without_a_carrier_says_what_to_set(tmp_path: Path) -> None:
    """A missing connection is a sentence with the names of the settings."""
    _dispatch(tmp_path, "sample", str(tmp_path / "in"), "--requests", "5", "--day", "2026-11-19")
    files = sorted(str(path) for path in (tmp_path / "in").iterdir())
    _dispatch(tmp_path, "intake", *files, "--at", "2026-11-20T05:00:00Z")
    ran = _dispatch(tmp_path, "run", "--at", "2026-11-20T09:00:00Z", expect=2)

    assert "DISPATCH_CARRIERS__" in ran.stderr


def test_the_demo_balances_its_books(tmp_path: Path) -> None:
    """One object on standard output, every request in exactly one place, as many billed as booked."""
    ran = _dispatch(tmp_path, "demo", "--requests", "40", "--seed", "5", "--home", str(tmp_path / "demo"), "--json")
    facts = json.loads(ran.stdout)

    assert facts["requests"] == 40
    assert facts["dispatched"] + facts["held"] + facts["refused"] + facts["backordered"] == 40
    assert facts["bookings_in_our_books"] == facts["shipments_billed_by_carrier"] > 0
    assert facts["notices_sent"] == facts["mails_caught"]
    assert (tmp_path / "demo" / "papers").is_dir()
