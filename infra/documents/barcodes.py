"""Code 128 and QR: drawn as SVG for the press, and read back from pixels.

Called by `pick_list` and `packing_slip`; `decode` by the tests, which scan every page we print, and by whoever
must check a carrier's label. One library draws and reads, but the reader works from pixels alone.
"""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import zxingcpp


class NotEncodableError(ValueError):
    """The text has no bar code: Code 128 takes 1 to 48 printable ASCII characters, QR 1 to 500 characters."""


_PRINTABLE_ASCII = re.compile(r"[\x20-\x7e]{1,48}")
_READ = zxingcpp.barcode_formats_from_str("Code128,QRCode")
_PATH = re.compile(r'<path d="([^"]+)"')
_SIZE = re.compile(r'<svg [^>]*?width="(\d+)" height="(\d+)"')


@lru_cache(maxsize=16_384)
def code128_svg(text: str) -> str:
    """Bars of `text` without quiet zones, one module one unit wide: the page leaves 10 modules white on each side.

    Sixteen letters and digits are 211 modules at most; a hand scanner wants 0.19 mm (7.5 mil) a module or more.
    Raises `NotEncodableError`.
    """
    if not _PRINTABLE_ASCII.fullmatch(text):
        raise NotEncodableError(f"{text!r}: {NotEncodableError.__doc__}")
    return _svg(zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.Code128), quiet=False)


@lru_cache(maxsize=1_024)
def qr_svg(text: str) -> str:
    """A full QR code with its quiet zone and error correction M; never a Micro QR, which many hand scanners refuse.

    Raises `NotEncodableError`.
    """
    if not 1 <= len(text) <= 500:
        raise NotEncodableError(f"{text!r}: {NotEncodableError.__doc__}")
    return _svg(zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M"), quiet=True)


def modules(svg: str) -> int:
    """Width in modules of a drawing made here."""
    return int(_found(_SIZE, svg).group(1))


def decode(image: npt.NDArray[np.uint8] | object) -> tuple[str, ...]:
    """Texts of all Code 128 and QR codes in a picture (a PIL image, or a grey or BGR numpy array), sorted.

    A code that is damaged, or too small for the resolution, is left out: compare with what you expect.
    """
    return tuple(sorted(found.text for found in zxingcpp.read_barcodes(image, formats=_READ)))


def _svg(barcode: zxingcpp.Barcode, *, quiet: bool) -> str:
    """The drawing alone: document type and white ground would be a third of a list's bytes."""
    drawn = barcode.to_svg(scale=1, add_quiet_zones=quiet)
    width, height = _found(_SIZE, drawn).groups()
    path = _found(_PATH, drawn).group(1)
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"><path d="{path}"/></svg>'


def _found(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    match = pattern.search(text)
    assert match is not None, f"the library's SVG has changed its form: {text[:200]}"
    return match
