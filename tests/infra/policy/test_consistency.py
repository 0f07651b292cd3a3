"""Referential integrity: whatever is named by something else cannot be taken away unnoticed."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.policy.consistency import REQUEST_STATES
from infra.policy.draft import FILES, SECTIONS
from infra.policy.marked import Node, read_marked
from infra.policy.pack import SHIPPED, assemble
from infra.policy.problems import PolicyErrors

TODAY = date(2026, 11, 20)


def trees() -> dict[str, Node]:
    found = {file: read_marked((SHIPPED / file).read_bytes(), file)[0] for file in FILES}
    return {file: node for file, node in found.items() if node is not None}


TREES = trees()


def scalars(node: Node) -> Iterator[str]:
    """Every text in a tree, keys included."""
    if isinstance(node.content, dict):
        for key, child in node.content.items():
            yield key
            yield from scalars(child)
    elif isinstance(node.content, list):
        for child in node.content:
            yield from scalars(child)
    elif node.content is not None:
        yield node.content


def removable() -> list[tuple[str, str, int | str, str]]:
    """File, section, key and name of every entry that some other entry names (a name occurs at least twice)."""
    words = [word for tree in TREES.values() for word in scalars(tree)]
    words += [word.partition(":")[0] for word in words if word.startswith("ups:")]
    found: list[tuple[str, str, int | str, str]] = []
    for section in SECTIONS:
        if section.key in {"groups", "remote", "quantities", "currency", "thresholds", "shelving", "partners"}:
            continue  # nothing names these
        entries = TREES[section.file].child(section.key)
        assert entries is not None
        content = entries.content
        for key in list(content) if isinstance(content, dict) else range(len(content or ())):
            child = entries.child(key)
            assert child is not None
            name = str(key) if section.shape == "map" else _name(child, section.name)
            if words.count(name) >= 2:
                found.append((section.file, section.key, key, name))
    return found


def _name(node: Node, field: str | None) -> str:
    named = node.child(field) if field else node
    assert named is not None
    return str(named.content)


REMOVABLE = removable()


def without(file: str, section: str, key: int | str) -> dict[str, Node]:
    changed = dict(TREES)
    changed[file] = copy.deepcopy(TREES[file])
    entries = changed[file].child(section)
    assert entries is not None
    if isinstance(entries.content, dict):
        del entries.content[str(key)]
    elif isinstance(entries.content, list):
        del entries.content[int(key)]
    return changed


def refusal_of(changed: dict[str, Node]) -> str:
    with pytest.raises(PolicyErrors) as refused:
        assemble(changed, [], version="0" * 12, folder="changed", today=TODAY)
    return str(refused.value)


def test_nothing_removed_nothing_missing() -> None:
    """Negative control: the untouched trees assemble."""
    assert assemble(TREES, [], version="0" * 12, folder="shipped", today=TODAY).lanes


def test_most_of_the_pack_is_referred_to() -> None:
    """The mutation below has something to remove in every section that can be named."""
    sections = {section for _, section, _, _ in REMOVABLE}

    assert sections == {
        *("plans", "families", "products", "parts", "depots", "carriers", "closures", "services", "served"),
        *("papers", "opening"),
    }
    assert len(REMOVABLE) >= 150


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(REMOVABLE))
def test_removing_a_referenced_entry_is_caught(entry: tuple[str, str, int | str, str]) -> None:
    """Any entry that another names leaves a dangling reference, and the report names it."""
    file, section, key, name = entry

    assert name in refusal_of(without(file, section, key))


@pytest.mark.parametrize("entry", [each for each in REMOVABLE if each[1] not in {"parts", "products", "served"}])
def test_removing_a_small_entry_is_caught(entry: tuple[str, str, int | str, str]) -> None:
    """The same for every plan, family, depot, carrier, closure list, service, set of papers and opening, one by one."""
    file, section, key, name = entry

    assert name in refusal_of(without(file, section, key))


def test_states_are_those_of_the_thresholds() -> None:
    """The states with an alarm are states; the list has the pipeline's first and last."""
    assert {"received", "closed", "held", "cancelled"} <= REQUEST_STATES
