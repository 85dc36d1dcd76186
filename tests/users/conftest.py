"""A migrated database of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deployr.settings import Settings
from deployr.store.database import Database
from deployr.users.accounts import Accounts
from tests.databases import make_tables


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return Settings.load(flags={"home": tmp_path, "database.url": database_url, "security.lock_failures": 3})


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    make_tables(settings.database_url)
    database = Database(settings.database_url)
    yield database
    database.close()


@pytest.fixture
def accounts(database: Database, settings: Settings) -> Accounts:
    accounts = Accounts(database, settings)
    accounts.ensure_default_accounts()
    return accounts
