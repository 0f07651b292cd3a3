"""A carrier and a document store that do as they are told and remember what they were asked.

The fake carrier keeps the ground truth: what it has accepted, whatever it answered. `bookings_of` and `booked_twice`
are the checks that a naive way of booking must fail and the ledger must pass.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from carriers.model import Book, BookingKey, Found, Label, LabelFormat, Money
from carriers.outcomes import Booked, BookingOutcome, NotFound, Unknown, Voided, VoidOutcome
from carriers.port import CarrierUnavailable
from infra.storage import DocumentStore, StorageUnavailable

CHARGE = Money(amount=Decimal("11.40"), currency="EUR")


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """One shipment the carrier has on its books and will bill."""

    reference: str
    shipment_id: str
    tracking_number: str
    voided: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripted:
    """What one call does: how many shipments it puts on the books, and what it answers (None: the truth)."""

    accepts: int = 1
    says: BookingOutcome | None = None
    with_label: bool = True


AS_ASKED = Scripted()
WITHOUT_LABEL = Scripted(with_label=False)
ACCEPTED_THEN_SILENT = Scripted(says=Unknown(evidence="time-out after 30 s"))
ACCEPTED_TWICE_THEN_SILENT = Scripted(accepts=2, says=Unknown(evidence="connection reset"))
LOST_ON_THE_WAY = Scripted(accepts=0, says=Unknown(evidence="time-out after 30 s"))


def label_of(tracking_number: str) -> bytes:
    return f"^XA^FD{tracking_number}^FS^XZ".encode()


class FakeCarrier:
    """Books whatever it is asked, unless scripted per reference. Safe to share between threads."""

    code = "ups"

    def __init__(self) -> None:
        self.asked: list[Book] = []
        self.searched: list[str] = []
        self.labels_asked: list[BookingKey] = []
        self.accepted: list[Accepted] = []
        self.hidden: set[str] = set()
        """References that a search does not show yet."""
        self.look_ups_down = 0
        """So many look-ups from now on raise `CarrierUnavailable`."""
        self.labels_down = 0
        self.labels_missing = 0
        """So many requests for a label from now on are answered with nothing."""
        self.when_asked: Callable[[Book], None] | None = None
        self._scripts: dict[str, deque[Scripted]] = defaultdict(deque)
        self._guard = threading.Lock()

    def script(self, reference: str, *steps: Scripted | BookingOutcome) -> None:
        """The next calls under `reference` do this, one each; a bare outcome is answered and nothing is booked."""
        for step in steps:
            self._scripts[reference].append(step if isinstance(step, Scripted) else Scripted(accepts=0, says=step))

    def book(self, wanted: Book) -> BookingOutcome:
        with self._guard:
            self.asked.append(wanted)
        if self.when_asked is not None:
            self.when_asked(wanted)
        with self._guard:
            steps = self._scripts[wanted.reference]
            step = steps.popleft() if steps else AS_ASKED
            for _ in range(step.accepts):
                self._accept(wanted.reference)
            if step.says is not None:
                return step.says
            one = self.accepted[-1]
        label = Label(format=LabelFormat.ZPL, content=label_of(one.tracking_number)) if step.with_label else None
        return Booked(shipment_id=one.shipment_id, tracking_number=one.tracking_number, charge=CHARGE, label=label)

    def _accept(self, reference: str) -> None:
        number = len(self.accepted) + 1
        self.accepted.append(
            Accepted(reference=reference, shipment_id=f"S{number:05}", tracking_number=f"1ZA1B2C30{number:09}")
        )

    def find(self, reference: str, *, ship_on: date) -> Sequence[Found]:
        with self._guard:
            self.searched.append(reference)
            if self.look_ups_down:
                self.look_ups_down -= 1
                raise CarrierUnavailable("503")
            shown = [] if reference in self.hidden else [one for one in self.accepted if one.reference == reference]
        return [
            Found(
                shipment_id=one.shipment_id,
                tracking_number=one.tracking_number,
                booked_at=None,
                voided=one.voided,
                charge=CHARGE,
                label=Label(format=LabelFormat.ZPL, content=label_of(one.tracking_number)),
            )
            for one in shown
        ]

    def void(self, key: BookingKey) -> VoidOutcome:
        with self._guard:
            for place, one in enumerate(self.accepted):
                if one.shipment_id == key.shipment_id:
                    self.accepted[place] = replace(one, voided=True)
                    return Voided()
        return NotFound()

    def label(self, key: BookingKey) -> Label | None:
        with self._guard:
            self.labels_asked.append(key)
            if self.labels_down:
                self.labels_down -= 1
                raise CarrierUnavailable("503")
            if self.labels_missing:
                self.labels_missing -= 1
                return None
        return Label(format=LabelFormat.ZPL, content=label_of(key.tracking_number))

    def close(self) -> None:
        """Nothing is open."""

    def bookings_of(self, reference: str) -> int:
        return sum(one.reference == reference and not one.voided for one in self.accepted)

    def booked_twice(self) -> list[str]:
        """References under which more than one live shipment will be billed."""
        live = Counter(one.reference for one in self.accepted if not one.voided)
        return sorted(reference for reference, count in live.items() if count > 1)

    def asked_under(self, reference: str) -> int:
        return sum(wanted.reference == reference for wanted in self.asked)


class MoodyStore:
    """A document store over another one: refuses the next `refusals` writes, then is well again."""

    def __init__(self, inner: DocumentStore) -> None:
        self._inner = inner
        self.refusals = 0
        self._guard = threading.Lock()

    def store(self, content: bytes, *, media_type: str) -> str:
        with self._guard:
            if self.refusals:
                self.refusals -= 1
                raise StorageUnavailable("no space left")
        return self._inner.store(content, media_type=media_type)

    def fetch(self, key: str) -> bytes:
        return self._inner.fetch(key)

    def has(self, key: str) -> bool:
        return self._inner.has(key)

    def where(self, key: str) -> str:
        return self._inner.where(key)
