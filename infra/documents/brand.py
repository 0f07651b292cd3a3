"""Whose name stands on a slip or a letter: the vendor's or the partner's, as the plan says.

Made by `tasks.notices` and `tasks.pick_lists`; read by `letters` and `packing_slip`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """`colour` is #rrggbb, used for the bar above a letter; nothing else about a brand reaches a style sheet."""

    name: str
    email: str
    phone: str | None = None
    colour: str = "#1f4e5f"

    def __post_init__(self) -> None:
        if not _COLOUR.fullmatch(self.colour):
            raise ValueError(f"brand {self.name!r}: colour {self.colour!r} is not of the form #1f4e5f")

    @property
    def ink(self) -> str:
        """Black or white, whichever is easier to read on the brand's colour (relative luminance, WCAG 2)."""
        red, green, blue = (_linear(int(self.colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
        return "#000000" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 else "#ffffff"


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
