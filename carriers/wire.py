"""JSON to and from bytes, with the fast library where it is installed. Called by adapters and by the sandbox."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

to_bytes: Callable[[Any], bytes]
"""Compact UTF-8 JSON."""
from_bytes: Callable[[bytes], Any]
"""The value. Raises `ValueError` for anything that is not one whole JSON document."""

if find_spec("orjson"):  # it comes with Prefect, which this room does not need
    import orjson

    to_bytes, from_bytes = orjson.dumps, orjson.loads
else:
    _encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

    def to_bytes(value: Any) -> bytes:
        return _encode(value).encode()

    from_bytes = json.loads
