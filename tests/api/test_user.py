"""``/r/user/*``."""

from __future__ import annotations

import pytest
from server import BASIC_USER, Client, Server, record_of

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
