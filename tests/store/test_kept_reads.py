"""Answers that are kept for as long as nobody writes."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from deployr.store.database import Database
from deployr.store.kept_reads import KeptReads
from deployr.store.schema import roles
from tests.postgresql import ON_BOTH_DATABASES


class _Counted:
    """A query that counts how often it is made."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, connection: sa.Connection, name: str) -> bool:
        self.made += 1
        return connection.scalar(sa.select(roles.c.name).where(roles.c.name == name)) is not None


def _add(database: Database, name: str) -> None:
    with database.transaction() as connection:
        connection.execute(roles.insert().values(name=name))


def test_a_question_is_asked_once(database: Database) -> None:
    query = _Counted()
    reads = KeptReads(database, query)
    assert [reads.find("A"), reads.find("A"), reads.find("B"), query.made] == [False, False, False, 2]


@ON_BOTH_DATABASES
def test_what_the_same_database_writes_is_seen_at_once(database: Database) -> None:
    reads = KeptReads(database, _Counted())
    before = reads.find("A")
    _add(database, "A")
    assert (before, reads.find("A")) == (False, True)


@ON_BOTH_DATABASES
def test_what_another_process_writes_is_seen_at_once(database: Database, database_url: str) -> None:
    reads = KeptReads(database, _Counted())
    before = reads.find("A")
    other = Database(database_url)
    _add(other, "A")
    other.close()
    assert (before, reads.find("A")) == (False, True)


def test_an_answer_that_fails_is_not_kept(database: Database) -> None:
    def refuse(connection: sa.Connection, name: str) -> bool:
        raise LookupError(name)

    reads = KeptReads(database, refuse)
    for _ in range(2):
        with pytest.raises(LookupError):
            reads.find("A")


def test_a_database_that_fails_is_asked_so_that_callers_hear_of_it(database: Database, database_url: str) -> None:
    reads = KeptReads(database, _Counted())
    reads.find("A")
    Path(sa.make_url(database_url).database or "").write_bytes(b"no database " * 1000)
    with pytest.raises(sa.exc.DatabaseError):
        reads.find("A")
