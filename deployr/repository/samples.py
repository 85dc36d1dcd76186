"""The sample content that a new server starts with."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path
from typing import Literal

import msgspec
import sqlalchemy as sa

from deployr.repository import rows
from deployr.repository.blobs import Blobs
from deployr.repository.names import ROOT
from deployr.repository.records import FileProperties
from deployr.store.database import Database
from deployr.store.schema import users

SAMPLES = Path(__file__).parent.parent / "samples"
_INSTALLED = Path(__file__).parent.parent / "external_repository"
_IN_SOURCES = Path(__file__).parent.parent.parent / "external_repository"


class Sample(msgspec.Struct, frozen=True):
    """An entry of ``manifest.json``; the file is ``repository/<user>/<directory>/<filename>``."""

    user: str
    directory: str
    filename: str
    access: Literal["private", "shared", "public"]
    descr: str


def load_samples(database: Database, blobs: Blobs, samples: Path = SAMPLES) -> int:
    """Fill a repository that holds nothing at all; returns how many files were stored.

    All rows are written in one transaction, so a start that crashes here begins anew. Samples of users that do not
    exist are left out.
    """
    manifest = msgspec.json.decode((samples / "manifest.json").read_bytes(), type=list[Sample])
    with database.transaction() as connection:
        if not rows.is_empty(connection):
            return 0
        known = set(connection.scalars(sa.select(users.c.username)))
        wanted = [sample for sample in manifest if sample.user in known]
        for sample in wanted:
            _store(connection, blobs, samples / "repository", sample)
    return len(wanted)


def copy_external_samples(directory: Path) -> bool:
    """Make an external repository with the sample content, unless it is there; true when it was made.

    It appears by rename, so a start that crashes here begins anew.
    """
    if directory.exists():
        return False
    draft = directory.with_name(f".{directory.name}.{secrets.token_hex(4)}")
    shutil.copytree(_INSTALLED if _INSTALLED.exists() else _IN_SOURCES, draft)
    draft.rename(directory)
    return True


def _store(connection: sa.Connection, blobs: Blobs, base: Path, sample: Sample) -> None:
    if sample.directory != ROOT and not rows.has_directory(connection, sample.user, sample.directory):
        rows.insert_directory(connection, sample.user, sample.directory)
    blob = blobs.put([(base / sample.user / sample.directory / sample.filename).read_bytes()])
    properties = FileProperties(
        descr=sample.descr, shared=sample.access == "shared", published=sample.access == "public"
    )
    file_id = rows.insert_file(connection, sample.user, sample.directory, sample.filename, properties)
    rows.insert_version(connection, file_id, blob, sample.user, None)
