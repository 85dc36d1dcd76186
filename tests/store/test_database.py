"""Transactions."""

import threading

import pytest
import sqlalchemy as sa

from deployr.store.database import Database
from deployr.store.schema import roles, user_roles
from tests.postgresql import ON_BOTH_DATABASES


def _add(connection: sa.Connection, name: str) -> None:
    connection.execute(roles.insert().values(name=name))


def _names(database: Database) -> list[str]:
    with database.reading() as connection:
        return list(connection.scalars(sa.select(roles.c.name)))


@ON_BOTH_DATABASES
def test_a_block_that_ends_is_committed(database: Database) -> None:
    with database.transaction() as connection:
        _add(connection, "A")
    assert _names(database) == ["A"]


@ON_BOTH_DATABASES
def test_a_block_that_raises_is_rolled_back(database: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError), database.transaction() as connection:  # noqa: PT012
        _add(connection, "A")
        _add(connection, "A")
    assert _names(database) == []


def test_sqlite_is_set_up(database: Database) -> None:
    with database.reading() as connection:
        pragmas = {
            p: connection.scalar(sa.text(f"PRAGMA {p}")) for p in ("journal_mode", "foreign_keys", "synchronous")
        }
    assert pragmas == {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 1}


@ON_BOTH_DATABASES
def test_references_are_enforced(database: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError), database.transaction() as connection:
        connection.execute(user_roles.insert().values(username="nobody", role="NONE"))


def test_errors_do_not_tell_values(database: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError) as failed, database.transaction() as connection:
        connection.execute(user_roles.insert().values(username="nobody", role="NONE"))
    assert "nobody" not in str(failed.value)


@ON_BOTH_DATABASES
def test_readers_do_not_wait_for_a_writer(database: Database) -> None:
    with database.transaction() as connection:
        _add(connection, "A")
        assert _names(database) == []
    assert _names(database) == ["A"]


@ON_BOTH_DATABASES
def test_a_reader_sees_one_state(database: Database) -> None:
    with database.reading() as reading:
        reading.execute(sa.select(roles.c.name)).all()
        with database.transaction() as connection:
            _add(connection, "A")
        assert reading.execute(sa.select(roles.c.name)).all() == []


@ON_BOTH_DATABASES
def test_texts_are_ordered_by_their_bytes(database: Database) -> None:
    names = ["a", "B", "_", "é", "Z", "b a", "ba", "-b", "😀", "\uffee"]
    with database.transaction() as connection:
        for name in names:
            _add(connection, name)
    with database.reading() as connection:
        assert list(connection.scalars(sa.select(roles.c.name).order_by(roles.c.name))) == sorted(names)


@ON_BOTH_DATABASES
def test_writers_take_turns(database: Database) -> None:
    def add_many(prefix: str) -> None:
        for number in range(20):
            with database.transaction() as connection:
                connection.scalar(sa.select(sa.func.count()).select_from(roles))
                _add(connection, f"{prefix}{number}")

    threads = [threading.Thread(target=add_many, args=(prefix,)) for prefix in "ABCD"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(_names(database)) == 80
