"""Unreferenced blobs are removed, and none that anybody is about to refer to."""

import contextlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from deployr.housekeeper import collect_blobs
from deployr.repository import blobs as blobs_module
from deployr.repository import collection, references
from deployr.repository.blobs import Blob, Blobs, is_older
from deployr.repository.collection import BlobCollector, Collected
from deployr.repository.files import RepositoryFiles
from deployr.store.database import Database
from deployr.store.schema import BLOB_COLUMNS, metadata, project_saved_files, project_saves, projects
from deployr.users.caller import Caller

MakeCaller = Callable[[str | None], Caller]

DAYS = 24 * 60 * 60.0


@pytest.fixture
def collector(database: Database, blobs: Blobs) -> BlobCollector:
    return BlobCollector(database, blobs)


@pytest.fixture
def george(caller: MakeCaller) -> Caller:
    return caller("george")


def age(path: Path, days: float = 2) -> None:
    """Let a file look as if it had been written so many days ago."""
    then = time.time() - days * DAYS
    os.utime(path, (then, then))


def put(blobs: Blobs, content: bytes, days: float = 2) -> Blob:
    """A blob of some age."""
    blob = blobs.put([content])
    age(blobs.path(blob.sha256), days)
    return blob


def note_of(blobs: Blobs, blob: Blob) -> Path:
    return blobs.directory / "unreferenced" / blob.sha256


def exists(blobs: Blobs, blob: Blob) -> bool:
    return blobs.path(blob.sha256).exists()


def test_a_blob_that_is_unreferenced_for_a_day_goes(collector: BlobCollector, blobs: Blobs) -> None:
    blob = put(blobs, b"left over")
    assert collector.collect() == collector.collect() == Collected()
    age(note_of(blobs, blob), 0.9)
    assert collector.collect() == Collected()
    age(note_of(blobs, blob), 1.1)
    assert collector.collect() == Collected(blobs=1)
    assert not exists(blobs, blob)
    assert not note_of(blobs, blob).exists()


def test_what_a_version_names_stays_with_all_versions(
    collector: BlobCollector, blobs: Blobs, repository: RepositoryFiles, george: Caller
) -> None:
    versions = [put(blobs, content) for content in (b"one", b"two")]
    for blob in versions:
        repository.upload(george, "a.txt", blob, newversion=True)
    collector.collect()
    assert not any(note_of(blobs, blob).exists() for blob in versions)
    repository.delete(george, ["a.txt"])
    collector.collect()
    for blob in versions:
        age(note_of(blobs, blob))
    assert collector.collect() == Collected(blobs=2)


def test_what_a_saved_project_names_stays(collector: BlobCollector, blobs: Blobs, database: Database) -> None:
    workspace, file = put(blobs, b"workspace"), put(blobs, b"file")
    project = {"project": "P", "origin": "", "created": 0, "lastmodified": 0, "kind": "persistent"}
    with database.transaction() as connection:
        connection.execute(projects.insert().values(project))
        connection.execute(project_saves.insert().values(project="P", workspace=workspace.sha256, forgotten=0))
        connection.execute(project_saved_files.insert().values(project="P", filename="a", sha256=file.sha256))
    collector.collect()
    assert not any(note_of(blobs, blob).exists() for blob in (workspace, file))


def test_a_blob_that_is_referred_to_again_begins_anew(
    collector: BlobCollector, blobs: Blobs, repository: RepositoryFiles, george: Caller
) -> None:
    blob = put(blobs, b"content")
    collector.collect()
    age(note_of(blobs, blob))
    repository.upload(george, "a.txt", blob)
    collector.collect()
    repository.delete(george, ["a.txt"])
    assert collector.collect() == Collected()
    assert exists(blobs, blob)


def test_a_content_that_is_stored_again_is_young(collector: BlobCollector, blobs: Blobs) -> None:
    blob = put(blobs, b"content")
    collector.collect()
    age(note_of(blobs, blob))
    assert blobs.put([b"content"]) == blob
    assert collector.collect() == Collected()
    assert exists(blobs, blob)


def test_a_content_stored_while_its_blob_is_being_removed_is_there_afterwards(
    blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The collector is held up between its last look at the blob's age and the removal."""
    blob = put(blobs, b"content")
    writer = threading.Thread(target=blobs.put, args=[[b"content"]])

    def look(path: Path, seconds: float) -> bool:
        found = is_older(path, seconds)
        writer.start()
        writer.join(0.3)
        return found

    monkeypatch.setattr(blobs_module, "is_older", look)
    assert blobs.remove_older(blob.sha256, DAYS)
    writer.join()
    assert blobs.read(blob.sha256) == b"content"


def test_no_content_is_lost_between_being_stored_and_being_named(collector: BlobCollector, blobs: Blobs) -> None:
    """Rounds that find the blob overdue run beside a writer that stores it again and again."""
    stopped = threading.Event()
    blob = put(blobs, b"content")
    collector.collect()

    def collect() -> None:
        while not stopped.is_set():
            with contextlib.suppress(FileNotFoundError):
                age(note_of(blobs, blob))
            collector.collect()

    thread = threading.Thread(target=collect)
    thread.start()
    try:
        for _ in range(200):
            with contextlib.suppress(FileNotFoundError):
                age(blobs.path(blob.sha256))
            blobs.put([b"content"])
            assert exists(blobs, blob)
    finally:
        stopped.set()
        thread.join()


def test_uploads_that_broke_off_are_removed_when_they_are_old(collector: BlobCollector, blobs: Blobs) -> None:
    blobs.put([b""])
    old, young = blobs.drafts / "old", blobs.drafts / "young"
    for path in (old, young):
        path.write_bytes(b"half")
    age(old)
    assert collector.collect() == Collected(drafts=1)
    assert (old.exists(), young.exists()) == (False, True)


def test_every_column_of_a_blob_is_known_to_the_collector() -> None:
    named = {column for table in metadata.sorted_tables for column in table.columns if "sha256" in column.name}
    described = {
        column
        for table in metadata.sorted_tables
        for column in table.columns
        if "SHA-256" in (column.comment or "") and "digest" not in column.name
    }
    assert named | described == set(BLOB_COLUMNS)


def test_the_columns_of_blobs_are_searched_by_index(database: Database) -> None:
    with database.reading() as connection:
        for column in BLOB_COLUMNS[:1] + BLOB_COLUMNS[2:]:
            query = sa.select(column).where(references.begins_with(column, "ab"))
            text = str(query.compile(connection, compile_kwargs={"literal_binds": True}))
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}").all()
            assert "USING COVERING INDEX" in str(plan), plan


def test_the_grace_is_a_day() -> None:
    assert collection.GRACE == DAYS


def test_a_blob_that_cannot_be_removed_does_not_keep_the_others(
    collector: BlobCollector, blobs: Blobs, caplog: pytest.LogCaptureFixture
) -> None:
    odd, plain = put(blobs, b"odd"), put(blobs, b"plain")
    blobs.path(odd.sha256).unlink()
    blobs.path(odd.sha256).mkdir()
    age(blobs.path(odd.sha256))
    collector.collect()
    for blob in (odd, plain):
        age(note_of(blobs, blob))
    with caplog.at_level("INFO"):
        collect_blobs(collector)
    assert "cannot be removed" in caplog.text
    assert "removed 1 unreferenced blobs and 0 broken uploads" in caplog.text


def test_a_round_that_fails_is_logged(
    database: Database, blobs: Blobs, collector: BlobCollector, caplog: pytest.LogCaptureFixture
) -> None:
    put(blobs, b"content")
    with database.transaction() as connection:
        connection.exec_driver_sql("DROP TABLE project_saved_files")
    collect_blobs(collector)
    assert "removing unreferenced blobs failed" in caplog.text


def test_files_that_are_no_blobs_are_none_of_the_collectors_business(collector: BlobCollector, blobs: Blobs) -> None:
    stray = blobs.path(put(blobs, b"content").sha256).with_name("stray")
    stray.touch()
    collector.collect()
    assert not (blobs.unreferenced / f"{stray.parent.name}stray").exists()
