"""Draws a backtest: kept and missed promises per depot under both policies, as SVG, or as PNG made from it.

Called by `dispatch backtest --chart`. Hand-made SVG: a bar chart needs no plotting library. A bar's length is a number
of requests; the live policy's bar stands above the other's, the missed part at its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from html import escape
from pathlib import Path

from tasks.backtests import Backtest
from tasks.rules.backtesting import Compared, Tally

WIDTH, LEFT, RIGHT, TOP = 900, 110, 230, 96
ROW, BAR, GAP = 54, 18, 4
KEPT, MISSED, INK, PALE = "#2f7d4f", "#c8452f", "#222222", "#dddddd"
"""Green and red that also differ in lightness, for readers who see no red; the numbers stand beside the bars."""


class UnknownChart(ValueError):
    """A chart is written as .svg or .png."""


def write_chart(tested: Backtest, path: Path) -> None:
    """Writes `path`, by its ending. Raises `UnknownChart`, OSError."""
    drawn = svg(tested)
    if path.suffix == ".svg":
        path.write_text(drawn, encoding="utf-8")
    elif path.suffix == ".png":
        path.write_bytes(_png(drawn))
    else:
        raise UnknownChart(f"{path.name}: {UnknownChart.__doc__}")


def svg(tested: Backtest) -> str:
    """The chart as a document of its own; equal backtests give equal bytes."""
    groups = [tested.verdict.total, *tested.verdict.by_depot]
    most = max((side.sent + side.unsent for each in groups[1:] for side in (each.live, each.other)), default=1)
    height = TOP + ROW * len(groups) + 30
    longest = [_all(groups[0]), *(most for _ in groups[1:])]
    drawn = (
        _group(each, place, limit, tested) for place, (each, limit) in enumerate(zip(groups, longest, strict=True))
    )
    body = "\n".join(drawn)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'font-family="Helvetica, Arial, DejaVu Sans Mono, sans-serif" font-size="12" fill="{INK}">\n'
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>\n{_heading(tested)}\n{body}\n</svg>\n'
    )


def _all(total: Compared) -> int:
    return max(1, total.live.sent + total.live.unsent)


def _heading(tested: Backtest) -> str:
    days = f"{tested.since} to {tested.until}"
    lines = [
        _text(20, 30, f"Promises of {tested.verdict.requests} requests, {days} (UTC)", size=18),
        _text(20, 52, f"upper bar: live policy {tested.live_version}; lower bar: other policy {tested.other_version}"),
        f'<rect x="20" y="64" width="12" height="12" fill="{KEPT}"/>{_text(38, 75, "kept")}',
        f'<rect x="90" y="64" width="12" height="12" fill="{MISSED}"/>{_text(108, 75, "missed")}',
        _text(WIDTH - 20, 75, f"extra freight, {tested.currency}", anchor="end"),
    ]
    return "\n".join(lines)


def _group(each: Compared, place: int, most: int, tested: Backtest) -> str:
    top = TOP + ROW * place
    line = f'<line x1="20" x2="{WIDTH - 20}" y1="{top}" y2="{top}" stroke="{PALE}"/>'
    name = _text(20, top + BAR + 12, "all depots" if each is tested.verdict.total else each.name)
    bars = _bar(each.live, top + 6, most) + _bar(each.other, top + 6 + BAR + GAP, most)
    return f"{line}\n{name}\n{bars}\n{_text(WIDTH - 20, top + BAR + 12, _signed(each.extra_freight), anchor='end')}"


def _bar(side: Tally, top: int, most: int) -> str:
    scale = (WIDTH - LEFT - RIGHT) / max(1, most)
    kept, missed = side.kept * scale, side.missed * scale
    return (
        f'<rect x="{LEFT}" y="{top}" width="{kept:.1f}" height="{BAR}" fill="{KEPT}"/>'
        f'<rect x="{LEFT + kept:.1f}" y="{top}" width="{missed:.1f}" height="{BAR}" fill="{MISSED}"/>'
        + _text(LEFT + kept + missed + 6, top + 13, f"{side.kept} / {side.missed}")
    )


def _signed(amount: Decimal) -> str:
    return f"{amount:+,.2f}" if amount else "0.00"


def _text(x: float, y: float, words: str, *, size: int = 12, anchor: str = "start") -> str:
    return f'<text x="{x:.0f}" y="{y}" font-size="{size}" text-anchor="{anchor}">{escape(words)}</text>'


def _png(drawn: str) -> bytes:
    """Rendered by typst, which prints our papers too, with the fonts it brings."""
    import typst  # noqa: PLC0415 - a tenth of a second that a table or an SVG does without

    page = b'#set page(width: auto, height: auto, margin: 0pt)\n#image(bytes(sys.inputs.chart), format: "svg")'
    made = typst.compile(page, format="png", sys_inputs={"chart": drawn}, ignore_system_fonts=True, ppi=144)
    assert isinstance(made, bytes), "one page, not a list of pages"
    return made


def rows(groups: Sequence[Compared]) -> list[list[str]]:
    """A table's rows: name, then requests, kept and missed as live and other, and the extra freight."""
    return [
        [
            each.name,
            *(f"{old} → {new}" for old, new in _pairs(each)),
            _signed(each.extra_freight),
        ]
        for each in groups
    ]


def _pairs(each: Compared) -> list[tuple[int, int]]:
    live, other = each.live, each.other
    return [
        (live.sent + live.unsent, other.sent + other.unsent), (live.kept, other.kept), (live.missed, other.missed),
        (live.nbd, other.nbd),
    ]  # fmt: skip
