"""Releasing: one wave per depot and shipping day, printed once though a run dies in between, everybody told once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from infra import clock
from infra.db.engine import Database
from infra.db.records import Document, OutboxMessage, Request, Reservation, Stock, Wave
from infra.db.states import RequestState
from infra.documents.brand import Brand
from infra.documents.packing_slip import Slip, print_slips
from infra.storage import StorageUnavailable, content_key
from tasks import pick_lists, waves
from tasks.desk import Desk
from tests import makers
from tests.conftest import NOON
from tests.tasks import scenes
from tests.tasks.fakes import MoodyStore
from tests.tasks.scenes import COPENHAGEN, DONGLE, DONGLE_USB_C, HANDSET, VENLO

pytestmark = pytest.mark.usefixtures("at_desk")

PAPERS = ("pick_list", "pick_list", "pick_list", "packing_slips", "labels")


def _papers(database: Database) -> list[Document]:
    return scenes.rows(database, Document, Document.wave_id.is_not(None))


def _json(at_desk: Desk, released: pick_lists.Released) -> dict[str, object]:
    (paper,) = [each for each in released.papers if each.name.endswith(".json")]
    found: dict[str, object] = json.loads(at_desk.documents.fetch(paper.sha256))
    return found


class TestReleasing:
    def test_one_wave_per_depot_and_day(self, database: Database) -> None:
        """Two depots and two shipping days make three waves, each with its own requests."""
        scenes.approved(database, "R-1", "R-2", depots=[COPENHAGEN, VENLO])
        with database.write() as session:
            makers.request(session, "R-3", lines={HANDSET: 1}, country="NL", postal_code="5911")
            late = NOON + timedelta(hours=2, minutes=30)  # 15:30 in Copenhagen, past the cut-off: ships on Monday
            makers.request(session, "R-4", lines={HANDSET: 1}, approved_at=late)
        _, released = scenes.run_wave(late)

        assert {each.wave: each.requests for each in released} == {
            "DK-CPH-20261120-1": 2, "DK-CPH-20261123-1": 1, "NL-VNL-20261120-1": 1
        }  # fmt: skip
        assert set(scenes.states(database).values()) == {RequestState.RELEASED}
        assert [each.released_at for each in scenes.rows(database, Wave)] == [late] * 3

    def test_waves_of_a_day_are_numbered(self, database: Database) -> None:
        """A second release on the same day is wave 2, with what came since."""
        scenes.approved(database, "R-1")
        scenes.run_wave()
        with database.write() as session:
            makers.request(session, "R-2", lines={HANDSET: 1})
        _, (second,) = scenes.run_wave(NOON + timedelta(minutes=30))

        assert (second.wave, second.requests) == ("DK-CPH-20261120-2", 1)
        assert [each.number for each in second.changes] == ["R-2"]

    def test_papers_are_on_record_by_content(self, at_desk: Desk, database: Database) -> None:
        """Five papers per wave; each row's key is the hash of the bytes that lie in the store."""
        scenes.approved(database, "R-1", "R-2")
        _, (released,) = scenes.run_wave()
        found = _papers(database)

        assert sorted(each.kind for each in found) == sorted(PAPERS)
        assert {each.name for each in found} == {paper.name for paper in released.papers}
        for each in found:
            content = at_desk.documents.fetch(each.sha256)
            assert (content_key(content), len(content)) == (each.sha256, each.size)

    def test_pick_list_says_what_goes(self, at_desk: Desk, database: Database) -> None:
        """Bin, part, number of pieces and the carrier's number of each parcel; of the receiver company and town."""
        scenes.approved(database, "R-1")
        _, (released,) = scenes.run_wave()
        said = json.dumps(_json(at_desk, released), ensure_ascii=False)

        for expected in ("A-01-1-01", HANDSET, scenes.reference(), "Havnens Klinik", "København Ø"):
            assert expected in said
        assert str(scenes.booking(database).tracking_number) in said
        assert "Mette Holm" not in said

    def test_substitutes_are_told_to_the_picker(self, at_desk: Desk, database: Database) -> None:
        """What goes and instead of what."""
        scenes.approved(database)
        with database.write() as session:
            makers.stock(session, DONGLE_USB_C, depot=COPENHAGEN)
            makers.request(session, lines={DONGLE: 1})
        _, (released,) = scenes.run_wave()
        said = json.dumps(_json(at_desk, released))

        assert DONGLE in said
        assert DONGLE_USB_C in said

    def test_all_labels_in_one_print_file(self, at_desk: Desk, database: Database) -> None:
        """Out and back of each parcel behind one another, byte for byte as the carrier sent them."""
        scenes.approved(database, "R-1", "R-2")
        _, (released,) = scenes.run_wave()
        (labels,) = [paper for paper in released.papers if paper.kind == "labels"]
        keys = {each.sha256: each.name for each in scenes.rows(database, Document, Document.wave_id.is_(None))}
        pieces = at_desk.documents.fetch(labels.sha256).split(b"\n")

        assert [keys[content_key(piece)] for piece in pieces] == [
            f"{scenes.reference(number, leg)}.zpl" for number in ("R-1", "R-2") for leg in ("outbound", "return")
        ]

    def test_labels_and_slips_lie_as_the_pick_list_walks(
        self, at_desk: Desk, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The first parcel the picker meets has the first label and the first slip: bins 00, 01, 02 and 10.

        The requests came in in another order. R-3 is met at the stand's bin, though its handset lies farther on.
        """
        slips: list[str] = []

        def note(made: Sequence[Slip], *, printed_at: datetime) -> object:
            slips.extend(slip.request for slip in made)
            return print_slips(made, printed_at=printed_at)

        monkeypatch.setattr(pick_lists, "print_slips", note)
        scenes.approved(database)  # the handset lies in A-01-1-01
        with database.write() as session:
            for part, place in ((scenes.STAND, "A-01-1-00"), (DONGLE, "A-01-1-02"), (DONGLE_USB_C, "A-01-1-10")):
                makers.stock(session, part, depot=COPENHAGEN, bin=place)
            for number, lines in enumerate(
                ({DONGLE_USB_C: 1}, {HANDSET: 1}, {HANDSET: 1, scenes.STAND: 1}, {DONGLE: 1}), start=1
            ):
                makers.request(session, f"R-{number}", lines=lines)
        _, (released,) = scenes.run_wave()
        (labels,) = [paper for paper in released.papers if paper.kind == "labels"]
        printed = at_desk.documents.fetch(labels.sha256).decode()
        picked = json.dumps(_json(at_desk, released))
        numbers = {f"R-{each}": str(scenes.booking(database, f"R-{each}").tracking_number) for each in range(1, 5)}

        assert sorted(numbers, key=lambda number: picked.index(numbers[number])) == ["R-3", "R-2", "R-4", "R-1"]
        assert sorted(numbers, key=lambda number: printed.index(numbers[number])) == ["R-3", "R-2", "R-4", "R-1"]
        assert slips == ["R-3", "R-2", "R-4", "R-1"]

    def test_waves_are_printed_in_the_order_of_their_numbers(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Five parcels, two to a wave: three waves of the day, told in the order the warehouse picks them."""
        monkeypatch.setattr(pick_lists, "PARCELS_IN_A_WAVE", 2)
        scenes.approved(database, *(f"R-{number}" for number in range(1, 6)))
        _, released = scenes.run_wave()

        assert [(each.wave, each.requests) for each in released] == [
            ("DK-CPH-20261120-1", 2), ("DK-CPH-20261120-2", 2), ("DK-CPH-20261120-3", 1)
        ]  # fmt: skip

    def test_releasing_twice_does_nothing(self, database: Database) -> None:
        """A second call finds no booked request: no wave, no paper, no letter more."""
        fence = scenes.booked(database, "R-1")
        pick_lists.release(fence)
        told, papers = scenes.told(database), len(_papers(database))

        assert pick_lists.release(fence) == ()
        assert (scenes.told(database), len(_papers(database))) == (told, papers)
        assert len(scenes.rows(database, Wave)) == 1

    def test_the_earliest_cutoff_is_the_waves(self, database: Database) -> None:
        """Parcels by services with different cut-offs share a pick-up: the list shows the one that ends first."""
        fence = scenes.booked(database, "R-1", "R-2")
        first, second = scenes.receipts(database, "R-1")[0], scenes.receipts(database, "R-2")[0]
        with database.write() as session:
            earlier = first.cutoff_at - timedelta(hours=1)
            session.execute(update(type(second)).where(type(second).id == second.id).values(cutoff_at=earlier))
        pick_lists.release(fence)
        (wave,) = scenes.rows(database, Wave)

        assert wave.cutoff_at == earlier

    def test_customer_pays_where_the_plan_says_so(self, at_desk: Desk, database: Database) -> None:
        """Without a return leg the papers are made all the same, with one label per parcel."""
        plans = tuple(plan.model_copy(update={"return_label": "customer_pays"}) for plan in at_desk.pack.plans)
        at_desk.pack = scenes.with_changes(at_desk.pack, plans=plans)
        scenes.approved(database, "R-1")
        _, (released,) = scenes.run_wave()
        (labels,) = [paper for paper in released.papers if paper.kind == "labels"]

        assert at_desk.documents.fetch(labels.sha256).count(b"^XA") == 1


class TestKilledInBetween:
    """The store fails once while the papers are being kept: the wave is opened and not released."""

    def test_the_same_wave_is_released_later(self, database: Database, documents: MoodyStore) -> None:
        """The next run prints that very wave: nothing is told twice, no number is skipped."""
        fence = scenes.booked(database, "R-1", "R-2")
        documents.refusals = 1
        with pytest.raises(StorageUnavailable):
            pick_lists.release(fence)
        (opened,) = scenes.rows(database, Wave)
        untold = scenes.told(database)
        waves.close_wave(fence)
        _, (released,) = scenes.run_wave(NOON + timedelta(minutes=5))
        (kept,) = scenes.rows(database, Wave)

        assert (opened.released_at, untold) == (None, [])
        assert (kept.id, released.wave, released.requests) == (opened.id, "DK-CPH-20261120-1", 2)
        assert kept.released_at == NOON + timedelta(minutes=5)
        assert sorted(each.kind for each in _papers(database)) == sorted(PAPERS)
        assert len(scenes.told(database)) == len(set(scenes.told(database))) == 1 + 2 * 2  # depot, 2 partners, 2 sites

    def test_the_same_bytes_are_printed_again(self, at_desk: Desk, database: Database, documents: MoodyStore) -> None:
        """A paper printed before and after the failure is one content: the store keeps it once."""
        fence = scenes.booked(database, "R-1")
        with database.write() as session:
            (wave,) = pick_lists._open_waves(session, fence)
        with database.read() as session:
            leaving = pick_lists._leaving(session, wave, fence)
            brands = {"nordlyd": Brand(name="Nordlyd", email="ops@nordlyd.example.com")}
        first = pick_lists._papers(wave, leaving, brands, at_desk)
        with clock.held(NOON + timedelta(minutes=9)):
            second = pick_lists._papers(wave, leaving, brands, at_desk)

        assert [paper.sha256 for paper in first] == [paper.sha256 for paper in second]

    def test_what_came_since_rides_the_next_wave(self, database: Database, documents: MoodyStore) -> None:
        """The unreleased wave keeps its requests; a request booked later is wave 2."""
        fence = scenes.booked(database, "R-1")
        documents.refusals = 1
        with pytest.raises(StorageUnavailable):
            pick_lists.release(fence)
        waves.close_wave(fence)
        with database.write() as session:
            makers.request(session, "R-2", lines={HANDSET: 1})
        _, released = scenes.run_wave(NOON + timedelta(minutes=5))

        assert {each.wave: [change.number for change in each.changes] for each in released} == {
            "DK-CPH-20261120-1": ["R-1"], "DK-CPH-20261120-2": ["R-2"]
        }  # fmt: skip

    def test_one_wave_failing_keeps_the_other(self, database: Database, documents: MoodyStore) -> None:
        """Of two waves one fails at a paper: the other is out, the next run releases what is left, each once."""
        fence = scenes.booked(database, "R-1")
        waves.close_wave(fence)
        with database.write() as session:
            makers.stock(session, HANDSET, depot=VENLO)
            makers.request(session, "R-2", lines={HANDSET: 1}, country="NL", postal_code="5911")
        fence = scenes.open_run()
        scenes.advance_to_booked(fence)
        documents.refusals = 1
        with pytest.raises(StorageUnavailable):
            pick_lists.release(fence)
        before = [each.released_at is not None for each in scenes.rows(database, Wave)]
        waves.close_wave(fence)
        scenes.run_wave(NOON + timedelta(minutes=5))

        assert before.count(False) >= 1
        assert [each.released_at is not None for each in scenes.rows(database, Wave)] == [True, True]
        assert set(scenes.states(database).values()) == {RequestState.RELEASED}
        assert sorted(each.kind for each in _papers(database)) == sorted(2 * PAPERS)
        assert len(scenes.told(database)) == len(set(scenes.told(database))) == 2 + 2 * 2


class TestTold:
    def _messages(self, database: Database) -> dict[str, OutboxMessage]:
        return {each.kind: each for each in scenes.rows(database, OutboxMessage)}

    def test_warehouse_partner_and_site(self, at_desk: Desk, database: Database) -> None:
        """Three readers, three occasions: the depot per wave, partner and site per request."""
        scenes.approved(database, "R-1")
        scenes.run_wave()
        (request,), (wave,) = scenes.rows(database, Request), scenes.rows(database, Wave)

        assert {each.occasion: each.recipient for each in self._messages(database).values()} == {
            f"pick_list_ready/{wave.id}": "copenhagen@depots.example.com",
            f"dispatched/{request.id}/partner": "ops@nordlyd.example.com",
            f"dispatched/{request.id}/site": "mette@klinik.example.com",
        }

    def test_each_in_their_language(self, database: Database) -> None:
        """The partner in the partner's, the site in the request's, the warehouse in English."""
        scenes.approved(database)
        with database.write() as session:
            makers.request(session, lines={HANDSET: 1}, language="es")
        scenes.run_wave()

        assert {kind: each.language for kind, each in self._messages(database).items()} == {
            "pick_list_ready": "en", "dispatched": "da", "dispatched_site": "es"
        }  # fmt: skip

    def test_facts_of_the_way(self, database: Database) -> None:
        """Carrier, number, link, items and the day; promised only where the plan promises arrival."""
        scenes.approved(database, "R-1")
        scenes.run_wave()
        facts = self._messages(database)["dispatched"].facts
        number = scenes.booking(database).tracking_number

        assert (facts["carrier"], facts["tracking_number"]) == ("UPS", number)
        assert str(number) in facts["tracking_url"]
        assert facts["items"] == [[HANDSET, "Wired handset with cord", 1]]
        assert (facts["arrive_on"], facts["promised"]) == ("2026-11-23", True)
        assert "Mette" not in json.dumps(facts)

    def test_the_partner_hears_the_day_of_the_depot_that_sends(self, database: Database) -> None:
        """Sourced from a depot that arrives later: the letter names that day, not the first promise."""
        scenes.approved(database, depots=[VENLO])
        at = scenes.utc(2026, 11, 20, 13, 45)  # past Venlo's Friday cut-off, before Copenhagen's
        with database.write() as session:
            makers.request(session, lines={HANDSET: 1}, approved_at=at)
        scenes.run_wave(at)

        assert self._messages(database)["dispatched"].facts["arrive_on"] == "2026-11-24"

    def test_files_of_the_wave_are_named(self, database: Database) -> None:
        """The warehouse's letter lists every paper under its key, and counts lines, pieces and parcels."""
        scenes.approved(database)
        with database.write() as session:
            makers.stock(session, scenes.STAND, depot=COPENHAGEN)
            makers.request(session, lines={HANDSET: 3, scenes.STAND: 1})
        scenes.run_wave()
        facts = self._messages(database)["pick_list_ready"].facts

        assert {name: key for name, key in facts["files"]} == {paper.name: paper.sha256 for paper in _papers(database)}
        assert (facts["lines"], facts["pieces"], facts["parcels"]) == (2, 4, 1)


def test_stock_stays_allocated_until_it_leaves(database: Database) -> None:
    """Releasing prints; only what leaves the door lowers the shelf."""
    scenes.approved(database, "R-1")
    scenes.run_wave()
    (shelf,) = scenes.rows(database, Stock)

    assert (shelf.on_hand, shelf.allocated) == (10, 1)
    assert len(scenes.rows(database, Reservation)) == 1
