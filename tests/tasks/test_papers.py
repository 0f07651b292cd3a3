"""Papers of released waves under the names people know."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.db.engine import Database
from infra.db.records import Document
from infra.storage import content_key
from tasks.papers import lay_out
from tests import makers
from tests.tasks import scenes
from tests.tasks.scenes import COPENHAGEN, HANDSET, VENLO

pytestmark = pytest.mark.usefixtures("at_desk")


def _two_waves(database: Database) -> None:
    scenes.approved(database, "R-1", depots=[COPENHAGEN, VENLO])
    with database.write() as session:
        makers.request(session, "R-2", lines={HANDSET: 1}, country="NL", postal_code="5911")
    scenes.run_wave()


def test_every_paper_is_laid_out(database: Database, tmp_path: Path) -> None:
    """Five per wave, with the bytes of the store; single labels are not among them."""
    _two_waves(database)
    written = lay_out(tmp_path / "out" / "papers")
    known = {each.name: each.sha256 for each in scenes.rows(database, Document) if each.wave_id}

    assert {path.name: content_key(path.read_bytes()) for path in written} == known
    assert len(written) == 10


def test_one_depots_papers_only(database: Database, tmp_path: Path) -> None:
    """The names begin with the depot's code; a pattern character in it means itself."""
    _two_waves(database)

    assert {path.name[:6] for path in lay_out(tmp_path, depot=VENLO)} == {"NL-VNL"}
    assert lay_out(tmp_path, depot="%") == []


def test_laying_out_again_overwrites(database: Database, tmp_path: Path) -> None:
    """The same files again, whatever lay under their names."""
    _two_waves(database)
    first = lay_out(tmp_path)
    for path in first:
        path.write_bytes(b"scribbled over")

    assert lay_out(tmp_path) == first
    assert all(path.read_bytes() != b"scribbled over" for path in first)


def test_nothing_released_is_nothing_laid_out(tmp_path: Path) -> None:
    """An empty record leaves an empty folder."""
    assert lay_out(tmp_path / "papers") == []
    assert list((tmp_path / "papers").iterdir()) == []
