"""What a step has at hand: the record, the documents, the policy, the calendars, the carriers.

Opened once per process from the settings; tests and the demo put their own on the desk with `using`. Steps ask for it
when they run and never keep it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

from carriers.connections import Credentials, connect
from carriers.port import CarrierPort
from infra.db.engine import Database
from infra.db.schema import require_current
from infra.policy.model import Pack
from infra.policy.pack import load_pack
from infra.settings import Settings, read_settings
from infra.storage import DocumentStore, open_store
from tasks.live_calendars import live_promiser
from tasks.rules.promising import Promiser


class NoCarrierConnection(Exception):
    """A lane's carrier has no connection: set DISPATCH_CARRIERS__<CODE>__BASE_URL, __CLIENT_ID, __CLIENT_SECRET."""


@dataclass(kw_only=True)
class Desk:
    """One process's open rooms. Safe to share between threads."""

    settings: Settings
    database: Database
    documents: DocumentStore
    pack: Pack
    actor: str = "dispatch"
    _connected: dict[str, CarrierPort] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @cached_property
    def promiser(self) -> Promiser:
        """Under the calendars live when it is first asked for; `live_promiser` renews it when a run begins."""
        return live_promiser(self)

    @cached_property
    def callers(self) -> ThreadPoolExecutor:
        """The threads carriers are called from: as many calls at once as the settings allow, over all portions."""
        return ThreadPoolExecutor(self.settings.booking_calls_at_once, thread_name_prefix="carrier-call")

    @cached_property
    def reference_key(self) -> bytes:
        return self.settings.key_of_references()

    def carrier(self, code: str) -> CarrierPort:
        """The adapter for a carrier, connected on first use. Raises `NoCarrierConnection`."""
        with self._lock:
            if code not in self._connected:
                self._connected[code] = self._connect(code)
            return self._connected[code]

    def _connect(self, code: str) -> CarrierPort:
        try:
            connection = self.settings.carriers[code]
        except KeyError:
            raise NoCarrierConnection(f"{code}: {NoCarrierConnection.__doc__}") from None
        return connect(
            code,
            base_url=connection.base_url,
            credentials=Credentials(
                account=self.account(code),
                client_id=connection.client_id.get_secret_value(),
                client_secret=connection.client_secret.get_secret_value(),
            ),
        )

    def account(self, carrier: str) -> str:
        """The account freight out is billed to: the vendor's, always."""
        connection = self.settings.carriers.get(carrier)
        return (connection and connection.account) or self.pack.terms_by_carrier[carrier].account

    def close(self) -> None:
        if "callers" in self.__dict__:
            self.callers.shutdown()
        for carrier in self._connected.values():
            carrier.close()
        self.database.close()


def open_desk(settings: Settings | None = None, *, carriers: Mapping[str, CarrierPort] | None = None) -> Desk:
    """A desk from the settings. Raises `SchemaMismatch` where the database is not at this code's revision."""
    settings = settings or read_settings()
    database = Database(settings.database)
    require_current(database)
    return Desk(
        settings=settings,
        database=database,
        documents=open_store(settings.documents, endpoint=settings.s3_endpoint),
        pack=load_pack(settings.policy),
        _connected=dict(carriers or {}),
    )


_lock = threading.Lock()
_current: Desk | None = None


def desk() -> Desk:
    """The desk of this process."""
    global _current  # noqa: PLW0603 - Prefect's threads do not all inherit context variables
    with _lock:
        if _current is None:
            _current = open_desk()
        return _current


@contextmanager
def using(other: Desk) -> Iterator[Desk]:
    """Everything inside, in every thread of this process, works at `other`."""
    global _current  # noqa: PLW0603 - see desk()
    with _lock:
        before, _current = _current, other
    try:
        yield other
    finally:
        with _lock:
            _current = before
