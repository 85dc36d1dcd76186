"""What is wrong with a database."""

from __future__ import annotations

import sqlalchemy as sa


class UnusableDatabase(sa.exc.SQLAlchemyError):
    """The database, or what is needed to reach it, is none that the server can work with; the text says what to do."""


UNAVAILABLE: tuple[type[Exception], ...] = (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError)
"""The database does not answer, or not in time; what was asked of it may be asked again."""

UNSTORABLE = sa.exc.DataError
"""A value is none that the database can hold, such as a number that is too great."""
