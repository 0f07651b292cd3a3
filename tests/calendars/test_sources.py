"""The policy is checked line by line, and the library's traps are avoided."""

from __future__ import annotations

from datetime import date

import pytest

from calendars import sources
from calendars.sources import PolicyRefused, load_policy

GOOD = """\
window: {first: 2026-01-01, last: 2026-12-31}
default: {through: 2026-12-31, reason: x}
regions:
  - {region: DE AT, through: 2026-12-31, reason: rules}
cities: []
"""
WINDOW = range(date(2026, 1, 1).toordinal(), date(2026, 12, 31).toordinal() + 1)


def policy(tmp_path, text):
    path = tmp_path / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    return load_policy(path)


def test_several_regions_share_a_line(tmp_path):
    """Regions separated by spaces each get the rule."""
    assert set(policy(tmp_path, GOOD).rules) == {"DE", "AT"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (", reason: rules", ""),
        ("reason: rules", "reason: rules, colour: red"),
        ("cities: []", "cities: []\ncolours: []"),
        ("region: DE AT", "region: DE DE"),
        ("reason: rules", "reason: rules, weekend: [FRIDAY]"),
    ],
    ids=["no-reason", "unknown-key", "unknown-section", "two-lines", "unknown-weekday"],
)
def test_bad_policies_are_refused(tmp_path, before, after):
    """A line without a reason, with an unknown key, or given twice stops the compilation."""
    with pytest.raises(PolicyRefused):
        policy(tmp_path, GOOD.replace(before, after))


def test_every_line_has_a_reason():
    """The committed policy says why, on every line."""
    committed = load_policy()

    assert all(len(rule.reason) > 10 for rule in committed.rules.values())
    assert all(len(city.reason) > 10 for city in committed.cities)


def test_every_policy_region_exists():
    """The policy speaks only of regions the library knows."""
    known = {sources.calendar_key(c, s) for c, subs in sources.countries().items() for s in (None, *subs)}

    assert set(load_policy().rules) <= known


def test_unknown_feast_is_refused():
    """A misspelt feast stops the compilation."""
    with pytest.raises(PolicyRefused, match="corpus_kristi"):
        list(sources.feast_days(["corpus_kristi"], WINDOW))


def test_names_do_not_follow_the_environment(monkeypatch):
    """Names are English whatever the machine's language is."""
    monkeypatch.setenv("LANGUAGE", "de")

    assert "New Year's Day" in sources.build("DE", None, (), WINDOW).names


def test_new_year_observed_in_the_old_year():
    """1 January 2028 is a Saturday: the United States keep Friday 31 December 2027, the window's last day."""
    window = range(date(2027, 1, 1).toordinal(), date(2027, 12, 31).toordinal() + 1)

    assert window[-1] in sources.build("US", None, (), window).holidays


def test_half_days_are_not_holidays():
    """The Turkish half day is listed beside the holidays, not among them."""
    days = sources.build("TR", None, (), WINDOW)
    eve = date(2026, 10, 28).toordinal()

    assert eve in days.half_days
    assert eve not in days.holidays
