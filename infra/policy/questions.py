"""What is asked of a policy pack again and again: pure look-ups, indexed once per pack.

Called by `tasks.rules` (sourcing, promise) for every request of a wave, so nothing here walks the whole pack.
"""

from __future__ import annotations

from infra.policy.model import Lane, OpeningStock, Pack, Part
from infra.policy.postal import postal_key


def lanes_to(pack: Pack, country: str, postal_code: str) -> tuple[Lane, ...]:
    """The lanes that reach an address, cheapest freight first; empty where the pack serves the country from nowhere.

    Per depot and service there is one: the lane with the longest postal prefix of `postal_code`, so that a remote
    place's lane replaces the general one. Spelling does not matter (`iv51 9xx`, `SE-123 45`). An empty or unknown
    code gets the country's general lanes.
    """
    table = pack.lanes_by_prefix.get(country)
    if table is None:
        return ()
    key = postal_key(country, postal_code)
    for length in range(len(key), 0, -1):
        if key[:length] in table:
            return table[key[:length]]
    return table[""]


def substitutes_of(pack: Pack, number: str) -> tuple[Part, ...]:
    """Parts that may go instead of `number`, best first: its own list, then the lists of those, each part once.

    Raises KeyError where the pack has no such part.
    """
    chain = [pack.part_by_number[number]]
    for part in chain:
        chain.extend(pack.part_by_number[each] for each in part.substitutes if pack.part_by_number[each] not in chain)
    return tuple(chain[1:])


def parts_of(pack: Pack, product: str) -> tuple[Part, ...]:
    """The parts that fit a product number, in the order of the pack; empty for one nothing is stocked for."""
    return tuple(part for part in pack.parts if product in part.fits)


def opening_stock_of(pack: Pack, depot: str) -> tuple[OpeningStock, ...]:
    """What a depot's bins hold on a fresh installation, in bin order."""
    return tuple(sorted((each for each in pack.stock if each.depot == depot), key=lambda each: each.bin))
