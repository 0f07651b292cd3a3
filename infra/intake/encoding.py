"""Bytes made into text: marks and strict decoders first, statistics last.

UTF-8 and UTF-16 prove themselves. What remains is a legacy code page of Windows. charset-normalizer says which of
them are possible, looking at the lines that hold anything but ASCII; between those the words decide, because it reads
`Søren` as `Sřren` (measured on Danish address lists). Called by `csv_table` and `jsonl_table`.
"""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

from charset_normalizer import from_bytes

from infra.intake.faults import DamagedFile

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
CODE_PAGES = ["cp1252", "cp1250", "cp932"]
"""Western, Central European, Japanese: what Excel writes in the countries served. The first wins among equals."""

ALPHABETS: dict[str, tuple[frozenset[str], ...]] = {
    "cp1252": tuple(
        map(
            frozenset,
            ("æøåéöä", "åäöéü", "äöüßé", "àâçéèêëîïôùûüœæ", "áéíóúñüªº", "áâãàçéêíóôõúªº", "àèéìíòóù", "áðéíóúýþæö"),
        )
    ),
    "cp1250": tuple(
        map(frozenset, ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áéíóöőúüű", "áäčďéíĺľňóôŕšťúýž", "ăâîşţ", "čćđšž"))
    ),
}
"""Letters beyond ASCII that one language uses together, by code page: no word is at once Danish and Czech."""

_WORDS = re.compile(r"[^\s!-/:-@\[-`{-~]+")
_JAPANESE = re.compile(r"[\u3005-\u30ff\u4e00-\u9fff\d]+")
_SAMPLE_BYTES = 64 * 1024
_BEYOND_ASCII = re.compile(rb"[^\r\n]*[\x80-\xff][^\r\n]*")
_BINARY = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")


class Decoded(NamedTuple):
    text: str
    encoding: str
    guessed: bool


def decoded(content: bytes) -> Decoded:
    """The text of a file. Raises `DamagedFile` for what is no text."""
    found = _by_mark(content) or _by_proof(content) or _by_guess(content)
    if _BINARY.search(found.text[:_SAMPLE_BYTES]) and _looks_binary(found.text[:_SAMPLE_BYTES]):
        raise DamagedFile("not_text")
    return found


def _looks_binary(sample: str) -> bool:
    """More than one odd control character in a hundred; a single one is the fault of its row."""
    return "\x00" in sample or len(_BINARY.findall(sample)) * 100 > len(sample)


def _by_mark(content: bytes) -> Decoded | None:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            try:
                return Decoded(content.decode(encoding), encoding, guessed=False)
            except UnicodeDecodeError:
                raise DamagedFile("not_text") from None
    return None


def _by_proof(content: bytes) -> Decoded | None:
    encoding = _unmarked_utf16(content[:1000]) or "utf-8"
    try:
        return Decoded(content.decode(encoding), encoding, guessed=False)
    except UnicodeDecodeError:
        return None


def _unmarked_utf16(start: bytes) -> str | None:
    """Mostly-ASCII UTF-16 without a mark has a zero in every second byte."""
    half = len(start) // 2
    if half and start[1::2].count(0) > half * 0.7 and start[::2].count(0) == 0:
        return "utf-16-le"
    return "utf-16-be" if half and start[::2].count(0) > half * 0.7 and start[1::2].count(0) == 0 else None


def _by_guess(content: bytes) -> Decoded:
    sample = b"\n".join(_telling_lines(content))
    possible = {page for match in from_bytes(sample, cp_isolation=CODE_PAGES) for page in match.could_be_from_charset}
    ranked = sorted(CODE_PAGES, key=lambda page: (page in possible, _explained(sample, page)), reverse=True)
    try:
        return Decoded(content.decode(ranked[0]), ranked[0], guessed=True)
    except UnicodeDecodeError:
        # five bytes mean nothing in Windows-1252; Latin-1 reads every byte, and the control check judges the row
        return Decoded(content.decode("latin-1"), "latin-1", guessed=True)


def _explained(sample: bytes, page: str) -> int:
    """How many words read under `page` look like words of one language written with it."""
    words = {word for word in _WORDS.findall(sample.decode(page, "replace").lower()) if not word.isascii()}
    if page == "cp932":
        return sum(_JAPANESE.fullmatch(word) is not None for word in words)
    beyond = (frozenset(letter for letter in word if not letter.isascii()) for word in words)
    return sum(any(letters <= alphabet for alphabet in ALPHABETS[page]) for letters in beyond)


def _telling_lines(content: bytes) -> list[bytes]:
    lines: list[bytes] = []
    size = 0
    for found in _BEYOND_ASCII.finditer(content):
        lines.append(found[0][:1000])
        size += len(lines[-1])
        if size > _SAMPLE_BYTES:
            break
    return lines
