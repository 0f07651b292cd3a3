"""The sandbox as a program: `python -m carriers.sandbox --port 0 --ledger sandbox.sqlite --clock real`.

Listens on 127.0.0.1 only. When it accepts connections it prints one line, `{"url": …, "admin": …}`: `url` is the
`base_url` for every adapter, `admin` the root of the pages in `admin.py`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import sys
import threading
from datetime import datetime
from pathlib import Path

import uvicorn

from carriers import wire
from carriers.sandbox.answering import DroppingProtocol
from carriers.sandbox.application import application
from carriers.sandbox.faults import Fault, FaultPlan
from carriers.sandbox.ledger import Ledger
from carriers.sandbox.virtual_clock import VirtualClock
from carriers.sandbox.world import Habits, World

LOOPBACK = "127.0.0.1"
BACKLOG = 1024


def main() -> None:
    options = _options()
    world = World(
        Ledger(str(options.ledger)),
        VirtualClock(options.clock),
        plan=FaultPlan(seed=options.seed, rate=options.faults, kinds=frozenset(options.fault_kind) or frozenset(Fault)),
        habits=Habits(
            hang_seconds=options.hang_seconds,
            latency_ms=options.latency_ms,
            late_seconds=options.late_seconds,
            index_lag_seconds=options.index_lag_seconds,
            token_seconds=options.token_seconds,
            accounts=frozenset(options.account),
        ),
    )
    with socket.create_server((LOOPBACK, options.port), backlog=BACKLOG) as listener:
        asyncio.run(_serve(world, listener, until_stdin_closes=options.until_stdin_closes))
    world.ledger.close()


async def _serve(world: World, listener: socket.socket, *, until_stdin_closes: bool) -> None:
    server = AnnouncingServer(
        uvicorn.Config(
            application(world),
            http=DroppingProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=1,
        )
    )
    if until_stdin_closes:
        threading.Thread(target=_stop_at_end_of_input, args=(server,), daemon=True).start()
    await server.serve(sockets=[listener])


class AnnouncingServer(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if sockets and not self.should_exit:
            url = f"http://{LOOPBACK}:{sockets[0].getsockname()[1]}"
            sys.stdout.write(wire.to_bytes({"url": url, "admin": f"{url}/sandbox"}).decode() + "\n")
            sys.stdout.flush()


def _stop_at_end_of_input(server: uvicorn.Server) -> None:
    """So that the sandbox never outlives whoever started it, however that one ends."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    server.should_exit = True


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="carriers.sandbox", description="A carrier to practise on, on loopback.")
    add = parser.add_argument
    add("--port", type=int, default=0, help="0 takes a free one")
    add("--ledger", type=Path, required=True, help="SQLite file; an existing one is continued")
    add("--clock", type=_instant, default=None, help="an instant with its zone at which time stands, or 'real'")
    add("--seed", type=int, default=0)
    add("--faults", type=_share, default=0.0, help="share of requests that go wrong, 0 to 1")
    add("--fault-kind", type=Fault, action="append", default=[], choices=list(Fault), help="only these; repeatable")
    add("--account", action="append", default=[], help="accounts that may be billed; none given: every well-formed one")
    add("--latency-ms", type=float, default=0.0)
    add("--hang-seconds", type=float, default=2.0, help="real seconds until a hanging or dripping answer ends")
    add("--late-seconds", type=float, default=300.0, help="virtual seconds until a late commit")
    add("--index-lag-seconds", type=float, default=0.0, help="virtual seconds a booking may stay invisible to look-ups")
    add("--token-seconds", type=int, default=14_399, help="virtual seconds an access token lives")
    add("--until-stdin-closes", action="store_true", help="stop when standard input reaches its end")
    return parser.parse_args()


def _instant(text: str) -> datetime | None:
    if text == "real":
        return None
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text} has no zone: 2026-11-20T08:00:00Z, for example")
    return instant


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return share


if __name__ == "__main__":
    main()
