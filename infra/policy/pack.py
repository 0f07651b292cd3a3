"""Reads a folder of reviewed YAML into one consistent `Pack`, or says everything that is wrong with it.

Called by `tasks` and `flows.cli` at start. The folder `pack/` beside this file is the shipped *example*: an
installation copies it and edits the copy. Line of reading: bytes -> `marked` (YAML with places) -> `draft` (entries,
validated one by one) -> `consistency` (what holds between entries) -> the records of `model`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from infra import clock
from infra.policy.authoring import (
    Closures,
    DepotStock,
    LaneGroup,
    Papers,
    Quantity,
    Remote,
    ServiceEntry,
    Shelving,
    opening_stock,
    remote_lane,
)
from infra.policy.consistency import faults_between
from infra.policy.draft import FILES, Draft, problem_of, read_draft
from infra.policy.marked import Node, read_marked
from infra.policy.model import (
    CarrierTerms,
    Depot,
    Family,
    Lane,
    OpeningStock,
    Pack,
    Part,
    Partner,
    Plan,
    Product,
    Thresholds,
)
from infra.policy.problems import PolicyErrors, Problem, nearest

SHIPPED = Path(__file__).parent / "pack"
"""The example pack."""


def load_pack(folder: Path | None = None, *, today: date | None = None) -> Pack:
    """The pack in `folder`, or the shipped one. All eight files are required, no other YAML file may lie beside them.

    `today` (default: the clock's date in UTC) decides whether a `through` has expired. Reading changes nothing and
    may be repeated. Raises `PolicyErrors` with every problem found: mend them all, then load again.
    """
    folder = folder or SHIPPED
    contents, problems = _contents(folder)
    trees: dict[str, Node] = {}
    for file, raw in contents.items():
        tree, found = read_marked(raw, file)
        problems += found
        if tree is not None:
            trees[file] = tree
    return assemble(trees, problems, version=version_of(contents), folder=str(folder), today=today)


def assemble(
    trees: Mapping[str, Node], problems: list[Problem], *, version: str, folder: str, today: date | None = None
) -> Pack:
    """The pack that parsed files stand for; `problems` are those met on the way here. Raises `PolicyErrors`."""
    draft = read_draft(trees)
    faults = [*draft.faults, *faults_between(draft, today=today or clock.now().date())]
    found = [*problems, *(problem_of(fault, trees) for fault in faults)]
    if found:
        raise PolicyErrors(dict.fromkeys(found), folder=folder)
    return _build(draft, version)


def version_of(contents: Mapping[str, bytes]) -> str:
    """SHA-256 over names and bytes in name order, first 12 hexadecimal digits: any edit gives another version."""
    digest = hashlib.sha256()
    for file, raw in sorted(contents.items()):
        digest.update(f"{file}\0{len(raw)}\0".encode())
        digest.update(raw)
    return digest.hexdigest()[:12]


def _contents(folder: Path) -> tuple[dict[str, bytes], list[Problem]]:
    present = {path.name: path for path in sorted(folder.glob("*.y*ml"))}
    problems = [
        Problem(file=file, line=1, column=1, path="(file)", wrong="the file is missing", remedy=f"add it to {folder}")
        for file in FILES
        if file not in present
    ]
    for stray in present.keys() - set(FILES):
        remedy = nearest(stray, FILES, otherwise="remove it: nothing reads it")
        problems.append(Problem(file=stray, line=1, column=1, path="(file)", wrong="unknown file", remedy=remedy))
    return {file: present[file].read_bytes() for file in FILES if file in present}, problems


def _build(draft: Draft, version: str) -> Pack:
    closures = draft.by_key("closures", Closures)
    services = draft.values("services", ServiceEntry)
    return Pack(
        version=version,
        plans=draft.values("plans", Plan),
        families=draft.values("families", Family),
        products=draft.values("products", Product),
        parts=draft.values("parts", Part),
        depots=draft.values("depots", Depot),
        services=tuple(each.service(closures[each.closures]) for each in services),
        carriers=draft.values("carriers", CarrierTerms),
        lanes=tuple(_lanes(draft)),
        thresholds=draft.values("thresholds", Thresholds)[0],
        partners=draft.values("partners", Partner),
        stock=tuple(_stock(draft)),
    )


def _lanes(draft: Draft) -> Iterator[Lane]:
    (currency,) = draft.values("currency", str)
    papers = draft.by_key("papers", Papers)
    remotes = draft.values("remote", Remote)
    for group in draft.values("groups", LaneGroup):
        for depot in group.depots:
            for country in group.to:
                general = group.lane(depot, country, papers[group.papers] if group.papers else None, currency)
                yield general
                for remote in remotes:
                    if remote.country == country:
                        yield remote_lane(general, remote, papers[remote.papers] if remote.papers else None)


def _stock(draft: Draft) -> Iterator[OpeningStock]:
    (shelving,) = draft.values("shelving", Shelving)
    quantities = draft.values("quantities", Quantity)
    parts = tuple(part.number for part in draft.values("parts", Part))
    for depot, stock in draft.by_key("opening", DepotStock).items():
        yield from opening_stock(depot, stock, parts, quantities, shelving)
