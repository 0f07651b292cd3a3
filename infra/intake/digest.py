"""The fingerprint of a request's content: equal whatever file, format or row it came in.

`reading` uses it to tell a repeat from a contradiction; `tasks.intake` stores it beside the request for the same
purpose between files.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from datetime import UTC, datetime
from typing import Any

from infra.intake.schema import ApprovedRequest

_VERSION = "request/1"
"""Part of the digest: a later way of writing must not equal this one by chance."""


def content_sha256(request: ApprovedRequest) -> str:
    """SHA-256 (hex) over the canonical content of `request`.

    Instants count as instants, so 14:05+01:00 equals 13:05Z; `approval_zone` is only how one was written and does not
    count. Part lines count in any order, texts without regard to spacing and Unicode form. Case counts.
    """
    content = request.model_dump(exclude={"approval_zone"})
    content["lines"] = sorted([line.part, line.quantity] for line in request.lines)
    canonical = json.dumps(
        [_VERSION, _canonical(content)], sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False
    )
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def _canonical(value: Any) -> Any:
    if isinstance(value, str):
        # ASCII is in every normal form already, and split knows all white space: half the time of a file
        return " ".join((value if value.isascii() else unicodedata.normalize("NFC", value)).split())
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    if isinstance(value, dict):
        return {key: _canonical(inner) for key, inner in value.items()}
    return [_canonical(inner) for inner in value] if isinstance(value, list | tuple) else value
