"""HTTP sessions that somebody tampers with: ids that are not ours, other users, logout, disabled accounts, tokens."""

from __future__ import annotations

import contextlib
import re
import uuid
from collections.abc import Iterator

import httpx
import pytest

from deployr.store.database import Database
from deployr.users.accounts import Accounts
from deployr.users.http_sessions import HttpSessions, digest_of
from tests.badinput.stage import Stage
from tests.badinput.verdicts import FORBIDDEN, SUCCESS, UNAUTHENTICATED, UNKNOWN_CALL, WRONG_METHOD, verdict
from tests.server import Client, Server, beside, record_of

ABOUT = "/r/user/about"
COOKIE = re.compile(r"JSESSIONID=[0-9A-F]{64}; Path=/deployr; HttpOnly")
USER_PASSWORD = "Hunter2hunter2"
GOOD = {"username": "testuser", "password": "changeme"}


@pytest.fixture(scope="module")
def strict(server: Server) -> Iterator[Server]:
    """Web workers that ask for tokens."""
    with beside(server, server__csrf="required") as strict:
        yield strict


@contextlib.contextmanager
def accounts_of(server: Server) -> Iterator[Accounts]:
    """The accounts, as an administrator at the server's machine has them."""
    database = Database(server.settings.database_url)
    try:
        yield Accounts(database, server.settings)
    finally:
        database.close()


@pytest.fixture
def user(server: Server) -> str:
    """A user of this test's own."""
    username = f"user{uuid.uuid4().hex[:8]}"
    with accounts_of(server) as accounts:
        accounts.create(username, USER_PASSWORD, roles=["POWER_USER"])
    return username


def id_of(client: Client) -> str:
    """The session that the client holds."""
    return str(client.http.cookies["JSESSIONID"])


def cookies_of(reply: httpx.Response) -> list[str]:
    """All cookies that a reply sets."""
    return reply.headers.get_list("set-cookie")


def foreign_id(kind: str, server: Server, own: str) -> str:
    """An id that the server has not issued."""
    other = HttpSessions(Database("sqlite://"), b"the key of another server", 60)
    changed = {"0": "1"}.get(own[-1], "0")
    return {
        "of another server": other.issue(),
        "digest": digest_of(own),
        "changed": own[:-1] + changed,
        "lower case": own.lower() if own != own.lower() else own[::-1],
        "shortened": own[:63],
        "lengthened": f"{own}0",
        "only the random half": own[:32],
        "halves swapped": own[32:] + own[:32],
        "empty": "",
        "quoted quote": '"',
        "very long": "A" * 60_000,
    }[kind]


KINDS = [
    "of another server",
    "digest",
    "changed",
    "lower case",
    "shortened",
    "lengthened",
    "only the random half",
    "halves swapped",
    "empty",
    "quoted quote",
    "very long",
]


@pytest.mark.parametrize("kind", KINDS)
def test_an_id_that_was_not_issued_is_nobody_s(server: Server, stage: Stage, kind: str) -> None:
    planted = foreign_id(kind, server, id_of(stage.testuser))
    headers = {"Cookie": f"JSESSIONID={planted}"}
    assert verdict(server.client().http.post(ABOUT, headers=headers)) == UNAUTHENTICATED
    reply = server.client().http.post("/r/user/login", data=GOOD, headers=headers)
    assert verdict(reply) == SUCCESS
    assert COOKIE.fullmatch(cookies_of(reply)[0])
    assert planted not in cookies_of(reply)[0] or not planted
    assert verdict(server.client().http.post(ABOUT, headers=headers)) == UNAUTHENTICATED


@pytest.mark.parametrize("kind", ["of another server", "changed", "digest", "shortened"])
def test_nor_is_it_in_a_url(server: Server, stage: Stage, kind: str) -> None:
    planted = foreign_id(kind, server, id_of(stage.testuser))
    assert verdict(server.client().http.post(f"{ABOUT};jsessionid={planted}")) == UNAUTHENTICATED


@pytest.mark.parametrize(
    ("method", "call", "params", "expected"),
    [
        ("POST", "/r/server/info", {}, SUCCESS),
        ("POST", "/r/user/login", GOOD, SUCCESS),
        ("POST", "/r/user/login", {"username": "nobody", "password": "hunter2"}, 940),
        ("POST", "/r/user/login", {}, 400),
        ("POST", ABOUT, {}, UNAUTHENTICATED),
        ("POST", "/r/user/logout", {}, FORBIDDEN),
        ("POST", "/r/repository/script/list", {}, SUCCESS),
        ("POST", "/r/no/such/call", {}, UNKNOWN_CALL),
        ("DELETE", "/r/server/info", {}, WRONG_METHOD),
    ],
)
def test_the_first_reply_sets_exactly_one_cookie_whatever_it_is(
    server: Server, method: str, call: str, params: dict[str, str], expected: int
) -> None:
    reply = server.client().http.request(method, call, data=params)
    assert verdict(reply) == expected
    [cookie] = cookies_of(reply)
    assert COOKIE.fullmatch(cookie)


def test_of_two_cookies_the_one_that_somebody_is_logged_in_on_counts(server: Server, stage: Stage) -> None:
    anonymous, own = id_of(stage.anonymous), id_of(stage.testuser)
    for pair in (f"JSESSIONID={anonymous}; JSESSIONID={own}", f"JSESSIONID={own}; JSESSIONID={anonymous}"):
        reply = server.client().http.post(ABOUT, headers={"Cookie": pair})
        assert record_of(reply)["user"]["username"] == "testuser"
        assert cookies_of(reply) == []


def test_a_cookie_counts_before_an_id_in_the_url(server: Server, stage: Stage) -> None:
    client = server.login()
    reply = client.http.post(f"{ABOUT};jsessionid={id_of(stage.other)}")
    assert record_of(reply)["user"]["username"] == "testuser"
    client.logout()


def test_a_login_by_url_beside_a_cookie_keeps_the_cookie_s_session(server: Server, stage: Stage) -> None:
    client = server.client()
    client.get("/r/server/info")
    before = id_of(client)
    reply = client.http.post(f"/r/user/login;jsessionid={id_of(stage.anonymous)}", data=GOOD)
    assert record_of(reply)["httpcookie"] == before
    assert verdict(stage.post(ABOUT, {}, caller="anonymous")) == UNAUTHENTICATED


def test_a_failed_login_leaves_the_session_as_it_is(server: Server, user: str) -> None:
    client = server.login(user, USER_PASSWORD)
    client.fail("/r/user/login", error_code=940, username=user, password="hunter2")
    client.fail("/r/user/login", error_code=942, username="testuser", password="changeme")
    assert client.succeed(ABOUT)["user"]["username"] == user
    assert len(client.succeed("/r/project/list")["projects"]) == 0


def test_every_worker_knows_the_session(server: Server, stage: Stage) -> None:
    headers = stage.cookie()
    for _ in range(10):
        with httpx.Client(base_url=server.url) as http:
            assert record_of(http.post(ABOUT, headers=headers))["user"]["username"] == "testuser"


def test_a_logout_ends_the_session_wherever_its_id_is_used(server: Server, user: str) -> None:
    client, second = server.login(user, USER_PASSWORD), server.login(user, USER_PASSWORD)
    session, project = id_of(client), client.project()
    client.execute(project, "cat('x', file = 'x.txt')")
    client.logout()
    headers = {"Cookie": f"JSESSIONID={session}"}
    assert verdict(server.client().http.post(ABOUT, headers=headers)) == UNAUTHENTICATED
    download = f"/r/project/directory/download/{project}/x.txt;jsessionid={session}"
    assert verdict(server.client().http.get(download)) == UNAUTHENTICATED
    assert second.succeed(ABOUT)["user"]["username"] == user


def test_another_user_may_follow_on_the_same_session_and_sees_nothing_of_the_first(server: Server, user: str) -> None:
    client = server.login(user, USER_PASSWORD)
    session, project = id_of(client), client.project()
    client.logout()
    client.succeed("/r/user/login", username="basic", password="Password1")
    assert id_of(client) == session
    client.fail("/r/project/about", status=403, project=project)
    client.logout()


def test_a_disabled_user_is_out_at_once_and_stays_out(server: Server, user: str) -> None:
    client = server.login(user, USER_PASSWORD)
    project = client.project()
    with accounts_of(server) as accounts:
        accounts.disable(user)
    client.fail(ABOUT, status=401)
    client.fail("/r/project/execute/code", status=401, project=project, code="1")
    client.fail("/r/user/login", error_code=943, username=user, password=USER_PASSWORD)
    client.fail("/r/user/login", error_code=940, username=user, password="hunter2")
    with accounts_of(server) as accounts:
        accounts.enable(user)
    client.succeed("/r/user/login", username=user, password=USER_PASSWORD)
    client.logout()


def test_failed_logins_lock_the_account_and_not_its_sessions(server: Server, user: str) -> None:
    client, failing = server.login(user, USER_PASSWORD), server.client()
    for _ in range(server.settings.security.lock_failures):
        failing.fail("/r/user/login", error_code=940, username=user, password="hunter2")
    failing.fail("/r/user/login", error_code=944, username=user, password=USER_PASSWORD)
    assert client.succeed(ABOUT)["user"]["username"] == user


TOKENS = ["absent", "", "x", "of another session", "shortened"]


def token_for(kind: str, client: Client, server: Server) -> dict[str, str]:
    """A header with a token that is not the session's."""
    own = client.get(ABOUT).headers["x-xsrf-token"]
    texts = {"of another session": server.client().get("/r/server/info").headers["x-xsrf-token"], "shortened": own[:-1]}
    return {} if kind == "absent" else {"X-XSRF-TOKEN": texts.get(kind, kind)}


@pytest.mark.parametrize("kind", TOKENS)
def test_a_post_with_a_wrong_token_is_forbidden_and_changes_nothing(strict: Server, kind: str) -> None:
    client = strict.login()
    before = client.projects()
    wrong = token_for(kind, client, strict)
    posts = [
        ("/r/project/create", {}),
        ("/r/user/logout", {}),
        ("/r/repository/file/write", {"filename": "w", "text": "x"}),
    ]
    for call, params in posts:
        reply = client.http.post(
            call, data={"X-XSRF-TOKEN": client.get(ABOUT).headers["x-xsrf-token"], **params}, headers=wrong
        )
        assert verdict(reply) == FORBIDDEN
    assert client.projects() <= before
    client.http.get("/r/repository/file/list").raise_for_status()


def test_an_upload_needs_the_token(strict: Server) -> None:
    client = strict.login()
    upload = {"filename": "token.txt"}
    refused = client.post("/r/repository/file/upload", files={"file": ("x", b"x")}, **upload)
    assert verdict(refused) == FORBIDDEN
    token = {"X-XSRF-TOKEN": refused.headers["x-xsrf-token"]}
    taken = client.post("/r/repository/file/upload", files={"file": ("x", b"x")}, headers=token, **upload)
    assert verdict(taken) == SUCCESS


@pytest.mark.parametrize("name", ["X-XSRF-TOKEN", "x-xsrf-token", "X-Xsrf-Token"])
def test_the_token_is_stable_and_its_header_has_any_case(strict: Server, name: str) -> None:
    client = strict.client()
    token = client.get("/r/server/info").headers["x-xsrf-token"]
    client.succeed("/r/user/login", **GOOD)
    assert verdict(client.post("/r/project/list", headers={name: token})) == SUCCESS
    assert verdict(client.post("/r/user/logout", headers={name: token})) == SUCCESS
