"""What goes wrong, and for whom. Pure; asked by `world.py` once per request.

A fault hits a request because of what it is (seed, operation, reference, how many-th attempt), never because of when
it arrived: sixteen threads in any order meet the same faults.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Operation(StrEnum):
    TOKEN = "token"  # noqa: S105 - the name of an operation
    BOOK = "book"
    FIND = "find"
    VOID = "void"
    LABEL = "label"


class Fault(StrEnum):
    """In an `ACCEPT_…` the carrier does what it was asked, and the answer goes wrong."""

    ACCEPT_THEN_HANG = "accept_then_hang"
    ACCEPT_THEN_DROP = "accept_then_drop"
    ACCEPT_THEN_5XX_JSON = "accept_then_5xx_json"
    ACCEPT_THEN_5XX_HTML = "accept_then_5xx_html"
    ACCEPT_THEN_TRUNCATED = "accept_then_truncated"
    ACCEPT_THEN_SLOW_BODY = "accept_then_slow_body"
    NO_LABEL = "no_label"
    """2xx, booked, but the label is missing."""
    CORRUPT_LABEL = "corrupt_label"
    LATE_COMMIT = "late_commit"
    """Hangs, and is accepted only `late_seconds` of virtual time after that."""
    REFUSE_5XX = "refuse_5xx"
    """5xx, and nothing was done: what a blind retry is right about."""
    THROTTLE = "throttle"
    EXPIRED_TOKEN = "expired_token"  # noqa: S105 - the name of a fault


REFUSALS = frozenset({Fault.REFUSE_5XX, Fault.THROTTLE, Fault.EXPIRED_TOKEN})
"""Nothing is done."""
ABOUT_LABELS = frozenset({Fault.NO_LABEL, Fault.CORRUPT_LABEL})
_EVERYWHERE = tuple(f for f in Fault if f not in ABOUT_LABELS and f is not Fault.LATE_COMMIT)
POSSIBLE: Mapping[Operation, tuple[Fault, ...]] = {
    Operation.TOKEN: _EVERYWHERE,
    Operation.BOOK: tuple(Fault),
    Operation.FIND: _EVERYWHERE,
    Operation.VOID: _EVERYWHERE,
    Operation.LABEL: (*_EVERYWHERE, *sorted(ABOUT_LABELS)),
}
DRAWN_OPERATIONS = frozenset({Operation.BOOK, Operation.FIND, Operation.VOID, Operation.LABEL})
"""Where the rate applies; the token desk fails only when scripted, because it would fail for everybody at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedFault:
    """`key` is the reference (shipment number for voids, tracking number for labels, client id for tokens) or `*`.

    `attempt` counts from 1; None means every attempt.
    """

    fault: Fault
    operation: Operation = Operation.BOOK
    key: str = "*"
    attempt: int | None = None

    def hits(self, operation: Operation, key: str, attempt: int) -> bool:
        return self.operation is operation and self.key in ("*", key) and self.attempt in (None, attempt)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultPlan:
    """`rate` is the share of requests that go wrong, 0 to 1; scripted faults come first."""

    seed: int = 0
    rate: float = 0.0
    kinds: frozenset[Fault] = frozenset(Fault)
    script: tuple[ScriptedFault, ...] = field(default=())

    def fault_for(self, operation: Operation, key: str, attempt: int) -> Fault | None:
        """The fault that hits this request, or None. The same question always has the same answer."""
        for scripted in self.script:
            if scripted.hits(operation, key, attempt):
                return scripted.fault
        if self.rate <= 0 or operation not in DRAWN_OPERATIONS:
            return None
        chance, choice = draw(self.seed, operation, key, attempt)
        possible = [fault for fault in POSSIBLE[operation] if fault in self.kinds]
        return possible[choice % len(possible)] if possible and chance < self.rate else None


def draw(*parts: object) -> tuple[float, int]:
    """A share in [0, 1) and a large whole number, both fixed by `parts` alone."""
    digest = hashlib.blake2b("|".join(map(str, parts)).encode(), digest_size=16).digest()
    return int.from_bytes(digest[:8]) / 2**64, int.from_bytes(digest[8:])


def plan_from(stated: Mapping[str, Any], before: FaultPlan) -> FaultPlan:
    """The plan an admin request states; what it leaves out stays. Raises `ValueError` or `TypeError`."""
    rate = float(stated.get("rate", before.rate))
    if not 0 <= rate <= 1:
        raise ValueError(f"rate {rate} is not between 0 and 1")
    return FaultPlan(
        seed=int(stated.get("seed", before.seed)),
        rate=rate,
        kinds=frozenset(map(Fault, stated["kinds"])) if "kinds" in stated else before.kinds,
        script=tuple(map(_scripted, stated["script"])) if "script" in stated else before.script,
    )


def _scripted(stated: Mapping[str, Any]) -> ScriptedFault:
    attempt = stated.get("attempt")
    return ScriptedFault(
        fault=Fault(stated["fault"]),
        operation=Operation(stated.get("operation", Operation.BOOK)),
        key=str(stated.get("key", "*")),
        attempt=None if attempt is None else int(attempt),
    )
