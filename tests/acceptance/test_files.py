"""Files of the repository and of projects as the Java suite uses them (client-wire-facts 11 and 16; 7x-facts 23).

Zips, versions, rights and wrong names, ten megabytes written as text: ``tests/api/test_repository_file*.py``,
``tests/api/test_project_directory*.py``.
"""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

from tests.acceptance.conftest import Login
from tests.acceptance.java import JavaClient, Params, names

LINE = "It is a line of a text: é ü €, and + & = %.\n"
UNSET: Params = dict.fromkeys(("descr", "newversionmsg", "restricted", "inputs", "outputs"))
PRIVATE: Params = {**UNSET, "newversion": "false", "shared": "false", "published": "false"}


def write(client: JavaClient, directory: str, filename: str, text: str, **params: str | None) -> dict[str, Any]:
    """The repository file that the call wrote."""
    given = {**PRIVATE, **params, "directory": directory, "filename": filename, "text": text}
    file: dict[str, Any] = client.ask("/r/repository/file/write", **given)["repository"]["file"]
    return file


def download(client: JavaClient, call: str, **params: str) -> bytes:
    """What the Java client streams: the session is in the path, the token is not sent."""
    path = f"{call};jsessionid={client.http.cookies['JSESSIONID']}"
    response = client.http.get(path, params=params, headers={"X-XSRF-TOKEN": ""})
    assert response.status_code == 200
    return response.content


def test_a_written_file_is_listed_fetched_updated_and_deleted(either: JavaClient, directory: str) -> None:
    file = write(either, directory, "a.txt", LINE, descr="what it is")
    assert (file["filename"], file["type"], file["category"], file["descr"]) == (
        "a.txt",
        "text/plain",
        "text",
        "what it is",
    )
    assert (file["access"], file["shared"], file["published"], file["author"]) == ("Private", False, False, "testuser")
    place: Params = {"filename": "a.txt", "directory": directory, "author": "testuser", "version": None}
    assert either.ask("/r/repository/file/fetch", **place)["repository"]["file"]["url"] == file["url"]
    access: Params = {"shared": "false", "published": "true", "restricted": None, "inputs": None, "outputs": None}
    either.ask("/r/repository/file/update", filename="a.txt", directory=directory, descr="new", **access)
    [listed] = either.list_files(directory=directory)
    assert (listed["published"], listed["access"], listed["descr"]) == (True, "Public", "new")
    either.ask("/r/repository/file/delete", filename="a.txt", directory=directory)
    assert either.list_files(directory=directory) == []


@pytest.mark.parametrize(
    ("sent", "access"),
    [
        ({"restricted": "POWER_USER"}, "Restricted"),
        ({"shared": "true"}, "Shared"),
        ({"published": "true"}, "Public"),
        ({}, "Private"),
    ],
)
def test_access_is_told_in_words(either: JavaClient, directory: str, sent: Params, access: str) -> None:
    assert write(either, directory, "a.txt", LINE, **sent)["access"] == access


def test_what_is_shared_or_published_is_seen_by_admin_when_asked_for(
    login: Login, either: JavaClient, directory: str
) -> None:
    for access in ("shared", "published"):
        write(either, directory, f"{directory} {access}.txt", LINE, **{access: "true"})
    admin = login("admin")

    def seen(**flags: str) -> list[str]:
        return [name for name in names(admin.list_files(**flags)) if name.startswith(directory)]

    assert (seen(), seen(shared="true"), seen(published="true")) == (
        [], [f"{directory} shared.txt"], [f"{directory} published.txt"],
    )  # fmt: skip


def test_versions_are_listed_with_their_messages_and_reverted(either: JavaClient, directory: str) -> None:
    write(either, directory, "a.txt", "first")
    write(either, directory, "a.txt", "second", newversion="true", newversionmsg="better")
    versions = either.list_files(filename="a.txt", directory=directory)
    assert [(version["version"] is None, version["versionmsg"]) for version in versions] == [
        (True, "better"), (False, None),
    ]  # fmt: skip
    first = {"filename": "a.txt", "directory": directory, "author": "testuser", "version": versions[1]["version"]}
    assert download(either, "/r/repository/file/download", **first) == b"first"
    either.ask("/r/repository/file/revert", filename="a.txt", directory=directory, version=first["version"])
    assert len(either.list_files(filename="a.txt", directory=directory)) == 3
    assert download(either, "/r/repository/file/download", **{**first, "version": ""}) == b"first"
    page = download(either, "/r/repository/file/diff", **first)
    assert page.lstrip().lower().startswith(b"<!doctype html")


@pytest.mark.parametrize(("call", "left"), [("copy", ["a.R", "b.txt"]), ("move", ["a.R"])])
def test_files_are_copied_and_moved_one_by_one(either: JavaClient, directory: str, call: str, left: list[str]) -> None:
    target = f"{directory} target"
    either.ask("/r/repository/directory/create", directory=target)
    for filename in ("a.R", "b.txt"):
        write(either, directory, filename, "x <- 1")
    either.ask(f"/r/repository/file/{call}", filename="b.txt", directory=directory, destination=target, version=None)
    found = names(either.list_files(directory=directory)), names(either.list_files(directory=target))
    either.ask("/r/repository/directory/delete", directory=target)
    assert found == (left, ["b.txt"])


def test_a_text_of_more_than_ten_mebibytes_comes_back(user: JavaClient, directory: str) -> None:
    text = (LINE * 260_000).encode()
    assert len(text) > 10 * 2**20
    file = user.upload("/r/repository/file/upload", text, filename="large.txt", directory=directory, newversion="false")
    assert (file["repository"]["file"]["length"], file["repository"]["file"]["type"]) == (len(text), "text/plain")
    place = {"filename": "large.txt", "directory": directory, "author": "testuser", "version": ""}
    assert download(user, "/r/repository/file/download", **place) == text


def test_a_project_is_given_a_text_of_more_than_ten_mebibytes(user: JavaClient) -> None:
    project, text = user.project(), (LINE * 260_000).encode()
    user.upload("/r/project/directory/upload", text, project=project, filename="large.txt", overwrite="false")
    [file] = user.directory(project)
    assert (file["length"], file["type"]) == (len(text), "text/plain")
    assert download(user, "/r/project/directory/download", project=project, filename="large.txt") == text
    user.execute(project, f"stopifnot(file.size('large.txt') == {len(text)}, length(readLines('large.txt')) == 260000)")


def test_files_of_a_project_are_written_loaded_described_stored_and_deleted(either: JavaClient, directory: str) -> None:
    project = either.project()
    either.ask("/r/project/directory/write", project=project, filename="a.txt", text=LINE, descr="d", overwrite="true")
    place: Params = {"filename": "fraudModel.rData", "directory": "example-fraud-score", "author": "testuser"}
    loaded = either.ask("/r/project/directory/load", project=project, **place, version=None)["directory"]["file"]
    [fraud] = either.list_files(directory="example-fraud-score", categoryFilter="R")
    assert (loaded["length"], loaded["descr"]) == (fraud["length"], fraud["descr"])
    renamed = {"filename": "a.txt", "rename": "b.txt", "descr": "new", "overwrite": "true"}
    assert (
        either.ask("/r/project/directory/update", project=project, **renamed)["directory"]["file"]["filename"]
        == "b.txt"
    )
    assert names(either.directory(project)) == ["b.txt", "fraudModel.rData"]
    options: Params = {"descr": "stored", "shared": "false", "published": "true", "restricted": None}
    stored = either.ask("/r/project/directory/store", project=project, filename="b.txt", directory=directory, **options)
    file = stored["repository"]["file"]
    assert (file["directory"], file["published"], file["descr"]) == (directory, True, "stored")
    either.ask("/r/project/directory/delete", project=project, filename="b.txt,fraudModel.rData")
    assert either.directory(project) == []


def test_downloads_of_several_files_are_zips(user: JavaClient) -> None:
    project = user.project()
    user.execute(project, "for (n in c('a.txt', 'b c.txt', 'd.txt')) cat(n, file = n); plot(1); plot(2)")
    files = download(user, "/r/project/directory/download", project=project, filename="a.txt,b c.txt")
    every = download(user, "/r/project/directory/download", project=project)
    plots = download(user, "/r/project/execute/result/download", project=project)
    assert [content[:2] for content in (files, every, plots)] == [b"PK"] * 3
    found = [sorted(zipfile.ZipFile(io.BytesIO(content)).namelist()) for content in (files, every)]
    assert found == [["a.txt", "b c.txt"], ["a.txt", "b c.txt", "d.txt"]]
    assert len(zipfile.ZipFile(io.BytesIO(plots)).namelist()) == 2


def test_a_plot_is_downloaded_deleted_and_flushed(user: JavaClient) -> None:
    project = user.project()
    execution = user.execute(project, "plot(1); plot(2)")["execution"]
    one, other = (result["filename"] for result in execution["results"])
    png = download(user, "/r/project/execute/result/download", project=project, filename=one)
    assert png.startswith(b"\x89PNG")
    user.ask("/r/project/execute/result/delete", project=project, execution=execution["execution"], filename=one)
    left = user.ask("/r/project/execute/result/list", project=project, execution=execution["execution"])["execution"]
    assert names(left["results"]) == [other]
    user.ask("/r/project/execute/flush", project=project, execution=None)
    [entry] = user.history(project)
    assert (entry["resultsGenerated"], entry["resultsAvailable"], not entry["console"]) == (2, 0, True)
