"""Promises as they stand on record: the newest of each request, and the receipt a row is.

Shared by `tasks.explanations`, `radar`, `drift` and `backtests`, which ask different questions of the same rows.
"""

from __future__ import annotations

from sqlalchemy import Subquery, func, select
from sqlalchemy.orm import aliased
from sqlalchemy.sql.elements import ColumnElement

from infra.db.records import Promise, Request
from tasks.rules.explaining import Receipt


def latest_promises(*where: ColumnElement[bool]) -> Subquery:
    """`request_id`, `promise_id` and `revision` of the newest promise of each request `where` (on `Request`) finds.

    The working is not read: join `Promise` by its id and take the columns that are needed.
    """
    newest = (
        select(Promise.request_id, func.max(Promise.revision).label("revision"))
        .join(Request, Request.id == Promise.request_id)
        .where(*where)
        .group_by(Promise.request_id)
        .subquery()
    )
    of = aliased(Promise)
    return (
        select(newest.c.request_id, newest.c.revision, of.id.label("promise_id"))
        .join(of, (of.request_id == newest.c.request_id) & (of.revision == newest.c.revision))
        .subquery()
    )


def receipt_of(row: Promise) -> Receipt:
    """The fact that a row states."""
    return Receipt(
        revision=row.revision, commitment=row.commitment, ship_on=row.ship_on, arrive_on=row.arrive_on,
        provisional=row.provisional, depot=row.depot, service=row.service, versions=row.versions, trace=row.trace,
        alternatives=row.alternatives,
    )  # fmt: skip
