"""Repository files on a real database."""

import contextlib
import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from deployr.errors import InvalidParameter, NotAuthenticated, NotFound
from deployr.repository import file_types, rows
from deployr.repository.blobs import Blobs
from deployr.repository.directories import RepositoryDirectories
from deployr.repository.files import RepositoryFiles
from deployr.repository.records import FileProperties, RepositoryFile, RepositoryName
from deployr.settings import Settings
from deployr.store.database import Database
from deployr.store.schema import repository_file_authors
from deployr.users.caller import Caller
from tests.postgresql import ON_BOTH_DATABASES

Make = Callable[[str | None], Caller]
Upload = Callable[..., RepositoryFile]
_PROPERTIES = [field.name for field in dataclasses.fields(FileProperties)]


@pytest.fixture
def george(caller: Make) -> Caller:
    return caller("george")


@pytest.fixture
def susan(caller: Make) -> Caller:
    return caller("susan")


@pytest.fixture
def anonymous(caller: Make) -> Caller:
    return caller(None)


@pytest.fixture
def upload(repository: RepositoryFiles, blobs: Blobs) -> Callable[..., RepositoryFile]:
    def store(caller: Caller, filename: str, content: bytes = b"x", **arguments: Any) -> RepositoryFile:
        properties = {name: arguments.pop(name) for name in _PROPERTIES if name in arguments}
        return repository.upload(
            caller, filename, blobs.put([content]), properties=FileProperties(**properties), **arguments
        )

    return store


def _names(found: list[RepositoryFile]) -> list[str]:
    return [file.filename for file in found]


def _own_too(database: Database, username: str) -> None:
    """Make a user co-owner of the only file."""
    with database.transaction() as connection:
        connection.execute(repository_file_authors.insert().values(file_id=1, username=username))


def _make_directory(database: Database, username: str, directory: str) -> None:
    with database.transaction() as connection:
        rows.insert_directory(connection, username, directory)


# -- writing ----------------------------------------------------------------------------------------------


def test_a_new_file_is_private_and_complete(upload: Upload, george: Caller) -> None:
    file = upload(george, "demo.R", b"x <- 5", descr="sample", inputs="x", newversionmsg="first")
    assert (file.author, file.authors, file.latestby, file.directory) == ("george", ("george",), "george", "root")
    assert (file.version, file.versionmsg, file.length) == (None, "first", 6)
    assert (file.access, file.category, file.type) == ("Private", "script", "text/plain")
    assert (file.descr, file.inputs, file.outputs, file.restricted) == ("sample", "x", None, None)


def test_writing_again_replaces_the_latest_in_place(
    upload: Upload, repository: RepositoryFiles, george: Caller, blobs: Blobs
) -> None:
    upload(george, "a.txt", b"one", descr="sample", shared=True)
    file = upload(george, "a.txt", b"three", shared=False)
    assert (blobs.read(file.sha256), file.descr, file.shared) == (b"three", "sample", False)
    assert len(repository.list_files(george, filename="a.txt")) == 1


@ON_BOTH_DATABASES
def test_a_new_version_keeps_the_former_one(
    upload: Upload, repository: RepositoryFiles, george: Caller, blobs: Blobs
) -> None:
    for number in (b"1", b"2", b"3"):
        upload(george, "a.txt", number, newversion=True, newversionmsg=f"as {number.decode()}")
    found = repository.list_files(george, filename="a.txt")
    assert [(blobs.read(file.sha256), file.versionmsg) for file in found] == [
        (b"3", "as 3"),
        (b"2", "as 2"),
        (b"1", "as 1"),
    ]
    assert found[0].version is None
    assert all("." in str(file.version) for file in found[1:])
    again = repository.find(george, RepositoryName("a.txt", version=found[2].version))
    assert again == found[2]
    assert len(repository.list_files(george)) == 1


def test_names_types_and_directories_are_checked(upload: Upload, george: Caller, caller: Make) -> None:
    with pytest.raises(InvalidParameter):
        upload(george, "a/b.txt")
    with pytest.raises(InvalidParameter):
        upload(george, "a.sh")
    with pytest.raises(NotFound):
        upload(george, "a.txt", directory="nowhere")
    with pytest.raises(NotAuthenticated):
        upload(caller(None), "a.txt")
    assert upload(caller("admin"), "a.sh").category == "shell"


def test_restriction_is_tidied_kept_and_cleared(upload: Upload, george: Caller) -> None:
    assert upload(george, "a.txt", restricted=" MARKETING,, SALES,").restricted == "MARKETING,SALES"
    assert upload(george, "a.txt").restricted == "MARKETING,SALES"
    assert upload(george, "a.txt", restricted="").restricted is None


def test_a_co_owner_writes_the_same_file(
    upload: Upload, database: Database, george: Caller, susan: Caller, repository: RepositoryFiles
) -> None:
    upload(george, "a.txt", b"one")
    _own_too(database, "susan")
    file = upload(susan, "a.txt", b"two", newversion=True)
    assert (file.author, file.authors, file.latestby) == ("george", ("george", "susan"), "susan")
    assert (
        repository.find(george, RepositoryName("a.txt"))
        == file
        == repository.find(susan, RepositoryName("a.txt", author="susan"))
    )


# -- deleting ---------------------------------------------------------------------------------------------


def test_deleting_takes_all_versions(upload: Upload, repository: RepositoryFiles, george: Caller) -> None:
    upload(george, "a.txt")
    upload(george, "a.txt", newversion=True)
    upload(george, "b.txt")
    repository.delete(george, ["a.txt", "a.txt"])
    assert _names(repository.list_files(george)) == ["b.txt"]
    assert upload(george, "a.txt").version is None


def test_deleting_an_unknown_file_deletes_none(upload: Upload, repository: RepositoryFiles, george: Caller) -> None:
    upload(george, "a.txt")
    with pytest.raises(NotFound):
        repository.delete(george, ["a.txt", "b.txt"])
    assert _names(repository.list_files(george)) == ["a.txt"]


def test_others_files_cannot_be_deleted(
    upload: Upload, repository: RepositoryFiles, george: Caller, susan: Caller, anonymous: Caller
) -> None:
    upload(george, "a.txt", published=True)
    with pytest.raises(NotFound):
        repository.delete(susan, ["a.txt"])
    with pytest.raises(NotAuthenticated):
        repository.delete(anonymous, ["a.txt"])


@ON_BOTH_DATABASES
def test_deleting_a_co_owned_file_takes_the_ownership_only(
    upload: Upload, repository: RepositoryFiles, database: Database, george: Caller, susan: Caller
) -> None:
    upload(george, "a.txt")
    _own_too(database, "susan")
    repository.delete(george, ["a.txt"])
    with pytest.raises(NotFound):
        repository.find(george, RepositoryName("a.txt"))
    assert repository.find(susan, RepositoryName("a.txt")).author == "susan"
    assert upload(george, "a.txt", b"mine").authors == ("george",)
    repository.delete(susan, ["a.txt"])
    assert repository.list_files(susan) == []


# -- seeing -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "seers"),
    [
        ({}, ["george"]),
        ({"restricted": "SALES"}, ["george"]),
        ({"restricted": "SALES,MARKETING"}, ["george", "susan"]),
        ({"restricted": "MARKETING", "shared": True}, ["george", "susan"]),
        ({"shared": True}, ["george", "susan", "admin"]),
        ({"published": True}, ["george", "susan", "admin", None]),
        ({"published": True, "restricted": "SALES"}, ["george", "susan", "admin", None]),
    ],
)
def test_flags_decide_who_sees_a_file(
    upload: Upload,
    repository: RepositoryFiles,
    george: Caller,
    caller: Make,
    flags: dict[str, Any],
    seers: list[str | None],
) -> None:
    upload(george, "demo.R", **flags)
    listed, found = [], []
    for username in ("george", "susan", "admin", None):
        if repository.list_files(caller(username), shared=True, published=True):
            listed.append(username)
        with contextlib.suppress(NotFound):
            repository.find(caller(username), RepositoryName("demo.R", author="george"))
            found.append(username)
    assert listed == found == seers


def test_lists_show_own_files_and_others_on_request(
    upload: Upload, repository: RepositoryFiles, george: Caller, susan: Caller
) -> None:
    upload(george, "shared.txt", shared=True)
    upload(george, "public.txt", published=True, shared=True)
    upload(susan, "own.txt", published=True)
    assert _names(repository.list_files(susan)) == ["own.txt"]
    assert _names(repository.list_files(susan, shared=True)) == ["own.txt", "shared.txt"]
    assert _names(repository.list_files(susan, published=True)) == ["own.txt", "public.txt"]


@ON_BOTH_DATABASES
def test_lists_are_narrowed(upload: Upload, repository: RepositoryFiles, database: Database, george: Caller) -> None:
    _make_directory(database, "george", "tutorial")
    _make_directory(database, "george", "empty")
    upload(george, "a.R", directory="tutorial")
    upload(george, "b.rData", directory="tutorial")
    upload(george, "c.R")
    assert _names(repository.list_files(george)) == ["c.R", "a.R", "b.rData"]
    assert _names(repository.list_files(george, directory="tutorial")) == ["a.R", "b.rData"]
    assert _names(repository.list_files(george, directory="tutorial", category="r")) == ["b.rData"]
    assert _names(repository.list_scripts(george)) == ["c.R", "a.R"]
    assert repository.list_files(george, directory="empty") == []
    assert repository.list_files(george, directory="root", category="pdf") == []


def test_unknown_directories_and_files_are_errors(
    upload: Upload, repository: RepositoryFiles, database: Database, george: Caller, susan: Caller
) -> None:
    _make_directory(database, "george", "tutorial")
    upload(george, "a.R", directory="tutorial", shared=True)
    assert _names(repository.list_files(susan, directory="tutorial", shared=True)) == ["a.R"]
    for arguments in ({"directory": "tutorial"}, {"filename": "a.R"}, {"directory": "nowhere", "shared": True}):
        with pytest.raises(NotFound):
            repository.list_files(susan, **arguments)


def test_anonymous_callers_list_published_scripts_unless_forbidden(
    upload: Upload,
    repository: RepositoryFiles,
    database: Database,
    george: Caller,
    anonymous: Caller,
    settings: Settings,
) -> None:
    upload(george, "public.R", published=True)
    upload(george, "public.txt", published=True)
    upload(george, "shared.R", shared=True)
    assert _names(repository.list_scripts(anonymous, shared=True)) == ["public.R"]
    strict = Settings.load(flags={"home": settings.home, "repository.script_list_authenticate": True})
    with pytest.raises(NotAuthenticated):
        RepositoryFiles(database, strict).list_scripts(anonymous)


def test_scripts_are_found_without_their_extension(upload: Upload, repository: RepositoryFiles, george: Caller) -> None:
    upload(george, "regression.R")
    upload(george, "old.r")
    assert repository.find(george, RepositoryName("regression"), script=True).filename == "regression.R"
    assert repository.find(george, RepositoryName("old"), script=True).filename == "old.r"
    upload(george, "regression")
    assert repository.find(george, RepositoryName("regression"), script=True).filename == "regression"
    with pytest.raises(NotFound):
        repository.find(george, RepositoryName("old"))


def test_unknown_parts_of_a_key_are_not_found(
    upload: Upload, repository: RepositoryFiles, george: Caller, anonymous: Caller
) -> None:
    upload(george, "a.txt", published=True)
    keys: list[dict[str, Any]] = [{"author": "susan"}, {"directory": "nowhere"}, {"version": "9.0"}]
    for key in keys:
        with pytest.raises(NotFound):
            repository.find(george, RepositoryName("a.txt", **key))
    with pytest.raises(NotFound):
        repository.find(anonymous, RepositoryName("a.txt"))


# -- downloading ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filename", "flags", "policies", "takers"),
    [
        ("a.txt", {}, [], ["george"]),
        ("a.txt", {"shared": True}, [], ["george", "susan", "admin"]),
        ("a.txt", {"restricted": "MARKETING"}, [], ["george", "susan"]),
        ("a.txt", {"published": True}, [], ["george", "susan", "admin"]),
        ("a.txt", {"published": True}, ["file_anonymous_download"], ["george", "susan", "admin", None]),
        ("a.R", {"published": True}, ["file_anonymous_download"], ["george", "susan", "admin"]),
        ("a.Rmd", {"published": True}, ["script_anonymous_download"], ["george", "susan", "admin", None]),
        ("a.txt", {"published": True}, ["file_author_only_download"], ["george"]),
        ("a.R", {"published": True}, ["script_author_only_download", "script_anonymous_download"], ["george"]),
        ("a.R", {"published": True}, ["file_author_only_download"], ["george", "susan", "admin"]),
        ("a.txt", {"shared": True}, ["file_anonymous_download"], ["george", "susan", "admin"]),
    ],
)
def test_policies_decide_who_downloads(
    upload: Upload,
    database: Database,
    settings: Settings,
    caller: Make,
    filename: str,
    flags: dict[str, Any],
    policies: list[str],
    takers: list[str | None],
) -> None:
    file = upload(caller("george"), filename, **flags)
    flagged = {f"repository.{policy}": True for policy in policies}
    repository = RepositoryFiles(database, Settings.load(flags={"home": settings.home, **flagged}))
    users = ("george", "susan", "admin", None)
    assert [username for username in users if repository.may_download(caller(username), file)] == takers


@ON_BOTH_DATABASES
def test_an_update_sets_what_is_said_and_nothing_else(
    upload: Upload, repository: RepositoryFiles, george: Caller
) -> None:
    before = upload(george, "a.txt", descr="old", tags="t", restricted="MARKETING", newversionmsg="first")
    after = repository.update(george, "a.txt", FileProperties(descr="new", restricted=""))
    assert after == dataclasses.replace(before, descr="new", restricted=None)
    assert repository.update(george, "a.txt", FileProperties()) == after


def test_an_update_is_for_owners_of_the_file(
    upload: Upload, repository: RepositoryFiles, database: Database, george: Caller, susan: Caller, anonymous: Caller
) -> None:
    upload(george, "a.txt", published=True)
    with pytest.raises(NotFound):
        repository.update(susan, "a.txt", FileProperties(descr="mine"))
    with pytest.raises(NotAuthenticated):
        repository.update(anonymous, "a.txt", FileProperties(descr="mine"))
    _own_too(database, "susan")
    assert repository.update(susan, "a.txt", FileProperties(descr="ours")).descr == "ours"


@ON_BOTH_DATABASES
@pytest.mark.parametrize("category", [*file_types.CATEGORIES, file_types.OTHER])
def test_a_category_is_found_by_the_extensions_that_name_it(
    repository: RepositoryFiles, upload: Upload, george: Caller, category: str
) -> None:
    names = ["a.R", "b.r", "c.RDATA", "d.csv", "e.csvx", "f", "csv", "h.PNG", "i.txt", "j.pdf", "k.%", "l.tar.csv"]
    for name in names:
        upload(george, name)
    found = [file.filename for file in repository.list_files(george, category=category)]
    assert found == sorted(name for name in names if file_types.category(name) == category)


def test_a_directory_without_files_of_a_category_is_not_taken_for_none(
    repository: RepositoryFiles, upload: Upload, george: Caller, susan: Caller, database: Database
) -> None:
    RepositoryDirectories(database).create(george, "mine")
    assert repository.list_files(george, directory="mine", category="data") == []
    upload(george, "a.txt", directory="mine", shared=True)
    assert repository.list_files(susan, directory="mine", category="data", shared=True) == []
    with pytest.raises(NotFound):
        repository.list_files(susan, directory="mine", category="data")


def test_files_are_found_by_name_without_a_look_at_the_owners_others(database: Database) -> None:
    sent: list[tuple[str, Any]] = []
    sa.event.listen(database.engine, "before_cursor_execute", lambda *given: sent.append(given[2:4]))
    with database.reading() as connection:
        rows.find(connection, "george", "root", ["a.R"] * 3, None)
        statement, values = sent[-1]
        plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all())
    assert "ix_repository_files_filename_directory" in plan, plan
    assert "ix_repository_file_authors_username" not in plan, plan
