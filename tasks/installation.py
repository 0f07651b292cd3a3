"""Making a fresh installation ready: schema, the pack's example partners and contracts, opening stock.

Called by `dispatch init` and by every command that meets an embedded database nobody has prepared. Running it again
migrates, and adds partners and stock that are missing; a partner on record is never changed, nor its contracts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from infra.db.engine import Database
from infra.db.records import Certification, Contract, Partner, Stock
from infra.db.rows import add_rows
from infra.db.schema import migrate
from infra.policy.model import Pack
from infra.policy.model import Partner as ExamplePartner


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What was added."""

    partners: int
    contracts: int
    stock_items: int


def prepare(database: Database, pack: Pack) -> Prepared:
    """Migrate, then add partners, contracts and stock that the pack names and the record lacks."""
    migrate(database)
    with database.write() as session:
        known = set(session.scalars(select(Partner.code)))
        fresh = [partner for partner in pack.partners if partner.code not in known]
        for partner in fresh:
            _add_partner(session, partner)
        stock = _add_stock(session, pack)
    return Prepared(partners=len(fresh), contracts=sum(len(partner.contracts) for partner in fresh), stock_items=stock)


def _add_partner(session: Session, partner: ExamplePartner) -> None:
    session.add(
        Partner(
            code=partner.code, name=partner.name, brand=partner.brand, email=partner.email,
            language=partner.language, zone=partner.zone,
        )
    )  # fmt: skip
    session.flush()
    session.add_all(
        Contract(
            partner=partner.code, number=contract.number, plan=contract.plan, account=contract.account,
            sites=list(contract.sites), categories=[str(category) for category in contract.categories],
            onsite=contract.onsite, zone=contract.zone, starts_on=contract.starts_on, ends_on=contract.ends_on,
        )
        for contract in partner.contracts
    )  # fmt: skip
    session.add_all(
        Certification(partner=partner.code, family=held.family, until=held.until) for held in partner.certifications
    )


def _add_stock(session: Session, pack: Pack) -> int:
    known = {(depot, part) for depot, part in session.execute(select(Stock.depot, Stock.part))}
    rows: list[dict[str, Any]] = [
        {"depot": held.depot, "part": held.part, "bin": held.bin, "on_hand": held.on_hand, "allocated": 0}
        for held in pack.stock
        if (held.depot, held.part) not in known
    ]
    add_rows(session, Stock, rows)
    return len(rows)
