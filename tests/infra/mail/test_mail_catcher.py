import smtplib
import threading

import pytest

from infra.mail_catcher import Fault, MailCatcher

pytestmark = pytest.mark.slow


def deliver(catcher: MailCatcher, *, number: str = "<one@example.com>") -> None:
    with smtplib.SMTP(catcher.host, catcher.port, local_hostname="localhost", timeout=5) as line:
        line.sendmail("a@example.com", ["b@example.com"], f"Message-ID: {number}\r\nSubject: x\r\n\r\nHej\r\n")


def deliver_in_vain(catcher: MailCatcher) -> None:
    with pytest.raises(smtplib.SMTPException):
        deliver(catcher)


def test_each_mail_is_a_file(tmp_path):
    """Every mail is one .eml that mail programs open, numbered as it came."""
    with MailCatcher(tmp_path / "new" / "folder") as catcher:
        deliver(catcher)
        deliver(catcher, number="<two@example.com>")

    assert [mail.path.name for mail in catcher.caught] == ["00001-one.eml", "00002-two.eml"]
    assert catcher.caught[0].mail()["Subject"] == "x"
    assert catcher.duplicates == 0


def test_nothing_is_overwritten(tmp_path):
    """A second run goes on numbering where the first one stopped, also in a folder with gaps."""
    for expected in ("00001-one.eml", "00002-one.eml"):
        with MailCatcher(tmp_path) as catcher:
            deliver(catcher)
        assert [mail.path.name for mail in catcher.caught] == [expected]

    (tmp_path / "00001-one.eml").unlink()
    with MailCatcher(tmp_path) as catcher:
        deliver(catcher)
    assert [mail.path.name for mail in catcher.caught] == ["00003-one.eml"]


@pytest.mark.parametrize("number", ["<../../../evil@x>", "</etc/passwd@x>", "<....@x>", "", "<\u00e6@x>"])
def test_a_message_id_is_never_a_path(tmp_path, number):
    """Whatever stands in the Message-ID, the file lies in the folder."""
    folder = tmp_path / "mail"
    with MailCatcher(folder) as catcher:
        deliver(catcher, number=number.encode("ascii", "replace").decode())

    assert [mail.path.parent for mail in catcher.caught] == [folder]
    assert [path.name for path in tmp_path.iterdir()] == ["mail"]


def test_faults_come_in_order_and_then_end(tmp_path):
    """Each fault meets one message, and afterwards all is well."""
    with MailCatcher(tmp_path) as catcher:
        catcher.fail_next(Fault.TRY_LATER, Fault.REFUSE)
        for code in (451, 554):
            with pytest.raises(smtplib.SMTPDataError) as refused:
                deliver(catcher)
            assert refused.value.smtp_code == code
        deliver(catcher)

    assert len(catcher.caught) == 1


def test_it_only_listens_to_this_machine(tmp_path):
    """A server that takes mail from anybody must not be reachable by anybody."""
    with pytest.raises(ValueError, match="this machine"):
        MailCatcher(tmp_path, host="0.0.0.0")


def test_a_taken_port_is_said_at_once(tmp_path):
    """Starting on a port in use fails with its number instead of waiting."""
    with MailCatcher(tmp_path) as first, pytest.raises(RuntimeError, match=str(first.port)):
        MailCatcher(tmp_path, port=first.port).__enter__()


def test_it_stops_while_a_sender_waits(tmp_path):
    """Leaving the block ends the thread, though a sender still waits for an answer that never comes."""
    with MailCatcher(tmp_path) as catcher:
        catcher.fail_next(Fault.SAY_NOTHING)
        sender = threading.Thread(target=deliver_in_vain, args=(catcher,))
        sender.start()
        sender.join(0.3)
        assert sender.is_alive()
    sender.join(5)

    assert not sender.is_alive()
    assert not [thread for thread in threading.enumerate() if thread.name == "mail-catcher"]
