"""Mail out: one message, one answer, over one reused SMTP connection.

Called by `tasks.notices`, which drains the outbox. Nothing is tried twice here: the outbox decides when, and sends
the same `outbox_id`, hence the same Message-ID, so that a message which arrived twice can be seen as one.

    send(message)
    ├── Sent       the server took it for one recipient at least; the others are listed
    ├── TryLater   nobody has it (or, with `maybe_sent`, perhaps somebody has); the same again later is right
    └── Refused    the same again would be refused again: a person must look
"""

from __future__ import annotations

import hashlib
import re
import smtplib
import socket
import ssl
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from types import TracebackType
from typing import Literal, Self

from pydantic import SecretStr

from infra.clock import aware_utc

Encryption = Literal["none", "starttls", "tls"]

# Answers about us, not about the message: authentication or encryption is required, or failed (RFC 4954, RFC 3207).
_OUR_FAULT = frozenset({530, 534, 535, 538})
# RFC 5321, 4.5.3.1.10: some servers say 552 to RCPT when they mean 452, too many recipients.
_TEMPORARY_AT_RCPT = frozenset({552})
_GOING_DOWN = 421
_SEVEN_BIT = SMTP.clone(cte_type="7bit")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class UnsafeMessageError(ValueError):
    """The message cannot be put into safe MIME: a line break in a header, an address that is none. Mend its facts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """An address, and the name shown beside it."""

    address: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """`type` is a media type, for example application/pdf."""

    name: str
    type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One mail as the outbox has it. The same facts give the same bytes."""

    outbox_id: str
    """Never reused: the Message-ID is derived from it."""
    sender: Mailbox
    to: tuple[Mailbox, ...]
    subject: str
    text: str
    html: str | None
    language: str
    written_at: datetime
    """Aware; becomes the Date."""
    reply_to: Mailbox | None = None
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the server said about one recipient."""

    address: str
    code: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """`later` and `refused` did not get it: send to `later` again, alone, with `send(message, only=…)`."""

    message_id: str
    accepted: tuple[str, ...]
    later: tuple[Reply, ...] = ()
    refused: tuple[Reply, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TryLater:
    """`maybe_sent` when the line broke while the message was handed over: it may have arrived."""

    reason: str
    maybe_sent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    reason: str


Outcome = Sent | TryLater | Refused


def message_id(message: Message) -> str:
    """The same for every attempt at the same outbox entry; the domain is the sender's."""
    digest = hashlib.sha256(f"outbox:{message.outbox_id}".encode()).hexdigest()[:32]
    return f"<{digest}@{_address(message.sender).domain}>"


def mime(message: Message) -> bytes:
    """The message in seven-bit MIME with CRLF line ends. Raises `UnsafeMessageError`."""
    try:
        mail = _headers(message)
        mail.set_content(message.text)
        if message.html is not None:
            mail.add_alternative(message.html, subtype="html")
        for attachment in message.attachments:
            _attach(mail, attachment)
        # Last, because `set_content` clears every Content- header there is.
        mail["Content-Language"] = _safe(message.language)
        _settle_boundaries(mail, message)
        return mail.as_bytes()
    except UnsafeMessageError:
        raise
    except (ValueError, LookupError) as error:  # lone surrogates, a media type without a slash, header defects
        raise UnsafeMessageError(f"{type(error).__name__}: {error}") from error


def _headers(message: Message) -> EmailMessage:
    if not message.to:
        raise UnsafeMessageError("a message needs a recipient")
    mail = EmailMessage(policy=_SEVEN_BIT)
    mail["From"] = _address(message.sender)
    mail["To"] = [_address(mailbox) for mailbox in message.to]
    if message.reply_to:
        mail["Reply-To"] = _address(message.reply_to)
    mail["Subject"] = _safe(message.subject)
    mail["Date"] = aware_utc(message.written_at)
    mail["Message-ID"] = message_id(message)
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office may answer it
    return mail


def _attach(mail: EmailMessage, attachment: Attachment) -> None:
    main, _, sub = _safe(attachment.type).partition("/")
    if not main or not sub:
        raise UnsafeMessageError(f"attachment {attachment.name!r}: {attachment.type!r} is not a media type")
    mail.add_attachment(attachment.content, maintype=main, subtype=sub, filename=_safe(attachment.name))


def _settle_boundaries(mail: EmailMessage, message: Message) -> None:
    """Ours are the same each time; `=_` occurs in no quoted-printable and no base64 body."""
    parts = [part for part in mail.walk() if part.is_multipart()]
    for number, part in enumerate(parts):
        digest = hashlib.sha256(f"{number}:{message.outbox_id}".encode()).hexdigest()[:24]
        part.set_boundary(f"=_{digest}")


def _address(mailbox: Mailbox) -> Address:
    """Checked, with an international domain in its ASCII form."""
    try:
        parsed = Address(_safe(mailbox.name), addr_spec=_safe(mailbox.address))
        return Address(parsed.display_name, parsed.username, _ascii_domain(parsed, mailbox.address))
    except UnsafeMessageError:
        raise
    except Exception as error:  # the parser of headerregistry raises IndexError and HeaderParseError as well
        raise UnsafeMessageError(f"{mailbox.address!r} is not an address: {error}") from error


def _ascii_domain(parsed: Address, written: str) -> str:
    if not parsed.username.isascii():
        raise UnsafeMessageError(f"{written!r}: letters outside ASCII before the @ reach few servers; ask for another")
    if not parsed.domain or not parsed.username:
        raise UnsafeMessageError(f"{written!r} is not an address: it wants a name, an @ and a domain")
    return parsed.domain.encode("idna").decode("ascii")


def _safe(value: str) -> str:
    """The value, if it cannot open a header line of its own."""
    if _CONTROLS.search(value):
        raise UnsafeMessageError(f"{value[:80]!r} has a line break or a control character and stands in a header")
    return value


class Mailer:
    """A connection to the mail server, opened on first use and kept; one per thread. Close it, or use `with`.

    Every step has the time-out, in seconds. A password is never sent in the clear, except to this machine itself;
    a server without the asked encryption is not used, and its certificate must be valid.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        tls: Encryption,
        username: str | None = None,
        password: SecretStr | None = None,
        timeout: float = 20.0,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        """`trust` replaces the system's certificate authorities. Raises ValueError for settings that are not safe."""
        if (username is None) != (password is None):
            raise ValueError("a mail account needs both a name and a password, or neither")
        if username is not None and tls == "none" and host not in {"127.0.0.1", "::1", "localhost"}:
            raise ValueError(f"the password for {host} would travel in the clear: set tls to starttls or tls")
        self._host, self._port, self._tls, self._timeout = host, port, tls, timeout
        self._username, self._password = username, password
        self._trust = trust
        self._line: smtplib.SMTP | None = None

    def __repr__(self) -> str:
        return f"Mailer({self._host}:{self._port}, tls={self._tls})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up. Safe to repeat; the next `send` dials again."""
        line, self._line = self._line, None
        if line is None:
            return
        with suppress(smtplib.SMTPException, OSError):
            line.quit()
        line.close()

    def send(self, message: Message, *, only: Iterable[str] | None = None) -> Outcome:
        """Hand `message` to the server once; `only` narrows the recipients to these addresses of `message.to`."""
        try:
            content = mime(message)
            recipients = _recipients(message, only)
        except UnsafeMessageError as error:
            return Refused(reason=str(error))
        try:
            line = self._connected()
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            return TryLater(reason=f"no connection to {self._host}:{self._port}: {_told(error)}")
        return self._hand_over(line, message, recipients, content)

    def _hand_over(self, line: smtplib.SMTP, message: Message, recipients: tuple[str, ...], content: bytes) -> Outcome:
        data_begun = False
        try:
            refusal = self._open(line, message, len(content))
            if refusal is not None:
                return refusal
            replies = tuple(_reply(address, line.rcpt(address)) for address in recipients)
            accepted = tuple(reply.address for reply in replies if reply.code in {250, 251})
            if not accepted:
                return self._nobody(line, replies)
            data_begun = True
            return self._data(line, message, replies, content)
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            return TryLater(reason=f"the line to {self._host} broke: {_told(error)}", maybe_sent=data_begun)

    def _open(self, line: smtplib.SMTP, message: Message, size: int) -> TryLater | Refused | None:
        options = [f"SIZE={size}"] if line.has_extn("size") else []
        reply = _reply("", line.mail(_address(message.sender).addr_spec, options))
        return None if reply.code == 250 else self._judged(line, reply, "sender")

    def _data(self, line: smtplib.SMTP, message: Message, replies: tuple[Reply, ...], content: bytes) -> Outcome:
        try:
            reply = _reply("", line.data(content))
        except smtplib.SMTPDataError as error:  # the server did not even want to hear it
            reply = _reply("", (error.smtp_code, _bytes(error.smtp_error)))
        if not 200 <= reply.code < 600:
            raise smtplib.SMTPResponseException(reply.code, reply.text)  # not SMTP: nobody knows what it did
        if reply.code >= 300:
            return self._judged(line, reply, "message")
        turned_away = [reply for reply in replies if reply.code not in {250, 251}]
        return Sent(
            message_id=message_id(message),
            accepted=tuple(reply.address for reply in replies if reply.code in {250, 251}),
            later=tuple(reply for reply in turned_away if _is_temporary(reply)),
            refused=tuple(reply for reply in turned_away if not _is_temporary(reply)),
        )

    def _nobody(self, line: smtplib.SMTP, replies: tuple[Reply, ...]) -> TryLater | Refused:
        said = "; ".join(f"{reply.address}: {reply.code} {reply.text}" for reply in replies)
        self._reset(line, going_down=any(reply.code == _GOING_DOWN for reply in replies))
        return TryLater(reason=said) if any(map(_is_temporary, replies)) else Refused(reason=said)

    def _judged(self, line: smtplib.SMTP, reply: Reply, about: str) -> TryLater | Refused:
        """4xx: later. 5xx: refused, unless it is our own account or encryption that the server minds."""
        self._reset(line, going_down=reply.code == _GOING_DOWN)
        reason = f"{about}: {reply.code} {reply.text}"
        permanent = 500 <= reply.code < 600 and reply.code not in _OUR_FAULT
        return Refused(reason=reason) if permanent else TryLater(reason=reason)

    def _reset(self, line: smtplib.SMTP, *, going_down: bool) -> None:
        """Clear the transaction for the next message; the answer about this one is known already, whatever happens."""
        try:
            if not going_down:
                line.rset()
                return
        except (smtplib.SMTPException, OSError):
            pass
        self._drop()

    def _connected(self) -> smtplib.SMTP:
        """The kept line if it still answers, else a new one: nothing has been sent yet, so this is no second try."""
        if self._line is not None and _answers(self._line):
            return self._line
        self._drop()
        self._line = self._dial()
        self._sign_in(self._line)
        return self._line

    def _dial(self) -> smtplib.SMTP:
        # The machine's plain name: smtplib's default asks the DNS for more, without a time-out.
        me = socket.gethostname()
        if self._tls == "tls":
            return smtplib.SMTP_SSL(
                self._host, self._port, local_hostname=me, timeout=self._timeout, context=self._context()
            )
        return smtplib.SMTP(self._host, self._port, local_hostname=me, timeout=self._timeout)

    def _sign_in(self, line: smtplib.SMTP) -> None:
        line.ehlo_or_helo_if_needed()
        if self._tls == "starttls":
            line.starttls(context=self._context())  # raises when the server offers none: never falls back to plain
            line.ehlo_or_helo_if_needed()
        if self._username is not None and self._password is not None:
            line.login(self._username, self._password.get_secret_value())

    def _context(self) -> ssl.SSLContext:
        return self._trust if self._trust is not None else ssl.create_default_context()

    def _drop(self) -> None:
        """Let go of the line without another word."""
        line, self._line = self._line, None
        if line is not None:
            line.close()


def _recipients(message: Message, only: Iterable[str] | None) -> tuple[str, ...]:
    """Each address once, as it goes on the wire; `only` may name it as written or as on the wire."""
    wire = {_address(mailbox).addr_spec: mailbox.address for mailbox in message.to}
    if only is None:
        return tuple(wire)
    wanted = frozenset(only)
    chosen = tuple(address for address, written in wire.items() if address in wanted or written in wanted)
    if not chosen:
        raise UnsafeMessageError("none of the addresses in `only` is a recipient of this message")
    return chosen


def _answers(line: smtplib.SMTP) -> bool:
    try:
        return line.noop()[0] == 250
    except (smtplib.SMTPException, OSError):
        return False


def _reply(address: str, answer: tuple[int, bytes]) -> Reply:
    code, text = answer
    return Reply(address=address, code=code, text=_one_line(text.decode("utf-8", "replace")))


def _is_temporary(reply: Reply) -> bool:
    return not 500 <= reply.code < 600 or reply.code in _TEMPORARY_AT_RCPT or reply.code in _OUR_FAULT


def _told(error: Exception) -> str:
    """What went wrong, for the outbox. A failed sign-in tells only its code: servers repeat what they were sent."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"sign-in refused with {error.smtp_code}"
    return f"{type(error).__name__}: {_one_line(str(error))}"


def _bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]
