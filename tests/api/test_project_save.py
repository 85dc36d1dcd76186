"""``/r/project/save``, ``saveas`` and what ``close`` saves."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.server import Client, Server

DROPS = {"dropworkspace": "true", "dropdirectory": "true", "drophistory": "true"}


@pytest.fixture
def project(testuser: Client) -> Iterator[str]:
    """A persistent project with an object, a file, and two executions in its history, one of which drew."""
    project = testuser.project(projectname="Sales")
    testuser.execute(project, "x <- 42; cat('text', file='a.txt'); plot(1)")
    testuser.execute(project, "print('said')")
    yield project
    testuser.http.post("/r/project/delete", data={"project": project})


def history(client: Client, project: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.succeed("/r/project/execute/history", project=project)["execution"]["history"]
    return found


def results(client: Client, project: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.succeed("/r/project/execute/result/list", project=project)["execution"][
        "results"
    ]
    return found


def sizes(client: Client, project: str) -> tuple[int, int, int]:
    """How many objects, files and executions there are."""
    objects = client.succeed("/r/project/workspace/list", project=project)["workspace"]["objects"]
    files = client.succeed("/r/project/directory/list", project=project)["directory"]["files"]
    return len(objects), len(files), len(history(client, project))


def is_live(client: Client, project: str) -> bool:
    return bool(client.succeed("/r/project/ping", project=project)["project"]["live"])


def close(client: Client, project: str, **sent: str) -> None:
    assert client.succeed("/r/project/close", project=project, **sent)["project"]["live"] is False


def test_history_and_results_are_read_without_activating(testuser: Client, project: str) -> None:
    before, plots = history(testuser, project), results(testuser, project)
    drawn = testuser.http.get(plots[0]["url"]).content
    close(testuser, project)
    assert history(testuser, project) == before
    assert results(testuser, project) == plots
    assert testuser.http.get(plots[0]["url"]).content == drawn
    zipped = testuser.get("/r/project/execute/result/download", project=project)
    assert zipped.content.startswith(b"PK")
    console = testuser.succeed("/r/project/execute/console", project=project)["execution"]["console"]
    assert "said" in console
    assert not is_live(testuser, project)


def test_history_goes_on_after_a_project_was_opened_again(testuser: Client, project: str) -> None:
    before = history(testuser, project)
    for code in ("y <- 1", "z <- 2"):
        close(testuser, project)
        testuser.execute(project, code)
    after = history(testuser, project)
    assert after[:2] == before
    assert [item["code"] for item in after[2:]] == ["y <- 1", "z <- 2"]
    assert sizes(testuser, project) == (3, 1, 4)


def test_saved_and_new_executions_are_flushed_alike(testuser: Client, project: str) -> None:
    close(testuser, project)
    testuser.execute(project, "plot(2)")
    drawn, said, drawn_now = [item["execution"] for item in history(testuser, project)]
    testuser.succeed("/r/project/execute/flush", project=project, execution=f"{drawn},{drawn_now}")
    assert results(testuser, project) == []
    flushed = {item["execution"]: (item["resultsGenerated"], item["console"]) for item in history(testuser, project)}
    assert (flushed[drawn], flushed[drawn_now]) == ((1, ""), (1, ""))
    assert flushed[said][1]
    testuser.fail("/r/project/execute/flush", project=project, execution="EXEC-none")


def test_saved_and_new_plots_are_deleted_alike(testuser: Client, project: str) -> None:
    close(testuser, project)
    testuser.execute(project, "plot(2)")
    delete = "/r/project/execute/result/delete"
    newest = history(testuser, project)[-1]["execution"]
    testuser.succeed(delete, project=project, filename="unnamedplot001.png")
    assert newest not in {result["execution"] for result in results(testuser, project)}
    testuser.succeed(delete, project=project, filename="unnamedplot001.png")
    assert results(testuser, project) == []
    testuser.fail(delete, project=project, filename="unnamedplot001.png")
    close(testuser, project)
    assert results(testuser, project) == []


def test_save_keeps_the_project_live_and_describes_it(testuser: Client, project: str) -> None:
    sent = {"name": "n", "descr": "d", "longdescr": "l", "shared": "true", "projectcookie": "c"}
    saved = testuser.succeed("/r/project/save", project=project, **sent)["project"]
    assert [saved[key] for key in ("name", "descr", "longdescr", "shared", "cookie", "live")] == [
        "n", "d", "l", True, "c", True,
    ]  # fmt: skip
    testuser.execute(project, "x <- 0; lost <- 1")
    close(testuser, project, disableautosave="true")
    assert sizes(testuser, project) == (1, 1, 2)
    [x] = testuser.succeed("/r/project/workspace/get", project=project, name="x")["workspace"]["objects"]
    assert x["value"] == 42.0


def test_saving_makes_a_temporary_project_persistent(server: Server) -> None:
    client = server.login()
    project = client.project()
    client.execute(project, "x <- 42")
    saved = client.succeed("/r/project/save", project=project)["project"]
    assert saved["name"].startswith("Project: Autosave")
    assert (saved["descr"], saved["longdescr"], saved["live"]) == (None, None, True)
    client.succeed("/r/user/autosave", enable="false")
    client.logout()
    client = server.login()
    assert sizes(client, project) == (1, 0, 1)
    client.succeed("/r/project/delete", project=project)
    client.logout()


def test_what_is_dropped_at_save_is_gone_at_once_and_for_good(testuser: Client, project: str) -> None:
    testuser.succeed("/r/project/save", project=project, **DROPS)
    assert sizes(testuser, project) == (0, 0, 0)
    assert results(testuser, project) == []
    testuser.execute(project, "y <- 1")
    close(testuser, project)
    assert sizes(testuser, project) == (1, 0, 1)


def test_a_closed_project_is_saved_without_activating_it(testuser: Client, project: str) -> None:
    close(testuser, project)
    saved = testuser.succeed("/r/project/save", project=project, dropdirectory="true", flushhistory="true")["project"]
    assert (saved["live"], saved["name"]) == (False, "Sales")
    assert {item["console"] for item in history(testuser, project)} == {""}
    assert sizes(testuser, project) == (1, 0, 2)


@pytest.mark.parametrize(
    ("sent", "expected", "consoles", "plots"),
    [
        ({"drophistory": "true"}, (1, 1, 0), 0, 0),
        ({"flushhistory": "true"}, (1, 1, 2), 0, 0),
        ({"dropworkspace": "true"}, (0, 1, 2), 2, 1),
    ],
)
def test_close_saves_what_is_wanted(
    testuser: Client, project: str, sent: dict[str, str], expected: tuple[int, int, int], consoles: int, plots: int
) -> None:
    close(testuser, project, **sent)
    assert sum(bool(item["console"]) for item in history(testuser, project)) == consoles
    assert len(results(testuser, project)) == plots
    assert sizes(testuser, project) == expected


def test_files_keep_their_descriptions_and_packages_stay_attached(testuser: Client, project: str) -> None:
    upload = {"project": project, "filename": "b.txt", "descr": "described"}
    testuser.succeed("/r/project/directory/upload", files={"file": ("b.txt", b"content")}, **upload)
    testuser.execute(project, "library(splines); library(tools); detach('package:datasets')", phantom="true")
    search = "s <- search()"
    [before] = testuser.execute(project, search, robjects="s", phantom="true")["workspace"]["objects"]
    close(testuser, project)
    [after] = testuser.execute(project, search, robjects="s", phantom="true")["workspace"]["objects"]
    assert after["value"] == before["value"]
    files = testuser.succeed("/r/project/directory/list", project=project)["directory"]["files"]
    assert [(file["filename"], file["descr"]) for file in files] == [("a.txt", None), ("b.txt", "described")]


@pytest.mark.parametrize("live", [True, False])
def test_save_as_copies_a_project(testuser: Client, project: str, live: bool) -> None:
    testuser.succeed("/r/project/about/update", project=project, descr="as it was")
    if not live:
        close(testuser, project)
    copied = testuser.succeed("/r/project/saveas", project=project, name="Copy", dropdirectory="true")["project"]
    assert copied["project"] != project
    assert (copied["name"], copied["descr"], copied["shared"], copied["live"]) == ("Copy", "as it was", False, False)
    assert copied["origin"] == "Project copied from project named,  Sales."
    assert is_live(testuser, project) is live
    assert history(testuser, copied["project"]) == history(testuser, project)
    assert sizes(testuser, copied["project"]) == (1, 0, 2)
    assert sizes(testuser, project) == (1, 1, 2)
    testuser.succeed("/r/project/delete", project=copied["project"])


def test_save_as_needs_a_name(testuser: Client, project: str) -> None:
    testuser.fail("/r/project/saveas", status=400, project=project)
    same = testuser.succeed("/r/project/saveas", project=project, name="")["project"]
    assert same["name"] == "Sales"
    testuser.succeed("/r/project/delete", project=same["project"])


@pytest.mark.parametrize("call", ["save", "saveas"])
def test_only_authors_save_and_no_blackbox_is_saved(testuser: Client, server: Server, call: str) -> None:
    project, blackbox = testuser.project(projectname="Mine"), testuser.project(blackbox="true")
    testuser.succeed("/r/project/save", project=project, shared="true")
    other = server.login("basic", "Password1")
    for client, target in ((other, project), (testuser, blackbox), (testuser, "PROJECT-none")):
        client.fail(f"/r/project/{call}", status=403, project=target, name="Other")
    server.client().fail(f"/r/project/{call}", status=401)
    testuser.fail(f"/r/project/{call}", status=400, name="No project")
    testuser.succeed("/r/project/delete", project=project)
    other.logout()


@pytest.mark.parametrize("call", ["save", "saveas", "close"])
def test_a_busy_project_is_not_saved(testuser: Client, project: str, call: str) -> None:
    with ThreadPoolExecutor() as pool:
        code = "cat('', file='started'); repeat {}"
        running = pool.submit(testuser.post, "/r/project/execute/code", project=project, code=code)
        while len(testuser.succeed("/r/project/directory/list", project=project)["directory"]["files"]) < 2:
            assert not running.done()
        testuser.fail(f"/r/project/{call}", status=409, project=project, name="Copy")
        testuser.succeed("/r/project/execute/interrupt", project=project)
        running.result()


def test_save_answers_in_xml(testuser: Client, project: str) -> None:
    for call in ("save", "saveas"):
        reply = testuser.post(f"/r/project/{call}", project=project, name="In XML", format="xml").text
        assert "<success>true</success>" in reply
        assert "<name>In XML</name>" in reply
