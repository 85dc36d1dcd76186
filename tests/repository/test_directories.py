"""Directories of the repository on a real database."""

from collections.abc import Callable
from typing import Any

import pytest

from deployr.errors import AlreadyExists, InvalidParameter, NotAuthenticated, NotFound
from deployr.repository.blobs import Blobs
from deployr.repository.directories import DirectoryFiles, RepositoryDirectories
from deployr.repository.files import RepositoryFiles
from deployr.repository.records import FileProperties, RepositoryFile, RepositoryName
from deployr.store.database import Database
from deployr.store.schema import repository_directories, repository_file_authors
from deployr.users.caller import Caller

Make = Callable[[str | None], Caller]
Upload = Callable[..., RepositoryFile]


@pytest.fixture
def george(caller: Make) -> Caller:
    return caller("george")


@pytest.fixture
def susan(caller: Make) -> Caller:
    return caller("susan")


@pytest.fixture
def directories(database: Database, george: Caller) -> RepositoryDirectories:
    """With a directory ``demo`` of george."""
    directories = RepositoryDirectories(database)
    directories.create(george, "demo")
    return directories


@pytest.fixture
def upload(repository: RepositoryFiles, blobs: Blobs) -> Upload:
    def store(caller: Caller, filename: str, content: bytes = b"x", **arguments: Any) -> RepositoryFile:
        return repository.upload(caller, filename, blobs.put([content]), newversion=True, **arguments)

    return store


def own_too(database: Database, username: str) -> None:
    """Make a user co-owner of the first file."""
    with database.transaction() as connection:
        connection.execute(repository_directories.insert().values(owner=username, name="demo"))
        connection.execute(repository_file_authors.insert().values(file_id=1, username=username))


def content_of(listed: list[DirectoryFiles]) -> dict[str, list[str]]:
    return {entry.directory: [file.filename for file in entry.files] for entry in listed}


def shown(directories: RepositoryDirectories, caller: Caller) -> dict[str, list[str]]:
    listing = directories.list_directories(caller, userfiles=True, archived=True)
    return content_of(list(listing.user))


def history(repository: RepositoryFiles, caller: Caller, filename: str, directory: str) -> list[int]:
    """Lengths of the versions, newest first."""
    return [file.length for file in repository.list_files(caller, filename=filename, directory=directory)]


def test_a_listing_shows_names_and_files_when_asked(
    directories: RepositoryDirectories, george: Caller, upload: Upload
) -> None:
    upload(george, "a.R", directory="demo")
    upload(george, "b.csv", directory="demo")
    directories.create(george, "other")
    directories.archive(george, "other", "old")
    plain = directories.list_directories(george)
    assert (content_of(list(plain.user)), plain.system) == ({"root": [], "demo": []}, [])
    assert (plain.custom, plain.archived) == (["demo", "root"], ["old.archive"])
    assert shown(directories, george) == {"root": [], "demo": ["a.R", "b.csv"], "old.archive": []}
    only = directories.list_directories(george, directory="demo", category="data")
    assert content_of(list(only.user)) == {"demo": ["b.csv"]}
    with pytest.raises(NotFound):
        directories.list_directories(george, directory="none")


def test_system_directories_hold_what_others_opened(
    directories: RepositoryDirectories, george: Caller, susan: Caller, caller: Make, upload: Upload
) -> None:
    for name, flags in {
        "private": {},
        "shared": {"shared": True},
        "public": {"published": True},
        "restricted": {"restricted": "MARKETING"},
    }.items():
        upload(george, name, properties=FileProperties(**flags))  # type: ignore[arg-type]
    seen = directories.list_directories(susan, shared=True, published=True).system
    assert content_of(list(seen)) == {"Restricted": ["restricted"], "Shared": ["shared"], "Public": ["public"]}
    seen = directories.list_directories(caller("admin"), shared=True).system
    assert content_of(list(seen)) == {"Restricted": [], "Shared": ["shared"]}
    seen = directories.list_directories(george, published=True).system
    assert content_of(list(seen)) == {"Public": []}
    assert content_of(list(directories.list_directories(susan, directory="Public").system)) == {"Public": ["public"]}


@pytest.mark.parametrize("name", ["Root", "a.b", "a/b", "archived", "", "a?"])
def test_names_that_are_not_allowed_are_refused(directories: RepositoryDirectories, george: Caller, name: str) -> None:
    with pytest.raises(InvalidParameter):
        directories.create(george, name)
    with pytest.raises(InvalidParameter):
        directories.rename(george, "demo", name)
    with pytest.raises(InvalidParameter):
        directories.archive(george, "demo", name)


def test_names_are_taken_once_a_user(directories: RepositoryDirectories, george: Caller, susan: Caller) -> None:
    with pytest.raises(AlreadyExists):
        directories.create(george, "demo")
    directories.create(susan, "demo")
    directories.create(george, "Demo")
    with pytest.raises(AlreadyExists):
        directories.rename(george, "Demo", "demo")


def test_delete_takes_the_files_along_and_empties_root(
    directories: RepositoryDirectories, george: Caller, upload: Upload
) -> None:
    upload(george, "a.R", directory="demo")
    upload(george, "b.R")
    directories.delete(george, "demo")
    assert shown(directories, george) == {"root": ["b.R"]}
    directories.delete(george, "root")
    assert shown(directories, george) == {"root": []}


def test_of_co_authored_files_only_the_authorship_goes(
    directories: RepositoryDirectories, george: Caller, susan: Caller, upload: Upload, database: Database
) -> None:
    upload(george, "a.R", directory="demo")
    own_too(database, "susan")
    directories.delete(george, "demo")
    assert shown(directories, susan) == {"root": [], "demo": ["a.R"]}


def test_rename_moves_the_files_and_unarchives(
    directories: RepositoryDirectories, george: Caller, upload: Upload
) -> None:
    upload(george, "a.R", directory="demo")
    assert directories.archive(george, "demo", "old") == ("old.archive", [])
    assert directories.rename(george, "old.archive", "new") == []
    assert shown(directories, george) == {"root": [], "new": ["a.R"]}
    with pytest.raises(InvalidParameter):
        directories.rename(george, "root", "base")


@pytest.mark.parametrize("call", ["rename", "move", "archive"])
def test_files_of_several_authors_stay_with_a_warning(
    directories: RepositoryDirectories, george: Caller, upload: Upload, database: Database, call: str
) -> None:
    upload(george, "ours.R", directory="demo")
    upload(george, "mine.R", directory="demo")
    own_too(database, "susan")
    if call == "move":
        directories.create(george, "new")
    result = getattr(directories, call)(george, "demo", "new")
    warnings = result[1] if call == "archive" else result
    assert "ours.R" in warnings[0]
    assert len(warnings) == 1
    new = "new.archive" if call == "archive" else "new"
    assert shown(directories, george) == {"root": [], "demo": ["ours.R"], new: ["mine.R"]}


def test_copies_are_new_versions_and_leave_the_source(
    directories: RepositoryDirectories, george: Caller, upload: Upload, repository: RepositoryFiles
) -> None:
    upload(george, "a.R", b"1", directory="demo")
    upload(george, "a.R", b"22", directory="demo", properties=FileProperties(descr="d", tags="t"))
    upload(george, "b.R", b"1")
    directories.copy(george, "demo", "root")
    directories.copy(george, "root", "demo", ["b.R"])
    assert shown(directories, george) == {"root": ["a.R", "b.R"], "demo": ["a.R", "b.R"]}
    assert history(repository, george, "a.R", "root") == [2]
    copied = repository.find(george, RepositoryName("a.R"))
    assert (copied.descr, copied.tags) == ("d", "t")
    directories.copy(george, "demo", "root", ["a.R"])
    assert history(repository, george, "a.R", "root") == [2, 2]


def test_a_move_takes_the_history_along_and_appends_it(
    directories: RepositoryDirectories, george: Caller, upload: Upload, repository: RepositoryFiles
) -> None:
    for directory, contents in {"root": [b"1", b"22"], "demo": [b"333", b"4444"]}.items():
        for content in contents:
            upload(george, "a.R", content, directory=directory)
    assert directories.move(george, "demo", "root", ["a.R", "a.R"]) == []
    assert shown(directories, george) == {"root": ["a.R"], "demo": []}
    assert history(repository, george, "a.R", "root") == [4, 3, 2, 1]
    directories.move(george, "root", "root")
    directories.move(george, "root", "demo")
    assert history(repository, george, "a.R", "demo") == [4, 3, 2, 1]


def test_nothing_is_done_when_a_file_or_directory_is_missing(
    directories: RepositoryDirectories, george: Caller, susan: Caller, upload: Upload
) -> None:
    upload(george, "a.R", directory="demo")
    for call in (directories.copy, directories.move):
        for arguments in (("demo", "none"), ("none", "demo"), ("demo", "root", ["a.R", "none"])):
            with pytest.raises(NotFound):
                call(george, *arguments)
    with pytest.raises(NotFound):
        directories.archive(george, "demo", "old", ["none"])
    with pytest.raises(NotFound):
        directories.delete(susan, "demo")
    assert shown(directories, george) == {"root": [], "demo": ["a.R"]}


def test_update_sets_access_on_all_or_some_files(
    directories: RepositoryDirectories, george: Caller, upload: Upload
) -> None:
    for name in ("a.R", "b.R"):
        upload(george, name, directory="demo")
    directories.update(george, "demo", FileProperties(shared=True))
    directories.update(george, "demo", FileProperties(published=True), ["b.R"])
    assert [file.access for file in directories.select_files(george, "demo")] == ["Shared", "Public"]
    with pytest.raises(NotFound):
        directories.update(george, "demo", FileProperties(published=True), ["a.R", "none"])
    assert [file.access for file in directories.select_files(george, "demo")] == ["Shared", "Public"]


def test_an_archive_is_made_on_demand_and_removes_what_it_emptied(
    directories: RepositoryDirectories, george: Caller, upload: Upload, repository: RepositoryFiles
) -> None:
    for name in ("a.R", "b.R"):
        upload(george, name, directory="demo")
    assert directories.archive(george, "demo", "old", ["a.R"]) == ("old.archive", [])
    assert shown(directories, george) == {"root": [], "demo": ["b.R"], "old.archive": ["a.R"]}
    directories.archive(george, "demo", "old.archive")
    assert shown(directories, george) == {"root": [], "old.archive": ["a.R", "b.R"]}
    archived = repository.find(george, RepositoryName("a.R", directory="old.archive"))
    assert archived.versionmsg == "File archived from demo directory."
    directories.archive(george, "root", "old")
    with pytest.raises(InvalidParameter):
        directories.archive(george, "old.archive", "older")


def test_anonymous_callers_have_no_directories(directories: RepositoryDirectories, caller: Make) -> None:
    with pytest.raises(NotAuthenticated):
        directories.list_directories(caller(None))
    with pytest.raises(NotAuthenticated):
        directories.create(caller(None), "demo")
