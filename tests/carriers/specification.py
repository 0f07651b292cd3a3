"""A carrier's own OpenAPI file, read with its errata, as a judge of messages."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.carriers.makers import SHARED_DATA

ERRATA_FILE = Path(__file__).with_name("ups_errata.yaml")
HOST = "https://onlinetools.ups.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and its answer, as bytes on the wire."""

    method: str
    path: str
    status: int
    answer: bytes = field(repr=False)
    content: bytes | None = field(default=None, repr=False)
    content_type: str = "application/json"
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@cache
def errata() -> Sequence[Mapping[str, Any]]:
    return tuple(yaml.safe_load(ERRATA_FILE.read_text(encoding="utf-8")))


@cache
def _document(file: str) -> Any:
    path = SHARED_DATA / "specs" / file
    if not path.is_file():
        pytest.skip(f"the carrier's specification is not here: {path}")
    return yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))


class Judge:
    """Says what is wrong with a message by the carrier's own file; `without` leaves one erratum out."""

    def __init__(self, file: str, *, without: Mapping[str, Any] | None = None) -> None:
        openapi_core = pytest.importorskip("openapi_core")
        document = copy.deepcopy(_document(file))
        for erratum in errata():
            if erratum["file"] == file and erratum is not without:
                _apply(document, erratum)
        self.document = document
        # The meta check is left out: UPS's tracking file does not pass it, and it is not what is tested here.
        self._api = openapi_core.OpenAPI.from_dict(document, config=openapi_core.Config(spec_validator_cls=None))

    def faults(self, exchange: Exchange) -> list[str]:
        """Violations in request and answer, each with its place; empty for a good exchange."""
        from openapi_core.testing import MockRequest, MockResponse  # only where the library is installed  # noqa: PLC0415 - only where the specifications are present

        request = MockRequest(
            HOST,
            exchange.method.lower(),
            exchange.path,
            args=dict(exchange.query),
            headers=dict(exchange.headers),
            content_type=exchange.content_type,
            data=exchange.content,
        )
        answer = MockResponse(exchange.answer, status_code=exchange.status, content_type="application/json")
        return [
            *_violations("request", self._api.validate_request, request),
            *_violations("answer", self._api.validate_response, request, answer),
        ]

    def unknown_fields(self, schema: str, value: Any) -> list[str]:
        """Fields of `value` that the file's schema does not know: allowed by the file, ignored by the carrier."""
        return list(self._unknown({"$ref": f"#/components/schemas/{schema}"}, value, ""))

    def _unknown(self, node: Mapping[str, Any], value: Any, where: str) -> Iterator[str]:
        if "$ref" in node:
            node = self.document["components"]["schemas"][node["$ref"].rpartition("/")[2]]
        if isinstance(value, list):
            for item in value:
                yield from self._unknown(node.get("items", {}), item, f"{where}[]")
        elif isinstance(value, dict):
            known = node.get("properties", {})
            for name, inner in value.items():
                if name not in known:
                    yield f"{where}/{name}"
                else:
                    yield from self._unknown(known[name], inner, f"{where}/{name}")


def _violations(side: str, validate: Any, *messages: Any) -> list[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "Unsupported scheme type": the security scheme is not what is judged
        try:
            validate(*messages)
        except Exception as refused:  # noqa: BLE001 - the library raises a dozen unrelated classes
            return [f"{side}: {reason}" for reason in _reasons(refused)]
    return []


def _reasons(refused: BaseException) -> list[str]:
    found = []
    cause: BaseException | None = refused
    while cause is not None:
        found += [f"{'/'.join(map(str, e.absolute_path))}: {e.message}" for e in getattr(cause, "schema_errors", ())]
        cause = cause.__cause__
    return found or [repr(refused)]


def _apply(document: Any, erratum: Mapping[str, Any]) -> None:
    *way, last = erratum["at"]
    parent = document
    for step in way:
        parent = _step(parent, step)
    if "put" in erratum:
        parent[last] = erratum["put"]
        return
    holder = _step(parent, last)
    for name in erratum["drop"]:
        holder.remove(name) if isinstance(holder, list) else holder.pop(name)


def _step(node: Any, step: str) -> Any:
    """A key of a mapping, or the entry of a list that has this name."""
    return next(entry for entry in node if entry["name"] == step) if isinstance(node, list) else node[step]
