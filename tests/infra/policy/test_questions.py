"""Look-ups over the shipped pack: the longest postal prefix wins, quickly and completely."""

from __future__ import annotations

import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.policy.model import Commitment, Lane, Pack
from infra.policy.pack import load_pack
from infra.policy.postal import postal_key
from infra.policy.questions import lanes_to, opening_stock_of, parts_of, substitutes_of

PACK = load_pack(today=date(2026, 11, 20))


def by_walking(pack: Pack, country: str, code: str) -> set[tuple[str, str, tuple[str, ...]]]:
    """The rule as a sentence, slowly: per depot and service the matching lane with the longest prefix."""
    best: dict[tuple[str, str], tuple[int, Lane]] = {}
    for lane in pack.lanes:
        if lane.to.country != country:
            continue
        for prefix in lane.to.postal_prefixes or ("",):
            key = postal_key(country, prefix)
            if postal_key(country, code).startswith(key):
                length, _ = best.get((lane.depot, lane.service), (-1, lane))
                if len(key) > length:
                    best[lane.depot, lane.service] = (len(key), lane)
    return {(lane.depot, lane.service, lane.to.postal_prefixes) for _, lane in best.values()}


def lane_of(country: str, code: str, depot: str, service: str = "ups:express_saver") -> Lane:
    (lane,) = [each for each in lanes_to(PACK, country, code) if (each.depot, each.service) == (depot, service)]
    return lane


@pytest.mark.parametrize(
    ("country", "code", "depot", "extra"),
    [
        ("GB", "IV51 9XX", "GB-DAV", 1),
        ("GB", "KW1 4AA", "GB-DAV", 1),
        ("GB", "KW15 1AA", "GB-DAV", 2),  # Orkney, inside KW: the longer prefix
        ("GB", "KA2 7DB", "GB-DAV", 0),
        ("ES", "07001", "ES-MAD", 1),
        ("ES", "28001", "ES-MAD", 0),
        ("FR", "20000", "NL-VNL", 1),
        ("NO", "9171", "DK-CPH", 2),  # Svalbard, inside 91
        ("NO", "9008", "DK-CPH", 1),
        ("AU", "0800", "AU-SYD", 1),
    ],
)
def test_remote_place_takes_longer(country: str, code: str, depot: str, extra: int) -> None:
    """The lane to a remote code is the country's own plus the place's extra days, and dearer."""
    general, remote = lane_of(country, "", depot), lane_of(country, code, depot)

    assert general.transit_business_days + extra == remote.transit_business_days
    assert (extra > 0) == (remote.freight.amount > general.freight.amount)


def test_remote_place_is_not_promised_on_the_desk() -> None:
    """`arrive` falls to `ship` in the Highlands, and stays `arrive` in London."""
    assert lane_of("GB", "IV51 9XX", "GB-DAV").commitment is Commitment.SHIP
    assert lane_of("GB", "SW1A 1AA", "GB-DAV").commitment is Commitment.ARRIVE


def test_canaries_need_papers_although_spanish() -> None:
    """A lane inside the union gets customs papers and a customs day where the place lies behind a border."""
    mainland, canaries = lane_of("ES", "28001", "ES-MAD"), lane_of("ES", "35001", "ES-MAD")

    assert mainland.customs_documents == ()
    assert canaries.customs_documents == ("commercial_invoice",)
    assert canaries.customs_business_days == 1
    assert canaries.incoterm == "DDP"


def test_remote_place_replaces_the_general_lane() -> None:
    """One lane per depot and service, never both."""
    pairs = [(lane.depot, lane.service) for lane in lanes_to(PACK, "GB", "HS1 2AA")]

    assert sorted(set(pairs)) == sorted(pairs)
    assert sorted(pairs) == sorted((lane.depot, lane.service) for lane in lanes_to(PACK, "GB", ""))


def test_cheapest_comes_first() -> None:
    """The order is by freight."""
    amounts = [lane.freight.amount for lane in lanes_to(PACK, "DE", "10115")]

    assert sorted(amounts) == amounts
    assert len(set(amounts)) > 1


def test_country_nobody_serves_has_no_lanes() -> None:
    """An unserved country gives an empty answer, not an error."""
    assert lanes_to(PACK, "AQ", "") == ()


@given(
    st.sampled_from(sorted(PACK.lanes_by_country)),
    st.one_of(
        st.from_regex(r"\d{4,7}", fullmatch=True),
        st.from_regex(r"[A-Z]{1,2}\d{1,2} ?\d[A-Z]{2}", fullmatch=True),
        st.sampled_from([prefix for lane in PACK.lanes for prefix in lane.to.postal_prefixes]),
    ),
)
def test_index_agrees_with_walking(country: str, code: str) -> None:
    """The index answers exactly what walking every lane by the rule answers."""
    found = {(lane.depot, lane.service, lane.to.postal_prefixes) for lane in lanes_to(PACK, country, code)}

    assert by_walking(PACK, country, code) == found


def test_twenty_thousand_look_ups_take_no_time() -> None:
    """A large wave asks 20,000 times in well under a second."""
    began = time.perf_counter()
    for _ in range(20_000):
        lanes_to(PACK, "GB", "IV51 9XX")

    assert time.perf_counter() - began < 1.0


def test_substitutes_follow_the_chain_best_first() -> None:
    """Aurora 110 may be replaced by 220, which may be replaced by 330."""
    assert [part.number for part in substitutes_of(PACK, "HST-1100")] == ["HST-2200", "HST-3300"]
    assert substitutes_of(PACK, "HST-3300") == ()


def test_unknown_part_has_no_substitutes_to_ask_for() -> None:
    """Asking for a part the pack does not know is an error of the caller."""
    with pytest.raises(KeyError):
        substitutes_of(PACK, "HST-0000")


def test_parts_of_a_product_fit_it() -> None:
    """A desk phone has a whole unit, a handset, a power supply and a cable; a quote-only suite has nothing."""
    numbers = {part.number for part in parts_of(PACK, "87S20-02")}

    assert numbers >= {"PHN-1250", "HND-1001", "PSU-8005", "CBL-9040"}
    assert parts_of(PACK, "86V10-00") == ()


def test_opening_stock_is_in_walking_order() -> None:
    """A depot's stock comes sorted by bin, with the fixed bin of its fastest mover first."""
    stock = opening_stock_of(PACK, "NL-VNL")

    assert [each.bin for each in stock] == sorted(each.bin for each in stock)
    assert stock[0].part == "CBL-9040"
    assert stock[0].bin == "A-01-1-01"
