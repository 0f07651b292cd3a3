"""Each number in the shipped pack says where it comes from.

The rule, exactly. A *number* is a plain (unquoted) scalar that begins with a digit, or a sign and a digit, and has
nothing but digits, `. : -` and a currency code after it: 10, 49.90, 15:00, 2027-12-31, 59.00 EUR. It counts only as a
value or a list item under a key of the tables below that are not names (postal prefixes, product numbers and codes are
names, not numbers). A number is *sourced* when

1. its own line ends in a comment, or
2. the line above an entry or a key it lies inside (not the whole file) is the end of a comment block with a line that
   begins `# source:`, or
3. the comment block directly above its own line speaks for it (any words).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import yaml

from infra.policy.draft import FILES
from infra.policy.pack import SHIPPED

NUMBER = re.compile(r"^[-+]?\d[\d.:\-]*( [A-Z]{3})?$")
NAMES = {"prefixes", "number", "fits", "postal_code", "hs_code", "code", "substitutes", "sites", "account"}


def unsourced(text: str) -> list[int]:
    """Lines, from 1, with a number nobody vouches for."""
    lines = text.splitlines()
    commented = _lines_ending_in_a_comment(text)
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    assert root is not None
    found = []
    for node, starts in _numbers(root, ()):
        line = node.start_mark.line
        by_group = any("# source:" in block for start in starts for block in _block_above(lines, start))
        if line not in commented and not by_group and not _block_above(lines, line):
            found.append(line + 1)
    return found


def _numbers(node: yaml.Node, starts: tuple[int, ...]) -> Iterator[tuple[yaml.Node, tuple[int, ...]]]:
    """Each number with the first lines of what it lies inside, the document itself left out."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value not in NAMES:
                yield from _numbers(value, (*starts, key.start_mark.line))
            if NUMBER.match(key.value):
                yield key, starts
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _numbers(item, (*starts, item.start_mark.line))
    elif isinstance(node, yaml.ScalarNode) and node.style is None and NUMBER.match(node.value):
        yield node, starts


def _block_above(lines: list[str], line: int) -> list[str]:
    """The comment lines that end directly above `line`, counted from 0."""
    block: list[str] = []
    while line > 0 and lines[line - 1].lstrip().startswith("#"):
        line -= 1
        block.append(lines[line].strip())
    return block


def _lines_ending_in_a_comment(text: str) -> set[int]:
    """Lines, from 0, with a `#` behind their last token (a `#` inside a quoted text is none)."""
    ends: dict[int, int] = {}
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        if not isinstance(token, yaml.BlockEndToken | yaml.StreamEndToken):
            ends[token.end_mark.line] = max(ends.get(token.end_mark.line, 0), token.end_mark.column)
    return {number for number, line in enumerate(text.splitlines()) if "#" in line[ends.get(number, 0) :]}


@pytest.mark.parametrize("file", FILES)
def test_every_number_has_a_source(file: str) -> None:
    """No number of the shipped pack stands without its source or reason."""
    assert unsourced((SHIPPED / file).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("file", FILES)
def test_scan_sees_the_numbers(file: str) -> None:
    """Negative control: with its comments gone, every file but one of words has numbers without a source."""
    text = (SHIPPED / file).read_text(encoding="utf-8")
    bare = "\n".join(re.sub(r"(^|\s)# .*$", "", line) for line in text.splitlines())

    assert unsourced(bare)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a: 5  # why", []),
        ("a: 5", [1]),
        ("a: '5'", []),
        ("a: 15:00", [1]),
        ("a: 2027-12-31", [1]),
        ("a: 59.00 EUR", [1]),
        ("a: 5 apples", []),
        ('a: {b: 5, c: "# no comment"}', [1]),
        ("number: 85", []),
        ("# why\na: 5", []),
        ("# source: x\na:\n  b: 5", []),
        ("# why\na:\n  b: 5", [3]),
        ("# source: x\n\na:\n  b: 5", [4]),
        ("# source: x\na:\n  b: 5\nc: 6", [4]),
        ("a:\n  2026-01-01: day", [2]),
    ],
)
def test_rule_is_what_it_says(text: str, lines: list[int]) -> None:
    """Trailing comment, block above, or a `# source:` group: nothing else counts, and it ends with its group."""
    assert unsourced(text) == lines
