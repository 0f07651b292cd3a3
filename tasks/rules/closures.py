"""What closes whom: layers of written closures laid over the policy's depots, its carriers and the regions.

A layer's name is its scope, and the scope says whose days it changes:

    depot/NL-VNL               the depot's open days, and its half days (cutoff_on)
    carrier/ups                every service of the carrier: it neither collects nor delivers
    carrier/ups:express_saver  one service
    region/DE-BY               depots and destinations there; region/DE: in all of Germany

Asked by `tasks.live_calendars` (what is published), `tasks.quotes` (what would be) and `tasks.drift`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from difflib import get_close_matches
from hashlib import blake2b

from calendars.operating import CalendarError, OperatingCalendar
from calendars.overrides import Layer, apply_cutoffs, apply_layers
from calendars.promises import Destination, Origin, compile_lane
from calendars.promises import Lane as CompiledLane
from calendars.snapshot import Snapshot
from infra.policy.model import Lane, Pack
from tasks.rules.promising import LaneKey, Promiser, Site, Working


class UnknownScope(CalendarError):
    """A closure names a depot, carrier or region nobody has: it would close nothing, in silence. Mend its scope."""


class LayeredPromiser(Promiser):
    """A `Promiser` under written closures. Immutable, like the one it extends.

    A layer for a depot or carrier the pack does not have closes nothing here: a depot may leave the policy while its
    strike days are still live. Whoever writes closures asks `require_known` first.
    """

    def __init__(
        self, pack: Pack, snapshot: Snapshot, layers: Sequence[Layer] = (), *, calendars_digest: str = ""
    ) -> None:
        super().__init__(pack, snapshot)
        self.layers = tuple(layers)
        self.calendars_digest = calendars_digest

    @property
    def snapshot(self) -> Snapshot:
        """The regions it was made from."""
        return self._snapshot

    def origin(self, depot: str, service: str) -> Origin:
        """The depot as the promise sees it for a service: zone, open days, cut-offs. Raises KeyError."""
        return self._origin(depot, service, False)

    def working(self, lane: Lane, site: Site, approved_at: datetime, *, planned_at: datetime | None = None) -> Working:
        """As `Promiser.working`; half days stand among the versions, because no calendar's version knows of them."""
        plain = super().working(lane, site, approved_at, planned_at=planned_at)
        half_days = [layer.cutoff_on for layer in self._of_depot(lane.depot) if layer.cutoff_on]
        if not half_days:
            return plain
        return replace(plain, versions={**plain.versions, f"half days {lane.depot}": _digest(half_days)})

    def _of_depot(self, code: str) -> list[Layer]:
        return [layer for layer in self.layers if layer.name == f"depot/{code}"]

    def _make_origin(self, code: str, service: str, until_pickup: bool) -> Origin:  # noqa: FBT001 - a key of the cache
        plain = super()._make_origin(code, service, until_pickup)
        own = self._of_depot(code)
        calendar = _closed(self._regional(plain.calendar), own)
        # a half day ends approvals earlier; the pick-up, and with it the last packing, stays where the policy has it
        cutoff = plain.cutoff if until_pickup else apply_cutoffs(plain.cutoff, own)
        return replace(plain, calendar=calendar, cutoff=cutoff)

    def _make_carrier_days(self, service: str) -> OperatingCalendar:
        scopes = {f"carrier/{service.partition(':')[0]}", f"carrier/{service}"}
        layers = [layer for layer in self.layers if layer.name in scopes]
        return _closed(super()._make_carrier_days(service), layers)

    def _compile(self, key: LaneKey) -> CompiledLane:
        customs = self._snapshot.business_calendar(key.country) if key.customs else None
        return compile_lane(
            self._origin(key.depot, key.service, key.until_pickup),
            Destination(
                zone=key.zone,
                delivery=self._regional(self._snapshot.calendar(key.calendar)),
                customs=customs and self._regional(customs),
            ),
            carrier=self._carrier_days(key.service),
            transit_business_days=key.transit,
            customs_business_days=key.customs,
        )

    def _regional(self, calendar: OperatingCalendar) -> OperatingCalendar:
        return _closed(calendar, [layer for layer in self.layers if _lies_in(calendar.key, layer.name)])


def _closed(calendar: OperatingCalendar, layers: Sequence[Layer]) -> OperatingCalendar:
    """The calendar under the layers, each named after its words too.

    Calendars of equal key and equal days are one calendar to the caches of compiled lanes; a closure whose reason was
    corrected must not be explained by the old reason for as long as the process lives.
    """
    return apply_layers(calendar, [replace(layer, name=f"{layer.name}#{_digest(layer.entries)}") for layer in layers])


def _digest(content: object) -> str:
    return blake2b(repr(content).encode(), digest_size=4).hexdigest()


def _lies_in(key: str, scope: str) -> bool:
    """`DE-BY+policy` lies in `region/DE-BY` and in `region/DE`; `DE` does not lie in `region/DE-BY`."""
    kind, _, region = scope.partition("/")
    place = key.partition("+")[0].partition("/")[0]
    return kind == "region" and (place == region or place.startswith(f"{region}-"))


def require_known(layers: Sequence[Layer], pack: Pack, snapshot: Snapshot) -> None:
    """Raises `UnknownScope` for a layer that would change nobody's days, or cut-offs where there are none."""
    known = {f"depot/{code}" for code in pack.depot_by_code}
    known |= {f"carrier/{code}" for code in pack.terms_by_carrier} | {f"carrier/{each}" for each in pack.service_by_id}
    known |= {f"region/{key}" for key in snapshot.keys if "+" not in key and "/" not in key}
    for layer in layers:
        if layer.name not in known:
            near = get_close_matches(layer.name, known, n=3, cutoff=0.5)
            said = f"; did you mean {' or '.join(near)}?" if near else ""
            raise UnknownScope(f"{layer.name!r} is no depot/…, carrier/… or region/… we know{said}")
        if layer.cutoff_on and not layer.name.startswith("depot/"):
            raise UnknownScope(f"{layer.name!r} has a half day, but only a depot has a cut-off: name the depots")
