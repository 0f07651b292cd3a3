"""Taking in files: good rows once, bad rows back with their reason, nothing lost and nothing changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from infra.db.engine import Database
from infra.db.records import Consignee, Contract, IntakeFile, RejectedRow, Request, RequestLine
from infra.db.states import RequestState
from tasks.intake import TakenIn, take_in
from tests import makers
from tests.conftest import NOON
from tests.infra.intake.rows import as_csv, as_jsonl, as_xlsx, row
from tests.tasks import scenes
from tests.tasks.scenes import HANDSET, STAND

pytestmark = pytest.mark.usefixtures("at_desk", "under_contract")


@pytest.fixture
def under_contract(database: Database) -> None:
    with database.write() as session:
        scenes.partner_under_contract(session)


def _row(number: str = "R-1", **changes: Any) -> dict[str, Any]:
    good = {
        "partner": "nordlyd", "number": number, "parts": f"{HANDSET} x2; {STAND}",
        "diagnosed_at": "2026-11-20T09:00:00+01:00", "approved_at": "2026-11-20T09:30:00+01:00",
    }  # fmt: skip
    return row(**good | changes)


def _take(folder: Path, *rows: dict[str, Any], name: str = "orders.csv") -> TakenIn:
    write = {".csv": as_csv, ".jsonl": as_jsonl, ".xlsx": as_xlsx}[Path(name).suffix]
    path = folder / name
    path.write_bytes(write(rows))
    return take_in(path)


def _counts(taken: TakenIn) -> tuple[int, int, int, int]:
    assert taken.rows == taken.stored + taken.repeated + taken.rejected
    return taken.rows, taken.stored, taken.repeated, taken.rejected


class TestStoring:
    def test_a_good_row_becomes_a_request(self, database: Database, tmp_path: Path) -> None:
        """Approved, due for the next wave, with its home depot, its lines and where it came from."""
        taken = _take(tmp_path, _row())
        (request,), (receiver,) = scenes.rows(database, Request), scenes.rows(database, Consignee)
        lines = scenes.rows(database, RequestLine)

        assert _counts(taken) == (1, 1, 0, 0)
        assert (request.state, request.state_since, request.received_at) == (RequestState.APPROVED, NOON, NOON)
        assert (request.partner, request.number, request.plan) == ("nordlyd", "R-1", "partner-plus")
        assert request.approved_at == scenes.utc(2026, 11, 20, 8, 30)
        assert (request.home_depot, request.depot, request.lease_until) == ("DK-CPH", None, None)
        assert (request.file_row, len(request.content_sha256)) == (2, 64)
        assert [(line.line, line.part, line.quantity) for line in lines] == [(1, HANDSET, 2), (2, STAND, 1)]
        assert (receiver.company, receiver.contact, receiver.phone) == (
            "Fjordlys Tandklinik", "Sofie Lund", "+4533123456"
        )  # fmt: skip
        assert scenes.audited(database) == ["received>approved"]

    @pytest.mark.parametrize("name", ["orders.csv", "orders.jsonl", "orders.xlsx"])
    def test_every_format_says_the_same(self, database: Database, tmp_path: Path, name: str) -> None:
        """The same request by another format is the same content."""
        taken = _take(tmp_path, _row(), name=name)
        again = _take(tmp_path, _row(), name="again.csv")

        assert (_counts(taken), _counts(again)) == ((1, 1, 0, 0), (1, 0, 1, 0))

    def test_taken_in_goes_through_a_wave(self, database: Database, tmp_path: Path) -> None:
        """What came by file is claimed, covered, booked and released."""
        with database.write() as session:
            for part in (HANDSET, STAND):
                makers.stock(session, part, depot="DK-CPH")
        _take(tmp_path, _row())
        scenes.run_wave()

        assert scenes.states(database) == {"R-1": RequestState.RELEASED}

    def test_no_depot_where_no_lane_leads(self, database: Database, tmp_path: Path) -> None:
        """A country without lanes is taken in all the same: the wave will hold it with the reason."""
        _take(tmp_path, _row(country="IS", postal_code="101", city="Reykjavík", contact_phone="+354 555 1234"))

        assert [each.home_depot for each in scenes.rows(database, Request)] == [None]


class TestTwice:
    def test_the_same_file_stores_nothing_twice(self, database: Database, tmp_path: Path) -> None:
        """Every row is a repeat; both arrivals of the file are on record."""
        rows = [_row("R-1"), _row("R-2", serial="SN-2")]
        first, second = _take(tmp_path, *rows), _take(tmp_path, *rows)
        files = scenes.rows(database, IntakeFile)

        assert (_counts(first), _counts(second)) == ((2, 2, 0, 0), (2, 0, 2, 0))
        assert len(scenes.rows(database, Request)) == 2
        assert [(file.stored, file.repeated) for file in files] == [(2, 0), (0, 2)]
        assert files[0].sha256 == files[1].sha256
        assert scenes.audited(database) == ["received>approved"] * 2

    def test_a_grown_file_stores_what_is_new(self, database: Database, tmp_path: Path) -> None:
        """A partner that always sends everything adds one row: one is stored."""
        _take(tmp_path, _row("R-1"))

        assert _counts(_take(tmp_path, _row("R-1"), _row("R-2", serial="SN-2"))) == (2, 1, 1, 0)

    def test_a_number_with_other_content_is_refused(self, database: Database, tmp_path: Path) -> None:
        """The record stays as it is; the sender reads which number and what to do."""
        _take(tmp_path, _row())
        taken = _take(tmp_path, _row(street="Vesterbrogade 13"), name="later.csv")
        (refusal,) = taken.refusals
        (receiver,) = scenes.rows(database, Consignee)

        assert _counts(taken) == (1, 0, 0, 1)
        assert (refusal.code, refusal.row, refusal.column, refusal.value) == ("number_taken", 2, "number", "R-1")
        assert "new number" in refusal.remedy
        assert receiver.street == "Vesterbrogade 12"

    def test_a_number_is_a_partners_own(self, database: Database, tmp_path: Path) -> None:
        """Two partners may use the same number."""
        with database.write() as session:
            makers.partner(session, "polder")
            makers.contract(session, "polder", number="C-9")

        assert _counts(_take(tmp_path, _row(), _row(partner="polder"))) == (2, 2, 0, 0)

    def test_what_has_moved_on_is_still_a_repeat(self, database: Database, tmp_path: Path) -> None:
        """The file comes again after dispatch: nothing is stored, and no state goes back."""
        _take(tmp_path, _row())
        with database.write() as session:
            session.execute(update(Request).values(state=RequestState.DELIVERED))

        assert _counts(_take(tmp_path, _row())) == (1, 0, 1, 0)
        assert scenes.states(database) == {"R-1": RequestState.DELIVERED}


class TestRejected:
    def test_bad_rows_are_kept_good_ones_stored(self, database: Database, tmp_path: Path) -> None:
        """One bad row keeps nobody waiting; its faults are on record as the sender was told them."""
        taken = _take(tmp_path, _row("R-1"), _row("R-2", country="XX", serial="SN-2"), _row("R-3", serial="SN-3"))
        (file,), kept = scenes.rows(database, IntakeFile), scenes.rows(database, RejectedRow)

        assert _counts(taken) == (3, 2, 0, 1)
        assert sorted(scenes.states(database)) == ["R-1", "R-3"]
        assert {(each.file_id, each.row) for each in kept} == {(file.id, 3)}
        assert [(each.code, each.problem) for each in kept] == [
            (refusal.code, refusal.problem[:300]) for refusal in taken.refusals
        ]
        assert all(each.remedy for each in kept)
        assert (file.rows, file.stored, file.rejected) == (3, 2, 1)

    @pytest.mark.parametrize(
        ("changes", "column"),
        [
            pytest.param({"partner": "nobody"}, "partner", id="unknown-partner"),
            pytest.param({"account": "ACC-9"}, "account", id="no-contract-for-the-account"),
            pytest.param({"parts": "NO-SUCH-PART"}, "parts", id="unknown-part"),
            pytest.param({"serial": ""}, "serial", id="plan-wants-a-serial"),
            pytest.param({"approved_at": "2026-11-20T15:00:00+01:00"}, "approved_at", id="approved-in-the-future"),
        ],
    )
    def test_what_the_record_does_not_know(
        self, database: Database, tmp_path: Path, changes: dict[str, str], column: str
    ) -> None:
        """Partners and contracts are those on record, plans and parts those of the pack, the hour the clock's."""
        taken = _take(tmp_path, _row(**changes))

        assert _counts(taken) == (1, 0, 0, 1)
        assert {refusal.column for refusal in taken.refusals} == {column}
        assert scenes.rows(database, Request) == []

    def test_contracts_are_those_on_record(self, database: Database, tmp_path: Path) -> None:
        """Once its contract is recorded, the very same file is taken in."""
        before = _take(tmp_path, _row(account="ACC-9"))
        with database.write() as session:
            session.execute(update(Contract).values(account="ACC-9"))
        after = _take(tmp_path, _row(account="ACC-9"))

        assert (before.stored, after.stored) == (0, 1)

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            pytest.param("broken.xlsx", b"PK\x03\x04 this is no workbook", id="damaged-workbook"),
            pytest.param("empty.csv", b"", id="empty"),
            pytest.param("header.csv", b"colour;shape\nred;round\n", id="none-of-our-columns"),
        ],
    )
    def test_a_damaged_file_is_recorded(self, database: Database, tmp_path: Path, name: str, content: bytes) -> None:
        """Nothing can be read: the arrival is on record with what is wrong with the file as a whole."""
        (tmp_path / name).write_bytes(content)
        taken = take_in(tmp_path / name)
        (file,) = scenes.rows(database, IntakeFile)

        assert taken.stored == 0
        assert {refusal.row for refusal in taken.refusals} == {0}
        assert file.name == name
        assert [each.row for each in scenes.rows(database, RejectedRow)] == [0] * len(taken.refusals)

    def test_a_missing_file_is_an_error(self, tmp_path: Path) -> None:
        """A path that is not there is the caller's mistake, and leaves no trace."""
        with pytest.raises(OSError, match="nowhere"):
            take_in(tmp_path / "nowhere.csv")

    def test_nothing_is_kept_of_a_file_that_fails(
        self, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One transaction per file: without the log neither requests nor the arrival are on record."""

        def fail(*_given: object, **_more: object) -> None:
            raise RuntimeError("disk full")

        monkeypatch.setattr("infra.ledger.audit.append", fail)
        with pytest.raises(RuntimeError, match="disk full"):
            _take(tmp_path, _row())

        assert scenes.rows(database, Request) == []
        assert scenes.rows(database, IntakeFile) == []
