"""The calendars promises are made from now: the newest publication on record, laid over this code's own snapshot.

Shared by the steps that watch promises (`tasks.drift`, `tasks.radar`, `tasks.backtests`); `tasks.desk` asks it for the
desk's promiser. A publication is a row and is never changed, so every process that reads it promises the same dates.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select

from calendars import snapshot as snapshots
from calendars.overrides import Layer
from calendars.snapshot import Snapshot
from infra import clock
from infra.db.engine import Database
from infra.db.records import CalendarVersion
from infra.storage import DocumentStore
from tasks.closure_files import as_json, from_json
from tasks.rules.closures import LayeredPromiser

if TYPE_CHECKING:
    from tasks.desk import Desk  # the desk is to ask this module for its promiser

SNAPSHOT_FILES = ("snapshot.json", "snapshot.xz", "names.xz")
"""What `calendars.compiler` writes and `load_from` reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendars:
    """A snapshot of all regions and the closures on top of it, in order, later ones winning."""

    snapshot: Snapshot
    layers: tuple[Layer, ...] = ()

    @property
    def digest(self) -> str:
        """12 hexadecimal digits; equal for equal content, whoever published it."""
        content = json.dumps([self.snapshot.version, as_json(self.layers)], sort_keys=True, ensure_ascii=False)
        return blake2b(content.encode(), digest_size=6).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A publication; number 0 is the state before the first one: the shipped snapshot and no closures."""

    number: int
    calendars: Calendars


def live(database: Database, documents: DocumentStore, home: Path) -> Published:
    """The newest publication, with the snapshot it was published with: a new release changes no date by itself.

    Raises `StorageUnavailable`, `DocumentLost`, `SnapshotDamaged` where that snapshot cannot be had any more.
    """
    with database.read() as session:
        newest = session.scalars(select(CalendarVersion).order_by(CalendarVersion.id.desc()).limit(1)).first()
        if newest is None:
            return Published(number=0, calendars=Calendars(snapshot=snapshots.load()))
        number, version, files, layers = newest.id, newest.snapshot, dict(newest.snapshot_files), newest.layers
    return Published(
        number=number,
        calendars=Calendars(snapshot=_snapshot(version, files, documents, home), layers=from_json(layers)),
    )


def _snapshot(version: str, files: dict[str, str], documents: DocumentStore, home: Path) -> Snapshot:
    shipped = snapshots.load()
    if version == shipped.version:
        return shipped
    folder = home / "calendars" / version
    if not folder.exists():
        fresh = folder.with_name(f"{version}.{os.getpid()}")
        fresh.mkdir(parents=True, exist_ok=True)
        for name, key in files.items():
            (fresh / name).write_bytes(documents.fetch(key))
        _settle(fresh, folder)
    return snapshots.load_from(folder)


def live_promiser(at_desk: Desk) -> LayeredPromiser:
    """The promiser under the newest publication, put on the desk: the steps that follow promise the same dates.

    Asks the record once; a promiser that is still right is kept with everything it has compiled.
    """
    calendars = live(at_desk.database, at_desk.documents, at_desk.settings.home).calendars
    kept = at_desk.__dict__.get("promiser")
    if isinstance(kept, LayeredPromiser) and kept.calendars_digest == calendars.digest:
        return kept
    made = promiser_under(at_desk, calendars)
    at_desk.__dict__["promiser"] = made
    return made


def promiser_under(at_desk: Desk, calendars: Calendars) -> LayeredPromiser:
    """A promiser for this desk's pack under calendars that need not be published."""
    return LayeredPromiser(at_desk.pack, calendars.snapshot, calendars.layers, calendars_digest=calendars.digest)


def publish(at_desk: Desk, calendars: Calendars) -> Published:
    """Makes calendars live, for every process that asks from now on. Publishing what is live already adds nothing."""
    before = live(at_desk.database, at_desk.documents, at_desk.settings.home)
    if before.number and before.calendars.digest == calendars.digest:
        return before
    files = _stored(calendars.snapshot, at_desk.documents)
    with at_desk.database.write() as session:
        row = CalendarVersion(
            snapshot=calendars.snapshot.version,
            snapshot_files=files,
            layers=as_json(calendars.layers),
            digest=calendars.digest,
            published_at=clock.now(),
            published_by=at_desk.actor,
        )
        session.add(row)
        session.flush()
        return Published(number=row.id, calendars=calendars)


def _stored(snapshot: Snapshot, documents: DocumentStore) -> dict[str, str]:
    return {
        name: documents.store((snapshot.folder / name).read_bytes(), media_type="application/octet-stream")
        for name in SNAPSHOT_FILES
    }


def recompiled(home: Path) -> Snapshot:
    """A snapshot made now from the installed `holidays` and our reviewed policy; two seconds, kept under `home`."""
    from calendars.compiler import compile_snapshot  # noqa: PLC0415 - loads the build-time source, which nothing else may

    made = compile_snapshot()
    folder = home / "calendars" / made.manifest["sha256"][:12]
    if not folder.exists():
        fresh = folder.with_name(f"{folder.name}.{os.getpid()}")
        fresh.mkdir(parents=True, exist_ok=True)
        made.write(fresh)
        _settle(fresh, folder)
    return snapshots.load_from(folder)


def _settle(fresh: Path, folder: Path) -> None:
    """A folder appears whole or not at all; another process that was first had the same content."""
    try:
        fresh.rename(folder)
    except OSError:
        shutil.rmtree(fresh)
