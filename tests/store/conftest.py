"""A database of its own for each test."""

from collections.abc import Iterator

import pytest

from deployr.store.database import Database
from tests.databases import make_tables


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    make_tables(database_url)
    database = Database(database_url)
    yield database
    database.close()
