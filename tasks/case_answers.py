"""Answers a file of next-business-day cases: how acceptance and planners ask, many times at once.

Called by `dispatch promise --cases`. Knows the calendars alone: no policy, no database, no Prefect, nothing kept.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from calendars.cases import answer_document


class UnreadableCases(ValueError):
    """The document is not JSON of the cases' format: mend it, nothing was answered."""


def answer_cases(path: Path) -> list[dict[str, Any]]:
    """One answer per case of the document, in order; `-` reads standard input. Raises `UnreadableCases`, OSError."""
    raw = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    try:
        document = json.loads(raw)
    except ValueError as error:
        raise UnreadableCases(f"{path}: not JSON: {error}") from error
    cases = document.get("cases") if isinstance(document, dict) else None
    if not isinstance(cases, list) or not all(isinstance(case, dict) for case in cases):
        raise UnreadableCases(f'{path}: expected an object with a list "cases" of objects')
    return answer_document(document)
