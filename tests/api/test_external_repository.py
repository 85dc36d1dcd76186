"""The external repository over HTTP: examples of the documents, loading, executing, privacy, what changes on disk."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server import BASIC_USER, Client, Server, record_of

FILES = "/r/repository/file/list"
DIRECTORIES = "/r/repository/directory/list"
SCRIPT = "/r/repository/script/execute"
OWN, PUBLIC, SHARED = "external:root:ext demo", "external:public:testuser:ext plot", "external:shared:testuser:ext demo"
ON_DISK = {OWN: "testuser/ext demo", PUBLIC: "public/testuser/ext plot", SHARED: "shared/testuser/ext demo"}
CONTENTS = {
    "score.R": b"score <- 42; cat('scored\\n')",
    "use.R": b"used <- score + length(dir())",
    "data.csv": b"a,b\n1,2\n",
    "notes.txt": b"hello",
}

Write = Callable[[str, str, bytes], Path]


@pytest.fixture
def write(server: Server) -> Iterator[Write]:
    """Writes a file below an address; all of it is gone after the test."""
    base = server.settings.external_repository

    def store(address: str, filename: str, content: bytes) -> Path:
        directory = base / ON_DISK[address]
        directory.mkdir(parents=True, exist_ok=True)
        (directory / filename).write_bytes(content)
        return directory / filename

    yield store
    for path in ON_DISK.values():
        shutil.rmtree(base / path, ignore_errors=True)


@pytest.fixture
def filled(write: Write) -> None:
    """The same files in a private, a shared and a public directory of testuser."""
    for address, (filename, content) in itertools.product(ON_DISK, CONTENTS.items()):
        write(address, filename, content)


@pytest.fixture
def saved(testuser: Client, write: Write) -> None:
    """An rData file with ``kept <- 7`` in each directory."""
    project = testuser.project()
    testuser.execute(project, "kept <- 7; save(kept, file = 'kept.rData')")
    content = testuser.get("/r/project/directory/download", project=project, filename="kept.rData").content
    for address in ON_DISK:
        write(address, "kept.rData", content)


@pytest.fixture
def other(server: Server) -> Iterator[Client]:
    client = server.login("admin")
    yield client
    client.logout()


@pytest.fixture
def defaults(testuser: Client) -> Iterator[None]:
    """Directories of the default repository as the examples have them."""
    for directory in ("ext tutorial", "ext fraud"):
        testuser.succeed("/r/repository/directory/create", directory=directory)
    for directory, filename in [("ext tutorial", "a.csv"), ("ext tutorial", "b.R"), ("ext fraud", "model.rData")]:
        testuser.succeed("/r/repository/file/write", filename=filename, directory=directory, text="x")
    testuser.succeed("/r/repository/file/write", filename="score.R", directory="ext fraud", text="x")
    yield
    for directory in ("ext tutorial", "ext fraud"):
        testuser.succeed("/r/repository/directory/delete", directory=directory)


def listed(client: Client, **params: str) -> set[tuple[str, str]]:
    files = client.succeed(FILES, **params)["repository"]["files"]
    return {(file["directory"], file["filename"]) for file in files}


# -- examples of the 7.4 release text (7x-facts 12.9) -----------------------------------------------------


@pytest.mark.usefixtures("filled", "defaults")
def test_all_data_files_of_the_default_repository(testuser: Client) -> None:
    found = listed(testuser, categoryFilter="data")
    assert ("ext tutorial", "a.csv") in found
    assert not any(directory.startswith("external:") for directory, _ in found)
    assert all(filename.endswith((".csv", ".xls")) for _, filename in found)


@pytest.mark.usefixtures("defaults")
def test_all_files_of_a_directory_of_the_default_repository(testuser: Client) -> None:
    assert listed(testuser, directory="ext tutorial") == {("ext tutorial", "a.csv"), ("ext tutorial", "b.R")}


@pytest.mark.usefixtures("defaults")
def test_binary_r_files_of_a_directory_of_the_default_repository(testuser: Client) -> None:
    assert listed(testuser, directory="ext fraud", categoryFilter="R") == {("ext fraud", "model.rData")}


@pytest.mark.usefixtures("filled")
def test_scripts_of_ones_private_external_directory(testuser: Client) -> None:
    assert listed(testuser, directory=OWN, categoryFilter="script") == {(OWN, "score.R"), (OWN, "use.R")}


@pytest.mark.usefixtures("filled")
def test_scripts_of_anothers_public_external_directory(other: Client) -> None:
    assert listed(other, directory=PUBLIC, categoryFilter="script") == {(PUBLIC, "score.R"), (PUBLIC, "use.R")}
    [directory] = other.succeed(DIRECTORIES, directory=PUBLIC, categoryFilter="script")["repository"]["directories"][
        "system"
    ]
    assert [file["filename"] for file in directory["files"]] == ["score.R", "use.R"]


# -- changes on disk --------------------------------------------------------------------------------------


def test_changes_on_disk_show_at_once(testuser: Client, write: Write) -> None:
    path = write(OWN, "a.R", b"x <- 1")
    run = {"filename": "a.R", "directory": OWN, "author": "testuser", "robjects": "x"}
    assert testuser.succeed(SCRIPT, **run)["workspace"]["objects"][0]["value"] == 1.0
    path.write_bytes(b"x <- 2")
    assert testuser.succeed(SCRIPT, **run)["workspace"]["objects"][0]["value"] == 2.0
    path.rename(path.with_name("b.R"))
    assert listed(testuser, directory=OWN) == {(OWN, "b.R")}
    testuser.fail(SCRIPT, **run)
    shutil.rmtree(path.parent)
    testuser.fail(FILES, directory=OWN)


# -- executing --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("filled")
def test_chains_mix_both_repositories(testuser: Client, write: Write) -> None:
    testuser.succeed("/r/repository/file/write", filename="ext between.R", text="score <- score + 1")
    chain = {
        "filename": "score,ext between,use.R", "directory": f"{OWN},,{PUBLIC}", "author": "testuser,testuser,testuser",
        "robjects": "used",
    }  # fmt: skip
    try:
        for call, more in ((SCRIPT, {}), ("/r/project/execute/script", {"project": testuser.project()})):
            reply = testuser.succeed(call, **chain, **more)
            assert reply["workspace"]["objects"][0]["value"] == 43.0
            assert "scored" in reply["execution"]["console"]
    finally:
        testuser.succeed("/r/repository/file/delete", filename="ext between.R")


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("directory", [OWN, SHARED, PUBLIC])
def test_scripts_are_executed_and_rendered_by_whoever_sees_them(
    server: Server, testuser: Client, other: Client, directory: str
) -> None:
    run = {"filename": "score", "directory": directory, "author": "testuser"}
    seen_by = {"testuser": True, "other": directory != OWN, "anonymous": directory == PUBLIC}
    for name, client in {"testuser": testuser, "other": other, "anonymous": server.client()}.items():
        page = client.get("/r/repository/script/render", **run)
        if seen_by[name]:
            assert "scored" in client.succeed(SCRIPT, **run)["execution"]["console"]
            assert "scored" in page.text
        else:
            absent = client.fail(SCRIPT, **(run | {"filename": "none"}))["error"]
            assert client.fail(SCRIPT, **run)["error"] == absent.replace("none", "score")
            assert "scored" not in page.text


@pytest.mark.usefixtures("filled")
def test_the_source_of_a_public_script_is_hidden_from_those_who_may_not_download_it(server: Server) -> None:
    run = {"filename": "score", "directory": PUBLIC, "author": "testuser"}
    assert "cat(" not in str(server.client().succeed(SCRIPT, **run)["execution"])


# -- loading ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("filled", "saved")
def test_projects_are_filled_from_it(testuser: Client) -> None:
    project = testuser.project(
        preloadfilename="data.csv,notes.txt",
        preloadfiledirectory=f"{OWN},{PUBLIC}",
        preloadfileauthor="testuser,testuser",
        preloadobjectname="kept.rData",
        preloadobjectdirectory=SHARED,
        preloadobjectauthor="testuser",
    )
    reply = testuser.execute(project, "invisible(0)", robjects="kept", preloadbydirectory=f"{OWN},{PUBLIC}")
    assert reply["workspace"]["objects"][0]["value"] == 7.0
    files = testuser.succeed("/r/project/directory/list", project=project)["directory"]["files"]
    assert {file["filename"] for file in files} == {*CONTENTS, "kept.rData"}
    content = testuser.get("/r/project/directory/download", project=project, filename="data.csv").content
    assert content == CONTENTS["data.csv"]


@pytest.mark.usefixtures("saved")
@pytest.mark.parametrize("directory", [OWN, SHARED, PUBLIC])
def test_files_are_loaded_into_directory_and_workspace(testuser: Client, other: Client, directory: str) -> None:
    wanted = {"filename": "kept.rData", "directory": directory, "author": "testuser"}
    for client in (testuser, other):
        project = client.project()
        for call in ("directory", "workspace"):
            if client is other and directory == OWN:
                client.fail(f"/r/project/{call}/load", project=project, **wanted)
            else:
                client.succeed(f"/r/project/{call}/load", project=project, **wanted)
                assert "kept" in str(client.succeed(f"/r/project/{call}/list", project=project)[call])
        client.succeed("/r/project/close", project=project)


def test_black_listed_files_are_loaded_by_administrators_alone(testuser: Client, other: Client) -> None:
    wanted = {"filename": "echo.sh", "directory": "external:public:admin", "author": "admin"}
    testuser.fail("/r/project/directory/load", project=testuser.project(), **wanted)
    testuser.fail("/r/project/create", preloadbydirectory="external:public:admin")
    project = other.project()
    other.succeed("/r/project/directory/load", project=project, **wanted)
    other.succeed("/r/project/close", project=project)


@pytest.mark.usefixtures("filled")
def test_its_urls_are_good_for_downloads_and_transfers(testuser: Client) -> None:
    file = testuser.succeed("/r/repository/file/fetch", filename="data.csv", directory=OWN, author="testuser")
    url = file["repository"]["file"]["url"]
    assert testuser.http.get(url).content == CONTENTS["data.csv"]
    project = testuser.project()
    testuser.succeed("/r/project/directory/transfer", project=project, filename="copy.csv", url=url)
    content = testuser.get("/r/project/directory/download", project=project, filename="copy.csv").content
    assert content == CONTENTS["data.csv"]


@pytest.mark.usefixtures("filled")
def test_several_files_and_whole_directories_come_as_zips(testuser: Client, other: Client) -> None:
    whole = testuser.get("/r/repository/directory/download", directory=OWN)
    several = testuser.get(
        "/r/repository/file/download", filename="data.csv,use.R", directory=f"{OWN},{PUBLIC}", author="testuser"
    )
    assert whole.content[:2] == several.content[:2] == b"PK"
    assert not record_of(other.get("/r/repository/directory/download", directory=OWN))["success"]


def test_a_large_file_is_sent_and_loaded_as_it_is(testuser: Client, write: Write) -> None:
    path = write(OWN, "large.dat", b"")
    with path.open("wb") as file:
        file.write(b"begin")
        file.truncate(20_000_000)
    project = testuser.project(preloadfilename="large.dat", preloadfiledirectory=OWN)
    assert (
        "20000000"
        in testuser.execute(project, "cat(format(file.size('large.dat'), scientific = FALSE))")["execution"]["console"]
    )
    content = testuser.get(
        "/r/repository/file/download", filename="large.dat", directory=OWN, author="testuser"
    ).content
    assert (len(content), content[:5]) == (20_000_000, b"begin")


# -- privacy ----------------------------------------------------------------------------------------------

READING: dict[str, Callable[[str], dict[str, Any]]] = {
    "/r/repository/file/list": lambda directory: {"directory": directory},
    "/r/repository/directory/list": lambda directory: {"directory": directory},
    "/r/repository/script/list": lambda directory: {"directory": directory},
    "/r/repository/file/fetch": lambda directory: {"filename": "score.R", "directory": directory, "author": "testuser"},
    "/r/repository/file/download": lambda directory: {
        "filename": "score.R", "directory": directory, "author": "testuser",
    },
    "/r/repository/directory/download": lambda directory: {"directory": directory},
    "/r/repository/script/execute": lambda directory: {
        "filename": "score.R", "directory": directory, "author": "testuser",
    },
    "/r/project/create": lambda directory: {"preloadbydirectory": directory},
    "/r/project/pool": lambda directory: {"poolsize": "1", "preloadbydirectory": directory},
}  # fmt: skip


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("call", READING)
@pytest.mark.parametrize(
    ("directory", "who"), [(OWN, "admin"), (OWN, BASIC_USER), (OWN, "anonymous"), (SHARED, "anonymous")]
)
def test_what_a_caller_may_not_see_is_as_if_it_were_not_there(
    server: Server, call: str, directory: str, who: str
) -> None:
    client = (
        server.client() if who == "anonymous" else server.login(who, "Password1" if who == BASIC_USER else "changeme")
    )

    def answer(place: str) -> tuple[int, str]:
        response = client.post(call, **READING[call](place))
        record = record_of(response)
        assert not record["success"]
        return response.status_code, record["error"].replace(place, "X")

    assert answer(directory) == answer(f"{directory} none")


# -- read-only --------------------------------------------------------------------------------------------

WRITING: dict[str, dict[str, Any]] = {
    "/r/repository/file/write": {"filename": "new.txt", "text": "x", "directory": OWN},
    "/r/repository/file/update": {"filename": "score.R", "directory": OWN, "descr": "x"},
    "/r/repository/file/publish": {"filename": "score.R", "directory": OWN},
    "/r/repository/file/delete": {"filename": "score.R", "directory": OWN},
    "/r/repository/file/copy": {"filename": "score.R", "directory": OWN, "destination": "root"},
    "/r/repository/file/move": {"filename": "score.R", "directory": OWN, "destination": "root"},
    "/r/repository/file/grant": {"filename": "score.R", "directory": OWN, "newauthor": "admin"},
    "/r/repository/file/revert": {"filename": "score.R", "directory": OWN, "version": "1.0"},
    "/r/repository/directory/create": {"directory": OWN},
    "/r/repository/directory/rename": {"directory": OWN, "destination": "other"},
    "/r/repository/directory/copy": {"directory": OWN, "destination": "root"},
    "/r/repository/directory/move": {"directory": OWN, "destination": "root"},
    "/r/repository/directory/update": {"directory": OWN, "shared": "true"},
    "/r/repository/directory/archive": {"directory": OWN, "archive": "other"},
    "/r/repository/directory/delete": {"directory": OWN},
    "/r/project/directory/store": {"filename": "a.txt", "directory": OWN},
    "/r/project/workspace/store": {"name": "x", "directory": OWN},
    "/r/project/execute/code": {"code": "1", "storeobject": "x", "storedirectory": OWN},
}


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("call", WRITING)
def test_no_call_changes_it(server: Server, testuser: Client, call: str) -> None:
    base = server.settings.external_repository
    before = {path: path.stat().st_mtime_ns for path in base.rglob("*")}
    project = testuser.project()
    testuser.execute(project, "x <- 1; cat('x', file = 'a.txt')")
    more = {"project": project} if call.startswith("/r/project") else {}
    assert "can be read, but not changed" in testuser.fail(call, **WRITING[call], **more)["error"]
    assert {path: path.stat().st_mtime_ns for path in base.rglob("*")} == before


@pytest.mark.parametrize("call", ["/r/repository/file/upload", "/r/repository/directory/upload"])
def test_nothing_is_uploaded_to_it(testuser: Client, call: str) -> None:
    empty_zip = b"PK\x05\x06" + b"\0" * 18
    response = testuser.post(call, filename="a.zip", directory="external:root", files={"file": ("f", empty_zip)})
    assert "can be read, but not changed" in record_of(response)["error"]


# -- additions to the lists -------------------------------------------------------------------------------


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("call", [FILES, "/r/repository/script/list"])
def test_lists_come_in_pages_when_asked_for(testuser: Client, call: str) -> None:
    key = call.split("/")[3] + "s"

    def page(**params: str) -> tuple[list[str], int | None]:
        repository = testuser.succeed(call, directory=OWN, **params)["repository"]
        return [file["filename"] for file in repository[key]], repository.get("total")

    everything, total = page()
    assert total is None
    pages = [page(pagesize="1", pageoffset=str(offset)) for offset in range(len(everything) + 1)]
    assert [name for names, _ in pages for name in names] == everything
    assert {total for _, total in pages} == {len(everything)}
    testuser.fail(call, status=400, pagesize="-1")


def test_files_are_found_by_tag(testuser: Client) -> None:
    for filename, tags in {"ext tagged.txt": "Alpha, beta", "ext other.txt": "gamma"}.items():
        testuser.succeed("/r/repository/file/write", filename=filename, text="x", tags=tags)
    try:
        assert listed(testuser, tagged="alpha") == {("root", "ext tagged.txt")}
        assert listed(testuser, tagged="alp") == set()
    finally:
        testuser.succeed("/r/repository/file/delete", filename="ext tagged.txt,ext other.txt")


def test_files_of_archives_are_listed_when_asked_for(testuser: Client) -> None:
    testuser.succeed("/r/repository/directory/create", directory="ext put away")
    testuser.succeed("/r/repository/file/write", filename="old.R", directory="ext put away", text="1")
    testuser.succeed("/r/repository/directory/archive", directory="ext put away", archive="ext put away")
    try:
        archived = ("ext put away.archive", "old.R")
        assert archived not in listed(testuser)
        assert archived in listed(testuser, archived="true")
        assert listed(testuser, directory="ext put away.archive") == {archived}
        for flag, found in (("false", False), ("true", True)):
            scripts = testuser.succeed("/r/repository/script/list", archived=flag)["repository"]["scripts"]
            assert ("old.R" in [script["filename"] for script in scripts]) == found
    finally:
        testuser.succeed("/r/repository/directory/delete", directory="ext put away.archive")
