"""A mail server for one machine: keeps what it is sent as .eml files, delivers nothing.

Used by `dispatch demo`, where people open the letters, and by tests, which tell it to fail in the ways that real
servers do. It speaks real SMTP on a loopback port, in a thread of its own.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import threading
from collections import Counter, deque
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from enum import Enum, auto
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

_START_SECONDS = 10.0
_NOT_FOR_A_FILE_NAME = re.compile(r"[^A-Za-z0-9_.-]+")


class Fault(Enum):
    """What to do with the next message, once all of it has arrived."""

    TRY_LATER = auto()
    """Answer 451 and keep nothing."""
    REFUSE = auto()
    """Answer 554 and keep nothing."""
    HANG_UP = auto()
    """Break the line and keep nothing."""
    KEEP_AND_HANG_UP = auto()
    """Keep it, and break the line before saying so: the sender cannot know."""
    SAY_NOTHING = auto()
    """Keep nothing and never answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caught:
    """One message as it came, and where it lies."""

    path: Path
    sender: str
    recipients: tuple[str, ...]
    message_id: str

    def mail(self) -> EmailMessage:
        parsed = message_from_bytes(self.path.read_bytes(), policy=default)
        assert isinstance(parsed, EmailMessage), "the default policy makes EmailMessages"
        return parsed


class MailCatcher:
    """A running server while inside `with`; `port` is known then.

    `folder` is made if absent and nothing in it is overwritten. `account` is (name, password) of the one user who may
    send; without it everybody may. With `certificate` the server offers STARTTLS, or speaks TLS from the first byte.
    """

    def __init__(
        self,
        folder: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        certificate: ssl.SSLContext | None = None,
        tls_from_start: bool = False,
        account: tuple[str, str] | None = None,
    ) -> None:
        if host not in {"127.0.0.1", "::1", "localhost"}:
            raise ValueError(f"{host}: the catcher takes mail from anybody, so it only listens on this machine")
        self.host, self.port = host, port
        self._folder = folder
        self._certificate, self._tls_from_start, self._account = certificate, tls_from_start, account
        self._faults: deque[Fault] = deque()
        self._answers: dict[str, str] = {}
        self._caught: list[Caught] = []
        self._guard = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="mail-catcher", daemon=True)
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._trouble: BaseException | None = None
        self.connections = 0

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._thread.start()
        if not self._ready.wait(_START_SECONDS) or self._trouble is not None:
            raise RuntimeError(f"the mail catcher did not start on {self.host}:{self.port}") from self._trouble
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(_START_SECONDS)

    @property
    def caught(self) -> tuple[Caught, ...]:
        """Everything kept so far, in order of arrival."""
        with self._guard:
            return tuple(self._caught)

    @property
    def duplicates(self) -> int:
        """Messages beyond the first with a Message-ID already seen."""
        return sum(times - 1 for times in Counter(mail.message_id for mail in self.caught).values())

    def fail_next(self, *faults: Fault) -> None:
        """The next messages meet these, one each, in this order; then all is well again."""
        with self._guard:
            self._faults.extend(faults)

    def answer_recipient(self, address: str, reply: str) -> None:
        """From now on RCPT TO `address` is answered with `reply`, for example `550 5.1.1 no such user`."""
        with self._guard:
            self._answers[address] = reply

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except OSError as error:
            self._trouble = error
        finally:
            self._ready.set()
            self._loop.close()

    async def _serve(self) -> None:
        implicit = self._certificate if self._tls_from_start else None
        server = await self._loop.create_server(self._session, self.host, self.port, ssl=implicit)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        open_sessions = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in open_sessions:
            task.cancel()
        await asyncio.gather(*open_sessions, return_exceptions=True)

    def _session(self) -> SMTP:
        self.connections += 1
        return SMTP(
            self,
            hostname="localhost",
            loop=self._loop,
            tls_context=None if self._tls_from_start else self._certificate,
            require_starttls=self._certificate is not None and not self._tls_from_start,
            # Required in handle_MAIL: aiosmtpd's own `auth_required` warns on every connection without TLS.
            auth_require_tls=self._certificate is not None and not self._tls_from_start,
            authenticator=self._authenticate,
        )

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: Any
    ) -> AuthResult:
        name, password = self._account or ("", "")
        right = isinstance(given, LoginPassword) and given == LoginPassword(name.encode(), password.encode())
        return AuthResult(success=right, handled=False)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd finds its hooks by these names
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._account is not None and not session.authenticated:
            return "530 5.7.0 authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd finds its hooks by these names
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        with self._guard:
            answer = self._answers.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802 - aiosmtpd finds its hooks by these names
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        with self._guard:
            fault = self._faults.popleft() if self._faults else None
        if fault in {None, Fault.KEEP_AND_HANG_UP}:
            self._keep(envelope)
        if fault in {Fault.HANG_UP, Fault.KEEP_AND_HANG_UP} and isinstance(server.transport, asyncio.Transport):
            server.transport.abort()
        if fault is Fault.SAY_NOTHING:
            await self._stop.wait()
        return _ANSWERS.get(fault, "250 OK")

    def _keep(self, envelope: Envelope) -> None:
        content = envelope.original_content or b""
        message_id = str(message_from_bytes(content, policy=default)["Message-ID"] or "").strip()
        with self._guard:
            path = self._free_path(message_id)
            path.write_bytes(content)
            self._caught.append(
                Caught(
                    path=path,
                    sender=str(envelope.mail_from),
                    recipients=tuple(envelope.rcpt_tos),
                    message_id=message_id,
                )
            )

    def _free_path(self, message_id: str) -> Path:
        """00001-<start of the Message-ID>.eml; numbers go on where an earlier run stopped."""
        label = _NOT_FOR_A_FILE_NAME.sub("", message_id.partition("@")[0])[:16].strip(".") or "mail"
        number = len(list(self._folder.glob("*.eml"))) + 1
        while (path := self._folder / f"{number:05}-{label}.eml").exists():
            number += 1
        return path


_ANSWERS: dict[Fault | None, str] = {
    Fault.TRY_LATER: "451 4.3.0 come back later",
    Fault.REFUSE: "554 5.6.0 this one is not wanted",
}
