import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from infra.clock import NaiveInstantError
from infra.mail import (
    Attachment,
    Mailbox,
    Mailer,
    Message,
    Refused,
    Sent,
    TryLater,
    UnsafeMessageError,
    message_id,
    mime,
)
from infra.mail_catcher import Fault, MailCatcher

ANNE, BO = Mailbox(address="anne@example.com", name="Åse Ærø"), Mailbox(address="bo@example.org")
PDF = Attachment(name="plukliste ø.pdf", type="application/pdf", content=b"%PDF-1.7 \x00\xff")
PASSWORD = "correct horse battery staple"


def make_message(**changes) -> Message:
    facts = {
        "outbox_id": "o-1", "sender": Mailbox(address="parts@example.net", name="Nordic AV – service"),
        "to": (ANNE, BO), "subject": "Sag WO-17: på vej ✓", "text": "Hej\n.en prik\nÆØÅ\n", "html": "<p>Hej ÆØÅ</p>",
        "language": "da", "written_at": datetime(2026, 11, 20, 14, tzinfo=UTC),
    }  # fmt: skip
    return Message(**(facts | changes))


def parsed(message: Message):
    return message_from_bytes(mime(message), policy=default)


@pytest.fixture
def catcher(tmp_path: Path) -> Iterator[MailCatcher]:
    with MailCatcher(tmp_path / "mail") as running:
        yield running


@pytest.fixture
def mailer(catcher: MailCatcher) -> Iterator[Mailer]:
    with Mailer(host="127.0.0.1", port=catcher.port, tls="none", timeout=5) as open_mailer:
        yield open_mailer


def test_headers_say_who_when_and_which_language():
    """Name, address, instant and language arrive as given, and robots are told that a robot writes."""
    mail = parsed(make_message(reply_to=BO))

    assert mail["Subject"] == "Sag WO-17: på vej ✓"
    assert str(mail["From"]) == "Nordic AV – service <parts@example.net>"
    assert [box.addr_spec for box in mail["To"].addresses] == ["anne@example.com", "bo@example.org"]
    assert mail["Reply-To"] == "bo@example.org"
    assert mail["Date"].datetime == datetime(2026, 11, 20, 14, tzinfo=UTC)
    assert (mail["Auto-Submitted"], mail["Content-Language"]) == ("auto-generated", "da")


def test_text_html_and_attachments_arrive_whole():
    """Reading programs choose between text and HTML; an attachment keeps its bytes and its name."""
    mail = parsed(make_message(attachments=(PDF,)))
    (attached,) = mail.iter_attachments()

    assert mail.get_body(("plain",)).get_content().splitlines() == ["Hej", ".en prik", "ÆØÅ"]
    assert mail.get_body(("html",)).get_content().splitlines() == ["<p>Hej ÆØÅ</p>"]
    assert (attached.get_filename(), attached.get_content()) == ("plukliste ø.pdf", PDF.content)


def test_text_alone_is_a_plain_mail():
    """Without HTML and attachments there is one part, and the language is still named."""
    mail = parsed(make_message(html=None))

    assert mail.get_content_type() == "text/plain"
    assert mail["Content-Language"] == "da"


def test_bytes_are_seven_bit_with_proper_line_ends():
    """No server on the way has a reason to rewrite the message."""
    content = mime(make_message(attachments=(PDF,)))

    assert max(content) < 128
    assert content.count(b"\n") == content.count(b"\r\n")
    assert max(len(line) for line in content.split(b"\r\n")) <= 998


def test_same_message_gives_the_same_bytes():
    """A second attempt sends exactly what the first one sent, boundaries included."""
    message = make_message(attachments=(PDF,))

    assert mime(message) == mime(make_message(attachments=(PDF,)))
    assert mime(message) != mime(make_message(attachments=(PDF,), outbox_id="o-2"))


def test_message_id_comes_from_the_outbox():
    """The same outbox entry has the same Message-ID whatever else has changed, another entry another one."""
    assert message_id(make_message()) == message_id(make_message(subject="corrected"))
    assert message_id(make_message()) != message_id(make_message(outbox_id="o-2"))
    assert parsed(make_message())["Message-ID"] == message_id(make_message())


def test_international_domain_is_sent_in_ascii():
    """A domain with an Ø is written as the DNS knows it."""
    mail = parsed(make_message(to=(Mailbox(address="info@ørsted.example"),)))

    assert mail["To"].addresses[0].addr_spec == "info@xn--rsted-uua.example"


LINE_BREAKS = ["\n", "\r", "\r\n", "\x00", "\x0b", "\x85", "\u2028", "\u2029"]


@pytest.mark.parametrize("line_break", LINE_BREAKS, ids=ascii)
@pytest.mark.parametrize(
    "place", ["subject", "language", "sender name", "sender", "to name", "to", "reply_to", "file name", "file type"]
)
def test_header_injection_is_refused(place, line_break):
    """A line break in anything that stands in a header is refused, because the rest would be a header of its own."""
    evil = f"x{line_break}Bcc: all@example.com"
    box = {"name": evil, "address": "a@example.com"} if place.endswith("name") else {"address": f"a@example.com{evil}"}
    changes = {
        "subject": {"subject": evil}, "language": {"language": evil}, "sender": {"sender": Mailbox(**box)},
        "to": {"to": (Mailbox(**box),)}, "reply_to": {"reply_to": Mailbox(**box)},
        "file": {"attachments": (Attachment(name=evil, type="text/plain", content=b""),)},
    }  # fmt: skip
    if place == "file type":
        changes["file"] = {"attachments": (Attachment(name="x", type=f"text/{evil}", content=b""),)}

    with pytest.raises(UnsafeMessageError):
        mime(make_message(**changes[place.split()[0]]))


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_makes_a_new_header(subject, name):
    """Whatever stands in subject and name: it is refused, or the message has only the headers we gave it."""
    try:
        mail = parsed(make_message(subject=subject, to=(Mailbox(address="a@example.com", name=name),), html=None))
    except UnsafeMessageError:
        return

    assert set(mail.keys()) == {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Language",
                                "Content-Type", "Content-Transfer-Encoding", "MIME-Version"}  # fmt: skip
    assert [box.addr_spec for box in mail["To"].addresses] == ["a@example.com"]


@pytest.mark.parametrize(
    "address",
    ["", "nobody", "@example.com", "a@", "a b@example.com", "a@example.com, b@example.com", "ærø@example.com", "a@b@c"],
)
def test_what_is_no_address_is_refused(address):
    """Two addresses in one, none at all, or one that few servers understand: a person has to mend it."""
    with pytest.raises(UnsafeMessageError):
        mime(make_message(to=(Mailbox(address=address),)))


@pytest.mark.parametrize(
    "changes", [{"to": ()}, {"text": "\ud800"}, {"attachments": (Attachment(name="x", type="pdf", content=b""),)}],
    ids=["nobody", "half a character", "no media type"],
)  # fmt: skip
def test_what_cannot_be_a_mail_is_refused(changes):
    """Facts that make no message are refused instead of stopping the outbox."""
    with pytest.raises(UnsafeMessageError):
        mime(make_message(**changes))


def test_naive_date_is_refused():
    """A mail dated without a zone would lie to everybody abroad."""
    with pytest.raises((NaiveInstantError, UnsafeMessageError)):
        mime(make_message(written_at=datetime(2026, 11, 20, 14)))  # noqa: DTZ001 - the mistake under test


def test_unsafe_message_is_refused_without_a_connection():
    """The outbox hears Refused, and no server is bothered: there is none at this port."""
    with Mailer(host="127.0.0.1", port=9, tls="none", timeout=0.5) as nowhere:
        assert isinstance(nowhere.send(make_message(subject="x\ny")), Refused)
        assert isinstance(nowhere.send(make_message(), only=["stranger@example.com"]), Refused)


@pytest.mark.slow
def test_mail_arrives_as_it_was_written(catcher, mailer):
    """What lies in the server's folder is byte for byte what was made, also lines that begin with a dot."""
    message = make_message(attachments=(PDF,))
    outcome = mailer.send(message)
    (caught,) = catcher.caught

    assert outcome == Sent(message_id=message_id(message), accepted=("anne@example.com", "bo@example.org"))
    assert caught.path.read_bytes() == mime(message)
    assert (caught.sender, caught.recipients) == ("parts@example.net", ("anne@example.com", "bo@example.org"))


@pytest.mark.slow
def test_one_connection_serves_many_messages(catcher, mailer):
    """The line is dialled once and kept."""
    for at in range(5):
        assert isinstance(mailer.send(make_message(outbox_id=f"o-{at}")), Sent)

    assert (catcher.connections, len(catcher.caught)) == (1, 5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.TRY_LATER, (TryLater, False, 0)),
        (Fault.REFUSE, (Refused, None, 0)),
        (Fault.HANG_UP, (TryLater, True, 0)),
        (Fault.KEEP_AND_HANG_UP, (TryLater, True, 1)),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else "",
)
def test_a_bad_answer_is_one_attempt(catcher, mailer, fault, expected):
    """451 comes later, 554 does not, a broken line is unknown; nothing is tried twice, and the next mail goes."""
    catcher.fail_next(fault)
    outcome = mailer.send(make_message())

    assert expected == (type(outcome), getattr(outcome, "maybe_sent", None), len(catcher.caught))
    assert isinstance(mailer.send(make_message(outbox_id="o-2")), Sent)


@pytest.mark.slow
def test_a_second_attempt_can_be_recognised(catcher, mailer):
    """After an unknown outcome the same entry is sent again with the same Message-ID: one duplicate, visible as one."""
    catcher.fail_next(Fault.KEEP_AND_HANG_UP)
    mailer.send(make_message())
    mailer.send(make_message())

    assert (len(catcher.caught), catcher.duplicates) == (2, 1)


@pytest.mark.slow
def test_a_silent_server_does_not_hold_us(catcher):
    """A server that never answers costs the time-out and no more, and the outcome is unknown."""
    catcher.fail_next(Fault.SAY_NOTHING)
    with Mailer(host="127.0.0.1", port=catcher.port, tls="none", timeout=0.4) as hasty:
        before = time.monotonic()
        outcome = hasty.send(make_message())

    assert time.monotonic() - before < 3
    assert isinstance(outcome, TryLater)
    assert outcome.maybe_sent


@pytest.mark.slow
def test_recipients_are_judged_one_by_one(catcher, mailer):
    """One is taken, one is full today, one does not exist: the mail goes to the first, and the others are named."""
    catcher.answer_recipient("full@example.com", "452 4.2.2 mailbox full")
    catcher.answer_recipient("gone@example.com", "550 5.1.1 no such user")
    boxes = (BO, Mailbox(address="full@example.com"), Mailbox(address="gone@example.com"))
    outcome = mailer.send(make_message(to=boxes))

    assert isinstance(outcome, Sent)
    assert outcome.accepted == ("bo@example.org",)
    assert [(reply.address, reply.code) for reply in outcome.later] == [("full@example.com", 452)]
    assert [(reply.address, reply.code) for reply in outcome.refused] == [("gone@example.com", 550)]


@pytest.mark.slow
def test_the_rest_can_be_sent_alone(catcher, mailer):
    """`only` reaches those who had to wait, without a second copy for the others."""
    catcher.answer_recipient("anne@example.com", "450 4.2.1 greylisted")
    mailer.send(make_message())
    catcher.answer_recipient("anne@example.com", "250 OK")
    mailer.send(make_message(), only=["anne@example.com"])

    assert [mail.recipients for mail in catcher.caught] == [("bo@example.org",), ("anne@example.com",)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        (("550 5.1.1 no", "551 5.7.1 no"), Refused),
        (("550 5.1.1 no", "450 4.2.1 wait"), TryLater),
        (("552 too many recipients", "552 too many recipients"), TryLater),
        (("421 going down", "421 going down"), TryLater),
    ],
    ids=["all permanent", "one may wait", "552 means 452", "server goes down"],
)
def test_when_nobody_is_taken(catcher, mailer, answers, kind):
    """Without any recipient nothing is sent; it is final only when every answer is, and the line stays usable."""
    for mailbox, answer in zip((ANNE, BO), answers, strict=True):
        catcher.answer_recipient(mailbox.address, answer)

    assert isinstance(mailer.send(make_message()), kind)
    assert not catcher.caught
    assert isinstance(mailer.send(make_message(to=(Mailbox(address="c@example.com"),))), Sent)


@pytest.mark.slow
def test_a_server_that_came_back_is_dialled_again(tmp_path):
    """The kept line is dead after a restart: the next message goes over a new one, once."""
    with MailCatcher(tmp_path) as first:
        mailer = Mailer(host="127.0.0.1", port=first.port, tls="none", timeout=5)
        assert isinstance(mailer.send(make_message()), Sent)
    assert isinstance(mailer.send(make_message(outbox_id="o-2")), TryLater)
    with MailCatcher(tmp_path, port=first.port) as second:
        assert isinstance(mailer.send(make_message(outbox_id="o-2")), Sent)
        mailer.close()
        mailer.close()

    assert (len(second.caught), second.duplicates) == (1, 0)


def test_no_server_is_try_later():
    """A mail server that is not there keeps the message in the outbox, surely unsent."""
    with Mailer(host="127.0.0.1", port=9, tls="none", timeout=0.5) as nowhere:
        outcome = nowhere.send(make_message())

    assert isinstance(outcome, TryLater)
    assert not outcome.maybe_sent


@pytest.mark.parametrize(
    "account",
    [{"username": "parts"}, {"password": SecretStr("x")}, {"username": "parts", "password": SecretStr("x")}],
    ids=["no password", "no name", "in the clear"],
)
def test_unsafe_settings_are_refused(account):
    """Half an account, or a password that would travel in the clear, is refused before anything is dialled."""
    with pytest.raises(ValueError, match=r"mail account|in the clear"):
        Mailer(host="mail.example.com", port=25, tls="none", **account)


@pytest.mark.slow
@pytest.mark.parametrize("right", [True, False])
def test_sign_in(tmp_path, right):
    """The right password sends; the wrong one keeps the mail for later, because the mail is not at fault."""
    with MailCatcher(tmp_path, account=("parts", PASSWORD)) as guarded:
        password = SecretStr(PASSWORD if right else "guessed")
        with Mailer(
            host="127.0.0.1", port=guarded.port, tls="none", username="parts", password=password, timeout=5
        ) as mailer:
            outcome = mailer.send(make_message())

    assert isinstance(outcome, Sent if right else TryLater)
    assert len(guarded.caught) == right
    assert "guessed" not in f"{outcome}{mailer!r}{vars(mailer)}"


@pytest.mark.slow
def test_a_server_that_wants_an_account_is_our_fault(tmp_path):
    """530 is about our settings: the mail waits until somebody mends them."""
    with (
        MailCatcher(tmp_path, account=("parts", PASSWORD)) as guarded,
        Mailer(host="127.0.0.1", port=guarded.port, tls="none", timeout=5) as stranger,
    ):
        outcome = stranger.send(make_message())

    assert isinstance(outcome, TryLater)
    assert "530" in outcome.reason


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    """A certificate for 127.0.0.1 that nobody but the test trusts."""
    x509 = pytest.importorskip("cryptography.x509", reason="cryptography is not installed")
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415 - only where it is installed
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - as above

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    start = datetime(2020, 1, 1, tzinfo=UTC)
    signed = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(start).not_valid_after(start + timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("tls", ["starttls", "tls"])
@pytest.mark.parametrize("trusted", [True, False])
def test_encryption_with_a_valid_certificate_only(tmp_path, certificate, tls, trusted):
    """Both kinds of encryption work with a trusted certificate; with another nothing is sent, no password either."""
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate)
    trust = ssl.create_default_context(cafile=str(certificate)) if trusted else None
    account = {"username": "parts", "password": SecretStr(PASSWORD)}
    with (
        MailCatcher(tmp_path, certificate=server, tls_from_start=tls == "tls", account=("parts", PASSWORD)) as guarded,
        Mailer(host="127.0.0.1", port=guarded.port, tls=tls, timeout=5, trust=trust, **account) as mailer,
    ):
        outcome = mailer.send(make_message())

    assert isinstance(outcome, Sent if trusted else TryLater), outcome
    assert len(guarded.caught) == trusted
    assert PASSWORD not in repr(outcome)


@pytest.mark.slow
def test_no_encryption_offered_is_no_mail(catcher):
    """A server, or somebody between, that hides STARTTLS does not make us speak in the clear."""
    with Mailer(host="127.0.0.1", port=catcher.port, tls="starttls", timeout=5) as careful:
        outcome = careful.send(make_message())

    assert isinstance(outcome, TryLater)
    assert not catcher.caught
