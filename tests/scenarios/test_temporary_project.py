"""The life of a temporary project (7x-facts 6.1)."""

from __future__ import annotations

from tests.scenarios.conftest import Login
from tests.scenarios.strangers import Strangers
from tests.server import Client


def names(client: Client, project: str) -> tuple[list[str], list[str]]:
    """Objects and files of a project."""
    objects = client.succeed("/r/project/workspace/list", project=project)["workspace"]["objects"]
    files = client.succeed("/r/project/directory/list", project=project)["directory"]["files"]
    return [item["name"] for item in objects], [file["filename"] for file in files]


def test_a_temporary_project_lives_until_it_is_closed(testuser: Client, strangers: Strangers) -> None:
    made = testuser.succeed("/r/project/create", projectdescr="ignored", csvinputs="n,3")["project"]
    project = made["project"]
    assert (made["live"], made["name"], made["descr"], made["authors"]) == (True, None, None, ["testuser"])
    strangers.get_nothing_of(project)

    run = testuser.execute(project, "kept <- n * 2; plot(kept); cat('kept', file = 'kept.txt')", robjects="kept")
    assert run["workspace"]["objects"][0]["value"] == 6.0
    [plot], [artifact] = run["execution"]["results"], run["execution"]["artifacts"]
    assert testuser.http.get(plot["url"]).content.startswith(b"\x89PNG")
    assert testuser.http.get(artifact["url"]).text == "kept"
    strangers.get_nothing_of(project)

    testuser.succeed("/r/project/workspace/push", project=project, csvinputs="pushed,1")
    testuser.succeed("/r/project/workspace/save", project=project, name="kept")
    testuser.succeed("/r/project/directory/write", project=project, filename="written.txt", text="w")
    assert names(testuser, project) == (["kept", "n", "pushed"], ["kept.rData", "kept.txt", "written.txt"])
    testuser.succeed("/r/project/recycle", project=project, preservedirectory="true")
    assert names(testuser, project) == ([], ["kept.rData", "kept.txt", "written.txt"])
    strangers.get_nothing_of(project)
    assert len(testuser.succeed("/r/project/execute/history", project=project)["execution"]["history"]) == 1

    testuser.succeed("/r/project/close", project=project)
    strangers.get_nothing_of(project)
    testuser.fail("/r/project/about", status=403, project=project)
    testuser.fail("/r/project/execute/code", status=403, project=project, code="kept")


def test_a_temporary_project_ends_with_its_http_session(login: Login, strangers: Strangers) -> None:
    client = login()
    project = client.project()
    client.execute(project, "kept <- 1; cat('kept', file = 'kept.txt')")
    colleague = login()
    assert names(colleague, project) == (["kept"], ["kept.txt"])
    client.logout()
    strangers.get_nothing_of(project)
    colleague.fail("/r/project/about", status=403, project=project)
    assert project not in colleague.post("/r/project/list").text
    colleague.logout()
