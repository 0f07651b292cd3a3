"""What the commands of `dispatch` share: a prepared desk, tables for people, JSON for machines.

Imported by the modules that register commands; cheap, because `--help` pays for it. Results go to standard output,
everything said about them to standard error.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra import clock
from infra.settings import Settings, read_settings

out = Console()
aside = Console(stderr=True)

ROOMY = 90
"""Columns of a terminal from which on keys and dates stay on one line; below, everything folds and nothing is cut."""

AsJson = Annotated[bool, Parameter(name="--json", negative="", help="JSON on standard output, nothing else.")]
At = Annotated[
    datetime | None, Parameter(name="--at", help="Hold the clock at this instant (ISO 8601 with zone); default: now.")
]


@contextlib.contextmanager
def at_the_desk(at: datetime | None = None) -> Iterator[Any]:
    """A prepared desk: an embedded database nobody has made yet is made first, and said so."""
    from tasks import desk  # noqa: PLC0415 - half a second that --help does without

    settings = read_settings()
    with clock.held(at) if at else contextlib.nullcontext():
        if settings.database_url is None and not _is_made(settings):
            made = prepare(settings)
            aside.print(f"made {settings.home / 'dispatch.db'}: {made.partners} example partners, opening stock")
        opened = desk.open_desk(settings)
        try:
            with desk.using(opened):
                yield opened
        finally:
            opened.close()


def _is_made(settings: Settings) -> bool:
    """The embedded database exists and has a schema: a run that died while making it left none."""
    from infra.db.engine import Database  # noqa: PLC0415 - half a second that --help does without
    from infra.db.schema import revision_of  # noqa: PLC0415 - half a second that --help does without

    if not (settings.home / "dispatch.db").exists():
        return False
    database = Database(settings.database)
    try:
        return revision_of(database) is not None
    finally:
        database.close()


def prepare(settings: Settings) -> Any:
    """Migrates, and adds the pack's example partners and stock where they are missing."""
    from infra.db.engine import Database  # noqa: PLC0415 - half a second that --help does without
    from infra.policy.pack import load_pack  # noqa: PLC0415 - half a second that --help does without
    from tasks import installation  # noqa: PLC0415 - half a second that --help does without

    database = Database(settings.database)
    try:
        return installation.prepare(database, load_pack(settings.policy))
    finally:
        database.close()


def show(
    title: str,
    columns: list[str],
    rows: list[list[Any]],
    *,
    right: tuple[str, ...] = (),
    whole: tuple[str, ...] = (),
) -> None:
    """A table; cells are shown as they are, never as markup.

    `right` names the columns of numbers, `whole` those that are not folded while the terminal is wide enough.
    """
    # rules between columns would take a fifth of a terminal of 100 columns
    table = Table(
        title=Text(title) if title else None, title_justify="left", title_style="bold", header_style="underline",
        box=None, padding=(0, 2, 0, 0), pad_edge=False,
    )  # fmt: skip
    roomy = out.width >= ROOMY
    for column in columns:
        table.add_column(
            column,
            justify="right" if column in right else "left",
            no_wrap=column in right or (roomy and column in whole),
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    out.print(table)


def show_json(facts: Any) -> None:
    """One JSON value on standard output; dates as ISO 8601, money as text."""
    sys.stdout.write(json.dumps(facts, ensure_ascii=False, default=str) + "\n")


def say(words: str, *, style: str = "") -> None:
    """One paragraph on standard output, never read as markup."""
    out.print(Text(words, style=style))


def complain(trouble: object) -> int:
    """Says what is wrong on standard error; the exit status of a command that could not do what it was asked."""
    aside.print(Text(str(trouble), style="bold red"))
    return 2
