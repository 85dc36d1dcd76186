"""A repository of its own for each test, with three users and a role."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deployr.repository.blobs import Blobs
from deployr.repository.files import RepositoryFiles
from deployr.settings import Settings
from deployr.store.database import Database
from deployr.store.schema import roles, user_roles, users
from deployr.users.caller import Caller
from tests.databases import make_tables

USERS = {"george": {"POWER_USER"}, "susan": {"MARKETING"}, "admin": {"ADMINISTRATOR"}}


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return Settings.load(flags={"home": tmp_path, "database.url": database_url})


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    make_tables(settings.database_url)
    database = Database(settings.database_url)
    with database.transaction() as connection:
        for username, names in USERS.items():
            values = {"username": username, "displayname": username, "password_hash": "", "last_modified": 0}
            connection.execute(users.insert().values(values))
            connection.execute(roles.insert().values(name=next(iter(names))))
            connection.execute(user_roles.insert().values(username=username, role=next(iter(names))))
    yield database
    database.close()


@pytest.fixture
def blobs(settings: Settings) -> Blobs:
    return Blobs(settings.blobs_directory)


@pytest.fixture
def repository(database: Database, settings: Settings) -> RepositoryFiles:
    return RepositoryFiles(database, settings)


@pytest.fixture
def caller() -> Callable[[str | None], Caller]:
    def make(username: str | None) -> Caller:
        names = USERS[username] if username else set()
        return Caller(http_session="abc", username=username, roles=frozenset(names))

    return make
