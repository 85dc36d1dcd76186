"""``/r/user/*``."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server import BASIC_USER, Client, InProcess, Server, record_of

LOGIN_KEYS = {"success", "call", "user", "limits", "X-XSRF-TOKEN", "uid", "httpcookie"}


def test_login_tells_user_and_limits(anonymous: Client) -> None:
    reply = anonymous.succeed("/r/user/login", username="testuser", password="changeme")
    assert set(reply) == LOGIN_KEYS
    assert (reply["user"]["username"], reply["user"]["permissions"]["powerUser"]) == ("testuser", True)
    assert {"displayname", "cookie", "usercookie"} < set(reply["user"])
    assert reply["limits"] == {
        "maxIdleLiveProjectTimeout": 1800,
        "maxConcurrentLiveProjectCount": 170,
        "maxFileUploadSize": 268435456,
    }


def test_a_basic_user_has_fewer_permissions(server: Server) -> None:
    client = server.login(BASIC_USER, "Password1")
    assert not client.succeed("/r/user/about")["user"]["permissions"]["powerUser"]


def test_bad_credentials_are_940(anonymous: Client) -> None:
    anonymous.fail("/r/user/login", error_code=940, username="testuser", password="wrong")
    anonymous.fail("/r/user/login", error_code=940, username="nobody", password="changeme")


def test_a_login_without_a_password_is_malformed(anonymous: Client) -> None:
    anonymous.fail("/r/user/login", status=400, username="testuser")


def test_login_is_posted(anonymous: Client) -> None:
    response = anonymous.get("/r/user/login", username="testuser", password="changeme")
    assert (response.status_code, record_of(response)["success"]) == (405, False)


def test_a_session_belongs_to_one_user_until_logout(testuser: Client) -> None:
    testuser.succeed("/r/user/login", username="testuser", password="changeme")
    testuser.fail("/r/user/login", error_code=942, username=BASIC_USER, password="Password1")
    testuser.logout()
    testuser.succeed("/r/user/login", username=BASIC_USER, password="Password1")


def test_about_needs_a_login(anonymous: Client, testuser: Client) -> None:
    anonymous.fail("/r/user/about", status=401)
    reply = record_of(testuser.get("/r/user/about"))
    assert (set(reply), reply["user"]["username"]) == (LOGIN_KEYS, "testuser")


def test_a_logout_without_a_session_is_forbidden(testuser: Client) -> None:
    assert set(testuser.logout()) == {"success", "call", "uid", "httpcookie"}
    testuser.fail("/r/user/logout", status=403)
    testuser.fail("/r/user/about", status=401)


async def test_a_logout_that_the_grid_fails_is_one_all_the_same(in_process: InProcess) -> None:
    async with in_process() as client:
        await client.post("/r/user/login", data={"username": "testuser", "password": "changeme"})
        assert record_of(await client.post("/r/user/logout"))["errorCode"] == 915
        assert (await client.post("/r/user/about")).status_code == 401


def test_the_usercookie_comes_back_at_the_next_login(server: Server) -> None:
    server.login(BASIC_USER, "Password1").succeed("/r/user/logout", usercookie="remember me")
    user = server.login(BASIC_USER, "Password1").succeed("/r/user/about")["user"]
    assert (user["cookie"], user["usercookie"]) == ("remember me", "remember me")


def test_temporary_projects_go_with_the_logout(server: Server) -> None:
    client, other = server.login(), server.login()
    mine, kept = client.project(), other.project()
    client.logout()
    projects = [entry["project"] for entry in other.succeed("/r/project/list")["projects"]]
    assert mine not in projects
    assert kept in projects


@pytest.mark.parametrize(("sent", "url"), [({}, "http"), ({"relativeurls": "true"}, "/deployr")])
def test_a_session_may_ask_for_relative_urls(server: Server, sent: dict[str, str], url: str) -> None:
    client = server.client()
    client.succeed("/r/user/login", username="testuser", password="changeme", **sent)
    files = client.succeed("/r/repository/file/list")["repository"]["files"]
    assert files[0]["url"].startswith(url)


@pytest.mark.parametrize(("enable", "kept"), [("false", 0), ("True", 1)])
def test_autosave_is_switched_for_the_rest_of_the_session(server: Server, enable: str, kept: int) -> None:
    client = server.login()
    reply = client.succeed("/r/user/autosave", enable=enable)
    assert (set(reply), reply["user"]["username"]) == (LOGIN_KEYS, "testuser")
    project = client.project(projectname="Switched")
    client.execute(project, "x <- 1")
    client.succeed("/r/project/close", project=project)
    assert len(client.succeed("/r/project/workspace/list", project=project)["workspace"]["objects"]) == kept
    client.succeed("/r/project/delete", project=project)
    client.logout()


@pytest.mark.parametrize(
    "sent", [{"disableautosave": "true"}, {"save": "False"}, {"disableautosave": "false", "save": "false"}]
)
def test_autosave_may_be_off_from_the_login_on(server: Server, sent: dict[str, str]) -> None:
    client = server.client()
    client.succeed("/r/user/login", username="testuser", password="changeme", **sent)
    client.succeed("/r/user/autosave")
    project = client.project(projectname="Never saved")
    client.execute(project, "x <- 1")
    client.logout()
    client = server.login()
    assert client.succeed("/r/project/workspace/list", project=project)["workspace"]["objects"] == []
    client.succeed("/r/project/delete", project=project)
    client.logout()


def test_autosave_is_asked_for_by_a_user_in_words_that_are_known(testuser: Client, anonymous: Client) -> None:
    anonymous.fail("/r/user/autosave", status=401, enable="true")
    testuser.fail("/r/user/autosave", status=400, enable="perhaps")


def test_release_frees_what_the_user_holds_in_all_sessions(server: Server) -> None:
    client, elsewhere, other = server.login(), server.login(), server.login(BASIC_USER, "Password1")
    temporary, persistent = elsewhere.project(), elsewhere.project(projectname="Released")
    blackbox, foreign = client.project(blackbox="true"), other.project()
    elsewhere.execute(persistent, "x <- 42")
    reply = client.succeed("/r/user/release")
    assert (set(reply), reply["whoami"]) == ({"success", "call", "whoami", "uid", "httpcookie"}, "testuser")
    for project in (temporary, blackbox):
        elsewhere.fail("/r/project/ping", status=403, project=project)
    assert elsewhere.succeed("/r/project/ping", project=persistent)["project"]["live"] is False
    assert other.succeed("/r/project/ping", project=foreign)["project"]["live"] is True
    objects = elsewhere.succeed("/r/project/workspace/get", project=persistent, name="x")["workspace"]["objects"]
    assert objects[0]["value"] == 42.0
    elsewhere.succeed("/r/project/delete", project=persistent)
    for each in (client, elsewhere, other):
        each.logout()


def test_release_ends_the_blackbox_of_the_session(testuser: Client) -> None:
    def x(**sent: str) -> Any:
        hello = {"filename": "DeployR - Hello World", "author": "testuser", "blackbox": "true"}
        return testuser.succeed("/r/repository/script/execute", robjects="x", **hello, **sent)["workspace"]["objects"]

    assert len(x(csvinputs="input_randomNum,3")[0]["value"]) == 3
    testuser.succeed("/r/user/release")
    testuser.succeed("/r/user/release")
    assert testuser.succeed("/r/repository/script/interrupt")["interrupted"] is False


def test_release_needs_a_login(anonymous: Client) -> None:
    anonymous.fail("/r/user/release", status=401)
    assert anonymous.get("/r/user/release").status_code == 401
