"""`/sandbox/…`: the truth, the clock and the faults, for tests and demonstrations. Never for adapters."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from carriers import wire
from carriers.sandbox.faults import plan_from
from carriers.sandbox.world import World


def routes(world: World) -> list[Route]:
    admin = Admin(world)
    return [
        Route("/sandbox/health", admin.health, methods=["GET"]),
        Route("/sandbox/ledger", admin.ledger, methods=["GET"]),
        Route("/sandbox/ledger/rows", admin.rows, methods=["GET"]),
        Route("/sandbox/clock", admin.move_clock, methods=["PUT"]),
        Route("/sandbox/faults", admin.set_faults, methods=["PUT"]),
    ]


class Admin:
    def __init__(self, world: World) -> None:
        self._world = world

    async def health(self, _request: Request) -> Response:
        return _json({"status": "ok", "now": self._world.clock.now().isoformat()})

    async def ledger(self, _request: Request) -> Response:
        return _json(self._world.summary())

    async def rows(self, _request: Request) -> Response:
        """Every accepted booking, one JSON object per line, in the order in which the carrier was asked."""
        accepted = self._world.ledger.accepted(self._world.clock.now())

        def lines() -> Iterator[bytes]:
            for booking in accepted:
                yield wire.to_bytes(_plain(booking.as_facts())) + b"\n"

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    async def move_clock(self, request: Request) -> Response:
        """`{"now": "2026-11-20T09:00:00Z"}` or `{"advance_seconds": 900}`; only forward."""
        try:
            stated = wire.from_bytes(await request.body())
            self._world.move_clock(self._instant(stated))
        except (ValueError, LookupError, TypeError) as refused:
            return _json({"error": str(refused)}, status=400)
        return _json({"now": self._world.clock.now().isoformat()})

    async def set_faults(self, request: Request) -> Response:
        """`{"rate": 0.1, "seed": 7, "kinds": […], "script": [{"fault": …, "operation": …, "key": …, "attempt": 1}]}`.

        What is left out stays as it is; an empty `script` clears it.
        """
        try:
            self._world.plan = plan_from(wire.from_bytes(await request.body()), self._world.plan)
        except (ValueError, LookupError, TypeError) as refused:
            return _json({"error": str(refused)}, status=400)
        return _json({"rate": self._world.plan.rate, "scripted": len(self._world.plan.script)})

    def _instant(self, stated: dict[str, object]) -> datetime:
        if "advance_seconds" in stated:
            return self._world.clock.now() + timedelta(seconds=float(str(stated["advance_seconds"])))
        return datetime.fromisoformat(str(stated["now"]))


def _json(facts: object, *, status: int = 200) -> Response:
    return Response(wire.to_bytes(facts), status_code=status, media_type="application/json")


def _plain(facts: dict[str, object]) -> dict[str, object]:
    return {name: value if isinstance(value, str | None) else str(value) for name, value in facts.items()}
