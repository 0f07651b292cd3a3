"""YAML is read as text with places; what could surprise or hurt is refused with its line."""

from __future__ import annotations

import pytest
import yaml

from infra.policy import marked
from infra.policy.marked import MAX_BYTES, MAX_DEPTH, MAX_NODES, Node, place_of, read_marked


def read(text: str) -> Node:
    node, problems = read_marked(text.encode(), "some.yaml")
    assert problems == []
    assert node is not None
    return node


def refusals(raw: bytes) -> list[tuple[int, str]]:
    _, problems = read_marked(raw, "some.yaml")
    return [(each.line, each.wrong) for each in problems]


def test_scalars_stay_what_was_written() -> None:
    """NO is a country, 15:00 a time, 07 a prefix: nothing is guessed; only an unquoted null is None."""
    written = read("[NO, 15:00, 07, 1_000, 0x10, yes, 2026-12-31, '~', ~, null]").plain()

    assert written == ["NO", "15:00", "07", "1_000", "0x10", "yes", "2026-12-31", "~", None, None]


def test_places_count_from_one() -> None:
    """A value is found at its own line and column, a key at the key's."""
    root = read("a:\n  - b: 1\n    c: 2\n")

    assert place_of(root, ("a", 0, "c")) == (3, 8)
    assert place_of(root, ("a", 0, "c", "[key]")) == (3, 5)
    assert place_of(root, ("a", 0, "absent")) == (2, 5)
    assert place_of(root, ()) == (1, 1)


def test_alias_is_the_same_value() -> None:
    """A harmless anchor and alias work."""
    assert read("a: &x [1, 2]\nb: *x\n").plain() == {"a": ["1", "2"], "b": ["1", "2"]}


@pytest.mark.parametrize(
    ("text", "line", "wrong"),
    [
        ("a: 1\nb: [\n", 3, "not YAML"),
        ("a: 1\na: 2\n", 2, "'a' is written twice, first on line 1"),
        ("a: !!python/object:os.system x\n", 1, "the tag"),
        ("a: !!str x\n", 1, "the tag"),
        ("x: &x {a: 1}\ny:\n  <<: *x\n", 3, "a merge key"),
        ("a: 1\n---\nb: 2\n", 2, "a second document"),
        ("? [a, b]\n: 1\n", 1, "not YAML|not a text"),
        ("~: 1\n", 1, "not a text"),
        ("a: *nobody\n", 1, "no &nobody|not YAML"),
        ("a: &x [*x]\n", 1, "inside itself|not YAML"),
        ("", 1, "the file is empty"),
        ("# only a comment\n", 1, "the file is empty"),
        ("a: \x00\n", 1, "not YAML"),
        ("a: b\n\tc: d\n", 2, "not YAML"),
    ],
)
def test_surprising_yaml_is_refused(text: str, line: int, wrong: str) -> None:
    """Each trap of YAML is a problem on its line."""
    ((found_line, found),) = refusals(text.encode())

    assert found_line == line
    assert any(each in found for each in wrong.split("|")), found


def test_bytes_that_are_not_utf8_are_refused() -> None:
    """A file saved as Latin-1 says so on the line of the first odd byte."""
    assert refusals("a: b\nc: São".encode("latin-1")) == [(2, "byte 9 is not UTF-8")]


def test_byte_order_mark_is_no_key() -> None:
    """Windows editors write a mark at the start; it is not part of the first key."""
    assert read("\ufeffa: 1").plain() == {"a": "1"}


def test_alias_bomb_is_refused_before_it_grows() -> None:
    """Nine levels of ten aliases stand for a thousand million values; counting stops at the limit."""
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    ((_, wrong),) = refusals("\n".join(levels).encode())

    assert wrong == f"more than {MAX_NODES} values once aliases are expanded"


def test_deep_nesting_is_refused_without_recursion() -> None:
    """A hundred thousand brackets end at the depth limit, not in a crash."""
    ((_, wrong),) = refusals(b"[" * 100_000)

    assert wrong == f"nested deeper than {MAX_DEPTH} levels"


def test_depth_within_the_limit_is_read() -> None:
    """Negative control: a nesting just inside the limit is fine."""
    inside = MAX_DEPTH - 1

    assert refusals(b"[" * inside + b"x" + b"]" * inside) == []


def test_huge_file_is_refused_unread() -> None:
    """More bytes than any reviewed policy has are not parsed at all."""
    ((_, wrong),) = refusals(b"#" * (MAX_BYTES + 1))

    assert "more than" in wrong


@pytest.mark.parametrize("text", ["a: &x [1]\nb: *x\n", "a: [\n", "a: 1\na: 2\n", "a: \x00\n", "a: *nobody\n"])
def test_pure_python_reader_agrees(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Without libyaml the answer is the same value, and a problem where it was one."""
    node, problems = read_marked(text.encode(), "some.yaml")
    monkeypatch.setattr(marked, "_LOADER", yaml.SafeLoader)
    slow_node, slow_problems = read_marked(text.encode(), "some.yaml")

    assert (node and node.plain()) == (slow_node and slow_node.plain())
    assert [each.line for each in problems] == [each.line for each in slow_problems]
