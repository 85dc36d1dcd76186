"""Fixtures of the tests of jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deployr.prepare import prepare
from deployr.settings import Settings
from deployr.store.database import Database
from tests.jobs.callers import Gate


@pytest.fixture
def database(tmp_path: Path, database_url: str) -> Iterator[Database]:
    """A prepared database with the default accounts."""
    flags = {"home": tmp_path, "grid.sessions_directory": str(tmp_path / "s"), "database.url": database_url}
    settings = Settings.load(flags=flags)
    prepare(settings)
    database = Database(settings.database_url)
    yield database
    database.close()


@pytest.fixture
def new_gate() -> Iterator[Callable[[], Gate]]:
    """Makes gates; what waits at one goes on at the end."""
    made: list[Gate] = []

    def make() -> Gate:
        made.append(Gate())
        return made[-1]

    yield make
    for gate in made:
        gate.remove()
