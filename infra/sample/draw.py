"""One believable approved request after another, drawn from a policy pack by a seeded generator.

Most are covered by their contract; a few ask for what is not: another category, a product past its end of service or
one that needs a quote. Called by `writing`. Times are instants in UTC until they are written down.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from random import Random
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from infra.policy.model import Category, Contract, Pack, Part, Partner, Product
from infra.sample.world import City, Locality, localities, reachable

DAY_ENDS = time(18, 0, tzinfo=UTC)
"""No approval is later than this on the sample's day."""
UNCOVERED_SHARE = 0.04
HOME_SHARE = 0.6
"""Share of requests that go to the country of the contract's own zone."""

Cells = dict[str, str]
"""One request by column name, as text."""

_MADE_UP = (
    "Nordlicht",
    "Adlerhorst",
    "Seewind",
    "Zirbel",
    "Quarz",
    "Falke",
    "Ginkgo",
    "Ostwind",
    "Wolke",
    "Kiesel",
    "Marmor",
    "Safran",
    "Indigo",
    "Komet",
    "Lotus",
    "Birke",
    "Zimt",
    "Anker",
    "Kristall",
    "Polaris",
)
_FINDINGS = (
    "No power after a firmware update, other supply tried",
    "Left channel silent, cable excluded",
    "Picture flickers after 10 minutes, HDMI cable replaced",
    "Touch panel does not answer in the lower third",
    "Battery holds less than 20 minutes",
    "Microphone array reports hardware error 0x1F",
    "Hinge broken, does not stay open",
    "No dial tone, port and cable checked",
    "Does not pair, factory reset tried twice",
)
_APPROVERS = ("Ida Approver", "Otto Approver", "Ruth Approver")


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device under contract that a request names by its serial: what a register of devices would hold."""

    partner: str
    account: str
    serial: str
    product: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A request before it is written down. `zone` is an IANA name; the instants are in UTC."""

    cells: Cells
    """All columns but the three about time."""
    approved_at: datetime
    diagnosed_at: datetime
    zone: str
    device: Device | None


@dataclass(kw_only=True)
class Drawer:
    """Draws requests one by one; the same pack, day and seed give the same ones."""

    pack: Pack
    day: date
    random: Random
    until: datetime | None = None
    """Approvals lie before it; None: 18:00 UTC of the day."""
    hours: float = 24
    """How long before it the first of them may lie."""
    first_number: int = 1
    """Counted on from an earlier sample of the same day, so that no number or serial comes twice."""
    _count: int = field(default=0, init=False)
    _choices: dict[str, tuple[list[Product], list[Product]]] = field(default_factory=dict, init=False)
    """Contract number -> products it covers, products it does not."""

    @cached_property
    def _towns(self) -> dict[str, tuple[City, ...]]:
        return reachable(self.pack)

    @cached_property
    def _contracts(self) -> tuple[tuple[Partner, Contract], ...]:
        """Every contract in force on the day; all of them where none is."""
        pairs = tuple((partner, contract) for partner in self.pack.partners for contract in partner.contracts)
        return tuple(pair for pair in pairs if pair[1].starts_on <= self.day <= pair[1].ends_on) or pairs

    @cached_property
    def _fitting(self) -> dict[str, tuple[Part, ...]]:
        fitting: dict[str, list[Part]] = {}
        for part in self.pack.parts:
            for product in part.fits:
                fitting.setdefault(product, []).append(part)
        return {product: tuple(parts) for product, parts in fitting.items()}

    def draw(self) -> Drawn:
        """The next request. The first ones go through every contract and every country in turn."""
        self._count += 1
        self._count = max(self._count, self.first_number)
        partner, contract = self._turn(self._contracts)
        city = self._city(contract)
        product = self._product(partner, contract)
        plan = self.pack.plan_by_code[contract.plan]
        serial = self._serial() if plan.identified_by == "serial" or plan.serial_required_on_replacement else ""
        cells = {
            "partner": partner.code,
            "number": f"{partner.code.upper()[:3]}-{self.day:%y%m}-{self._count:06}",
            "plan": contract.plan,
            "account": contract.account,
            "site": self.random.choice(contract.sites) if contract.sites and plan.identified_by == "account" else "",
            "serial": serial,
            "parts": self._parts(product),
            "finding": self.random.choice(_FINDINGS),
            "approved_by": self.random.choice(_APPROVERS),
            "onsite": "yes" if self._onsite(contract, product) else "no",
            "incident": f"INC{self.random.randrange(10**7):07}" if self.random.random() < 0.08 else "",
            **self._destination(city),
        }
        approved_at = self._approved_at()
        device = Device(partner=partner.code, account=contract.account, serial=serial, product=product.number)
        return Drawn(
            cells=cells,
            approved_at=approved_at,
            diagnosed_at=approved_at - timedelta(minutes=self.random.randint(5, 600)),
            zone=city.zone,
            device=device if serial else None,
        )

    def _turn(self, contracts: Sequence[tuple[Partner, Contract]]) -> tuple[Partner, Contract]:
        return contracts[(self._count - 1) % len(contracts)]

    def _city(self, contract: Contract) -> City:
        countries = sorted(self._towns)
        at_home = [city for towns in self._towns.values() for city in towns if city.zone == contract.zone]
        if self._count <= len(countries):
            country = countries[self._count - 1]
        elif at_home and self.random.random() < HOME_SHARE:
            country = at_home[0].country
        else:
            country = self.random.choice(countries)
        return self.random.choice(self._towns[country])

    def _product(self, partner: Partner, contract: Contract) -> Product:
        if contract.number not in self._choices:
            sellable = [product for product in self.pack.products if product.number in self._fitting]
            covered = [product for product in sellable if self._is_covered(product, partner, contract)]
            others = [product for product in sellable if product not in covered]
            self._choices[contract.number] = (covered or sellable, others or sellable)
        covered, others = self._choices[contract.number]
        return self.random.choice(others if self.random.random() < UNCOVERED_SHARE else covered)

    def _is_covered(self, product: Product, partner: Partner, contract: Contract) -> bool:
        family = self.pack.family_by_code[product.family]
        plan = self.pack.plan_by_code[contract.plan]
        supported = product.end_of_service_on is None or product.end_of_service_on >= self.day
        certified = not plan.certification_required or any(
            held.family == family.code and held.until >= self.day for held in partner.certifications
        )
        chosen: tuple[Category, ...] = contract.categories or tuple(Category)
        return not product.quote_only and supported and certified and family.category in chosen

    def _parts(self, product: Product) -> str:
        """One to three parts that fit, the first of the catalogue most often, mostly one of each."""
        fitting = self._fitting[product.number]
        weights = [1 / (place + 1) for place in range(len(fitting))]
        wanted = self.random.choices((1, 2, 3), weights=(80, 15, 5))[0]
        chosen = dict.fromkeys(part.number for part in self.random.choices(fitting, weights=weights, k=wanted))
        return "; ".join(f"{part} x2" if self.random.random() < 0.1 else part for part in chosen)

    def _onsite(self, contract: Contract, product: Product) -> bool:
        bought = contract.onsite and self.pack.family_by_code[product.family].onsite_eligible
        return self.random.random() < (0.4 if bought else 0.02)

    def _serial(self) -> str:
        letters = "0123456789ABCDEFGHJKLMNPRTUVWXYZ"
        tail = "".join(self.random.choices(letters, k=4))
        return f"8G{self.day:%y}{tail}{self._count:06}"

    def _approved_at(self) -> datetime:
        """Within the hours before the end, whole minutes; later hours a little more often."""
        ends = self.until or datetime.combine(self.day, DAY_ENDS)
        return ends - timedelta(minutes=int(self.random.betavariate(1, 1.4) * self.hours * 60) + 1)

    def _destination(self, city: City) -> Cells:
        names = localities()[city.country]
        word = self.random.choice(_MADE_UP)
        person = self._person(names, city.country)
        street = self.random.choice(names.streets).replace(
            "#", str(self.random.randint(1, 9 if city.country == "JP" else 180))
        )
        return {
            "diagnosed_by": self._person(names, city.country),
            "company": self.random.choice(names.companies).format(word),
            "street": street,
            "street2": self.random.choice(("2. OG", "Suite 4", "3")) if self.random.random() < 0.1 else "",
            "city": city.city,
            "postal_code": city.postal_code,
            "subdivision": city.subdivision,
            "country": city.country,
            "contact_name": person,
            "contact_phone": self._phone(city.country),
            "contact_email": f"{self._mailbox(person)}@{word.lower()}.example.com",
            "language": names.language,
        }

    def _person(self, names: Locality, country: str) -> str:
        given, family = self.random.choice(names.given), self.random.choice(names.family)
        return f"{family} {given}" if country == "JP" else f"{given} {family}"

    def _mailbox(self, person: str) -> str:
        plain = unicodedata.normalize("NFKD", person.replace("ø", "o").replace("ß", "ss").replace("ł", "l"))
        kept = "".join(letter for letter in plain.lower() if letter.isascii() and (letter.isalnum() or letter == " "))
        return ".".join(kept.split()) or f"contact{self._count}"

    def _phone(self, country: str) -> str:
        """A valid number of the country, written in one of three ways."""
        number = self.random.choice(phone_numbers(country))
        styles = (PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.NATIONAL)
        return phonenumbers.format_number(number, self.random.choices(styles, weights=(5, 4, 1))[0])


@lru_cache(maxsize=300)
def phone_numbers(country: str) -> tuple[phonenumbers.PhoneNumber, ...]:
    """A few hundred valid numbers: the library's examples with their last digits varied."""
    found: list[phonenumbers.PhoneNumber] = []
    for kind in (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE):
        example = phonenumbers.example_number_for_type(country, kind)
        if example is None or example.national_number is None:
            continue
        base = phonenumbers.national_significant_number(example)
        for tail in range(0, 1000, 7):
            varied = phonenumbers.parse(f"+{example.country_code}{base[:-3]}{tail:03}")
            if phonenumbers.is_valid_number(varied):
                found.append(varied)
    return tuple(found)


def local(at: datetime, zone: str) -> datetime:
    """The wall clock of `zone` at `at`."""
    return at.astimezone(ZoneInfo(zone))
