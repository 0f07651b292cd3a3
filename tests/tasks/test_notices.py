"""Delivering the outbox: each letter once, later where the server says so, given up where it is refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

from infra import clock
from infra.db.engine import Database
from infra.db.records import Certification, Contract, OutboxMessage, Partner
from infra.db.states import RequestState
from infra.documents import letters
from infra.documents.brand import Brand
from infra.documents.reasons import HoldReason
from infra.mail_catcher import Fault, MailCatcher
from infra.policy.model import Pack
from infra.settings import Settings
from infra.storage import FolderStore, StorageUnavailable
from tasks import coverage, notices
from tasks.desk import Desk, desk
from tasks.notices import BACK_OFF, HOLD_WORDS, REFUSAL_WORDS, Due, deliver_due, letter_of
from tasks.outbox import Telling, tell
from tests import makers
from tests.conftest import NOON
from tests.tasks import scenes
from tests.tasks.fakes import MoodyStore
from tests.tasks.scenes import COPENHAGEN, HANDSET, STAND

PARTNER, SITE, DEPOT = "ops@nordlyd.example.com", "mette@klinik.example.com", "copenhagen@depots.example.com"


@pytest.fixture
def catcher(tmp_path: Path, at_desk: Desk) -> Iterator[MailCatcher]:
    """A mail server on this machine that the desk's letters go to."""
    with MailCatcher(tmp_path / "mail") as running:
        at_desk.settings = at_desk.settings.model_copy(
            update={"smtp_host": running.host, "smtp_port": running.port, "mail_attempts": 3}
        )
        yield running


def _message(database: Database) -> OutboxMessage:
    (found,) = scenes.rows(database, OutboxMessage)
    return found


def _refused(database: Database, **partner: Any) -> None:
    """One letter is due: a request without contract was refused."""
    scenes.approved(database, "R-1")
    with database.write() as session:
        session.execute(delete(Contract))
        if partner:
            session.execute(update(Partner).values(**partner))
    coverage.cover(scenes.open_run())


def _deliver(at: datetime = NOON) -> dict[str, int]:
    with clock.held(at):
        return deliver_due()


@pytest.mark.slow
class TestDelivering:
    def test_a_letter_is_sent_once(self, database: Database, catcher: MailCatcher) -> None:
        """Sent, on record as sent, and not due again."""
        _refused(database)

        assert _deliver() == {"sent": 1}
        assert _deliver(NOON + timedelta(days=1)) == {}
        assert [mail.recipients for mail in catcher.caught] == [(PARTNER,)]
        assert (_message(database).state, _message(database).attempts) == ("sent", 1)
        assert _message(database).sent_at == NOON

    def test_a_wave_tells_everybody(self, at_desk: Desk, database: Database, catcher: MailCatcher) -> None:
        """Warehouse, partner and site each get theirs; the warehouse's carries the papers, byte for byte."""
        scenes.approved(database, "R-1")
        _, (released,) = scenes.run_wave()
        counts = _deliver()
        mails = {caught.recipients[0]: caught.mail() for caught in catcher.caught}
        attached = {part.get_filename(): part.get_payload(decode=True) for part in mails[DEPOT].iter_attachments()}

        assert counts == {"sent": 3}
        assert set(mails) == {PARTNER, SITE, DEPOT}
        assert attached == {paper.name: at_desk.documents.fetch(paper.sha256) for paper in released.papers}
        assert [list(mails[each].iter_attachments()) for each in (PARTNER, SITE)] == [[], []]

    def test_later_is_asked_later(self, database: Database, catcher: MailCatcher) -> None:
        """451: the letter stays due, a minute from now, and goes then."""
        _refused(database)
        catcher.fail_next(Fault.TRY_LATER)
        first = _deliver()
        waiting = _message(database)
        too_early = _deliver(NOON + timedelta(seconds=59))
        second = _deliver(NOON + timedelta(minutes=1))

        assert (first, too_early, second) == ({"later": 1}, {}, {"sent": 1})
        assert (waiting.state, waiting.attempts) == ("due", 1)
        assert waiting.due_at == NOON + timedelta(minutes=BACK_OFF[0])
        assert "451" in (waiting.last_problem or "") or "come back later" in (waiting.last_problem or "")
        assert len(catcher.caught) == 1

    def test_waits_grow_and_end(self, database: Database, catcher: MailCatcher) -> None:
        """1 minute, then 5; at the third failure of three the letter is given up with the server's words."""
        _refused(database)
        catcher.fail_next(Fault.TRY_LATER, Fault.TRY_LATER, Fault.TRY_LATER)
        at, waits, counts = NOON, [], []
        for _ in range(3):
            counts.append(_deliver(at))
            waits.append(_message(database).due_at - at)
            at = _message(database).due_at

        assert counts == [{"later": 1}, {"later": 1}, {"given_up": 1}]
        assert waits[:2] == [timedelta(minutes=1), timedelta(minutes=5)]
        assert (_message(database).state, _message(database).attempts) == ("given_up", 3)
        assert _deliver(at + timedelta(days=9)) == {}

    def test_refused_is_given_up_at_once(self, database: Database, catcher: MailCatcher) -> None:
        """554: the same again would be refused again; the reason stays for a person."""
        _refused(database)
        catcher.fail_next(Fault.REFUSE)

        assert _deliver() == {"given_up": 1}
        assert _message(database).state == "given_up"
        assert "not wanted" in (_message(database).last_problem or "")
        assert _deliver(NOON + timedelta(days=1)) == {}

    def test_an_unknown_address_is_given_up(self, database: Database, catcher: MailCatcher) -> None:
        """550 at the recipient: nothing to wait for."""
        _refused(database)
        catcher.answer_recipient(PARTNER, "550 5.1.1 no such user")

        assert _deliver() == {"given_up": 1}
        assert "no such user" in (_message(database).last_problem or "")

    def test_one_bad_letter_does_not_stop_the_others(self, database: Database, catcher: MailCatcher) -> None:
        """Of three letters the site's is refused: warehouse and partner still get theirs."""
        scenes.approved(database, "R-1")
        scenes.run_wave()
        catcher.answer_recipient(SITE, "550 5.1.1 no such user")

        assert _deliver() == {"sent": 2, "given_up": 1}

    def test_sent_perhaps_is_sent_again_under_one_id(self, database: Database, catcher: MailCatcher) -> None:
        """The line broke after the server had it: the second copy has the same Message-ID and is seen as one."""
        _refused(database)
        catcher.fail_next(Fault.KEEP_AND_HANG_UP)
        counts = [_deliver(), _deliver(NOON + timedelta(minutes=1))]

        assert counts == [{"later": 1}, {"sent": 1}]
        assert len({mail.message_id for mail in catcher.caught}) == 1
        assert catcher.duplicates == 1
        assert catcher.caught[0].path.read_bytes() == catcher.caught[1].path.read_bytes()

    def test_two_letters_have_two_ids(self, database: Database, catcher: MailCatcher) -> None:
        """The negative control: different occasions never share a Message-ID."""
        scenes.approved(database, "R-1", "R-2")
        scenes.run_wave()
        _deliver()

        assert len(catcher.caught) == 5  # depot, and partner and site of two requests
        assert catcher.duplicates == 0

    def test_a_store_that_is_away_means_later(
        self, database: Database, catcher: MailCatcher, documents: MoodyStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Papers that cannot be fetched keep the warehouse's letter due; it is not sent without them."""
        scenes.approved(database, "R-1")
        scenes.run_wave()

        def away(_key: str) -> bytes:
            raise StorageUnavailable("bucket does not answer")

        with monkeypatch.context() as away_for_now:
            away_for_now.setattr(documents, "fetch", away)
            first = _deliver()
        second = _deliver(NOON + timedelta(minutes=1))

        assert (first, second) == ({"later": 1, "sent": 2}, {"sent": 1})
        assert catcher.caught[-1].recipients == (DEPOT,)

    def test_a_lost_document_is_given_up_at_last(self, at_desk: Desk, database: Database, catcher: MailCatcher) -> None:
        """The papers are gone from the store: asked three times, the last of three attempts says which is missing."""
        scenes.approved(database, "R-1")
        _, (released,) = scenes.run_wave()
        lost = released.papers[0].sha256
        Path(at_desk.documents.where(lost)).unlink()
        first = _deliver()
        rest = [_deliver(NOON + timedelta(hours=hour)) for hour in (1, 2, 3)]
        (letter,) = scenes.rows(database, OutboxMessage, OutboxMessage.recipient == DEPOT)

        assert first == {"later": 1, "sent": 2}
        assert rest == [{"later": 1}, {"given_up": 1}, {}]
        assert (letter.state, letter.attempts, letter.sent_at) == ("given_up", 3, None)
        assert lost in (letter.last_problem or "")
        assert DEPOT not in [mail.recipients[0] for mail in catcher.caught]

    def test_a_document_restored_in_time_is_sent(self, at_desk: Desk, database: Database, catcher: MailCatcher) -> None:
        """The negative control: back from the backup before the last attempt, the letter goes out with it."""
        scenes.approved(database, "R-1")
        _, (released,) = scenes.run_wave()
        place = Path(at_desk.documents.where(released.papers[0].sha256))
        kept = place.read_bytes()
        place.unlink()
        before = [_deliver(), _deliver(NOON + timedelta(hours=1))]
        place.write_bytes(kept)

        assert before == [{"later": 1, "sent": 2}, {"later": 1}]
        assert _deliver(NOON + timedelta(hours=2)) == {"sent": 1}
        assert catcher.caught[-1].recipients == (DEPOT,)

    def test_a_letter_that_cannot_be_written_does_not_stop_the_others(
        self, at_desk: Desk, database: Database, catcher: MailCatcher
    ) -> None:
        """Backordered for a part that the pack has dropped since: the refusal of another request still goes out."""
        scenes.approved(database, on_hand=0)
        with database.write() as session:
            makers.request(session, "R-1", lines={HANDSET: 1})
            makers.request(session, "R-2", lines={HANDSET: 1}, account="ACC-2")
        scenes.run_wave()
        parts = tuple(part for part in at_desk.pack.parts if part.number != HANDSET)
        shelves = tuple(each for each in at_desk.pack.stock if each.part != HANDSET)
        at_desk.pack = scenes.with_changes(at_desk.pack, parts=parts, stock=shelves)

        assert _deliver()["sent"] == 1

    def test_no_server_means_later(self, at_desk: Desk, database: Database, catcher: MailCatcher) -> None:
        """Nobody listens: nothing is lost, and nothing is given up at the first try."""
        _refused(database)
        at_desk.settings = at_desk.settings.model_copy(update={"smtp_port": 1})

        assert _deliver() == {"later": 1}
        assert _message(database).state == "due"

    def test_messages_of_a_live_run_are_not_taken(self, database: Database, catcher: MailCatcher) -> None:
        """While another run delivers a portion, its letters are not sent a second time."""
        _refused(database)
        notices._take_portion(desk())

        assert _deliver() == {}
        assert catcher.caught == ()

    def test_a_dead_runs_letters_are_sent_again(self, database: Database, catcher: MailCatcher) -> None:
        """After the lease the portion is free, and goes out under the same Message-ID."""
        _refused(database)
        notices._take_portion(desk())

        assert _deliver(NOON + timedelta(minutes=11)) == {"sent": 1}

    def test_many_go_in_portions(
        self, database: Database, catcher: MailCatcher, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Seven letters in portions of three, over one connection."""
        monkeypatch.setattr(notices, "PORTION", 3)
        _tell_refusals(database, 7)

        assert _deliver() == {"sent": 7}
        assert catcher.connections == 1

    def test_limit_stops_between_portions(
        self, database: Database, catcher: MailCatcher, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A run that may deliver four stops after its second portion of three; the rest stays due."""
        monkeypatch.setattr(notices, "PORTION", 3)
        _tell_refusals(database, 7)

        assert deliver_due(limit=4) == {"sent": 6}
        assert deliver_due() == {"sent": 1}


def _tell_refusals(database: Database, count: int) -> None:
    with database.write() as session:
        makers.partner(session)
        tell(
            session,
            [
                Telling(
                    occasion=f"refused/{number}/1/partner", kind="refused", recipient=PARTNER, language="en",
                    partner="nordlyd",
                    facts={"request": f"R-{number}", "plan": "partner-plus", "reason": "no_contract"},
                )
                for number in range(count)
            ],
        )  # fmt: skip


@pytest.mark.slow
class TestLetters:
    def test_partner_branded_plans_carry_the_partner(self, database: Database, catcher: MailCatcher) -> None:
        """Under Partner Branded Poly+ the sender's name is the partner's, and answers go to the partner."""
        scenes.approved(database, "R-1")
        scenes.run_wave()
        _deliver()
        mails = {caught.recipients[0]: caught.mail() for caught in catcher.caught}

        for reader in (PARTNER, SITE):
            assert mails[reader]["From"].addresses[0].display_name == "Nordlyd"
            assert mails[reader]["Reply-To"].addresses[0].addr_spec == "ops@nordlyd.example.com"
        assert mails[DEPOT]["From"].addresses[0].display_name == "Vendor Spares"

    def test_direct_plans_carry_the_vendor(self, database: Database, catcher: MailCatcher) -> None:
        """Poly+ is sold direct: the site reads the vendor's name."""
        with database.write() as session:
            scenes.partner_under_contract(session, plan="poly-plus")
            makers.stock(session, HANDSET, depot=COPENHAGEN)
            makers.request(session, plan="poly-plus", lines={HANDSET: 1})
        scenes.run_wave()
        _deliver()

        assert {caught.mail()["From"].addresses[0].display_name for caught in catcher.caught} == {"Vendor Spares"}

    @pytest.mark.parametrize("language", ["da", "nl", "de", "en", "es"])
    def test_every_language_is_spoken(self, database: Database, catcher: MailCatcher, language: str) -> None:
        """The letter says its language, and names the request."""
        _refused(database, language=language)
        _deliver()
        (caught,) = catcher.caught
        mail = caught.mail()

        assert mail["Content-Language"] == language
        assert "R-1" in str(mail["Subject"])

    def test_languages_differ(self, database: Database, catcher: MailCatcher) -> None:
        """Danish to the partner is not the English text with another header."""
        _refused(database, language="da")
        _deliver()
        body = catcher.caught[0].mail().get_body(("plain",))

        assert body is not None
        assert "contract" not in body.get_content()


class TestWords:
    """Letters without a server and without a record."""

    @pytest.fixture
    def without_record(self, tmp_path: Path, pack: Pack) -> Desk:
        """A desk whose database nobody asks."""
        nobody_asks = Database(f"sqlite:///{tmp_path / 'unused.db'}")
        return Desk(settings=Settings(home=tmp_path), database=nobody_asks, documents=FolderStore(tmp_path), pack=pack)

    def _letter(self, without_record: Desk, kind: str, **facts: Any) -> str:
        message = Due(
            id=1, occasion="x/1", kind=kind, recipient=PARTNER, language="en", partner="nordlyd",
            facts={"request": "R-1", **facts}, attempts=0, written_at=NOON,
        )  # fmt: skip
        return letter_of(message, Brand(name="Nordlyd", email=PARTNER), without_record).text

    @pytest.mark.parametrize("reason", sorted(REFUSAL_WORDS))
    def test_each_refusal_has_words_of_its_own(self, without_record: Desk, reason: str) -> None:
        """No refusal we make on purpose is told as «does not meet the terms»."""
        vague = self._letter(without_record, "refused", reason="something_new")

        assert self._letter(without_record, "refused", reason=reason) != vague

    @pytest.mark.parametrize("reason", sorted(HOLD_WORDS))
    def test_each_hold_has_words_of_its_own(self, without_record: Desk, reason: str) -> None:
        """Nor is a hold told as «a colleague has to look»."""
        vague = self._letter(without_record, "held", reason="something_new")

        assert self._letter(without_record, "held", reason=reason) != vague

    @pytest.mark.parametrize(
        "rule",
        [
            "no_contract",
            "contract_not_in_force",
            "serial_missing",
            "needs_quote",
            "end_of_service",
            "category_not_covered",
        ],
    )
    def test_refusals_of_the_rules_all_have_words(self, without_record: Desk, rule: str) -> None:
        """Every rule of coverage that refuses is told for what it is."""
        vague = self._letter(without_record, "refused", reason="something_new")

        assert self._letter(without_record, "refused", reason=rule) != vague

    def test_a_missing_serial_is_asked_for(self, without_record: Desk) -> None:
        """The letter is the one of a hold, word for word: it asks for the serial; that of another refusal does not."""
        asks = "Please reply with the serial number from the label on the device."
        letter = self._letter(without_record, "refused", reason="serial_missing")
        hold = letters.write(
            letters.Held(request="R-1", reason=HoldReason.SERIAL_MISSING),
            brand=Brand(name="Nordlyd", email=PARTNER), language="en",
        )  # fmt: skip

        assert asks in letter
        assert letter == hold.text
        assert asks not in self._letter(without_record, "refused", reason="no_contract")

    def test_backorders_name_the_part(self, without_record: Desk) -> None:
        """What is missing stands in the letter by number, description and quantity, each with its own."""
        text = self._letter(without_record, "backordered", missing=[[HANDSET, 3], [STAND, 12]])
        (handset,) = [line for line in text.splitlines() if HANDSET in line]
        (stand,) = [line for line in text.splitlines() if STAND in line]

        assert "Wired handset with cord" in handset
        assert "3" in handset.replace(HANDSET, "")
        assert "Desk stand" in stand
        assert "12" in stand.replace(STAND, "")

    def test_unknown_kinds_are_an_error(self, without_record: Desk) -> None:
        """A kind nobody writes is a fault of ours, never an empty letter."""
        with pytest.raises(KeyError):
            self._letter(without_record, "postcard")


@pytest.mark.slow
def test_backorders_say_how_many(database: Database, catcher: MailCatcher) -> None:
    """Three handsets are wanted and none is there: the letter does not say that one is."""
    scenes.approved(database, on_hand=0)
    with database.write() as session:
        makers.request(session, lines={HANDSET: 3}, partner="nordlyd")
        session.execute(update(Partner).values(language="en"))
    scenes.run_wave()
    _deliver()
    body = catcher.caught[0].mail().get_body(("plain",))

    assert body is not None
    (line,) = [line for line in body.get_content().splitlines() if HANDSET in line]
    assert "3" in line.replace(HANDSET, "")


@pytest.mark.slow
def test_a_refusal_for_the_serial_asks_for_it(database: Database, catcher: MailCatcher) -> None:
    """From the rule to the letter: refused without serial, the partner reads what to send."""
    scenes.approved(database)
    with database.write() as session:
        makers.request(session, lines={HANDSET: 1}, serial=None)
        session.execute(update(Partner).values(language="en"))
    (change,) = coverage.cover(scenes.open_run())
    _deliver()
    body = catcher.caught[0].mail().get_body(("plain",))

    assert (change.after, change.reason) == (RequestState.REFUSED, "serial_missing")
    assert body is not None
    assert "Please reply with the serial number from the label on the device." in body.get_content()


@pytest.mark.slow
def test_a_hold_is_told_by_letter(database: Database, catcher: MailCatcher) -> None:
    """Held for a certification: the partner reads that coverage is being checked, in its own words."""
    scenes.approved(database, "R-1")
    with database.write() as session:
        session.execute(delete(Certification))
        session.execute(update(Partner).values(language="en"))
    coverage.cover(scenes.open_run())
    _deliver()
    body = catcher.caught[0].mail().get_body(("plain",))

    assert body is not None
    assert "We have to check whether the contract covers this device." in body.get_content()
