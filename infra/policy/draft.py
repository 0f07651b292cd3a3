"""A policy pack as far as it could be read: every valid entry with the place it was written, every invalid one named.

Made from YAML trees for `infra.policy.consistency` to check and `infra.policy.pack` to build from. Entries are
validated one by one, so that one bad depot does not hide a dangling reference three files on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import UnionType
from typing import Annotated, Any, Generic, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from infra.policy.authoring import (
    Closures,
    CurrencyCode,
    DepotStock,
    LaneGroup,
    Papers,
    Quantity,
    Remote,
    ServiceEntry,
    Shelving,
)
from infra.policy.marked import Node, place_of
from infra.policy.model import (
    CarrierTerms,
    CountryCode,
    Depot,
    Family,
    Part,
    Partner,
    Plan,
    Product,
    Thresholds,
)
from infra.policy.problems import Problem, listed, nearest

T = TypeVar("T")
Value = TypeVar("Value", covariant=True)  # noqa: PLC0105 - an entry reads better with the word than with Value_co
Path = tuple[int | str, ...]
Shape = Literal["one", "list", "map"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One top-level key of one file: what its entries are, and which of their fields other entries name them by."""

    file: str
    key: str
    model: Any
    shape: Shape = "list"
    name: str | None = None


SECTIONS = (
    Section(file="plans.yaml", key="plans", model=Plan, name="code"),
    Section(file="products.yaml", key="families", model=Family, name="code"),
    Section(file="products.yaml", key="products", model=Product, name="number"),
    Section(file="products.yaml", key="parts", model=Part, name="number"),
    Section(file="depots.yaml", key="depots", model=Depot, name="code"),
    Section(file="carriers.yaml", key="carriers", model=CarrierTerms, name="carrier"),
    Section(file="carriers.yaml", key="closures", model=Closures, shape="map"),
    Section(file="carriers.yaml", key="services", model=ServiceEntry, name="id"),
    Section(file="lanes.yaml", key="currency", model=CurrencyCode, shape="one"),
    Section(file="lanes.yaml", key="served", model=CountryCode),
    Section(file="lanes.yaml", key="papers", model=Papers, shape="map"),
    Section(file="lanes.yaml", key="remote", model=Remote, name="name"),
    Section(file="lanes.yaml", key="groups", model=LaneGroup, name="name"),
    Section(file="thresholds.yaml", key="thresholds", model=Thresholds, shape="one"),
    Section(file="partners.yaml", key="partners", model=Partner, name="code"),
    Section(file="stock.yaml", key="shelving", model=Shelving, shape="one"),
    Section(file="stock.yaml", key="quantities", model=Quantity, name="parts"),
    Section(file="stock.yaml", key="opening", model=DepotStock, shape="map"),
)
FILES = tuple(dict.fromkeys(section.file for section in SECTIONS))
"""Every file a pack has, all of them required."""


@dataclass(frozen=True, slots=True)
class Entry(Generic[Value]):
    """A valid entry, where it stands, and the key it stands under (lists: its index)."""

    value: Value
    file: str
    path: Path

    @property
    def key(self) -> str:
        return str(self.path[-1])


@dataclass(frozen=True, slots=True)
class Fault:
    """A problem before its place is looked up."""

    file: str
    path: Path
    wrong: str
    remedy: str


@dataclass(slots=True)
class Draft:
    """What was read. `named` holds the names of a section's entries, valid or not; None where it could not be read."""

    entries: dict[str, list[Entry[Any]]] = field(default_factory=dict)
    named: dict[str, set[str] | None] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def every(self, key: str, model: type[T]) -> list[Entry[T]]:
        """The valid entries of section `key`; `model` says their type to the reader and the type checker."""
        found = self.entries.get(key, [])
        assert all(isinstance(entry.value, model) for entry in found)
        return found

    def values(self, key: str, model: type[T]) -> tuple[T, ...]:
        return tuple(entry.value for entry in self.every(key, model))

    def by_key(self, key: str, model: type[T]) -> dict[str, T]:
        """A section written as a mapping."""
        return {entry.key: entry.value for entry in self.every(key, model)}

    def complete(self, *keys: str) -> bool:
        """Whether nothing of these sections was refused: statements about absence need the whole."""
        broken = {(fault.file, fault.path[:1]) for fault in self.faults}
        sections = [section for section in SECTIONS if section.key in keys]
        return all(self.named.get(each.key) is not None and (each.file, (each.key,)) not in broken for each in sections)


def read_draft(trees: Mapping[str, Node]) -> Draft:
    """Validate each entry of each readable file. `trees`: file name -> its document.

    A file that is not among them is not noted here: whoever looked for it has said so.
    """
    draft = Draft()
    for file, tree in trees.items():
        draft.faults.extend(_stray_keys(file, tree))
    for section in SECTIONS:
        draft.named[section.key] = None
        if section.file in trees and isinstance(trees[section.file].content, dict):
            _read_section(draft, section, trees[section.file].child(section.key))
    return draft


def problem_of(fault: Fault, trees: Mapping[str, Node]) -> Problem:
    """The fault with its line and column."""
    line, column = place_of(trees[fault.file], fault.path) if fault.file in trees else (1, 1)
    return Problem(
        file=fault.file, line=line, column=column, path=spelt(fault.path), wrong=fault.wrong, remedy=fault.remedy
    )


def spelt(path: Sequence[int | str]) -> str:
    """`groups[3].to.DE` for ("groups", 3, "to", "DE"); the whole file is `(file)`."""
    text = ""
    for step in path:
        if step != "[key]":
            text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.lstrip(".") or "(file)"


def _stray_keys(file: str, tree: Node) -> Iterator[Fault]:
    allowed = [section.key for section in SECTIONS if section.file == file]
    if not isinstance(tree.content, dict):
        yield Fault(file, (), "the file is not a mapping", f"begin with {allowed[0]}:")
        return
    for key in tree.content:
        if key not in allowed:
            remedy = nearest(key, allowed, otherwise=f"remove it: this file has {listed(allowed)}")
            yield Fault(file, (key, "[key]"), f"unknown section {key!r}", remedy)


def _read_section(draft: Draft, section: Section, node: Node | None) -> None:
    draft.entries[section.key] = []
    if node is None:
        draft.faults.append(Fault(section.file, (), f"section {section.key!r} is missing", f"add `{section.key}:`"))
        return
    draft.named[section.key] = set()
    for path, child in _children(draft, section, node):
        _read_entry(draft, section, path, child)


def _children(draft: Draft, section: Section, node: Node) -> Iterator[tuple[Path, Node]]:
    root: Path = (section.key,)
    if section.shape == "one":
        yield root, node
    elif section.shape == "list" and isinstance(node.content, list) and node.content:
        yield from (((*root, index), child) for index, child in enumerate(node.content))
    elif section.shape == "map" and isinstance(node.content, dict) and node.content:
        yield from (((*root, key), child) for key, child in node.content.items())
    else:
        form = "a list: begin each entry with `- `" if section.shape == "list" else "a mapping: `name: ...` per entry"
        draft.faults.append(Fault(section.file, root, f"{section.key!r} has no entries", f"write {form}"))


def _read_entry(draft: Draft, section: Section, path: Path, node: Node) -> None:
    known = draft.named[section.key]
    assert known is not None
    known.add(_name(section, path, node))
    try:
        value = _adapter(section.model).validate_python(node.plain())
    except ValidationError as refusal:
        draft.faults.extend(_fault(section, path, error) for error in refusal.errors(include_url=False))
    else:
        draft.entries[section.key].append(Entry(value, section.file, path))


def _name(section: Section, path: Path, node: Node) -> str:
    """What other entries call this one, as far as it can be told."""
    if section.name is None:
        return str(node.content) if isinstance(node.content, str) else str(path[-1])
    named = node.child(section.name)
    return str(named.content) if named is not None else ""


_adapters: dict[Any, TypeAdapter[Any]] = {}


def _adapter(model: Any) -> TypeAdapter[Any]:
    if model not in _adapters:
        _adapters[model] = TypeAdapter(model)
    return _adapters[model]


_REMEDIES = {
    "int_parsing": "write a whole number",
    "int_type": "write a whole number",
    "int_from_float": "write a whole number",
    "float_parsing": "write a number such as 51.37",
    "decimal_parsing": "write a number such as 12.50; money with its currency, such as 12.50 EUR",
    "bool_parsing": "write true or false",
    "time_parsing": "write a local wall-clock time such as 15:00",
    "date_parsing": "write a date such as 2027-12-31",
    "date_from_datetime_parsing": "write a date such as 2027-12-31",
    "date_from_datetime_inexact": "write a date such as 2027-12-31",
    "string_type": "write one text, not a list or a mapping",
    "tuple_type": "write a list, such as [a, b]",
    "dict_type": "write a mapping, one `key: value` per line",
    "model_type": "write a mapping of this rule's keys; money as 12.50 EUR",
    "too_short": "write at least one",
    "greater_than_equal": "stay within the limit",
    "less_than_equal": "stay within the limit",
    "greater_than": "stay within the limit",
}


def _fault(section: Section, path: Path, error: ErrorDetails) -> Fault:
    where: Path = (*path, *error["loc"])
    if error["type"] == "missing":
        missing = error["loc"][-1]
        return Fault(section.file, where, f"{missing!r} is missing", f"add `{missing}:`")
    if error["type"] == "extra_forbidden":
        unknown, allowed = str(error["loc"][-1]), _keys_at(section.model, error["loc"][:-1])
        remedy = nearest(unknown, allowed, otherwise=f"remove it: allowed are {listed(allowed, at_most=20)}")
        return Fault(section.file, (*where, "[key]"), f"unknown key {unknown!r}", remedy)
    return Fault(section.file, where, _wrong(error), _remedy(error))


def _wrong(error: ErrorDetails) -> str:
    written = error["input"]
    is_choice = error["type"] in {"literal_error", "enum"}
    said = "no such choice" if is_choice else error["msg"].removeprefix("Value error, ")
    return f"{written!r}: {said}" if isinstance(written, str) else said


def _remedy(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    if error["type"] in {"literal_error", "enum"}:
        words = re.findall(r"'([^']+)'", str(context.get("expected", "")))
        return nearest(str(error["input"]), words, otherwise=f"write one of {listed(words)}")
    if error["type"] == "string_pattern_mismatch":
        return f"write it as the pattern {context.get('pattern')} says"
    if error["type"] == "value_error" and "time zone" in error["msg"]:
        return _zone_remedy(str(error["input"]))
    return _REMEDIES.get(error["type"], "write what the rule's description asks for")


def _zone_remedy(written: str) -> str:
    from zoneinfo import available_timezones  # noqa: PLC0415 - reads hundreds of files; only a wrong zone needs it

    return nearest(written, available_timezones(), otherwise="write an IANA name such as Europe/Amsterdam")


def _keys_at(model: Any, loc: Sequence[int | str]) -> list[str]:
    """The keys allowed where a pydantic location points: walks fields, lists and mappings down the annotations."""
    annotation = _bare(model)
    for step in loc:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel) and step in annotation.model_fields:
            annotation = _bare(annotation.model_fields[str(step)].annotation)
        elif get_origin(annotation) in {tuple, dict}:
            annotation = _bare(get_args(annotation)[0 if get_origin(annotation) is tuple else 1])
    is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return list(annotation.model_fields) if is_model else []


def _bare(annotation: Any) -> Any:
    """Without `Annotated` and without `| None`."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in {UnionType, Union}:
        return _bare(next(each for each in get_args(annotation) if each is not type(None)))
    return annotation
