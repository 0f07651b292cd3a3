"""Opening the database: SQLite embedded by default, PostgreSQL by URL; the same sessions on both.

Called by `tasks.desk` and by the tests. A step opens exactly one `write()` and keeps network calls out of it.
"""

from __future__ import annotations

import fcntl
import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pysqlite3.dbapi2 as safe_sqlite
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.orm import Session

SAFE_SQLITE = (3, 51, 3)
"""First release without the WAL-reset race (3.7.0 to 3.51.2): two writers and a checkpoint can corrupt the file.
Source: sqlite.org/wal.html#walresetbug, read 2026-11."""

WRITER_WAIT_SECONDS = 30.0


class DatabaseError(Exception):
    """Something about the database that a person must change.

    DatabaseError
    ├── UnsafeSQLite       this SQLite can corrupt the file
    ├── UnsupportedDatabase  neither SQLite nor PostgreSQL
    └── WriterBusy         another process holds the writer gate
    """


class UnsafeSQLite(DatabaseError):
    pass


class UnsupportedDatabase(DatabaseError):
    pass


class WriterBusy(DatabaseError):
    pass


def require_safe_sqlite(version: tuple[int, ...]) -> None:
    """Refuse an SQLite with the WAL-reset race. Raises `UnsafeSQLite`."""
    if version < SAFE_SQLITE:
        found = ".".join(map(str, version))
        raise UnsafeSQLite(
            f"SQLite {found} can corrupt a database with two writers (fixed in 3.51.3): "
            "install pysqlite3 >= 0.6.1 from the lock file, or use PostgreSQL (DISPATCH_DATABASE_URL)"
        )


class WriterGate:
    """One writer at a time, over threads and processes of one machine.

    SQLite's own busy handler lets a writer starve for seconds under load; a file lock in front of BEGIN IMMEDIATE
    keeps the longest wait near a tenth of a second at the same throughput. The kernel frees it when its holder dies.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread_gate = threading.Lock()

    @contextmanager
    def passed(self) -> Iterator[None]:
        """Inside: no other writer of this database anywhere on this machine. Raises `WriterBusy` after 30 s."""
        deadline = time.monotonic() + WRITER_WAIT_SECONDS
        if not self._thread_gate.acquire(timeout=WRITER_WAIT_SECONDS):
            raise WriterBusy(f"a thread of this process has held {self._path} for {WRITER_WAIT_SECONDS:.0f} s")
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                self._lock(handle, deadline)
                yield
            finally:
                os.close(handle)
        finally:
            self._thread_gate.release()

    def _lock(self, handle: int, deadline: float) -> None:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise WriterBusy(
                        f"another process has held {self._path} for {WRITER_WAIT_SECONDS:.0f} s: "
                        "look for a stopped (not killed) dispatch process"
                    ) from None
                time.sleep(random.uniform(0.0005, 0.003))  # noqa: S311 - jitter, not a secret
            else:
                return


class Database:
    """A database and the two ways into it.

    `read()` sees one snapshot and writes nothing. `write()` is one transaction, committed at the end of the block and
    rolled back on any exception.
    """

    def __init__(self, url: str | URL) -> None:
        self.url = make_url(url)
        if self.url.get_backend_name() == "sqlite":
            self._gate: WriterGate | None = WriterGate(Path(f"{self.url.database}.writer"))
            self.engine = _sqlite(self.url)
        elif self.url.get_backend_name() == "postgresql":
            self._gate = None
            self.engine = _postgresql(self.url)
        else:
            raise UnsupportedDatabase(
                f"{self.url.drivername} is not supported: use sqlite:/// or postgresql+psycopg://"
            )
        self._writer = self.engine.execution_options(dispatch_writes=True)

    @property
    def dialect(self) -> str:
        return self.engine.dialect.name

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session for questions; nothing it holds is ever written."""
        with Session(self.engine, autoflush=False) as session:
            yield session
            session.rollback()

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction. Raises `WriterBusy` where SQLite's one writer does not come free."""
        if self._gate is None:
            with Session(self._writer, autoflush=False) as session, session.begin():
                yield session
            return
        with self._gate.passed(), Session(self._writer, autoflush=False) as session, session.begin():
            yield session

    def close(self) -> None:
        self.engine.dispose()

    def __repr__(self) -> str:
        return f"Database({self.url.render_as_string(hide_password=True)})"


def _sqlite(url: URL) -> Engine:
    require_safe_sqlite(safe_sqlite.sqlite_version_info)
    if not url.database or url.database == ":memory:":
        raise UnsupportedDatabase("an in-memory SQLite cannot be shared by the steps of a wave: name a file")
    Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, module=safe_sqlite, connect_args={"isolation_level": None, "timeout": 30.0})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # NORMAL may lose the last commits: a lost intent is a second parcel
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA busy_timeout=30000")
    cursor.execute("PRAGMA cache_size=-32000")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that reads and then writes fails at once when somebody else wrote in between
    writes = connection.get_execution_options().get("dispatch_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql(url: URL) -> Engine:
    if url.get_driver_name() != "psycopg":
        url = url.set(drivername="postgresql+psycopg")
    limits = "-c statement_timeout=60000 -c lock_timeout=20000 -c idle_in_transaction_session_timeout=120000"
    return create_engine(
        url,
        pool_pre_ping=True,
        pool_size=10,
        max_overflow=20,
        connect_args={"connect_timeout": 5, "options": limits, "application_name": "parts-dispatch"},
    )
