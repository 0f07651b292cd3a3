"""Laying papers out as files under the names people know, for those who fetch them from a folder.

Called by `dispatch papers` and by the demo. Reads the record, copies from the document store, changes neither.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from infra.db.records import Document
from tasks.desk import desk


def lay_out(folder: Path, *, depot: str | None = None) -> list[Path]:
    """Every released wave's papers (of one depot) into `folder`; files of the same name are overwritten."""
    at_desk = desk()
    folder.mkdir(parents=True, exist_ok=True)
    query = select(Document.name, Document.sha256).where(Document.wave_id.is_not(None)).order_by(Document.id)
    if depot:
        query = query.where(Document.name.startswith(f"{depot}-", autoescape=True))
    with at_desk.database.read() as session:
        papers = session.execute(query).all()
    written = []
    for name, key in papers:
        path = folder / name
        path.write_bytes(at_desk.documents.fetch(key))
        written.append(path)
    return written
