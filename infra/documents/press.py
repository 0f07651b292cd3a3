"""typst, kept warm: facts in as JSON, PDF out.

Called by `pick_list` and `packing_slip`. Facts are never written into markup: a template reads them as strings, so a
company called `#eval("…")` is printed as just that. Only fonts inside the typst wheel are used and no package is
fetched, so the same facts give the same bytes on every machine that has the same typst.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import typst

from infra.clock import aware_utc

TEMPLATES = Path(__file__).parent / "templates"


_BETWEEN_WORDS = re.compile(r"([\s-]+)")
_ZERO_WIDTH_SPACE = "\u200b"


def foldable(text: str, most: int) -> str:
    """`text` that fits a column `most` characters wide: only a longer word gets invisible places to break.

    Control characters become spaces: nothing from outside may start a line of its own.
    """
    pieces = _BETWEEN_WORDS.split(text.translate(_CONTROLS_TO_SPACES))
    return "".join(piece if len(piece) <= most else _ZERO_WIDTH_SPACE.join(piece) for piece in pieces)


_CONTROLS_TO_SPACES = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)], " ")


class Press:
    """One warm compiler for one template; safe to share between threads, which take turns."""

    def __init__(self, template: str) -> None:
        self._compiler = typst.Compiler(TEMPLATES / template, root=TEMPLATES, ignore_system_fonts=True)
        self._turn = threading.Lock()

    def pdf(self, facts: Mapping[str, Any], *, printed_at: datetime) -> bytes:
        """The document; `printed_at` (aware) is its creation date. Characters without a glyph print as a box."""
        with self._turn:
            pdf = self._compile(facts, printed_at)
            _CACHE.shed()
        return pdf

    def pdf_and_pages(self, facts: Mapping[str, Any], *, printed_at: datetime) -> tuple[bytes, dict[str, int]]:
        """The document, and the page, from 1, of each key marked in it with `#metadata((key:, page:)) <page>`."""
        with self._turn:
            pdf = self._compile(facts, printed_at)
            marks = json.loads(self._compiler.query("<page>", field="value"))
            _CACHE.shed()
        return pdf, {mark["key"]: mark["page"] for mark in marks}

    def _compile(self, facts: Mapping[str, Any], printed_at: datetime) -> bytes:
        stated = json.dumps(facts, ensure_ascii=False)
        pdf = self._compiler.compile(format="pdf", sys_inputs={"facts": stated}, timestamp=aware_utc(printed_at))
        assert isinstance(pdf, bytes), "one PDF, not a list of pages"
        _CACHE.used(len(stated))
        return pdf


class _Cache:
    """typst's memory of what it has laid out: of one process, and cleared only by growing old.

    Each compilation ages every entry by one, and those older than ten go. A wave's papers are printed once, so their
    entries are dead weight (half a megabyte a parcel) and make the next wave slower to look up: after enough text a
    few empty pages are compiled. Measured over 1,000 slips: 219 MB instead of 715, and half the time.
    """

    GENERATIONS = 11
    ENOUGH_TEXT = 80_000
    """Characters of facts: some 50 slips, 25 MB; smaller documents find the templates still warm."""

    def __init__(self) -> None:
        self._text = 0
        self._empty: typst.Compiler | None = None
        self._turn = threading.Lock()

    def used(self, text: int) -> None:
        """So many characters were laid out."""
        with self._turn:
            self._text += text

    def shed(self) -> None:
        """Let go of what is laid out, once it is enough; after the last question about it."""
        with self._turn:
            if self._text < self.ENOUGH_TEXT:
                return
            self._text = 0
            self._empty = self._empty or typst.Compiler(
                TEMPLATES / "empty.typ", root=TEMPLATES, ignore_system_fonts=True
            )
            for _ in range(self.GENERATIONS):
                self._empty.compile(format="svg")


_CACHE = _Cache()


@cache
def press(template: str) -> Press:
    """The press for a template in `templates/`, made on first use and kept."""
    return Press(template)
