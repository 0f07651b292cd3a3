"""Every request ends: too large, too slow and unanswered replies are given up; connections are used again."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from carriers import transport as transport_module
from carriers.transport import ReplyTooLarge, ReplyTooSlow, TimeOuts, Transport

QUICK = TimeOuts(connect_s=1, read_s=0.3, write_s=1, pool_s=0.3, total_s=1)


class Server:
    """A carrier of one answer: counts connections and requests."""

    def __init__(self, answer: bytes | None) -> None:
        self.connections = 0
        self.requests = 0
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # closed: the test is over
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            while received := connection.recv(65_536):
                if not received.startswith((b"GET ", b"POST ")):
                    continue  # the body, in a packet of its own
                self.requests += 1
                if self._answer is not None:
                    connection.sendall(self._answer)
        except OSError:  # the client went away, which is what some tests are about
            return

    def close(self) -> None:
        self._listener.close()
        for connection in self._open:
            connection.close()


@contextmanager
def serving(answer: bytes | None) -> Iterator[Server]:
    server = Server(answer)
    try:
        yield server
    finally:
        server.close()


def http(body: bytes, status: str = "200 OK", extra: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{extra}\r\n".encode() + body


@pytest.fixture(name="opened")
def _opened() -> Iterator[list[Transport]]:
    opened: list[Transport] = []
    yield opened
    for transport in opened:
        transport.close()


def test_connections_are_used_again(opened: list[Transport]) -> None:
    """Ten requests after each other need one connection."""
    with serving(http(b"{}")) as server:
        opened.append(Transport(server.url, QUICK))
        statuses = {opened[0].send("GET", "/", headers={}).status for _ in range(10)}

    assert statuses == {200}
    assert (server.connections, server.requests) == (1, 10)


def test_silence_ends_in_a_time_out(opened: list[Transport]) -> None:
    """A carrier that accepts and says nothing is given up, and asked once only."""
    with serving(None) as server:
        opened.append(Transport(server.url, QUICK))
        with pytest.raises(httpx.ReadTimeout):
            opened[0].send("POST", "/", headers={}, content=b"{}")

    assert server.requests == 1


def test_too_large_reply_is_cut(opened: list[Transport], monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading stops at the limit; just below it, it does not."""
    monkeypatch.setattr(transport_module, "LARGEST_REPLY", 100_000)
    with serving(http(b"x" * 100_001)) as large, serving(http(b"x" * 100_000)) as fitting:
        opened += [Transport(large.url, QUICK), Transport(fitting.url, QUICK)]
        with pytest.raises(ReplyTooLarge):
            opened[0].send("GET", "/", headers={})
        assert len(opened[1].send("GET", "/", headers={}).body) == 100_000


def test_dripping_reply_is_given_up(opened: list[Transport]) -> None:
    """The total time counts over all pieces, by the stopwatch."""
    ticks = iter([0.0, 0.5, 1.5, 2.5, 3.5])
    with serving(http(b"x" * 300_000)) as server:
        opened.append(Transport(server.url, QUICK, stopwatch=lambda: next(ticks)))
        with pytest.raises(ReplyTooSlow):
            opened[0].send("GET", "/", headers={})


def test_redirect_is_not_followed(opened: list[Transport]) -> None:
    """A booking is never re-posted to wherever an answer points."""
    with serving(http(b"", "307 Temporary Redirect", "location: /elsewhere\r\n")) as server:
        opened.append(Transport(server.url, QUICK))
        assert opened[0].send("POST", "/", headers={}, content=b"{}").status == 307

    assert server.requests == 1


def test_no_free_connection_is_no_request(opened: list[Transport]) -> None:
    """When all connections are busy for too long the call ends before a byte is sent."""
    with serving(None) as server:
        patient = TimeOuts(connect_s=1, read_s=2, write_s=1, pool_s=0.2, total_s=3)
        opened.append(Transport(server.url, patient, connections=1))
        busy = threading.Thread(target=_ignore_time_out, args=(opened[0],))
        busy.start()
        while server.requests == 0:
            busy.join(0.01)
        with pytest.raises(httpx.PoolTimeout):
            opened[0].send("POST", "/", headers={}, content=b"{}")
        assert server.requests == 1
        busy.join()


def _ignore_time_out(transport: Transport) -> None:
    with pytest.raises(httpx.ReadTimeout):
        transport.send("POST", "/", headers={}, content=b"{}")
