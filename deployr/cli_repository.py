"""The commands ``deployr repository ...``."""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from deployr.repository import exporting
from deployr.repository.blobs import Blobs
from deployr.repository.check import Checked, RepositoryCheck
from deployr.repository.importing import RepositoryImport
from deployr.settings import Settings
from deployr.store.database import Database
from deployr.store.migrate import migrate


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


def export(arguments: argparse.Namespace, settings: Settings) -> int:
    """Write an archive; the file is there when it is whole."""
    target: Path = arguments.file
    if target.exists():
        raise FileExistsError(f"{target} exists already")
    with _opened(settings) as (database, blobs), _draft(target) as archive:
        manifest = exporting.export(database, blobs, archive, username=arguments.user)
    versions = sum(len(file.versions) for file in manifest.files)
    print(f"exported {len(manifest.files)} files with {versions} versions and {len(manifest.contents())} contents")
    return 0


def load(arguments: argparse.Namespace, settings: Settings) -> int:
    """Merge an archive; 1 when some of its files were left out."""
    with _opened(settings) as (database, blobs), arguments.file.open("rb") as archive:
        imported = RepositoryImport(database, blobs).load(archive)
    for note in imported.notes:
        print(note)
    print(f"{imported.added} files added, {imported.extended} got versions, {imported.known} were there already")
    if imported.left_out:
        print(f"{imported.left_out} files left out")
    return 1 if imported.left_out else 0


def _summary(checked: Checked, found: int, remaining: int) -> str:
    lines = [f"{checked.contents} contents checked, {checked.length / 2**20:.1f} MiB"]
    if checked.unreferenced:
        lines.append(f"{checked.unreferenced} contents that nothing refers to, to be removed by the housekeeper")
    lines.append(f"{found} faults, {found - remaining} repaired" if found else "no faults")
    return "\n".join(lines)


@contextlib.contextmanager
def _draft(target: Path) -> Iterator[BinaryIO]:
    """A file beside that takes the target's name at the end of the block; only its owner reads it."""
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.rename(target)
    finally:
        draft.unlink(missing_ok=True)


@contextlib.contextmanager
def _opened(settings: Settings) -> Iterator[tuple[Database, Blobs]]:
    settings.prepare_home()
    migrate(settings.database_url, upgrade=False)
    database = Database(settings.database_url)
    try:
        yield database, Blobs(settings.blobs_directory)
    finally:
        database.close()
