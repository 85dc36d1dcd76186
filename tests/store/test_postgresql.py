"""What is particular to PostgreSQL."""

from __future__ import annotations

import re
import sys

import pytest
import sqlalchemy as sa

from deployr.store.database import Database
from deployr.store.errors import UNAVAILABLE, UNSTORABLE, UnusableDatabase
from deployr.store.migrate import migrate
from deployr.store.schema import roles, users
from tests.postgresql import Postgres


def _add(database: Database, name: str) -> None:
    with database.transaction() as connection:
        connection.execute(roles.insert().values(name=name))


def test_a_writer_that_waits_too_long_gives_up(postgres: Postgres) -> None:
    url = postgres.new_database()
    patient, hasty = Database(url), Database(f"{url}&options=-c%20lock_timeout%3D50ms")
    with patient.transaction(), pytest.raises(UNAVAILABLE):
        _add(hasty, "A")
    _add(hasty, "B")
    for database in (patient, hasty):
        database.close()


def test_a_reader_cannot_write(postgres: Postgres) -> None:
    database = Database(postgres.new_database())
    with database.reading() as connection, pytest.raises(sa.exc.InternalError, match="read-only"):
        connection.execute(roles.insert().values(name="A"))
    _add(database, "A")
    database.close()


def test_no_text_with_a_nul_is_found(postgres: Postgres) -> None:
    database = Database(postgres.new_database())
    for name in ("ab", "a\0b"):
        _add(database, name)
    with database.reading() as connection:
        assert connection.scalars(sa.select(roles.c.name).order_by(roles.c.name)).all() == ["ab", "a\ufffdb"]
    database.close()


def test_a_number_that_cannot_be_stored_is_told_from_other_failures(postgres: Postgres) -> None:
    database = Database(postgres.new_database())
    with pytest.raises(UNSTORABLE), database.transaction() as connection:
        connection.execute(users.update().values(failures=1 << 40))
    database.close()


def test_a_database_that_cannot_hold_all_texts_is_refused(postgres: Postgres) -> None:
    latin = "ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER libc TEMPLATE template0"
    with pytest.raises(UnusableDatabase, match="LATIN1"):
        migrate(postgres.new_empty_database(latin))


def test_a_missing_driver_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UnusableDatabase, match=r"pip install 'psycopg\[binary\]'"):
        Database("postgresql://host/deployr")


@pytest.mark.parametrize("driver", ["mysql", "postgresql+psycopg2"])
def test_other_databases_and_drivers_are_refused(driver: str) -> None:
    with pytest.raises(UnusableDatabase, match=re.escape(f"begins with sqlite or postgresql, not {driver}.")):
        Database(f"{driver}://host/deployr")
