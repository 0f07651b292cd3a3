"""What a carrier is asked: parties, weights, customs, who pays; built from the record with two queries."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import update

from carriers.model import Book, Leg, Money
from infra.db.engine import Database
from infra.db.records import Booking
from infra.db.states import BookingState
from infra.ledger.claims import Fence
from tasks import coverage, promises, shipments, stock
from tasks.desk import Desk
from tasks.parcels import PACKAGING_G, parcels_to_book
from tests import makers
from tests.tasks import scenes
from tests.tasks.fakes import FakeCarrier
from tests.tasks.scenes import HANDSET, STAND

pytestmark = pytest.mark.usefixtures("at_desk")


def _asked(database: Database, carrier: FakeCarrier, *, depot: str, **request: object) -> dict[Leg, Book]:
    """What the carrier is asked for one request that `depot` can serve."""
    lines = {HANDSET: 2, STAND: 1}
    with database.write() as session:
        scenes.partner_under_contract(session)
        for part in lines:
            makers.stock(session, part, depot=depot)
        makers.request(session, lines=lines, **request)  # type: ignore[arg-type]  # passed through
    fence = scenes.open_run()
    coverage.cover(fence)
    promises.promise(fence)
    stock.reserve(fence)
    shipments.plan_bookings(fence)
    scenes.book_due(fence)
    return {wanted.leg: wanted for wanted in carrier.asked}


class TestQuestion:
    def test_out_goes_from_depot_to_site(self, database: Database, carrier: FakeCarrier) -> None:
        """The depot sends, the site's contact receives, the vendor's account pays."""
        out = _asked(database, carrier, depot="DK-CPH")[Leg.OUTBOUND]

        assert (out.service, out.account, out.ship_on) == ("65", "A1B2C3", scenes.FRIDAY)
        assert (out.ship_from.company, out.ship_from.postal_code) == ("Vendor Spares c/o Øresund Lager", "2770")
        assert (out.ship_to.company, out.ship_to.contact) == ("Havnens Klinik", "Mette Holm")
        assert (out.ship_to.phone, out.ship_to.country) == ("+4533123456", "DK")
        assert out.reference == scenes.reference()

    def test_back_goes_the_other_way_on_our_account(self, database: Database, carrier: FakeCarrier) -> None:
        """Parties change places; the payer stays the same (M7)."""
        asked = _asked(database, carrier, depot="DK-CPH")
        out, back = asked[Leg.OUTBOUND], asked[Leg.RETURN]

        assert (back.ship_from, back.ship_to) == (out.ship_to, out.ship_from)
        assert back.account == out.account == "A1B2C3"
        assert back.reference != out.reference

    def test_weights_and_sizes_add_up(self, database: Database, carrier: FakeCarrier) -> None:
        """Two handsets of 210 g (240 x 90 x 70 mm), a stand of 160 g (210 x 160 x 40 mm), and the box."""
        parcel = _asked(database, carrier, depot="DK-CPH")[Leg.OUTBOUND].parcel

        assert parcel.weight_g == PACKAGING_G + 2 * 210 + 160
        assert parcel.size_mm == (240, 160, 2 * 70 + 40)
        assert parcel.description == "Wired handset with cord, Desk stand"

    def test_no_papers_inside_the_union(self, database: Database, carrier: FakeCarrier) -> None:
        """A lane without customs documents asks for none."""
        assert _asked(database, carrier, depot="DK-CPH")[Leg.OUTBOUND].customs is None

    def test_customs_where_the_lane_asks(self, database: Database, carrier: FakeCarrier) -> None:
        """Copenhagen to Oslo: invoice, duty paid by us, each part with code, origin and value."""
        asked = _asked(database, carrier, depot="DK-CPH", country="NO", postal_code="0150")
        customs = asked[Leg.OUTBOUND].customs

        assert customs is not None
        assert (customs.incoterm, customs.duty_payer, customs.documents) == ("DDP", "vendor", ("commercial_invoice",))
        assert [(item.hs_code, item.origin, item.quantity, item.value) for item in customs.items] == [
            ("851779", "VN", 2, Money(amount=Decimal("9.20"), currency="EUR")),
            ("851779", "VN", 1, Money(amount=Decimal("5.10"), currency="EUR")),
        ]
        assert "no sale" in customs.reason


class TestLegs:
    def test_return_by_another_service(self, database: Database, carrier: FakeCarrier) -> None:
        """Next Day Air Saver (13) carries no returns: the return goes by Next Day Air (01)."""
        asked = _asked(database, carrier, depot="US-SDF", country="US", postal_code="10001", subdivision="NY")

        assert {leg: wanted.service for leg, wanted in asked.items()} == {Leg.OUTBOUND: "13", Leg.RETURN: "01"}
        assert {each.leg: each.service for each in scenes.rows(database, Booking)} == {
            "outbound": "ups:next_day_air_saver", "return": "ups:next_day_air"
        }  # fmt: skip

    def test_customer_pays_by_lane(self, database: Database, carrier: FakeCarrier) -> None:
        """No prepaid label is sold from Chile: the lane overrides the plan's prepaid return."""
        asked = _asked(database, carrier, depot="BR-GRU", country="CL", postal_code="8320000")

        assert list(asked) == [Leg.OUTBOUND]


def _references(fence: Fence, at_desk: Desk) -> set[str]:
    with at_desk.database.read() as session:
        found = parcels_to_book(session, None, fence, BookingState.PLANNED, at_desk)
    return {each.wanted.reference for each in found}


class TestReading:
    def test_always_two_queries(self, at_desk: Desk, database: Database) -> None:
        """Thirty bookings are read with as many statements as two."""
        counts = []
        fence = scenes.planned(database, *(f"R-{number}" for number in range(15)))
        ids = shipments.due_bookings(fence, BookingState.PLANNED)
        for some in (ids[:2], ids):
            with database.read() as session, scenes.counted(database) as sent:
                found = parcels_to_book(session, some, fence, BookingState.PLANNED, at_desk)
            counts.append(sum("SELECT" in statement for statement in sent))
            assert len(found) == len(some)

        assert counts == [2, 2]

    def test_another_fence_reads_nothing(self, at_desk: Desk, database: Database) -> None:
        """Bookings of another run are not read, by whatever id."""
        fence = scenes.planned(database, "R-1")
        other = Fence(number=fence.number + 1, lease_until=fence.lease_until)
        with database.read() as session:
            assert parcels_to_book(session, None, other, BookingState.PLANNED, at_desk) == []

    def test_without_lane_there_is_no_question(self, at_desk: Desk, database: Database) -> None:
        """Planned, and then the pack lost every lane from that depot: left out, and the others are asked for."""
        with database.write() as session:
            scenes.partner_under_contract(session)
            makers.stock(session, HANDSET, depot="DK-CPH")
            makers.stock(session, HANDSET, depot="NL-VNL")
            makers.request(session, "R-1", lines={HANDSET: 1})
            makers.request(session, "R-2", lines={HANDSET: 1}, country="NL", postal_code="5911")
        fence = scenes.open_run()
        for step in (coverage.cover, promises.promise, stock.reserve, shipments.plan_bookings):
            step(fence)
        before = _references(fence, at_desk)
        scenes.lose_lanes(at_desk, depot="DK-CPH")

        assert before == {scenes.reference(number, leg) for number in ("R-1", "R-2") for leg in ("outbound", "return")}
        assert _references(fence, at_desk) == {scenes.reference("R-2", leg) for leg in ("outbound", "return")}

    def test_only_without_label(self, at_desk: Desk, database: Database) -> None:
        """Confirmed bookings that have their label are not asked about again."""
        fence = scenes.planned(database, "R-1")
        scenes.book_due(fence)
        with database.write() as session:
            session.execute(update(Booking).where(Booking.leg == "return").values(label_id=None))
        with database.read() as session:
            found = parcels_to_book(session, None, fence, BookingState.CONFIRMED, at_desk, without_label=True)

        assert [each.leg for each in found] == ["return"]
