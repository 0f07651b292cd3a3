"""Closure files of a folder as layers, and layers as plain values for the record.

Shared by `tasks.live_calendars` and, without any database, by `dispatch promise --overrides`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time
from pathlib import Path
from typing import Any

from calendars.operating import Override
from calendars.overrides import Layer, OverrideRefused, read_overrides


def read_layers(folder: Path, *, through: date) -> tuple[Layer, ...]:
    """All closure files of a folder, in the order of their names; hidden files are passed over.

    Raises `OverrideRefused` for anything a file may not say, NotADirectoryError for what is no folder.
    """
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is not a folder of closure files (.yaml, .csv, .ics)")
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    return tuple(layer for path in files for layer in _layers_of(path, through))


def _layers_of(path: Path, through: date) -> tuple[Layer, ...]:
    try:
        return read_overrides(path, through=through)
    except OSError as error:
        raise OverrideRefused(path.name, 0, str(error)) from error


def as_json(layers: Sequence[Layer]) -> list[dict[str, Any]]:
    """Layers as plain values: ISO dates and wall times."""
    return [
        {
            "name": layer.name,
            "entries": [
                {
                    "first": entry.first.isoformat(), "last": entry.last.isoformat(), "open": entry.open,
                    "reason": entry.reason, "source": entry.source,
                }
                for entry in layer.entries
            ],
            "cutoff_on": [[day.isoformat(), wall.isoformat("minutes")] for day, wall in layer.cutoff_on],
        }
        for layer in layers
    ]  # fmt: skip


def from_json(rows: Sequence[dict[str, Any]]) -> tuple[Layer, ...]:
    """The layers `as_json` wrote."""
    return tuple(
        Layer(
            name=row["name"],
            entries=tuple(
                Override(
                    first=date.fromisoformat(entry["first"]), last=date.fromisoformat(entry["last"]),
                    open=entry["open"], reason=entry["reason"], source=entry["source"],
                )
                for entry in row["entries"]
            ),
            cutoff_on=tuple((date.fromisoformat(day), time.fromisoformat(wall)) for day, wall in row["cutoff_on"]),
        )
        for row in rows
    )  # fmt: skip
