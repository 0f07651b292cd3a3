"""A plausible price of a parcel, for the sandbox's bills. Pure; no real tariff.

Base by service, more by distance, more by weight, in the origin's currency.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from carriers.unions import EU

CENT = Decimal("0.01")
EUROS_PER_KG = Decimal("0.85")
BASE_EUROS = {"01": Decimal("28.40"), "07": Decimal("24.90"), "13": Decimal("26.10"), "14": Decimal("41.00")} | {
    "54": Decimal("44.50"),
    "65": Decimal("21.30"),
    "74": Decimal("29.90"),
}
OTHER_BASE_EUROS = Decimal("11.80")
DOMESTIC, WITHIN_EU, WORLDWIDE = Decimal(1), Decimal("1.8"), Decimal("3.2")
PER_EURO = {
    "USD": Decimal("1.08"),
    "GBP": Decimal("0.86"),
    "DKK": Decimal("7.46"),
    "SEK": Decimal("11.30"),
    "NOK": Decimal("11.60"),
    "CHF": Decimal("0.95"),
    "PLN": Decimal("4.30"),
    "CZK": Decimal("25.10"),
    "CAD": Decimal("1.48"),
    "MXN": Decimal("18.70"),
}
CURRENCY = {"GB": "GBP", "DK": "DKK", "SE": "SEK", "NO": "NOK", "CH": "CHF", "PL": "PLN", "CZ": "CZK"} | {
    "US": "USD",
    "PR": "USD",
    "CA": "CAD",
    "MX": "MXN",
}


def currency_of(country: str) -> str:
    """Where we hold no rate the bill is in euros inside the EU and in dollars elsewhere."""
    return CURRENCY.get(country, "EUR" if country in EU else "USD")


def charge(service: str, origin: str, destination: str, weight_kg: Decimal) -> tuple[Decimal, str]:
    """Amount and currency. NL to DE, service 65, 2 kg: (21.30 + 2 * 0.85) * 1.8 = 41.40 EUR."""
    euros = (BASE_EUROS.get(service, OTHER_BASE_EUROS) + weight_kg * EUROS_PER_KG) * _distance(origin, destination)
    currency = currency_of(origin)
    return (euros * PER_EURO.get(currency, Decimal(1))).quantize(CENT, rounding=ROUND_HALF_UP), currency


def _distance(origin: str, destination: str) -> Decimal:
    if origin == destination:
        return DOMESTIC
    return WITHIN_EU if {origin, destination} <= EU else WORLDWIDE
