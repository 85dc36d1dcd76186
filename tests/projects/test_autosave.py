"""What becomes of projects at the end of an HTTP session, where the policy saves temporary ones too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server import Client, Server, running


@pytest.fixture(scope="module")
def saving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that saves temporary projects."""
    with running(tmp_path_factory.mktemp("saving"), projects__autosave_temporary=True) as server:
        yield server


def names(client: Client) -> list[str]:
    return [project["name"] for project in client.succeed("/r/project/list")["projects"]]


def test_a_temporary_project_is_saved_at_logout(saving: Server) -> None:
    client = saving.login()
    project = client.project()
    client.execute(project, "x <- 42")
    client.logout()
    client = saving.login()
    about = client.succeed("/r/project/about", project=project)["project"]
    assert (about["name"], about["descr"], about["live"]) == ("Project: Autosaved", "Autosaved by DeployR.", False)
    [x] = client.succeed("/r/project/workspace/get", project=project, name="x")["workspace"]["objects"]
    assert x["value"] == 42.0
    client.succeed("/r/project/delete", project=project)
    client.logout()


@pytest.mark.parametrize("call", ["/r/project/close", "/r/user/release"])
def test_a_temporary_project_is_saved_when_it_is_closed(saving: Server, call: str) -> None:
    client = saving.login()
    project = client.project()
    client.succeed(call, project=project)
    assert names(client) == ["Project: Autosaved"]
    client.succeed("/r/project/delete", project=project)
    client.logout()


def test_a_session_without_autosave_saves_nothing(saving: Server) -> None:
    client = saving.login()
    client.succeed("/r/user/autosave", enable="false")
    client.project()
    client.succeed("/r/user/release")
    assert names(client) == []
    client.logout()


def test_blackboxes_are_never_saved(saving: Server) -> None:
    client = saving.login()
    project = client.project(blackbox="true")
    client.succeed("/r/project/close", project=project)
    assert names(client) == []
    client.logout()
