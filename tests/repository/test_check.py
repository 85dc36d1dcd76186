"""The check of the repository: what it finds, and what a repair does about it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from deployr.repository.blobs import Blob, Blobs
from deployr.repository.check import RepositoryCheck
from deployr.repository.directories import RepositoryDirectories
from deployr.repository.files import RepositoryFiles
from deployr.repository.records import RepositoryName
from deployr.store.database import Database
from deployr.store.schema import (
    project_saved_executions,
    project_saved_files,
    project_saved_results,
    project_saves,
    projects,
    repository_directories,
    repository_file_authors,
    repository_files,
    repository_versions,
)
from deployr.users.caller import Caller

Run = Callable[..., list[str]]


@pytest.fixture
def george(caller: Callable[[str | None], Caller]) -> Caller:
    return caller("george")


@pytest.fixture
def run(database: Database, blobs: Blobs) -> Run:
    """Texts of the faults; they are repaired if wanted."""

    def check(*, repair: bool = False) -> list[str]:
        checking = RepositoryCheck(database, blobs)
        found = []
        for fault in checking.faults():
            found.append(fault.text)
            if repair:
                assert checking.repair(fault)
        return found

    return check


@pytest.fixture
def two_versions(repository: RepositoryFiles, blobs: Blobs, george: Caller) -> list[Blob]:
    """The contents of ``a.txt``, oldest first."""
    contents = [blobs.put([text]) for text in (b"one", b"second")]
    for blob in contents:
        repository.upload(george, "a.txt", blob, newversion=True)
    return contents


def change(database: Database, statement: sa.Executable) -> None:
    """Write rows as no call of the server does: what refers to them is not looked at."""
    engine = sa.create_engine(database.engine.url)
    with engine.begin() as connection:
        connection.execute(statement)
    engine.dispose()


def test_a_whole_repository_has_no_faults(
    run: Run, repository: RepositoryFiles, blobs: Blobs, george: Caller, two_versions: list[Blob], database: Database
) -> None:
    RepositoryDirectories(database).create(george, "mine")
    repository.upload(george, "b.txt", two_versions[0], directory="mine")
    blobs.put([b"left by a crash"])
    (blobs.drafts / "being written").touch()
    assert run() == []
    checking = RepositoryCheck(database, blobs)
    assert list(checking.faults()) == []
    assert (checking.checked.contents, checking.checked.length, checking.checked.unreferenced) == (2, 9, 1)


def test_a_store_that_holds_nothing_has_no_faults(run: Run) -> None:
    assert run() == []


@pytest.mark.parametrize("damage", ["missing", "damaged", "shorter"])
def test_a_version_that_cannot_be_read_is_removed(
    run: Run, repository: RepositoryFiles, blobs: Blobs, george: Caller, two_versions: list[Blob], damage: str
) -> None:
    one, second = two_versions
    path = blobs.path(second.sha256)
    path.unlink() if damage == "missing" else path.write_bytes(b"" if damage == "shorter" else b"sec0nd")
    word = "missing" if damage == "missing" else "damaged"
    expected = [f"george root/a.txt version 2.0: its content {second.sha256} is {word}"]
    assert run() == run(repair=True) == expected
    assert run() == []
    (left,) = repository.list_files(george, filename="a.txt")
    assert (left.sha256, left.version) == (one.sha256, None)
    assert (blobs.damaged / second.sha256).exists() is (damage != "missing")
    repository.upload(george, "a.txt", blobs.put([b"third"]), newversion=True)
    repository.upload(george, "a.txt", blobs.put([b"fourth"]), newversion=True)
    assert [file.version for file in repository.list_files(george, filename="a.txt")] == [None, "2.0", "1.0"]


def test_a_former_version_that_cannot_be_read_leaves_the_numbers_of_the_others(
    run: Run, repository: RepositoryFiles, blobs: Blobs, george: Caller, two_versions: list[Blob]
) -> None:
    blobs.path(two_versions[0].sha256).unlink()
    run(repair=True)
    repository.upload(george, "a.txt", two_versions[1], newversion=True)
    assert [file.version for file in repository.list_files(george, filename="a.txt")] == [None, "2.0"]


def test_a_file_without_any_version_that_can_be_read_goes(
    run: Run, repository: RepositoryFiles, blobs: Blobs, george: Caller, two_versions: list[Blob]
) -> None:
    for blob in two_versions:
        blobs.path(blob.sha256).unlink()
    assert len(run(repair=True)) == 2
    assert run() == []
    assert repository.list_files(george) == []


def test_a_content_that_is_good_again_is_not_touched(
    repository: RepositoryFiles, blobs: Blobs, george: Caller, two_versions: list[Blob], database: Database
) -> None:
    blobs.path(two_versions[1].sha256).write_bytes(b"sec0nd")
    checking = RepositoryCheck(database, blobs)
    (fault,) = checking.faults()
    blobs.put([b"second"])
    checking.repair(fault)
    assert blobs.read(two_versions[1].sha256) == b"second"
    assert len(repository.list_files(george, filename="a.txt")) == 2


def test_a_wrong_length_is_corrected(
    run: Run, repository: RepositoryFiles, george: Caller, two_versions: list[Blob], database: Database
) -> None:
    change(database, repository_versions.update().where(repository_versions.c.version == "2.0").values(length=7))
    assert run(repair=True) == ["george root/a.txt version 2.0: has 6 bytes, not 7"]
    assert repository.find(george, RepositoryName("a.txt")).length == 6
    assert run() == []


def test_rows_that_belong_to_no_file_are_removed(run: Run, two_versions: list[Blob], database: Database) -> None:
    change(database, repository_files.delete())
    assert len(run(repair=True)) == 2
    assert run() == []
    with database.reading() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(repository_versions)) == 0


def test_a_file_without_versions_is_removed(
    run: Run, repository: RepositoryFiles, george: Caller, two_versions: list[Blob], database: Database
) -> None:
    change(database, repository_versions.delete())
    assert run(repair=True) == ["george root/a.txt has no version"]
    assert run() == []


def test_a_file_without_owners_goes_back_to_its_author(
    run: Run, repository: RepositoryFiles, george: Caller, two_versions: list[Blob], database: Database
) -> None:
    change(database, repository_file_authors.delete())
    assert run(repair=True) == ["george root/a.txt has no owner"]
    assert repository.find(george, RepositoryName("a.txt")).authors == ("george",)


def test_an_author_who_is_no_owner_is_replaced(
    run: Run, repository: RepositoryFiles, george: Caller, two_versions: list[Blob], database: Database
) -> None:
    change(database, repository_files.update().values(author="susan"))
    assert run(repair=True) == ["susan root/a.txt is not owned by its author"]
    assert repository.find(george, RepositoryName("a.txt")).author == "george"


def test_a_directory_that_files_are_in_is_made(
    run: Run, repository: RepositoryFiles, george: Caller, two_versions: list[Blob], database: Database
) -> None:
    RepositoryDirectories(database).create(george, "mine")
    repository.upload(george, "b.txt", two_versions[0], directory="mine")
    change(database, repository_directories.delete())
    assert run(repair=True) == ["george has files in the directory 'mine', which does not exist"]
    assert len(repository.list_files(george, directory="mine")) == 1


def test_strays_are_removed(run: Run, blobs: Blobs, two_versions: list[Blob]) -> None:
    strays = [blobs.directory / "notes.txt", blobs.path(two_versions[0].sha256).parent / "x", blobs.drafts / "old"]
    for path in strays:
        path.touch()
    os.utime(strays[2], (time.time() - 200_000,) * 2)
    link = blobs.path("ab" * 32)
    link.parent.mkdir(exist_ok=True)
    link.symlink_to("/etc/passwd")
    assert len(run(repair=True)) == 4
    assert run() == []
    assert not any(path.exists() for path in strays)
    assert not link.is_symlink()


def test_directories_that_are_strays_are_left_to_people(blobs: Blobs, database: Database, run: Run) -> None:
    (blobs.directory / "backup").mkdir(parents=True)
    checking = RepositoryCheck(database, blobs)
    (fault,) = checking.faults()
    assert not checking.repair(fault)
    assert (blobs.directory / "backup").exists()


def test_saved_projects_lose_what_cannot_be_read_and_nothing_else(run: Run, database: Database, blobs: Blobs) -> None:
    good = blobs.put([b"good"]).sha256
    bad = "ab" * 32
    record = {"execution": "E", "results": [{"filename": "1.png"}, {"filename": "2.png"}]}
    with database.transaction() as connection:
        project = {"project": "P", "origin": "", "created": 0, "lastmodified": 0, "kind": "persistent"}
        connection.execute(projects.insert().values(project))
        connection.execute(project_saves.insert().values(project="P", workspace=bad, forgotten=0))
        values = {"project": "P", "execution": "E"}
        connection.execute(project_saved_executions.insert().values(**values, position=0, record=json.dumps(record)))
        for name, sha256 in (("1.png", bad), ("2.png", good)):
            connection.execute(project_saved_results.insert().values(values | {"filename": name, "sha256": sha256}))
            connection.execute(project_saved_files.insert().values(project="P", filename=name, sha256=sha256))
    assert len(run(repair=True)) == 3
    assert run() == []
    with database.reading() as connection:
        assert connection.scalar(sa.select(project_saves.c.workspace)) is None
        assert connection.scalars(sa.select(project_saved_files.c.filename)).all() == ["2.png"]
        assert connection.scalars(sa.select(project_saved_results.c.filename)).all() == ["2.png"]
        left = json.loads(connection.scalar(sa.select(project_saved_executions.c.record)) or "")
    assert left == {"execution": "E", "results": [{"filename": "2.png"}]}
