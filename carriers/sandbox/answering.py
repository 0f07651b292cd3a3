"""How the sandbox answers, rightly or wrongly. Used by every dialect.

A dialect says what it would answer; the fault decides what of it reaches the client. Dropping needs the TCP
connection, which ASGI does not show, so the server's protocol class notes its connections here.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from carriers.sandbox.faults import REFUSALS, Fault, Operation
from carriers.sandbox.world import World

JSON_TYPE, HTML_TYPE = b"application/json", b"text/html"
DRIPS = 20
_CONNECTIONS: dict[tuple[str, int], asyncio.Transport] = {}
"""Client address -> its connection, while it lasts."""
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class DroppingProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type] # uvicorn chooses the class at run time
    """Uvicorn's HTTP protocol, whose connections can be dropped by client address."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        # asyncio skips this for listeners made by `socket.create_server`; without it each answer waits 40 ms for an
        # acknowledgement.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _CONNECTIONS[transport.get_extra_info("peername")[:2]] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        _CONNECTIONS.pop(self.client, None)
        super().connection_lost(exc)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    body: bytes = field(repr=False)
    content_type: bytes = JSON_TYPE
    headers: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Faces:
    """What a carrier's failures look like: one set per dialect."""

    throttled: Answer
    unauthorised: Answer
    broken: Answer
    broken_page: Answer

    def refusing(self, fault: Fault) -> Answer:
        return {
            Fault.THROTTLE: self.throttled,
            Fault.EXPIRED_TOKEN: self.unauthorised,
            Fault.REFUSE_5XX: self.broken,
        }[fault]


def respond(
    world: World,
    faces: Faces,
    operation: Operation,
    key: str,
    perform: Callable[[Fault | None], Answer],
) -> Outcome:
    """Do what was asked, unless a fault refuses it first, and say how the answer is to go out."""
    with world.request(operation, key) as fault:
        answer = faces.refusing(fault) if fault in REFUSALS else perform(fault)
    if fault is Fault.ACCEPT_THEN_5XX_JSON:
        answer = faces.broken
    elif fault is Fault.ACCEPT_THEN_5XX_HTML:
        answer = faces.broken_page
    return Outcome(answer, fault, hang_seconds=world.habits.hang_seconds, latency_ms=world.habits.latency_ms)


class Outcome:
    """An ASGI response: the answer, spoilt as the fault wants it."""

    def __init__(
        self, answer: Answer, fault: Fault | None = None, *, hang_seconds: float = 0.0, latency_ms: float = 0.0
    ) -> None:
        self._answer = answer
        self._fault = fault
        self._hang_seconds = hang_seconds
        self._latency_s = latency_ms / 1000

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        if self._latency_s:
            await asyncio.sleep(self._latency_s)
        if self._fault in (Fault.ACCEPT_THEN_HANG, Fault.LATE_COMMIT):
            await asyncio.sleep(self._hang_seconds)  # bounded: then the line goes dead
            await _drop(scope)
        elif self._fault is Fault.ACCEPT_THEN_DROP:
            await _drop(scope)
        elif self._fault is Fault.ACCEPT_THEN_TRUNCATED:
            await self._send(send, [self._answer.body[: len(self._answer.body) // 2]])
        elif self._fault is Fault.ACCEPT_THEN_SLOW_BODY:
            await self._send(send, _pieces(self._answer.body), pause=self._hang_seconds / DRIPS)
        else:
            await self._send(send, [self._answer.body])

    async def _send(self, send: Send, pieces: Sequence[bytes], *, pause: float = 0.0) -> None:
        answer = self._answer
        length = sum(map(len, pieces))
        headers = [(b"content-type", answer.content_type), (b"content-length", b"%d" % length), *answer.headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        for piece in pieces[:-1]:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(pause)
        await send({"type": "http.response.body", "body": pieces[-1]})


def _pieces(body: bytes) -> list[bytes]:
    size = max(1, len(body) // DRIPS)
    return [body[start : start + size] for start in range(0, len(body), size)]


async def _drop(scope: Scope) -> None:
    """Reset the client's connection (RST, not a polite end)."""
    client: Any = scope.get("client")
    connection = _CONNECTIONS.get(tuple(client)) if client else None
    if connection is not None:
        connection.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        connection.abort()
    await asyncio.sleep(0)  # the server notices before this returns, and does not answer in our place
    await asyncio.sleep(0)
