"""What calls ask the database again and again: answers are kept for as long as nobody writes to it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

import sqlalchemy as sa

from deployr.store.database import Database

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_MOST = 1024
"""Answers kept at one time."""


class KeptReads(Generic[K, V]):
    """One query and its last answers. Asking whether they still hold takes a fraction of asking again.

    A database that does not tell when it changes is asked each time.

    Args:
        read: the query; answers must not be changed by those who get them.
    """

    def __init__(self, database: Database, read: Callable[[sa.Connection, K], V]) -> None:
        self._database = database
        self._read = read
        self._kept: tuple[int | None, dict[K, V]] = (None, {})

    def find(self, key: K) -> V:
        """The answer, as of now."""
        version = self._database.version()
        if version is None:
            return self._ask(key)
        if version != self._kept[0] or len(self._kept[1]) >= _MOST:
            self._kept = version, {}
        # Another thread may begin anew at any time; what is read now belongs to this version, or to a later one.
        answers = self._kept[1]
        if key not in answers:
            answers[key] = self._ask(key)
        return answers[key]

    def _ask(self, key: K) -> V:
        with self._database.reading() as connection:
            return self._read(connection, key)
