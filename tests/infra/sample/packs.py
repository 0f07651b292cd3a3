"""A small policy pack: three plans, three partners, a few products, lanes to every country of the sample."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal

from infra.policy.model import (
    Address,
    Category,
    Certification,
    Commitment,
    Contract,
    Cutoffs,
    Depot,
    Family,
    Lane,
    LaneEnd,
    Money,
    Pack,
    Part,
    Partner,
    Plan,
    Product,
    Service,
    Thresholds,
)

DAY = date(2026, 11, 20)
COUNTRIES = (
    "DE", "FR", "NL", "BE", "LU", "DK", "SE", "NO", "GB",
    "IE", "ES", "PT", "IT", "AT", "CH", "PL", "CZ", "US",
    "CA", "MX", "BR", "AU", "NZ", "SG", "JP",
)  # fmt: skip


def _plan(code: str, name: str, *, by: str, coverage: str) -> Plan:
    return Plan.model_validate(
        {
            "code": code,
            "name": name,
            "commitment": Commitment.ARRIVE,
            "coverage": coverage,
            "identified_by": by,
            "serial_required_on_replacement": code != "lite",
            "diagnosed_by": ("vendor",),
            "brand": "partner",
            "onsite_option": True,
            "installs_without_onsite": "partner",
            "certification_required": code == "partner-plus",
            "return_label": "prepaid",
            "return_window_business_days": 10,
            "doa_window_days": 30,
            "priority": "standard",
        }
    )


def _product(number: str, family: str, **changes: object) -> Product:
    price = Money(amount=Decimal(199), currency="EUR")
    return Product.model_validate({"number": number, "name": number, "family": family, "list_price": price} | changes)


def _part(number: str, *fits: str) -> Part:
    return Part(
        number=number,
        description=number.lower(),
        fits=fits,
        weight_g=400,
        size_mm=(200, 200, 80),
        value=Money(amount=Decimal(40), currency="EUR"),
        hs_code="851830",
        origin="MX",
    )


def _contract(number: str, plan: str, **changes: object) -> Contract:
    facts: dict[str, object] = {
        "number": number,
        "plan": plan,
        "account": f"ACC-{number}",
        "zone": "Europe/Copenhagen",
        "starts_on": date(2026, 1, 1),
        "ends_on": date(2028, 12, 31),
    }
    return Contract.model_validate(facts | changes)


def _partner(code: str, language: str, *contracts: Contract) -> Partner:
    return Partner.model_validate(
        {
            "code": code,
            "name": f"{code} example",
            "brand": code,
            "email": f"desk@{code}.example.com",
            "language": language,
            "zone": "Europe/Copenhagen",
            "certifications": (Certification(family="headset", until=date(2027, 12, 31)),),
            "contracts": contracts,
        }
    )


def _depot() -> Depot:
    address = Address(company="Depot", street="Havnegade 1", city="København K", postal_code="1058", country="DK")
    return Depot(
        code="CPH",
        name="Copenhagen",
        address=address,
        phone="+4533123456",
        email="cph@depot.example.com",
        zone="Europe/Copenhagen",
        latitude=55.7,
        longitude=12.6,
        calendar="DK",
        cutoffs=Cutoffs(default=time(15)),
        packing_minutes=60,
        pickup=time(17),
    )


def _lane(country: str, prefixes: tuple[str, ...] = ()) -> Lane:
    return Lane(
        depot="CPH",
        to=LaneEnd(country=country, postal_prefixes=prefixes),
        service="ups:express_saver",
        commitment=Commitment.ARRIVE,
        transit_business_days=1,
        freight=Money(amount=Decimal(20), currency="EUR"),
    )


def small_pack(**changes: object) -> Pack:
    """The pack; `changes` replace whole fields of it."""
    pack = Pack(
        version="0" * 12,
        plans=(
            _plan("partner-plus", "Partner Branded Poly+", by="serial", coverage="registered_devices"),
            _plan("enterprise", "Partner Enterprise", by="account", coverage="chosen_categories"),
            _plan("lite", "Lite", by="account", coverage="chosen_categories"),
        ),
        families=(
            Family(code="headset", name="Headset", category=Category.PERSONAL, onsite_eligible=False),
            Family(code="bar", name="Video bar", category=Category.VIDEO),
        ),
        products=(
            _product("HS-1", "headset"),
            _product("HS-OLD", "headset", end_of_service_on=date(2025, 1, 1)),
            _product("BAR-1", "bar"),
            _product("BAR-CART", "bar", quote_only=True),
        ),
        parts=(
            _part("HS-EARPAD-01", "HS-1", "HS-OLD"),
            _part("CBL-USB-2M", "HS-1", "BAR-1"),
            _part("BAR-MAIN-01", "BAR-1", "BAR-CART"),
        ),
        depots=(_depot(),),
        services=(Service(id="ups:express_saver", carrier="ups", code="65", name="Express Saver"),),
        carriers=(),
        lanes=tuple(_lane(country) for country in COUNTRIES),
        thresholds=Thresholds(
            headset_replacements_percent=5,
            baseline_growth_percent=5,
            true_up_percent=5,
            ask_a_person_before_cutoff_minutes=30,
            ageing_hours={},
            refusal_answer_hours=72,
            loss_claim_days=7,
        ),
        partners=(
            _partner(
                "nordlys",
                "da",
                _contract("1", "partner-plus", onsite=True),
                _contract("2", "enterprise", categories=(Category.VIDEO,), sites=("CPH-1", "AAR-2")),
            ),
            _partner("polder", "nl", _contract("3", "partner-plus", zone="Europe/Amsterdam")),
            _partner("rhein", "de", _contract("4", "lite", zone="Europe/Berlin", categories=(Category.PERSONAL,))),
        ),
        stock=(),
    )
    return pack.model_copy(update=changes)


def lane_to(country: str, *prefixes: str) -> Lane:
    return _lane(country, prefixes)
