"""`dispatch doctor`: is this installation fit to dispatch? Each check says what it saw and, if it is bad, what to do.

Called by `flows.cli`. Looks only; changes nothing and calls no carrier.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import pysqlite3.dbapi2 as safe_sqlite
from sqlalchemy import make_url

from calendars import snapshot
from calendars.zones import TZDATA_VERSION
from infra.db.engine import Database, DatabaseError, require_safe_sqlite
from infra.db.schema import newest_revision, revision_of
from infra.documents.barcodes import code128_svg
from infra.documents.pick_list import PickLine, PickList, pdf
from infra.ledger import audit
from infra.policy.model import Pack
from infra.policy.pack import load_pack
from infra.policy.problems import PolicyErrors
from infra.settings import Settings
from infra.storage import StorageUnavailable, open_store

ROOMS = ("flows", "tasks", "carriers", "calendars", "infra")
LOW_DISK_BYTES = 500 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`good` is None for what is worth knowing and keeps nothing from working."""

    what: str
    good: bool | None
    seen: str
    remedy: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Every check, in the order in which a broken one would break the others."""
    findings = [_python(), *_rooms(), _sqlite(), _disk(settings), _calendars(), *_policy(settings)]
    return [*findings, *_database(settings), _documents(settings), _printing(), *_carriers(settings)]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    good = (3, 11) <= sys.version_info[:2] < (3, 14)
    return Finding(what="Python", good=good, seen=version, remedy="Use Python 3.11, 3.12 or 3.13.")


def _rooms() -> Iterator[Finding]:
    """Our package names are general: another distribution that ships one of them would quietly replace it."""
    owners = metadata.packages_distributions()
    for room in ROOMS:
        others = sorted(set(owners.get(room, [])) - {"parts-dispatch"})
        if others:
            remedy = f"Give parts-dispatch an environment of its own, without {', '.join(others)}."
            yield Finding(what=f"package {room}", good=False, seen=f"also owned by {', '.join(others)}", remedy=remedy)


def _sqlite() -> Finding:
    try:
        require_safe_sqlite(safe_sqlite.sqlite_version_info)
    except DatabaseError as error:
        return Finding(what="SQLite", good=False, seen=safe_sqlite.sqlite_version, remedy=str(error))
    return Finding(what="SQLite", good=True, seen=safe_sqlite.sqlite_version)


def _disk(settings: Settings) -> Finding:
    folder = next(path for path in (settings.home.resolve(), *settings.home.resolve().parents) if path.exists())
    free = shutil.disk_usage(folder).free
    remedy = f"Free space on the volume of {folder}: labels can be fetched only once."
    return Finding(what="disk", good=free > LOW_DISK_BYTES, seen=f"{free // 2**20} MiB free", remedy=remedy)


def _calendars() -> Finding:
    known = snapshot.load()
    seen = f"snapshot {known.version}, {known.first} to {known.last}, tzdata {TZDATA_VERSION}"
    return Finding(what="calendars", good=True, seen=seen)


def _policy(settings: Settings) -> Iterator[Finding]:
    try:
        pack = load_pack(settings.policy)
    except PolicyErrors as errors:
        for problem in errors.problems:
            seen = f"{problem.file}:{problem.line}:{problem.column} {problem.path} - {problem.wrong}"
            yield Finding(what="policy pack", good=False, seen=seen, remedy=problem.remedy)
        return
    yield Finding(what="policy pack", good=True, seen=_size(pack))


def _size(pack: Pack) -> str:
    return (
        f"version {pack.version}: {len(pack.plans)} plans, {len(pack.depots)} depots, {len(pack.lanes)} lanes, "
        f"{len(pack.parts)} parts"
    )


def _database(settings: Settings) -> Iterator[Finding]:
    file = make_url(settings.database)
    if file.get_backend_name() == "sqlite" and not Path(file.database or "").exists():
        yield Finding(what="database", good=False, seen=f"{file.database} is not there", remedy="Run `dispatch init`.")
        return
    try:
        database = Database(settings.database)
        found = revision_of(database)
    except Exception as error:  # noqa: BLE001 - every driver has its own errors, and all mean: cannot be opened
        seen = f"{type(error).__name__}: {str(error).splitlines()[0]}"
        yield Finding(what="database", good=False, seen=seen, remedy="Check DISPATCH_DATABASE_URL and the server.")
        return
    wanted = newest_revision()
    seen = f"{database!r} at revision {found or 'none'}"
    yield Finding(what="database", good=found == wanted, seen=seen, remedy="Run `dispatch init`.")
    if found == wanted:
        yield _audit(database)
    database.close()


def _audit(database: Database) -> Finding:
    with database.read() as session:
        breaks = audit.verify(session)
    seen = f"{len(breaks)} breaks" if breaks else "every chain whole"
    if breaks:
        seen += f", first: {breaks[0].partner} entry {breaks[0].seq}: {breaks[0].problem}"
    remedy = "Somebody changed the log: keep the database as evidence, restore from a backup, tell security."
    return Finding(what="audit log", good=not breaks, seen=seen, remedy=remedy)


def _documents(settings: Settings) -> Finding:
    remedy = "Check DISPATCH_DOCUMENTS_URL, its permissions and credentials."
    folder = Path(settings.documents)
    if "://" not in settings.documents and folder.exists() and not (folder.is_dir() and os.access(folder, os.W_OK)):
        return Finding(what="documents", good=False, seen=f"{folder} is no folder to write to", remedy=remedy)
    try:
        store = open_store(settings.documents, endpoint=settings.s3_endpoint)
        there = store.has("0" * 64)
    except (StorageUnavailable, OSError) as error:
        return Finding(what="documents", good=False, seen=str(error), remedy=remedy)
    return Finding(what="documents", good=not there, seen=settings.documents)


def _printing() -> Finding:
    at = datetime(2026, 1, 2, 12, tzinfo=UTC)
    line = PickLine(
        bin="A-01-1-01", part="P", description="Prøve", quantity=1, request="R", partner="p", reference="A" * 16,
        tracking_number="1Z", company="C", city="Århus", country="DK",
    )  # fmt: skip
    page = PickList(
        wave="W", depot_code="D", depot_name="D", zone="Europe/Copenhagen", cutoff_at=at, pickup_at=at, carrier="UPS",
        services=(("UPS", 1),), printed_at=at, lines=(line,),
    )  # fmt: skip
    printed = pdf(page).startswith(b"%PDF") and bool(code128_svg("A" * 16))
    return Finding(what="printing", good=printed, seen="a pick list and a bar code were made")


def _carriers(settings: Settings) -> Iterator[Finding]:
    if not settings.carriers:
        remedy = "Set DISPATCH_CARRIERS__UPS__BASE_URL, __CLIENT_ID and __CLIENT_SECRET before the first wave."
        yield Finding(what="carriers", good=None, seen="no connection is configured", remedy=remedy)
    for code, connection in sorted(settings.carriers.items()):
        yield Finding(what=f"carrier {code}", good=True, seen=connection.base_url)
