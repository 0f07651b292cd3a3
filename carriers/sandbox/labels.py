"""Thermal labels, 4 x 6 inch at 203 dpi (812 x 1218 dots), as real printers take them. Pure; used by the dialects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_PLAIN = frozenset(b" !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]abcdefghijklmnopqrstuvwxyz{|}")
"""Bytes that stand for themselves; `^`, `~`, `\\` and the escape sign `_` do not, nor does anything beyond ASCII."""
_ESCAPED = [chr(byte) if byte in _PLAIN else f"_{byte:02X}" for byte in range(256)]

_FROM_ROWS, _TO_ROWS = 6, 7
_TEMPLATE = (
    "^XA^CI28^PW812^LL1218^LH0,0^PON"
    + "".join(f"^FO30,{30 + 28 * row}^A0N,24,24^FH^FD%s^FS" for row in range(_FROM_ROWS))
    + "^FO560,30^A0N,30,30^FH^FD%s^FS^FO560,70^A0N,30,30^FH^FD%s^FS"
    + "^FO20,210^GB772,3,3^FS^FO30,225^A0N,26,26^FDSHIP TO:^FS"
    + "".join(f"^FO60,{258 + 36 * row}^A0N,32,32^FH^FD%s^FS" for row in range(_TO_ROWS))
    + "^FO20,520^GB772,8,8^FS^FO30,545^A0N,56,56^FH^FD%s^FS^FO30,610^A0N,30,30^FDTRACKING #: %s^FS"
    + "^FO20,660^GB772,3,3^FS^FO60,690^BY3^BCN,230,N,N,N,A^FD%s^FS"
    + "^FO20,950^GB772,8,8^FS^FO30,975^A0N,26,26^FH^FDBILLING: %s^FS^FO30,1010^A0N,26,26^FH^FDREF 1: %s^FS"
    + "^FO60,1050^BY2^BCN,80,N,N,N,A^FH^FD%s^FS^FO30,1160^A0N,22,22^FH^FD%s^FS^XZ"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelText:
    """What a label says. `sender` and `receiver` are address lines, first to last; surplus ones are left out."""

    sender: Sequence[str]
    receiver: Sequence[str]
    ship_on: str
    weight: str
    service: str
    tracking_number: str
    billing: str
    reference: str
    note: str


def zpl(text: LabelText) -> bytes:
    """The label in ZPL II: UTF-8 escaped by `^FH`, tracking number and reference as Code 128."""
    fields = (
        *_rows(text.sender, _FROM_ROWS),
        escaped(text.weight),
        escaped(text.ship_on),
        *_rows(text.receiver, _TO_ROWS),
        escaped(text.service),
        text.tracking_number,
        text.tracking_number,
        escaped(text.billing),
        escaped(text.reference),
        escaped(text.reference),
        escaped(text.note),
    )
    return (_TEMPLATE % fields).encode("ascii")


def escaped(text: str) -> str:
    """`text` as a `^FH` field: every byte that ZPL or ASCII would trip over as `_` and two hexadecimal digits."""
    return "".join([_ESCAPED[byte] for byte in text.encode()])


def _rows(lines: Sequence[str], count: int) -> list[str]:
    shown = [escaped(line) for line in lines if line][:count]
    return shown + [""] * (count - len(shown))
