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
def database(tmp_path: Path) -> Iterator[Database]:
    """A prepared database with the default accounts."""
    settings = Settings.load(flags={"home": tmp_path, "grid.sessions_directory": str(tmp_path / "s")})
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
