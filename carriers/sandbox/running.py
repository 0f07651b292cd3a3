"""Start a sandbox beside this process and talk to its admin pages. Used by tests, the demo and the benchmarks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from carriers import wire

ROOT = Path(__file__).parents[2]
"""Where `python -m carriers.sandbox` finds the room, from any working directory."""
STOP_SECONDS = 10


class SandboxDidNotStart(RuntimeError):
    """The child ended before it listened; its own words are in the message."""


class Sandbox:
    """A running sandbox. `url` is every adapter's `base_url`."""

    def __init__(self, url: str, admin: str) -> None:
        self.url = url
        self._admin = httpx.Client(base_url=admin, timeout=30, trust_env=False)

    def ledger(self) -> dict[str, Any]:
        """The summary: accepted, billed, voided, references with several live shipments, by leg."""
        return self._ask("GET", "/ledger")

    def rows(self) -> list[dict[str, Any]]:
        """Every accepted booking, in the order in which the carrier was asked."""
        answer = self._admin.get("/ledger/rows").raise_for_status()
        return [wire.from_bytes(line.encode()) for line in answer.text.splitlines()]

    def now(self) -> datetime:
        """The virtual clock's instant, UTC."""
        return datetime.fromisoformat(self._ask("GET", "/health")["now"])

    def advance(self, by: timedelta) -> datetime:
        return datetime.fromisoformat(self._ask("PUT", "/clock", {"advance_seconds": by.total_seconds()})["now"])

    def move_clock(self, instant: datetime) -> datetime:
        return datetime.fromisoformat(self._ask("PUT", "/clock", {"now": instant.isoformat()})["now"])

    def set_faults(self, **plan: Any) -> None:
        """`rate`, `seed`, `kinds`, `script`: see `admin.set_faults`."""
        self._ask("PUT", "/faults", plan)

    def script(self, fault: str, **where: Any) -> None:
        """One scripted fault in place of all others; `where` is `operation`, `key`, `attempt`."""
        self.set_faults(script=[{"fault": fault, **where}])

    def close(self) -> None:
        self._admin.close()

    def _ask(self, method: str, path: str, stated: Mapping[str, Any] | None = None) -> dict[str, Any]:
        content = None if stated is None else wire.to_bytes(dict(stated))
        answer = self._admin.request(method, path, content=content).raise_for_status()
        facts: dict[str, Any] = wire.from_bytes(answer.content)
        return facts


@contextmanager
def running(ledger: Path, *options: str) -> Iterator[Sandbox]:
    """A sandbox as a child process over `ledger`, stopped at the end of the block, or when this process ends.

    `options` are those of the program, for example `"--clock", "2026-11-20T08:00:00Z"`. Raises `SandboxDidNotStart`.
    """
    with subprocess.Popen(
        command(ledger, *options), stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, bufsize=0
    ) as child:
        try:
            sandbox = _connected(child)
            try:
                yield sandbox
            finally:
                sandbox.close()
        finally:
            _stop(child)


def command(ledger: Path, *options: str) -> Sequence[str]:
    return [sys.executable, "-m", "carriers.sandbox", "--ledger", str(ledger), "--until-stdin-closes", *options]


def _connected(child: subprocess.Popen[bytes]) -> Sandbox:
    line = child.stdout.readline() if child.stdout else b""
    if not line:
        raise SandboxDidNotStart(f"exit status {child.wait(STOP_SECONDS)}: its words are on standard error")
    return Sandbox(**wire.from_bytes(line))


def _stop(child: subprocess.Popen[bytes]) -> None:
    if child.stdin:
        child.stdin.close()
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
