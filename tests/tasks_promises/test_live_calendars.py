"""What is published is what every process promises from, whatever snapshot it ships with."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date, time
from pathlib import Path

import pytest

from calendars import snapshot
from calendars.compiler import compile_snapshot
from calendars.overrides import OverrideRefused, layers_from_yaml
from tasks import closure_files, live_calendars
from tasks.desk import Desk
from tasks.live_calendars import Calendars, live_promiser, publish
from tests.tasks_promises.scenes import STRIKE, closures, write_closures


def live(at_desk: Desk) -> live_calendars.Published:
    return live_calendars.live(at_desk.database, at_desk.documents, at_desk.settings.home)


def test_before_the_first_publication_the_shipped_days_count(at_desk: Desk) -> None:
    """Number 0: the snapshot of this code, no closures."""
    found = live(at_desk)

    assert (found.number, found.calendars.layers) == (0, ())
    assert found.calendars.snapshot is snapshot.load()


def test_closures_come_back_as_they_were_published(at_desk: Desk) -> None:
    """Layers survive the record: entries, sources and half days."""
    half_day = layers_from_yaml(
        'calendar: depot/NL-VNL\nthrough: 2026-12-31\ncutoff_on: {2026-12-24: "12:00"}\n', file="half.yaml"
    )
    calendars = replace(closures(STRIKE), layers=(*closures(STRIKE).layers, *half_day))
    publish(at_desk, calendars)

    assert live(at_desk).calendars.layers == calendars.layers
    assert live(at_desk).calendars.layers[1].cutoff_on == ((date(2026, 12, 24), time(12)),)


def test_the_newest_publication_is_live(at_desk: Desk) -> None:
    """Rows are never changed; the last one counts."""
    publish(at_desk, closures(STRIKE))
    second = publish(at_desk, closures())

    assert live(at_desk).number == second.number
    assert live(at_desk).calendars.layers == ()


def test_a_promiser_is_kept_while_nothing_changes(at_desk: Desk) -> None:
    """What it has compiled is worth keeping; a publication replaces it, on the desk too."""
    first = live_promiser(at_desk)
    kept = live_promiser(at_desk)
    publish(at_desk, closures(STRIKE))
    fresh = live_promiser(at_desk)

    assert kept is first
    assert fresh is not first
    assert at_desk.promiser is fresh


def test_another_snapshot_comes_out_of_the_document_store(at_desk: Desk, tmp_path: Path) -> None:
    """Regions compiled on one machine are read on another that ships others, under the same version."""
    policy = tmp_path / "policy.yaml"
    text = (snapshot.FOLDER / "policy.yaml").read_text("utf-8")
    policy.write_text(text.replace("2033-12-31", "2033-12-30"), "utf-8")  # a day less: other bytes, another version
    compiled = compile_snapshot(policy)
    folder = tmp_path / "compiled"
    folder.mkdir()
    compiled.write(folder)
    other = snapshot.load_from(folder)
    publish(at_desk, Calendars(snapshot=other))
    shutil.rmtree(folder)
    found = live(at_desk).calendars.snapshot

    assert found.version == other.version != snapshot.load().version
    assert found.calendar("DE-BY").why_closed(date(2026, 12, 25))


def test_recompiling_the_same_data_gives_the_same_version(at_desk: Desk) -> None:
    """So a rebuild on an unchanged installation changes nothing."""
    again = live_calendars.recompiled(at_desk.settings.home)

    assert again.version == snapshot.load().version


class TestFiles:
    def test_files_are_read_in_the_order_of_their_names(self, tmp_path: Path) -> None:
        """Later files win, hidden ones are passed over."""
        folder = write_closures(tmp_path / "overrides", STRIKE)
        (folder / "00-first.csv").write_text(
            "scope,from,to,open,cutoff,reason,source\nregion/DK,2026-11-20,2026-11-20,no,,storm,\n"
        )
        (folder / ".swp").write_text("not for us")
        names = [layer.name for layer in closure_files.read_layers(folder, through=date(2030, 12, 31))]

        assert names == ["region/DK", "depot/DK-CPH"]

    def test_a_strange_file_is_refused(self, tmp_path: Path) -> None:
        """Half a list of closures is worse than none."""
        folder = write_closures(tmp_path / "overrides", STRIKE)
        (folder / "notes.txt").write_text("strike on Friday?")

        with pytest.raises(OverrideRefused, match=r"notes\.txt"):
            closure_files.read_layers(folder, through=date(2030, 12, 31))

    def test_a_folder_that_is_none_is_refused(self, tmp_path: Path) -> None:
        """A misspelt folder must not read as «no closures»."""
        with pytest.raises(NotADirectoryError):
            closure_files.read_layers(tmp_path / "nowhere", through=date(2030, 12, 31))
