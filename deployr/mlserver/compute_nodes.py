"""The list of compute nodes, which all web workers share (9x-facts 12).

The nodes of this server are those of its grid, which the settings name; each has a URI on this machine. The list says
which of them clients are told about; an entry for which there is no node is kept, and the status shows it as failed.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import urlsplit

import sqlalchemy as sa

from deployr.errors import InvalidParameter
from deployr.mlserver.node_entries import DEFAULT_PORT, expand
from deployr.store.database import Database
from deployr.store.schema import compute_nodes

_LOCAL = {"localhost", "127.0.0.1"}
_MAX_ENTRIES = 1000


class ComputeNodes:
    """The entries of the list.

    Args:
        nodes: how many nodes the grid has.
    """

    def __init__(self, database: Database, nodes: int) -> None:
        self._database = database
        self._nodes = nodes

    def entries(self) -> list[str]:
        """The entries as they were given; those of the grid's nodes when none were ever given."""
        query = sa.select(compute_nodes.c.entry).order_by(compute_nodes.c.position)
        with self._database.reading() as connection:
            return list(connection.scalars(query)) or self._defaults()

    def uris(self) -> Iterator[str]:
        """What the entries stand for; ranges may stand for many."""
        return itertools.chain.from_iterable(expand(entry) for entry in self.entries())

    def set(self, entries: Sequence[str]) -> None:
        """Replace the list; an empty one brings back the nodes of the grid.

        Raises:
            InvalidParameter: an entry is no URI or range.
        """
        _check(entries)
        self._replace(lambda _: [*entries])

    def add(self, entries: Sequence[str]) -> None:
        """Add entries that are not in the list.

        Raises:
            InvalidParameter: an entry is no URI or range.
        """
        _check(entries)
        self._replace(lambda present: [*present, *entries])

    def remove(self, entries: Sequence[str]) -> None:
        """Remove entries, which are matched by their text; others are left out of account.

        Raises:
            InvalidParameter: an entry is no URI or range.
        """
        _check(entries)
        self._replace(lambda present: [entry for entry in present if entry not in entries])

    def node_of(self, uri: str) -> int | None:
        """Position among the grid's nodes of the one that a URI stands for."""
        parts = urlsplit(uri)
        position = (parts.port or DEFAULT_PORT) - DEFAULT_PORT
        return position if parts.hostname in _LOCAL and 0 <= position < self._nodes else None

    def _replace(self, change: Callable[[list[str]], list[str]]) -> None:
        query = sa.select(compute_nodes.c.entry).order_by(compute_nodes.c.position)
        with self._database.transaction() as connection:
            present = list(connection.scalars(query)) or self._defaults()
            entries = list(dict.fromkeys(change(present)))
            if len(entries) > _MAX_ENTRIES:
                raise InvalidParameter(f"The list has room for {_MAX_ENTRIES} entries.")
            connection.execute(compute_nodes.delete())
            if entries:
                connection.execute(compute_nodes.insert(), [{"entry": entry} for entry in entries])

    def _defaults(self) -> list[str]:
        return [f"http://localhost:{DEFAULT_PORT + position}" for position in range(self._nodes)]


def _check(entries: Sequence[str]) -> None:
    for entry in entries:
        expand(entry)
