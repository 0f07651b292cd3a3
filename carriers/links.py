"""Where a person follows a parcel: the carriers' public tracking pages. Used in letters and on screens."""

from __future__ import annotations

from urllib.parse import quote

_PAGES = {"ups": "https://www.ups.com/track?tracknum={number}"}
"""Published by the carriers, read 2026-11."""


def tracking_url(carrier: str, number: str) -> str | None:
    """The page for one tracking number; None for a carrier without one."""
    page = _PAGES.get(carrier)
    return page.format(number=quote(number, safe="")) if page else None
