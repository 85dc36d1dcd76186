"""Directories of the default repository, as the Java suite calls (client-wire-facts 16; 7x-facts 23).

More of each call: ``tests/repository/test_directories.py``, ``tests/api/test_repository_directory.py``.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.conftest import Login
from tests.acceptance.java import JavaClient, names

FILES = ["a.R", "b.txt", "c.csv"]


@pytest.fixture(autouse=True)
def filled(user: JavaClient, directory: str) -> None:
    """Three files in the directory."""
    for filename in FILES:
        file = {"filename": filename, "directory": directory, "descr": None, "newversion": "false"}
        user.upload("/r/repository/file/upload", b"x <- 1", **file)


@pytest.fixture
def target(user: JavaClient, unique: str) -> Iterator[str]:
    """Name of a second directory; whatever becomes of it goes with the test."""
    name = f"{unique} target"
    yield name
    for left in (name, f"{name}.archive"):
        user.send("/r/repository/directory/delete", {"directory": left})


def own(client: JavaClient) -> list[str]:
    """Names of all own directories."""
    return [entry["directory"] for entry in client.list_directories(userfiles="true", archived="true")["user"]]


def inside(client: JavaClient, directory: str) -> list[str]:
    """Names of the files of the one directory asked for."""
    [found] = client.list_directories(directory=directory, archived="true")["user"]
    assert found["directory"] == directory
    return names(found["files"])


def test_a_created_directory_is_one_more_and_a_deleted_one_less(either: JavaClient, target: str) -> None:
    before = own(either)
    reply = either.ask("/r/repository/directory/create", directory=target)
    assert reply["repository"]["directory"]["directory"] == target
    assert sorted(own(either)) == sorted([*before, target])
    assert inside(either, target) == []
    either.ask("/r/repository/directory/delete", directory=target)
    assert own(either) == before


def test_directories_are_listed_without_files_unless_asked_for(either: JavaClient, directory: str) -> None:
    assert all(entry["files"] == [] for entry in either.list_directories()["user"])
    files = {entry["directory"]: names(entry["files"]) for entry in either.list_directories(userfiles="true")["user"]}
    assert files[directory] == FILES


def test_a_renamed_directory_has_all_files_and_its_old_name_is_gone(
    either: JavaClient, directory: str, target: str
) -> None:
    before = own(either)
    reply = either.ask("/r/repository/directory/rename", directory=directory, destination=target)
    assert reply["repository"]["directory"]["directory"] == target
    assert sorted(own(either)) == sorted({*before, target} - {directory})
    assert inside(either, target) == FILES


@pytest.mark.parametrize(("call", "left"), [("copy", FILES), ("move", [])])
def test_a_whole_directory_is_copied_or_moved_and_stays_itself(
    either: JavaClient, directory: str, target: str, call: str, left: list[str]
) -> None:
    either.ask("/r/repository/directory/create", directory=target)
    count = len(own(either))
    either.ask(f"/r/repository/directory/{call}", directory=directory, destination=target, filename=None)
    assert len(own(either)) == count
    assert (inside(either, directory), inside(either, target)) == (left, FILES)


@pytest.mark.parametrize(("call", "left"), [("copy", FILES), ("move", ["b.txt"])])
def test_some_files_of_a_directory_are_copied_or_moved(
    either: JavaClient, directory: str, target: str, call: str, left: list[str]
) -> None:
    either.ask("/r/repository/directory/create", directory=target)
    either.ask(f"/r/repository/directory/{call}", directory=directory, destination=target, filename="a.R,c.csv")
    assert (inside(either, directory), inside(either, target)) == (left, ["a.R", "c.csv"])


def test_a_part_is_archived_and_the_source_stays(either: JavaClient, directory: str, target: str) -> None:
    before = own(either)
    reply = either.ask("/r/repository/directory/archive", directory=directory, archive=target, filename="a.R,c.csv")
    assert reply["repository"]["directory"]["directory"] == f"{target}.archive"
    assert sorted(own(either)) == sorted([*before, f"{target}.archive"])
    assert (inside(either, directory), inside(either, f"{target}.archive")) == (["b.txt"], ["a.R", "c.csv"])


def test_all_is_archived_and_the_source_is_gone(either: JavaClient, directory: str, target: str) -> None:
    before = own(either)
    either.ask("/r/repository/directory/archive", directory=directory, archive=target, filename=None)
    assert sorted(own(either)) == sorted({*before, f"{target}.archive"} - {directory})
    assert inside(either, f"{target}.archive") == FILES


def test_archives_are_listed_only_when_asked_for(either: JavaClient, directory: str, target: str) -> None:
    either.ask("/r/repository/directory/archive", directory=directory, archive=target, filename=None)
    assert f"{target}.archive" not in [entry["directory"] for entry in either.list_directories()["user"]]
    assert f"{target}.archive" in [entry["directory"] for entry in either.list_directories(archived="true")["user"]]


@pytest.mark.parametrize("filename", [None, "a.R,c.csv"])
def test_an_update_opens_all_or_some_files(either: JavaClient, directory: str, filename: str | None) -> None:
    access = {"restricted": None, "shared": "true", "published": "true"}
    either.ask("/r/repository/directory/update", directory=directory, filename=filename, **access)
    published = names([file for file in either.list_files(directory=directory) if file["published"]])
    assert published == (FILES if filename is None else ["a.R", "c.csv"])


def test_a_category_filter_holds_for_all_directories(either: JavaClient, directory: str) -> None:
    found = either.list_directories(userfiles="true", categoryFilter="script")["user"]
    assert names(next(entry["files"] for entry in found if entry["directory"] == directory)) == ["a.R"]
    assert {file["category"] for entry in found for file in entry["files"]} == {"script"}


def test_everything_has_the_system_directories_and_own_files_are_not_in_them(
    login: Login, either: JavaClient, directory: str
) -> None:
    shown = {"userfiles": "true", "archived": "true", "shared": "true", "published": "true"}
    either.ask("/r/repository/directory/update", directory=directory, restricted=None, shared="true", published="true")
    found = either.list_directories(**shown)
    assert [entry["directory"] for entry in found["system"]] == ["Restricted", "Shared", "Public"]
    assert "testuser" not in {file["author"] for entry in found["system"] for file in entry["files"]}
    seen = login("admin").list_directories(**shown)
    [public] = [entry for entry in seen["system"] if entry["directory"] == "Public"]
    assert set(FILES) <= set(names(public["files"]))


def test_without_being_asked_for_the_files_of_others_are_in_no_list(login: Login) -> None:
    admin = login("admin")
    assert {file["author"] for file in admin.list_files()} <= {"admin"}
    assert {file["author"] for entry in admin.list_directories()["system"] for file in entry["files"]} == set()
    assert "testuser" in {file["author"] for file in admin.list_files(published="true")}


def test_a_zip_fills_a_directory(user: JavaClient, directory: str, target: str) -> None:
    download = user.http.get("/r/repository/directory/download", params={"directory": directory})
    assert download.content.startswith(b"PK")
    user.ask("/r/repository/directory/create", directory=target)
    options = {"directory": target, "descr": "unpacked", "newversion": "false", "published": "false"}
    user.upload("/r/repository/directory/upload", download.content, **options)
    assert inside(user, target) == FILES
