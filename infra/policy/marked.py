"""YAML whose every value remembers the line and column it was written on.

Called by `infra.policy.pack`. Scalars stay the text that was written: YAML 1.1 would read the country `NO` as false,
the cut-off `15:00` as 900 and the postal prefix `07` as 7. What a text means is decided by the model it is read into.
Files are data from outside: no tags, no merge keys, no second document, and an alias bomb is refused before it grows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from infra.policy.problems import Problem

MAX_BYTES = 2_000_000
"""A reviewed policy file is tens of kilobytes; fifty times that is a mistake or an attack."""
MAX_NODES = 100_000
"""After expansion of aliases; the shipped pack has under ten thousand."""
MAX_DEPTH = 24
"""The deepest rule of a pack is seven levels down; also bounds recursion here."""

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where PyYAML was built with it: five times faster

Content = str | None | dict[str, "Node"] | list["Node"]


@dataclass(slots=True)
class Node:
    """A value and where it begins, counted from 1. `keys` holds where each key of a mapping begins."""

    line: int
    column: int
    content: Content = None
    keys: dict[str, tuple[int, int]] = field(default_factory=dict)
    size: int = 1
    """Values inside it with aliases expanded, itself included."""

    def plain(self) -> Any:
        """The same value as dicts, lists, texts and None."""
        if isinstance(self.content, dict):
            return {key: child.plain() for key, child in self.content.items()}
        if isinstance(self.content, list):
            return [child.plain() for child in self.content]
        return self.content

    def child(self, step: int | str) -> Node | None:
        """What a mapping has under a key or a list at an index; None where it has nothing."""
        if isinstance(self.content, dict) and isinstance(step, str):
            return self.content.get(step)
        if isinstance(self.content, list) and isinstance(step, int) and 0 <= step < len(self.content):
            return self.content[step]
        return None


def place_of(root: Node, path: Sequence[int | str]) -> tuple[int, int]:
    """Line and column of the deepest value on `path` that exists.

    Where the last step is a key of a mapping and `path` ends with the marker `"[key]"`, the key itself.
    """
    node = root
    for index, step in enumerate(path):
        if path[index + 1 : index + 2] == ("[key]",) and str(step) in node.keys:
            return node.keys[str(step)]
        node = node.child(step) or node
    return node.line, node.column


class _Refused(Exception):
    """The rest of the file cannot be read; the evidence is already among the problems."""


def read_marked(raw: bytes, file: str) -> tuple[Node | None, list[Problem]]:
    """The single document in `raw`, or None where it cannot be read at all; and everything wrong with its YAML.

    `file` is the name written into the problems. Never raises for what the file contains.
    """
    reader = _Reader(file)
    try:
        root = reader.read(raw)
    except _Refused:
        root = None
    return root, reader.problems


class _Reader:
    """Builds nodes from the event stream: no recursion deeper than `MAX_DEPTH`, no alias expanded in memory."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.anchors: dict[str, Node | None] = {}
        self.events: Iterator[Any] = iter(())

    def read(self, raw: bytes) -> Node | None:
        if len(raw) > MAX_BYTES:
            self._refuse(1, 1, f"the file has {len(raw)} bytes, more than {MAX_BYTES}", "split it or remove data")
        self.events = iter(yaml.parse(self._text(raw), Loader=_LOADER))
        try:
            return self._document()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            self._refuse(line, column, f"not YAML: {error.problem}", "mend the syntax here or on the line above")
        except yaml.YAMLError as error:  # the reader's own errors, such as control characters, carry no mark
            self._refuse(1, 1, f"not YAML: {error}", "remove control characters and save the file as UTF-8")

    def _text(self, raw: bytes) -> str:
        try:
            return raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            self._refuse(line, 1, f"byte {error.start} is not UTF-8", "save the file as UTF-8")

    def _document(self) -> Node | None:
        root: Node | None = None
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent) and root is not None:
                self._note(event, "a second document", "keep one document per file: remove the `---` line")
                break
            if isinstance(event, yaml.NodeEvent):
                root = self._node(event, depth=1)
        if root is None:
            self._refuse(1, 1, "the file is empty", "write its sections, or restore it from the shipped pack")
        return root

    def _node(self, event: Any, *, depth: int) -> Node:
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        if depth > MAX_DEPTH:
            self._refuse(line, column, f"nested deeper than {MAX_DEPTH} levels", "flatten it")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if event.tag is not None:
            self._note(event, f"the tag {event.tag!r}", "remove it: a value's meaning comes from the rule it fills")
        node = Node(line, column)
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        self._fill(node, event, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def _fill(self, node: Node, event: Any, depth: int) -> None:
        if isinstance(event, yaml.ScalarEvent):
            is_null = event.implicit[0] and event.value in _NULLS
            node.content = None if is_null else event.value
        elif isinstance(event, yaml.SequenceStartEvent):
            node.content = list(self._items(node, depth))
        else:
            node.content = self._entries(node, depth)

    def _items(self, parent: Node, depth: int) -> Iterator[Node]:
        for event in self.events:
            if isinstance(event, yaml.SequenceEndEvent):
                return
            yield self._count(parent, self._node(event, depth=depth + 1))

    def _entries(self, parent: Node, depth: int) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        for event in self.events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._key(event, depth)
            value = self._count(parent, self._node(next(self.events), depth=depth + 1))
            if key in entries:
                first, _ = parent.keys[key]
                self._note(event, f"{key!r} is written twice, first on line {first}", "keep one of the two")
            elif key is not None:
                entries[key] = value
                parent.keys[key] = (event.start_mark.line + 1, event.start_mark.column + 1)
        return entries

    def _key(self, event: Any, depth: int) -> str | None:
        node = self._node(event, depth=depth + 1)
        if node.content == "<<":
            self._note(event, "a merge key", "write the keys out: a rule must be readable where it applies")
            return None
        if not isinstance(node.content, str):
            self._note(event, "a key that is not a text", "write a word before the colon")
            return None
        return node.content

    def _alias(self, event: Any) -> Node:
        node = self.anchors.get(event.anchor)
        if node is None:
            line, column = event.start_mark.line + 1, event.start_mark.column + 1
            known = event.anchor in self.anchors
            wrong = f"*{event.anchor} is used inside itself" if known else f"*{event.anchor} has no &{event.anchor}"
            self._refuse(line, column, wrong, "write the value out")
        return node

    def _count(self, parent: Node, child: Node) -> Node:
        parent.size += child.size
        if parent.size > MAX_NODES:
            wrong = f"more than {MAX_NODES} values once aliases are expanded"
            self._refuse(parent.line, parent.column, wrong, "write the values out instead of nesting aliases")
        return child

    def _note(self, event: Any, wrong: str, remedy: str) -> None:
        mark = event.start_mark
        self._add(mark.line + 1, mark.column + 1, wrong, remedy)

    def _refuse(self, line: int, column: int, wrong: str, remedy: str) -> NoReturn:
        self._add(line, column, wrong, remedy)
        raise _Refused

    def _add(self, line: int, column: int, wrong: str, remedy: str) -> None:
        self.problems.append(
            Problem(file=self.file, line=line, column=column, path="(yaml)", wrong=wrong, remedy=remedy)
        )
