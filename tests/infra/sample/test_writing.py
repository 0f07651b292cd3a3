"""A sample is what it says: good rows are accepted, dirty ones refused for their reason, repeats recognised."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from infra.intake.digest import content_sha256
from infra.intake.known import known_from_pack
from infra.intake.reading import Reading, read_requests
from infra.policy.model import Pack
from infra.policy.pack import load_pack
from infra.sample.dirt import KINDS, NUMBER_TWICE
from infra.sample.world import cities
from infra.sample.writing import SampleFiles, write_sample
from tests.infra.sample.packs import DAY, lane_to, small_pack

NOW = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleFiles:
    return write_sample(tmp_path_factory.mktemp("sample"), pack=small_pack(), requests=800, seed=1, day=DAY)


@pytest.fixture(scope="module")
def readings(sample: SampleFiles) -> dict[str, Reading]:
    return _read(sample, small_pack())


def _read(sample: SampleFiles, pack: Pack) -> dict[str, Reading]:
    known = known_from_pack(pack)
    return {path.name: read_requests(path, known=known, now=NOW) for path in sample.paths}


def _codes(readings: dict[str, Reading]) -> dict[tuple[str, int], set[str]]:
    codes: dict[tuple[str, int], set[str]] = {}
    for name, reading in readings.items():
        for refusal in reading.refusals:
            codes.setdefault((name, refusal.row), set()).add(refusal.code)
    return codes


def test_every_good_row_is_accepted(sample: SampleFiles, readings: dict[str, Reading]) -> None:
    """Each good row comes out of the door under its own number, once."""
    accepted = {(name, row): each.number for name, reading in readings.items() for row, each in reading.accepted}

    assert len(sample.good) == 800
    assert {(good.file, good.row): good.number for good in sample.good}.items() <= accepted.items()


def test_dirty_rows_fall_for_their_reason(sample: SampleFiles, readings: dict[str, Reading]) -> None:
    """Every dirty row is refused by its intended code and no other, and nothing else is refused."""
    expected = {(row.file, row.row): {row.code} for row in sample.dirty}

    assert _codes(readings) == expected


def test_every_kind_of_dirt_occurs(sample: SampleFiles) -> None:
    """Five dirty rows in a hundred, of more than two dozen kinds."""
    assert {row.kind for row in sample.dirty} == {kind.name for kind in (*KINDS, NUMBER_TWICE)}
    assert len(sample.dirty) == 40  # 5 % of 800


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_dirt_falls_in_every_file(kind: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind of dirt keeps its code whatever format it is written in."""
    monkeypatch.setattr("infra.sample.writing.KINDS", (kind,))
    pack = small_pack()
    sample = write_sample(tmp_path, pack=pack, requests=20, seed=3, day=DAY, dirty_share=2.0)

    assert {row.file for row in sample.dirty} == {path.name for path in sample.paths}
    assert _codes(_read(sample, pack)) == {(row.file, row.row): {row.code} for row in sample.dirty}


def test_repeats_are_one_request(sample: SampleFiles, readings: dict[str, Reading]) -> None:
    """Repeats in the same file are told apart by the door; those in another file have the same content digest."""
    inside = {(row.file, row.row, row.of_row) for row in sample.repeated if row.file == row.of_file}
    found = {(name, each.row, each.first_row) for name, reading in readings.items() for each in reading.repeats}
    digests = Counter(content_sha256(each) for reading in readings.values() for _, each in reading.accepted)

    assert len(sample.repeated) == 8  # 1 % of 800
    assert found == inside
    assert len(digests) == 800
    assert sum(digests.values()) == 800 + len(sample.repeated) - len(inside)


def test_same_seed_gives_same_bytes(tmp_path: Path) -> None:
    """Equal arguments give equal bytes, the workbook included; another seed gives another sample."""

    def content(folder: str, seed: int) -> list[bytes]:
        written = write_sample(tmp_path / folder, pack=small_pack(), requests=30, seed=seed, day=DAY)
        return [path.read_bytes() for path in written.paths]

    assert content("a", 5) == content("b", 5)
    assert content("a", 5) != content("c", 6)


def test_approvals_lie_before_the_evening(readings: dict[str, Reading]) -> None:
    """All approvals fall into the 24 hours before 18:00 UTC of the day."""
    approvals = [each.approved_at for reading in readings.values() for _, each in reading.accepted]

    assert NOW - timedelta(hours=24) <= min(approvals)
    assert max(approvals) <= NOW


def test_countries_and_contracts_all_occur(readings: dict[str, Reading]) -> None:
    """Every country a lane reaches and every contract of the pack has requests, in all five languages."""
    requests = [each for reading in readings.values() for _, each in reading.accepted]

    assert len({each.ship_to.country for each in requests}) == 25
    assert {each.account for each in requests} == {"ACC-1", "ACC-2", "ACC-3", "ACC-4"}
    assert {each.language for each in requests} == {"da", "nl", "de", "en", "es"}


def test_devices_are_those_named(sample: SampleFiles, readings: dict[str, Reading]) -> None:
    """The register lists exactly the serials of the good requests, each once."""
    serials = {each.serial for reading in readings.values() for _, each in reading.accepted if each.serial}

    assert sorted(serials) == sorted(device.serial for device in sample.devices)


def test_some_requests_are_not_covered(sample: SampleFiles) -> None:
    """A few devices are past service or need a quote, and most are neither."""
    products = Counter(device.product for device in sample.devices)

    assert 0 < products["HS-OLD"] + products["BAR-CART"] < len(sample.devices) * 0.1


def test_prefixed_lanes_bound_the_towns(tmp_path: Path) -> None:
    """Where lanes reach only some postal prefixes, the sample stays inside them."""
    pack = small_pack(lanes=(lane_to("DE", "0"), lane_to("GB", "EC"), lane_to("DK")))
    sample = write_sample(tmp_path, pack=pack, requests=60, seed=2, day=DAY)

    towns = {each.ship_to.city for reading in _read(sample, pack).values() for _, each in reading.accepted}

    assert towns <= {"Dresden", "Leipzig", "London"} | {city.city for city in cities() if city.country == "DK"}
    assert {"Dresden", "London"} <= towns


def test_nothing_to_write_is_refused(tmp_path: Path) -> None:
    """No requests, or no lane to any town of the sample, is an error and not an empty file."""
    with pytest.raises(ValueError, match="at least one"):
        write_sample(tmp_path, pack=small_pack(), requests=0, seed=1, day=DAY)
    with pytest.raises(ValueError, match="no lane"):
        write_sample(tmp_path, pack=small_pack(lanes=(lane_to("IS"),)), requests=1, seed=1, day=DAY)


def test_doubled_hour_is_written_with_offset(tmp_path: Path) -> None:
    """On the night the clocks go back, wall-clock files still say which 02:30 they mean."""
    pack = small_pack(lanes=(lane_to("DK"), lane_to("DE")))
    sample = write_sample(tmp_path, pack=pack, requests=400, seed=4, day=date(2026, 10, 25), dirty_share=0)
    known = known_from_pack(pack)

    refused = [
        refusal
        for path in sample.paths
        for refusal in read_requests(path, known=known, now=datetime(2026, 10, 25, 18, tzinfo=UTC)).refusals
    ]

    assert refused == []


def test_shipped_pack_gives_a_clean_sample(tmp_path: Path) -> None:
    """The policy pack we ship works with the sample: at least 14 countries, every dirty row for its reason."""
    pack = load_pack(today=DAY)
    sample = write_sample(tmp_path, pack=pack, requests=300, seed=7, day=DAY, dirty_share=0.2)
    readings = _read(sample, pack)
    requests = [each for reading in readings.values() for _, each in reading.accepted]

    assert _codes(readings) == {(row.file, row.row): {row.code} for row in sample.dirty}
    assert len({each.ship_to.country for each in requests}) >= 14
    assert {each.plan for each in requests} == set(pack.plan_by_code)
    assert {each.partner for each in requests} == {partner.code for partner in pack.partners}
