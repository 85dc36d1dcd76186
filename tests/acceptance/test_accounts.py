"""Who the suites log in as, and how often (client-wire-facts 16, accounts, policies; 7x-facts 23, anonymous, session).

Autosave by call and at login: also ``tests/api/test_user.py``, ``tests/projects/test_autosave.py``.
"""

from __future__ import annotations

import pytest

from tests.acceptance.conftest import Login
from tests.acceptance.java import EXECUTION, JavaClient
from tests.server import Server

HISTOGRAM = {"filename": "Histogram of Auto Sales", "directory": "root", "author": "testuser", "version": None}


@pytest.mark.parametrize("username", ["testuser", "admin"])
def test_the_accounts_of_the_suites_exist_and_may_run_code(login: Login, username: str) -> None:
    client = login(username)
    user = client.ask("/r/user/about")["user"]
    assert (user["username"], user["permissions"]["powerUser"]) == (username, True)
    client.execute(client.project(), "x <- 1")


def test_the_script_list_of_a_user_shows_own_scripts_only(login: Login) -> None:
    assert {script["author"] for script in login().list_scripts()} == {"testuser"}
    assert login("admin").list_scripts() == []


def test_admin_sees_what_testuser_published(login: Login) -> None:
    published = login("admin").list_scripts(published="true")
    assert "Histogram of Auto Sales.R" in [script["filename"] for script in published if script["author"] == "testuser"]


def test_anonymous_callers_run_published_scripts(nobody: JavaClient) -> None:
    reply = nobody.ask("/r/repository/script/execute", **HISTOGRAM, externalsource=None)
    assert len(reply["execution"]["results"]) == 1
    assert reply["execution"]["console"] is not None


@pytest.mark.parametrize("blackbox", ["false", "true"])
def test_store_options_of_anonymous_callers_store_nothing(nobody: JavaClient, blackbox: str) -> None:
    store = {"storefile": "x.txt", "storeobject": "sales", "storeworkspace": "all", "storedirectory": "root"}
    given = {**EXECUTION, **HISTOGRAM, **store, "externalsource": None, "blackbox": blackbox, "robjects": "dealers"}
    reply = nobody.ask("/r/repository/script/execute", **given)
    assert (reply["repository"]["files"], reply["execution"]["artifacts"]) == ([], [])
    assert [entry["name"] for entry in reply["workspace"]["objects"]] == ["dealers"]


def test_dozens_of_logins_in_a_row_are_granted(suite_server: Server) -> None:
    client = JavaClient(suite_server.url)
    for number in range(24):
        client.login("testuser" if number % 2 else "admin")
        client.ask("/r/user/logout", usercookie=None)


def test_another_user_logs_in_right_after_a_logout_with_the_same_cookies(suite_server: Server) -> None:
    client = JavaClient(suite_server.url)
    for username in ("testuser", "admin", "testuser"):
        assert client.login(username)["user"]["username"] == username
        project = client.project()
        client.ask("/r/user/logout", usercookie=None)
        assert client.send("/r/project/about", {"project": project}).status_code in (401, 403)


def test_a_login_on_a_live_session_is_repeated(suite_server: Server) -> None:
    client = JavaClient(suite_server.url)
    client.login()
    project = client.project()
    for _ in range(3):
        client.login()
    assert client.ask("/r/project/ping", project=project)["project"]["live"] is True
    client.ask("/r/user/logout", usercookie=None)


def test_the_second_logout_is_forbidden(suite_server: Server) -> None:
    client = JavaClient(suite_server.url)
    client.login()
    client.ask("/r/user/logout", usercookie="remember")
    assert client.send("/r/user/logout", {}).status_code == 403


@pytest.mark.parametrize("saving", [True, False])
@pytest.mark.parametrize("switched", ["at login", "by call"])
def test_the_history_of_a_closed_project_is_kept_only_with_autosave(login: Login, saving: bool, switched: str) -> None:
    client = login(save=saving if switched == "at login" else True)
    if switched == "by call":
        client.ask("/r/user/autosave", enable=str(saving).lower())
    project = client.project(projectname="Autosave", projectdescr="")
    client.execute(project, "x <- 1")
    assert len(client.history(project)) == 1
    client.close(project)
    assert len(client.history(project)) == (1 if saving else 0)
    client.ask("/r/project/delete", project=project)
