"""How texts go to PostgreSQL; imported only where its driver is there."""

from __future__ import annotations

from typing import Any

from psycopg.abc import Buffer
from psycopg.types.string import StrDumperUnknown
from sqlalchemy.pool import ConnectionPoolEntry


class _TextDumper(StrDumperUnknown):
    """NUL, which texts of PostgreSQL cannot hold, becomes U+FFFD: so no name with one is found, as with SQLite."""

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(obj.replace("\0", "\ufffd"))


def prepare(connection: Any, _entry: ConnectionPoolEntry) -> None:
    """Let a new connection send texts so."""
    connection.adapters.register_dumper(str, _TextDumper)
