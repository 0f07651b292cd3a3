"""The values of a policy pack: what the business has decided, as frozen records.

Read from YAML by `infra.policy.pack`; read by tasks and by rules. Nothing here computes a date or a price;
the records say units, zones and what a number means. A date is local to the place it belongs to.
"""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from infra.policy.postal import postal_key


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, OSError) as error:  # pydantic reports ValueError only; an unknown zone is a KeyError
        message = f"{name!r} is no IANA time zone"
        raise ValueError(message) from error
    return name


ZoneName = Annotated[str, AfterValidator(_known_zone)]
"""An IANA name, for example Europe/Amsterdam; unknown ones are refused on load."""

CountryCode = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
"""ISO 3166-1 alpha-2, for example NL."""

LanguageCode = Literal["da", "nl", "de", "en", "es"]

Weekday = Literal["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]


class Frozen(BaseModel):
    """Immutable, and unknown keys are refused: a misspelt rule must not be a silent default."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Money(Frozen):
    """An amount and its ISO 4217 currency; never a float, never a bare number."""

    amount: Decimal
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, written: object) -> object:
        """`189.00 EUR`, as policy files write it, besides the two fields."""
        if not isinstance(written, str):
            return written
        amount, _, currency = written.strip().partition(" ")
        return {"amount": amount, "currency": currency.strip()}


class Commitment(StrEnum):
    """Which of the two next-business-day dates a plan or a lane stands for."""

    SHIP = "ship"
    """It leaves the depot on the next business day at the latest."""
    ARRIVE = "arrive"
    """It is on the customer's desk on the next business day."""
    NONE = "none"
    """No next-business-day promise (lanes only): both dates are targets."""


class Category(StrEnum):
    """Enterprise coverage is bought by these (M9)."""

    PERSONAL = "personal"
    VIDEO = "video"
    VOICE = "voice"


class Plan(Frozen):
    """One service plan; where the published sheets disagree the difference is a field here."""

    code: str
    name: str
    commitment: Literal[Commitment.SHIP, Commitment.ARRIVE]
    coverage: Literal["registered_devices", "chosen_categories"]
    identified_by: Literal["serial", "account"]
    serial_required_on_replacement: bool
    diagnosed_by: tuple[str, ...]
    brand: Literal["vendor", "partner"]
    onsite_option: bool
    installs_without_onsite: Literal["customer", "partner", "not_said"]
    certification_required: bool
    return_label: Literal["prepaid", "customer_pays"]
    return_window_business_days: int = Field(ge=1, le=90)
    doa_window_days: int = Field(ge=1, le=365)
    priority: Literal["standard", "high"]


class Family(Frozen):
    """A product family: what certifications (M8) and technicians' skills are given for."""

    code: str
    name: str
    category: Category
    onsite_eligible: bool = True


class Product(Frozen):
    """A sellable unit under contract."""

    number: str
    name: str
    family: str
    list_price: Money
    end_of_service_on: date | None = None
    """Last day on which replacements are given, inclusive; None while supported."""
    quote_only: bool = False
    """Needs a separate quote (M10): never replaced under a plan."""


class Part(Frozen):
    """What leaves the depot: a component or a whole unit (M2)."""

    number: str
    description: str
    fits: tuple[str, ...]
    """Product numbers it belongs to."""
    weight_g: int = Field(gt=0)
    size_mm: tuple[int, int, int]
    """Length, width, height of the packed part."""
    value: Money
    hs_code: Annotated[str, Field(pattern=r"^\d{6}$")]
    origin: CountryCode
    substitutes: tuple[str, ...] = ()
    """Part numbers that may go instead, best first."""


class Address(Frozen):
    """A postal address; `subdivision` is the ISO 3166-2 part after the dash, where the country has one in use."""

    company: str
    street: str
    city: str
    postal_code: str
    subdivision: str | None = None
    country: CountryCode


class Cutoffs(Frozen):
    """Local wall-clock cut-offs of a depot (M4): approval must not be later; the exact second is on time."""

    default: time
    by_weekday: dict[Weekday, time] = {}
    by_service: dict[str, time] = {}
    """Keyed by service id, for example `ups:worldwide_saver`; beats the weekday."""


class Depot(Frozen):
    """A forward stocking location."""

    code: str
    name: str
    address: Address
    phone: str
    email: str
    zone: ZoneName
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    calendar: str
    """Region code of its public holidays, for example NL or US-KY."""
    weekdays: tuple[Weekday, ...] = ("MON", "TUE", "WED", "THU", "FRI")
    cutoffs: Cutoffs
    packing_minutes: int = Field(ge=0, le=480)
    """Between cut-off radar's effective cut-off and the pick-up."""
    pickup: time
    """When the carrier collects, local: the parcel's dispatch time."""
    handling_business_days: int = Field(default=0, ge=0, le=10)


class Service(Frozen):
    """A carrier's product as the promise and the freight comparison see it."""

    id: str
    """`carrier:name`, for example `ups:express_saver`: what lanes refer to."""
    carrier: str
    code: str
    """The carrier's own code, sent in the booking."""
    name: str
    weekdays: tuple[Weekday, ...] = ("MON", "TUE", "WED", "THU", "FRI")
    """Days on which the carrier moves and delivers."""
    return_service: str | None = None
    """Service id of the return leg, where this one carries no returns; None: the same."""
    closed_on: tuple[date, ...] = ()
    """The carrier's own holidays; public holidays do not stop it by themselves."""
    closed_through: date | None = None
    """Last day `closed_on` speaks for, inclusive: a date counted past it is provisional. None: nothing is known."""


class LaneEnd(Frozen):
    """Where a lane leads: a country, or some postal prefixes of it."""

    country: CountryCode
    postal_prefixes: tuple[str, ...] = ()


class Lane(Frozen):
    """Depot to destination by one service: how long, at what cost, with which papers (M6)."""

    depot: str
    to: LaneEnd
    service: str
    commitment: Commitment
    transit_business_days: int = Field(ge=1, le=30)
    """Counted strictly after the ship date; 1 is the next business day."""
    customs_business_days: int = Field(default=0, ge=0, le=30)
    freight: Money
    """List cost of a parcel up to 5 kg, for comparison; the booking's charge is the truth."""
    freight_per_extra_kg: Money | None = None
    customs_documents: tuple[str, ...] = ()
    incoterm: Literal["DAP", "DDP", "DDU"] | None = None
    duty_payer: Literal["vendor", "consignee"] | None = None
    return_label: Literal["prepaid", "customer_pays"] | None = None
    """Overrides the plan's (M7); None keeps it."""


class CarrierTerms(Frozen):
    """How long a carrier may take to show what it has accepted, and how often it is asked: the settle window."""

    carrier: str
    account: str
    """The account freight out is billed to: always the vendor's (M7)."""
    settle_seconds: int = Field(ge=120)
    """Client time-out + longest server work + index lag: before that, a look-up proves nothing.

    Never under two minutes: a call may leave a minute after its intent, and may last half a minute."""
    negatives_needed: int = Field(ge=1, le=10)
    """How many look-ups that find nothing, spread over the settle window again, before a new attempt."""
    unknown_deadline_seconds: int = Field(ge=60)
    """After this a person decides."""
    attempts: int = Field(default=3, ge=1, le=10)


class Thresholds(Frozen):
    """Numbers that start a conversation with a person."""

    headset_replacements_percent: int
    baseline_growth_percent: int
    true_up_percent: int
    ask_a_person_before_cutoff_minutes: int
    ageing_hours: dict[str, int]
    """State of a request -> hours in it before operators are told (M20)."""
    refusal_answer_hours: int
    loss_claim_days: int


class Certification(Frozen):
    """A partner's certification for a product family (M8); valid through its last day, in the contract's zone."""

    family: str
    until: date


class Contract(Frozen):
    """Example contract of the pack; in use, contracts are records."""

    number: str
    plan: str
    account: str
    sites: tuple[str, ...] = ()
    categories: tuple[Category, ...] = ()
    onsite: bool = False
    zone: ZoneName
    starts_on: date
    ends_on: date
    """Last day, inclusive, in `zone`."""


class Partner(Frozen):
    """Example partner of the pack; in use, partners are records."""

    code: str
    name: str
    brand: str
    email: str
    language: LanguageCode
    zone: ZoneName
    certifications: tuple[Certification, ...] = ()
    contracts: tuple[Contract, ...]


class OpeningStock(Frozen):
    """What a fresh installation's depots hold."""

    depot: str
    part: str
    bin: str
    on_hand: int = Field(ge=0)


class Pack(Frozen):
    """A whole, consistent policy pack: every reference inside it resolves."""

    version: str
    """SHA-256 of the files, first 12 hexadecimal digits: written beside every decision made under it."""
    plans: tuple[Plan, ...]
    families: tuple[Family, ...]
    products: tuple[Product, ...]
    parts: tuple[Part, ...]
    depots: tuple[Depot, ...]
    services: tuple[Service, ...]
    carriers: tuple[CarrierTerms, ...]
    lanes: tuple[Lane, ...]
    thresholds: Thresholds
    partners: tuple[Partner, ...]
    stock: tuple[OpeningStock, ...]

    @cached_property
    def plan_by_code(self) -> dict[str, Plan]:
        return {plan.code: plan for plan in self.plans}

    @cached_property
    def family_by_code(self) -> dict[str, Family]:
        return {family.code: family for family in self.families}

    @cached_property
    def product_by_number(self) -> dict[str, Product]:
        return {product.number: product for product in self.products}

    @cached_property
    def part_by_number(self) -> dict[str, Part]:
        return {part.number: part for part in self.parts}

    @cached_property
    def depot_by_code(self) -> dict[str, Depot]:
        return {depot.code: depot for depot in self.depots}

    @cached_property
    def service_by_id(self) -> dict[str, Service]:
        return {service.id: service for service in self.services}

    @cached_property
    def terms_by_carrier(self) -> dict[str, CarrierTerms]:
        return {terms.carrier: terms for terms in self.carriers}

    @cached_property
    def lanes_by_country(self) -> dict[str, tuple[Lane, ...]]:
        grouped: dict[str, list[Lane]] = {}
        for lane in self.lanes:
            grouped.setdefault(lane.to.country, []).append(lane)
        return {country: tuple(lanes) for country, lanes in grouped.items()}

    @cached_property
    def lanes_by_prefix(self) -> dict[str, dict[str, tuple[Lane, ...]]]:
        """Country -> postal key (see `infra.policy.postal`) -> the lanes that hold there, cheapest first.

        Each list is complete: per depot and service the lane with the longest prefix, so that a remote place's lane
        replaces the general one. The key "" is the country at large; look up the longest key a code begins with.
        """
        return {country: _by_prefix(country, lanes) for country, lanes in self.lanes_by_country.items()}


def _by_prefix(country: str, lanes: tuple[Lane, ...]) -> dict[str, tuple[Lane, ...]]:
    """Every prefix any lane names, with all lanes that hold under it."""
    starting = [(postal_key(country, prefix), lane) for lane in lanes for prefix in lane.to.postal_prefixes or ("",)]
    starting.sort(key=lambda each: len(each[0]))
    table: dict[str, tuple[Lane, ...]] = {}
    for key in dict.fromkeys(["", *(prefix for prefix, _ in starting)]):
        holding = {(lane.depot, lane.service): lane for prefix, lane in starting if key.startswith(prefix)}
        table[key] = tuple(sorted(holding.values(), key=lambda lane: (lane.freight.amount, lane.depot, lane.service)))
    return table
