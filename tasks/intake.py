"""Taking in files of approved requests: good rows are stored once, bad rows come back, nothing is lost.

Called by `flows.cli`. Reading and judging a row is the business of `infra.intake`; here the record is asked what it
knows and told what came in, one transaction per file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from infra import clock
from infra.db.records import Consignee, Contract, IntakeFile, Partner, RejectedRow, Request, RequestLine
from infra.db.rows import add_numbered_rows, add_rows
from infra.db.states import RequestState
from infra.intake.digest import content_sha256
from infra.intake.known import Known, KnownContract, KnownPartner, known_from_pack
from infra.intake.reading import Reading, read_requests
from infra.intake.schema import ApprovedRequest, LanguageCode, Refusal
from infra.ledger import audit
from infra.ledger.claims import PORTION
from tasks.desk import Desk, desk
from tasks.rules.promising import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """What became of a file. `rows == stored + repeated + rejected`."""

    file: str
    rows: int
    stored: int
    repeated: int
    """Rows that said again what this file or the record already says."""
    rejected: int
    refusals: tuple[Refusal, ...]
    """Every fault of every rejected row, and of the file itself (row 0)."""
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One good row, ready to be stored."""

    row: int
    request: ApprovedRequest
    sha256: str


def take_in(path: Path) -> TakenIn:
    """Read one file and store what is good in it. Taking the same file in twice stores nothing twice.

    Raises OSError where the file cannot be opened.
    """
    at_desk = desk()
    with at_desk.database.read() as session:
        known = known_from_record(session, at_desk)
    reading = read_requests(path, known=known, now=clock.now())
    incoming = [Incoming(row=row, request=request, sha256=content_sha256(request)) for row, request in reading.accepted]
    with at_desk.database.write() as session:
        on_record = _on_record(session, incoming)
        fresh = [each for each in incoming if _key(each) not in on_record]
        contradicting = [each for each in incoming if on_record.get(_key(each), each.sha256) != each.sha256]
        refusals = (*reading.refusals, *(_number_taken(each, reading.file) for each in contradicting))
        taken = TakenIn(
            file=reading.file,
            rows=reading.rows,
            stored=len(fresh),
            repeated=len(reading.repeats) + len(incoming) - len(fresh) - len(contradicting),
            rejected=len({refusal.row for refusal in refusals if refusal.row}),
            refusals=refusals,
            remarks=tuple(str(remark) for remark in reading.remarks),
        )
        file_id = _store_file(session, reading, taken)
        _store_requests(session, fresh, file_id, at_desk)
    return taken


def known_from_record(session: Session, at_desk: Desk) -> Known:
    """Partners and contracts as they stand on record; plans and parts of the policy pack."""
    contracts: dict[str, list[KnownContract]] = defaultdict(list)
    for contract in session.scalars(select(Contract).order_by(Contract.number)):
        known = KnownContract(account=contract.account, plan=contract.plan, sites=tuple(contract.sites))
        contracts[contract.partner].append(known)
    from_pack = known_from_pack(at_desk.pack)
    return Known(
        partners=tuple(
            KnownPartner(
                code=partner.code,
                language=cast("LanguageCode", partner.language),
                contracts=tuple(contracts[partner.code]),
            )
            for partner in session.scalars(select(Partner).order_by(Partner.code))
        ),
        plans=from_pack.plans,
        parts=from_pack.parts,
    )


Key = tuple[str, str]
"""partner, number"""


def _key(each: Incoming) -> Key:
    return each.request.partner, each.request.number


def _on_record(session: Session, incoming: Sequence[Incoming]) -> dict[Key, str]:
    found: dict[Key, str] = {}
    by_partner: dict[str, list[str]] = defaultdict(list)
    for each in incoming:
        by_partner[each.request.partner].append(each.request.number)
    for partner, numbers in by_partner.items():
        for start in range(0, len(numbers), PORTION):
            query = select(Request.number, Request.content_sha256).where(
                Request.partner == partner, Request.number.in_(numbers[start : start + PORTION])
            )
            found |= {(partner, number): sha256 for number, sha256 in session.execute(query)}
    return found


def _number_taken(each: Incoming, file: str) -> Refusal:
    return Refusal(
        file=file,
        row=each.row,
        column="number",
        value=each.request.number[:80],
        code="number_taken",
        problem="A request with this number is on record with other content.",
        remedy="Give a new request a new number; to change one that is on record, cancel it first.",
    )


def _store_file(session: Session, reading: Reading, taken: TakenIn) -> int:
    file = IntakeFile(
        name=reading.file[:200], sha256=reading.sha256, received_at=clock.now(), rows=taken.rows, stored=taken.stored,
        repeated=taken.repeated, rejected=taken.rejected,
    )  # fmt: skip
    session.add(file)
    session.flush()
    rows = [
        {
            "file_id": file.id, "row": each.row, "column": each.column[:60], "value": each.value[:80],
            "code": each.code[:40], "problem": each.problem[:300], "remedy": each.remedy[:300],
        }
        for each in taken.refusals
    ]  # fmt: skip
    add_rows(session, RejectedRow, rows)
    return file.id


def _store_requests(session: Session, fresh: Sequence[Incoming], file_id: int, at_desk: Desk) -> None:
    if not fresh:
        return
    rows = [_request_row(each, file_id, at_desk) for each in fresh]
    ids = add_numbered_rows(session, Request, rows)
    numbered = list(zip(ids, fresh, strict=True))
    add_rows(session, Consignee, [_consignee_row(request_id, each.request) for request_id, each in numbered])
    lines = [row for request_id, each in numbered for row in _line_rows(request_id, each.request)]
    add_rows(session, RequestLine, lines)
    deeds = [
        audit.Deed(
            partner=each.request.partner, kind="request", object_id=request_id, action="received>approved",
            detail={"file": file_id, "row": each.row, "sha256": each.sha256},
        )
        for request_id, each in numbered
    ]  # fmt: skip
    audit.append(session, deeds, actor=at_desk.actor, at=clock.now())


def _request_row(each: Incoming, file_id: int, at_desk: Desk) -> dict[str, Any]:
    request, to, at = each.request, each.request.ship_to, clock.now()
    site = Site(country=to.country, subdivision=to.subdivision, postal_code=to.postal_code, city=to.city)
    return {
        "partner": request.partner,
        "number": request.number,
        "content_sha256": each.sha256,
        "state": RequestState.APPROVED,
        "state_since": at,
        "plan": request.plan,
        "account": request.account,
        "site": request.site,
        "serial": request.serial,
        "language": request.language,
        "onsite_wanted": request.onsite_wanted,
        "incident": request.incident,
        "diagnosed_by": request.diagnosis.by,
        "diagnosed_at": request.diagnosis.at,
        "finding": request.diagnosis.finding,
        "approved_by": request.approved_by,
        "approved_at": request.approved_at,
        "approval_zone": request.approval_zone,
        "country": to.country,
        "subdivision": to.subdivision,
        "postal_code": to.postal_code,
        "home_depot": at_desk.promiser.home_depot(site),
        "received_at": at,
        "file_id": file_id,
        "file_row": each.row,
    }


def _consignee_row(request_id: int, request: ApprovedRequest) -> dict[str, Any]:
    to, contact = request.ship_to, request.contact
    return {
        "request_id": request_id, "partner": request.partner, "company": to.company, "contact": contact.name,
        "phone": contact.phone, "email": contact.email, "street": to.street, "street2": to.street2, "city": to.city,
        "postal_code": to.postal_code, "subdivision": to.subdivision, "country": to.country,
    }  # fmt: skip


def _line_rows(request_id: int, request: ApprovedRequest) -> list[dict[str, Any]]:
    return [
        {"request_id": request_id, "line": number, "partner": request.partner, "part": line.part,
         "quantity": line.quantity}
        for number, line in enumerate(request.lines, start=1)
    ]  # fmt: skip
