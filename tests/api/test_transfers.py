"""The calls that take a file by its URL: ``transfer`` of workspaces, directories and the repository."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.server import Client, Server

OBJECTS = "/r/project/workspace/transfer"
FILES = "/r/project/directory/transfer"
REPOSITORY = "/r/repository/file/transfer"
CALLS = [OBJECTS, FILES, REPOSITORY]


@pytest.fixture
def project(testuser: Client) -> str:
    return testuser.project()


@pytest.fixture
def name() -> str:
    """Name of a file that no other test stores."""
    return f"{uuid.uuid4().hex}.txt"


def write(client: Client, project: str, filename: str, text: str) -> Any:
    """The file that the call made."""
    written = client.succeed("/r/project/directory/write", project=project, filename=filename, text=text)
    return written["directory"]["file"]


def transfer(client: Client, project: str, url: str, filename: str = "got.txt", **params: str) -> Any:
    """The file that the call made."""
    return client.succeed(FILES, project=project, url=url, filename=filename, **params)["directory"]["file"]


def content_of(client: Client, file: Any) -> bytes:
    return client.http.get(file["url"]).content


def test_a_saved_object_is_restored_from_the_url_of_its_file(testuser: Client, project: str) -> None:
    testuser.execute(project, "x <- 10")
    file = testuser.succeed("/r/project/workspace/save", project=project, name="x")["directory"]["file"]
    testuser.succeed("/r/project/workspace/delete", project=project, name="x")
    reply = testuser.succeed(OBJECTS, project=project, name="label", url=file["url"])
    assert (reply["call"], reply["project"]["project"]) == (OBJECTS, project)
    objects = testuser.succeed("/r/project/workspace/list", project=project)["workspace"]["objects"]
    assert [entry["name"] for entry in objects] == ["x"]


def test_a_file_is_transferred_between_projects(testuser: Client, project: str) -> None:
    url = write(testuser, testuser.project(), "a é+b.txt", "content")["url"]
    file = transfer(testuser, project, url, "my file.txt", descr="what it is")
    assert (file["filename"], file["descr"], content_of(testuser, file)) == ("my file.txt", "what it is", b"content")
    testuser.fail(FILES, project=project, url=url, filename="my file.txt")
    assert transfer(testuser, project, url, "my file.txt", overwrite="true")["length"] == 7


def test_a_plot_is_transferred(testuser: Client, project: str) -> None:
    plot = testuser.execute(project, "plot(1)")["execution"]["results"][0]
    assert content_of(testuser, transfer(testuser, project, plot["url"], "plot.png")).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "url",
    [
        "{base}/r/project/directory/download/{project}/a.txt;jsessionid={session}",
        "{base}/r/project/directory/download;jsessionid={session}?project={project}&filename=a.txt",
        "{base}/r/project/directory/download?project={project}&filename=a.txt&format",
        "{base}/r/project/directory/download?project={project}&filename=a.txt;jsessionid={session}",
        "/deployr/r/project/directory/download/{project}/a.txt",
    ],
)
def test_own_urls_are_understood_as_clients_make_them(server: Server, testuser: Client, project: str, url: str) -> None:
    write(testuser, project, "a.txt", "content")
    session = testuser.http.cookies["JSESSIONID"]
    given = url.format(base=server.url, project=project, session=session)
    assert content_of(testuser, transfer(testuser, project, given)) == b"content"


@pytest.mark.parametrize(
    "query", ["filename={name}&directory=root&author=testuser&version", "filename={name}&author=testuser"]
)
def test_a_file_of_the_repository_is_transferred(
    server: Server, testuser: Client, project: str, name: str, query: str
) -> None:
    written = testuser.succeed("/r/repository/file/write", filename=name, text="content")["repository"]["file"]
    assert content_of(testuser, transfer(testuser, project, written["url"], "path.txt")) == b"content"
    url = f"{server.url}/r/repository/file/download?{query.format(name=name)}"
    assert content_of(testuser, transfer(testuser, project, url, "query.txt")) == b"content"


def test_a_file_is_transferred_to_the_repository(testuser: Client, project: str, name: str) -> None:
    url = write(testuser, project, "a.txt", "content")["url"]
    properties = {"descr": "d", "restricted": "", "shared": "True", "published": "False", "inputs": "i", "outputs": "o"}
    reply = testuser.succeed(REPOSITORY, url=url, filename=name, directory="root", **properties)
    file = reply["repository"]["file"]
    assert (file["filename"], file["descr"], file["access"], file["inputs"]) == (name, "d", "Shared", "i")
    assert content_of(testuser, file) == b"content"
    testuser.succeed(REPOSITORY, url=url, filename=name, newversion="true", newversionmsg="second")
    files = testuser.succeed("/r/repository/file/list", filename=name)["repository"]["files"]
    assert [entry["versionmsg"] for entry in files] == ["second", None]


def test_urls_open_what_their_user_may_see_and_no_more(
    server: Server, testuser: Client, project: str, name: str
) -> None:
    private = write(testuser, project, "a.txt", "content")["url"]
    written = testuser.succeed("/r/repository/file/write", filename=name, text="content")["repository"]["file"]
    session = testuser.http.cookies["JSESSIONID"]
    admin = server.login("admin")
    other = admin.project()
    for url in (private, f"{private};jsessionid={session}"):
        admin.fail(FILES, project=other, url=url, filename="b.txt", status=403)
    admin.fail(FILES, project=other, url=written["url"], filename="b.txt")
    testuser.succeed("/r/repository/file/update", filename=name, shared="true")
    assert transfer(admin, other, written["url"], "b.txt")["length"] == 7
    admin.logout()


@pytest.mark.parametrize("call", CALLS)
def test_private_addresses_and_files_of_the_server_are_not_reached(testuser: Client, project: str, call: str) -> None:
    for url in ("http://127.0.0.1:9/x", "http://[::1]:9/x", "http://localhost:9/x"):
        testuser.fail(call, project=project, url=url, filename="a.txt", name="x", status=403)
    for url in ("file:///etc/passwd", "/etc/passwd", "ftp://example.com/x", "http://", "x", "/deployr/r/nothing"):
        testuser.fail(call, project=project, url=url, filename="a.txt", name="x")
    assert testuser.succeed("/r/project/directory/list", project=project)["directory"]["files"] == []


@pytest.mark.parametrize("call", CALLS)
def test_a_transfer_names_a_url_and_is_of_a_user(anonymous: Client, testuser: Client, project: str, call: str) -> None:
    testuser.fail(call, project=project, filename="a.txt", name="x", status=400)
    anonymous.fail(call, project=project, filename="a.txt", name="x", url="http://127.0.0.1:9/x", status=401)


def test_what_is_no_object_or_has_no_name_is_refused(testuser: Client, project: str) -> None:
    url = write(testuser, project, "a.txt", "content")["url"]
    assert "cannot be loaded as rData" in testuser.fail(OBJECTS, project=project, name="x", url=url)["error"]
    for filename in ("../a.txt", ".a", "a.exe"):
        testuser.fail(FILES, project=project, url=url, filename=filename)
        if filename != ".a":
            testuser.fail(REPOSITORY, url=url, filename=filename)


def test_only_those_who_may_change_a_project_transfer_to_it(server: Server, testuser: Client, name: str) -> None:
    url = testuser.succeed("/r/repository/file/write", filename=name, text="x", published="true")["repository"]["file"]
    projects = [testuser.project(blackbox="true"), server.login("admin").project()]
    for project in projects:
        for call in (OBJECTS, FILES):
            testuser.fail(call, project=project, url=url["url"], filename="a.txt", name="x", status=403)
