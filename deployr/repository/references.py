"""Which blobs are in use: those that a row names."""

from __future__ import annotations

import sqlalchemy as sa

from deployr.store.schema import BLOB_COLUMNS

_AFTER_DIGITS = "g"


def used(connection: sa.Connection, prefix: str) -> set[str]:
    """SHA-256 of all blobs of a prefix that rows refer to, whatever the rows are about."""
    found: set[str] = set()
    for column in BLOB_COLUMNS:
        found.update(connection.scalars(sa.select(column).distinct().where(begins_with(column, prefix))))
    return found


def begins_with(column: sa.Column[str], prefix: str) -> sa.ColumnElement[bool]:
    """Condition: the SHA-256 begins with these digits; indexes serve it, which they do not for ``LIKE``."""
    return column.between(prefix, prefix + _AFTER_DIGITS)
