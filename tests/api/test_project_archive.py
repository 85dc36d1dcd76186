"""``/r/project/export`` and ``/r/project/import``."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.server import Client, Server, beside, record_of

NAMES = ["project.json", "workspace.rData", "directory/a.txt", "directory/b.csv"]
Entries = dict[str, bytes]


@pytest.fixture
def project(testuser: Client) -> Iterator[str]:
    """A persistent project with all kinds of state."""
    project = testuser.project(projectname="Sales", projectdescr="d")
    testuser.succeed("/r/project/about/update", project=project, longdescr="l", projectcookie="c")
    testuser.execute(project, "x <- 42; cat('text', file='a.txt'); library(splines); plot(1)", tag="drawn")
    testuser.execute(project, "print('said')")
    upload = {"project": project, "filename": "b.csv", "descr": "described"}
    testuser.succeed("/r/project/directory/upload", files={"file": ("b.csv", b"1,2")}, **upload)
    yield project
    testuser.http.post("/r/project/delete", data={"project": project})


def export(client: Client, project: str, **sent: str) -> bytes:
    response = client.post("/r/project/export", project=project, **sent)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/zip")
    return response.content


def load(client: Client, archive: bytes, **sent: str) -> dict[str, Any]:
    imported: dict[str, Any] = client.succeed("/r/project/import", files={"file": ("p.zip", archive)}, **sent)[
        "project"
    ]
    return imported


def entries_of(archive: bytes) -> Entries:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def archive_of(entries: Entries) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return file.getvalue()


def history(client: Client, project: str) -> Any:
    return client.succeed("/r/project/execute/history", project=project)["execution"]["history"]


def results(client: Client, project: str) -> Any:
    return client.succeed("/r/project/execute/result/list", project=project)["execution"]["results"]


@pytest.mark.parametrize("live", [True, False])
def test_an_export_holds_all_and_does_not_activate(testuser: Client, project: str, live: bool) -> None:
    [plot] = results(testuser, project)
    drawn = testuser.http.get(plot["url"]).content
    if not live:
        testuser.succeed("/r/project/close", project=project)
    entries = entries_of(export(testuser, project))
    assert set(entries) == {*NAMES, f"results/{plot['execution']}/unnamedplot001.png"}
    assert (entries["directory/a.txt"], entries["directory/b.csv"]) == (b"text", b"1,2")
    assert entries[f"results/{plot['execution']}/unnamedplot001.png"] == drawn
    assert testuser.succeed("/r/project/ping", project=project)["project"]["live"] is live


@pytest.mark.parametrize("live", [True, False])
def test_an_import_is_what_was_exported(testuser: Client, project: str, live: bool) -> None:
    before, plots = history(testuser, project), results(testuser, project)
    if not live:
        testuser.succeed("/r/project/close", project=project)
    imported = load(testuser, export(testuser, project))
    copy = imported["project"]
    described = [imported[key] for key in ("name", "descr", "longdescr", "cookie", "shared", "live")]
    assert described == ["Sales (Import)", "d", "l", "c", False, False]
    assert imported["origin"] == "Project generated on import of project named,  Sales."
    assert history(testuser, copy) == before
    assert [(plot["filename"], plot["length"]) for plot in results(testuser, copy)] == [
        (plot["filename"], plot["length"]) for plot in plots
    ]
    assert testuser.http.get(results(testuser, copy)[0]["url"]).content[:4] == b"\x89PNG"
    code = "y <- c(x, 'package:splines' %in% search())"
    [y] = testuser.execute(copy, code, robjects="y", phantom="true")["workspace"]["objects"]
    assert y["value"] == [42.0, 1.0]
    files = testuser.succeed("/r/project/directory/list", project=copy)["directory"]["files"]
    assert [(file["filename"], file["descr"], file["length"]) for file in files] == [
        ("a.txt", None, 4), ("b.csv", "described", 3),
    ]  # fmt: skip
    testuser.succeed("/r/project/delete", project=copy)


def test_an_import_is_named_and_described(testuser: Client, project: str) -> None:
    imported = load(testuser, export(testuser, project), name="Other", descr="other")
    assert (imported["name"], imported["descr"], imported["longdescr"]) == ("Other", "other", "l")
    testuser.succeed("/r/project/delete", project=imported["project"])


@pytest.mark.parametrize(
    ("sent", "left_out"),
    [
        ({"dropworkspace": "true"}, "workspace.rData"),
        ({"dropdirectory": "true"}, "directory/"),
        ({"drophistory": "true"}, "results/"),
        ({"flushhistory": "true"}, "results/"),
    ],
)
def test_an_export_leaves_out_what_is_not_wanted(
    testuser: Client, project: str, sent: dict[str, str], left_out: str
) -> None:
    entries = entries_of(export(testuser, project, **sent))
    assert not [name for name in entries if name.startswith(left_out)]
    told = json.loads(entries["project.json"])["history"]
    assert len(told) == (0 if "drophistory" in sent else 2)
    assert any(record["console"] for record in told) is not ("drophistory" in sent or "flushhistory" in sent)
    assert len(history(testuser, project)) == 2
    assert len(results(testuser, project)) == 1


def test_a_temporary_project_is_exported_too(testuser: Client) -> None:
    project = testuser.project()
    testuser.execute(project, "x <- 1")
    imported = load(testuser, export(testuser, project))
    assert imported["name"] == "Project: Autosaved (Import)"
    testuser.succeed("/r/project/delete", project=imported["project"])


def test_export_by_path_as_java_does(testuser: Client, project: str) -> None:
    response = testuser.http.get(f"/r/project/export/{project}", params={"project": project})
    assert response.content.startswith(b"PK")


def with_metadata(entries: Entries, **changes: Any) -> Entries:
    return entries | {"project.json": json.dumps(json.loads(entries["project.json"]) | changes).encode()}


def renamed_execution(entries: Entries) -> Entries:
    told = json.loads(entries["project.json"])["history"]
    return with_metadata(entries, history=[told[0] | {"execution": "../EXEC"}])


def repeated_execution(entries: Entries) -> Entries:
    told = json.loads(entries["project.json"])["history"]
    return with_metadata(entries, history=[told[0], told[0]])


HOSTILE: dict[str, Callable[[Entries], Entries]] = {
    "traversal": lambda entries: entries | {"directory/../../etc/passwd": b"x"},
    "traversal to the top": lambda entries: entries | {"../project.json": b"x"},
    "absolute": lambda entries: entries | {"/etc/passwd": b"x"},
    "backslashes": lambda entries: entries | {"directory/..\\a.txt": b"x"},
    "hidden": lambda entries: entries | {"directory/.Rprofile": b"x"},
    "below": lambda entries: entries | {"directory/sub/a.txt": b"x"},
    "elsewhere": lambda entries: entries | {"state/a.txt": b"x"},
    "no execution": lambda entries: entries | {"results/../a.png": b"x"},
    "black-listed": lambda entries: entries | {"directory/a.exe": b"x"},
    "no metadata": lambda entries: {"workspace.rData": entries["workspace.rData"]},
    "broken metadata": lambda entries: entries | {"project.json": b"{"},
    "deep metadata": lambda entries: entries | {"project.json": b"[" * 100_000},
    "other metadata": lambda entries: entries | {"project.json": b'{"name": 1}'},
    "packages": lambda entries: with_metadata(entries, packages=["stats,evil"]),
    "execution": renamed_execution,
    "executions": repeated_execution,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_an_export_would_not_hold_is_refused(testuser: Client, project: str, kind: str) -> None:
    archive = archive_of(HOSTILE[kind](entries_of(export(testuser, project))))
    refuse(testuser, archive)


def refuse(client: Client, archive: bytes) -> None:
    before = client.succeed("/r/project/list")["projects"]
    response = client.post("/r/project/import", files={"file": ("p.zip", archive)})
    record = record_of(response)
    assert (response.status_code, record["success"], record["errorCode"]) == (200, False, 900), record
    assert len(client.succeed("/r/project/list")["projects"]) == len(before)


def link(archive: zipfile.ZipFile) -> None:
    entry = zipfile.ZipInfo("directory/link.txt")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(entry, "/etc/passwd")


def encrypted(archive: zipfile.ZipFile) -> None:
    entry = zipfile.ZipInfo("directory/a.txt")
    archive.writestr(entry, "x")
    entry.flag_bits |= 1


def twice(archive: zipfile.ZipFile) -> None:
    archive.writestr("directory/a.txt", "1")
    with pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("directory/a.txt", "2")


def bzip2(archive: zipfile.ZipFile) -> None:
    archive.writestr("directory/a.txt", "x", zipfile.ZIP_BZIP2)


@pytest.mark.parametrize("add", [link, encrypted, twice, bzip2])
def test_entries_that_are_no_plain_files_are_refused(
    testuser: Client, project: str, add: Callable[[zipfile.ZipFile], None]
) -> None:
    file = io.BytesIO(export(testuser, project, dropdirectory="true"))
    with zipfile.ZipFile(file, "a") as archive:
        add(archive)
    refuse(testuser, file.getvalue())


def test_broken_archives_are_refused(testuser: Client, project: str) -> None:
    good = export(testuser, project)
    broken = [b"", b"no zip", good[: len(good) // 2], good[:60] + b"\xff" * 40 + good[100:]]
    for archive in broken:
        refuse(testuser, archive)


def test_archives_of_too_much_are_refused(server: Server) -> None:
    with beside(server, limits__max_upload=2_000_000) as tight:
        client = tight.login()
        entries = entries_of(export(client, client.project()))
        refuse(client, archive_of(entries | {"directory/bomb.txt": bytes(10_000_000)}))
        refuse(client, archive_of(entries | {f"directory/{number}": b"" for number in range(20_001)}))
        load(client, archive_of(entries | {"directory/large.txt": bytes(7_000_000)}))
        client.logout()
        client.http.close()


def test_import_needs_a_file_and_a_login(testuser: Client, server: Server, project: str) -> None:
    testuser.fail("/r/project/import", status=400, name="No file")
    server.client().fail("/r/project/import", status=401)
    server.client().fail("/r/project/export", status=401, project=project)
    testuser.fail("/r/project/export", status=400)


def test_import_answers_in_xml(testuser: Client, project: str) -> None:
    archive = export(testuser, project)
    reply = testuser.post("/r/project/import", files={"file": ("p.zip", archive)}, name="In XML", format="xml").text
    assert "<success>true</success>" in reply
    assert "<name>In XML</name>" in reply
