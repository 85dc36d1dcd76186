"""The saved state of projects as rows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from deployr.grid.protocol import ExecutionRecord, FileInfo
from deployr.projects import saved_rows
from deployr.projects.saved_rows import SavedExecution, SavedFile, SavedState
from deployr.store import schema
from deployr.store.database import Database
from tests.databases import make_tables
from tests.postgresql import ON_BOTH_DATABASES

pytestmark = ON_BOTH_DATABASES

PROJECT = "PROJECT-1"

_SAVE_AND_DIE = """
import os, signal, sys
from deployr.projects import saved_rows
from deployr.projects.saved_rows import SavedFile, SavedState
from deployr.store.database import Database
with Database(sys.argv[1]).transaction() as connection:
    files = [SavedFile(f"{number}.txt", "ff") for number in range(1000)]
    saved_rows.write(connection, "PROJECT-1", SavedState(workspace="new", files=files))
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def url(database_url: str) -> str:
    make_tables(database_url)
    return database_url


@pytest.fixture
def connection(url: str) -> Iterator[sa.Connection]:
    """A transaction in a database with one project."""
    database = Database(url)
    with database.transaction() as connection:
        values = {"project": PROJECT, "shared": False, "origin": "", "created": 0, "lastmodified": 0}
        connection.execute(schema.projects.insert().values(**values, kind="persistent"))
        yield connection
    database.close()


def execution(name: str, *plots: str) -> SavedExecution:
    """An execution that drew these plots."""
    results = [FileInfo(filename=plot, length=1, modified=2, execution=name) for plot in plots]
    record = ExecutionRecord(
        execution=name, code="1", tag=None, actor="a", time_start=1, time_code=1, time_total=1, console="né\0",
        warnings=["w"], error=None, error_code=None, interrupted=False, results=results,
        results_generated=len(plots), artifacts=[],
    )  # fmt: skip
    return SavedExecution(record, dict.fromkeys(plots, "ab"))


FULL = SavedState(
    workspace="aa",
    packages=["splines", "stats"],
    files=[SavedFile("a.txt", "bb", "described"), SavedFile("b.txt", "bb")],
    history=[execution("EXEC-2", "1.png", "2.png"), execution("EXEC-1")],
    forgotten=7,
)


@pytest.mark.parametrize("state", [FULL, SavedState(), SavedState(packages=[])])
def test_a_state_is_read_as_it_was_written(connection: sa.Connection, state: SavedState) -> None:
    saved_rows.write(connection, PROJECT, state)
    assert saved_rows.read(connection, PROJECT) == state
    assert saved_rows.history(connection, PROJECT) == state.history
    assert saved_rows.forgotten(connection, PROJECT) == state.forgotten


def test_a_project_that_was_never_saved_has_no_state(connection: sa.Connection) -> None:
    assert saved_rows.read(connection, PROJECT) is None
    assert saved_rows.history(connection, PROJECT) == []
    assert saved_rows.forgotten(connection, PROJECT) == 0


def test_a_save_replaces_the_former_one(connection: sa.Connection) -> None:
    later = SavedState(workspace="cc", files=[SavedFile("a.txt", "dd")])
    for state in (FULL, later):
        saved_rows.write(connection, PROJECT, state)
    assert saved_rows.read(connection, PROJECT) == later


def test_entries_of_the_history_are_amended(connection: sa.Connection) -> None:
    saved_rows.write(connection, PROJECT, FULL)
    amended = execution("EXEC-2", "2.png")
    saved_rows.amend(connection, PROJECT, [amended])
    assert saved_rows.history(connection, PROJECT) == [amended, FULL.history[1]]


def test_the_state_goes_with_its_project(connection: sa.Connection) -> None:
    saved_rows.write(connection, PROJECT, FULL)
    connection.execute(schema.projects.delete())
    for table in ("project_saves", "project_saved_files", "project_saved_executions", "project_saved_results"):
        assert connection.scalar(sa.select(sa.func.count()).select_from(schema.metadata.tables[table])) == 0


def test_a_kill_while_saving_leaves_the_former_state(url: str, connection: sa.Connection) -> None:
    saved_rows.write(connection, PROJECT, FULL)
    connection.commit()
    dead = subprocess.run([sys.executable, "-c", _SAVE_AND_DIE, url], env=os.environ, check=False)
    assert dead.returncode == -signal.SIGKILL
    with Database(url).reading() as reading:
        assert saved_rows.read(reading, PROJECT) == FULL
