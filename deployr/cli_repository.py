"""The commands ``deployr repository ...``."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterator

from deployr.repository.blobs import Blobs
from deployr.repository.check import Checked, RepositoryCheck
from deployr.settings import Settings
from deployr.store.database import Database
from deployr.store.migrate import migrate

Run = Callable[[argparse.Namespace, Settings], int]
"""A command; returns the exit status."""


def check(arguments: argparse.Namespace, settings: Settings) -> int:
    """Report all faults, and repair them when asked to; 1 when a fault remains."""
    found = remaining = 0
    with _opened(settings) as (database, blobs):
        repository = RepositoryCheck(database, blobs)
        for fault in repository.faults():
            repaired = arguments.repair and repository.repair(fault)
            found, remaining = found + 1, remaining + (not repaired)
            print(fault.text)
            print(f"    {'repair' if repaired else '--repair'}: {fault.remedy}")
    print(_summary(repository.checked, found, remaining))
    return 1 if remaining else 0


def _summary(checked: Checked, found: int, remaining: int) -> str:
    lines = [f"{checked.contents} contents checked, {checked.length / 2**20:.1f} MiB"]
    if checked.unreferenced:
        lines.append(f"{checked.unreferenced} contents that nothing refers to, to be removed by the housekeeper")
    lines.append(f"{found} faults, {found - remaining} repaired" if found else "no faults")
    return "\n".join(lines)


@contextlib.contextmanager
def _opened(settings: Settings) -> Iterator[tuple[Database, Blobs]]:
    settings.prepare_home()
    migrate(settings.database_url)
    database = Database(settings.database_url)
    try:
        yield database, Blobs(settings.blobs_directory)
    finally:
        database.close()
