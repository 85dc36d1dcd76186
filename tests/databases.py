"""Databases of this version's schema, without the time that migrations take."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import sqlalchemy as sa

from deployr.store.migrate import migrate


def make_tables(url: str) -> None:
    """What :func:`migrate` makes of an empty database; SQLite gets a copy of what it made once in this process."""
    parts = sa.make_url(url)
    if parts.get_backend_name() == "sqlite" and parts.database:
        Path(parts.database).write_bytes(_migrated())
    else:
        migrate(url)


@functools.cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "deployr.db"
        migrate(f"sqlite:///{path}")
        return path.read_bytes()
