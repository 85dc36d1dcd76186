"""Cookies, ids in URLs, and the token against cross-site requests."""

from __future__ import annotations

import re

import httpx
import pytest

from deployr.store.database import now_ms
from tests.server import Client, InProcess, Server, record_of


def session_of(response: httpx.Response) -> str:
    """The id that a reply sets as a cookie."""
    found = [value for name, value in response.headers.multi_items() if name == "set-cookie"]
    assert len(found) == 1, "exactly one cookie"
    match = re.fullmatch(r"JSESSIONID=(\w+); Path=/deployr; HttpOnly", found[0])
    assert match
    return match[1]


def test_the_first_reply_sets_the_cookie_and_later_ones_do_not(anonymous: Client) -> None:
    first = anonymous.get("/r/server/info")
    assert session_of(first) == record_of(first)["httpcookie"]
    assert "set-cookie" not in anonymous.get("/r/server/info").headers


def test_login_keeps_the_session_and_says_it_again(anonymous: Client) -> None:
    before = session_of(anonymous.get("/r/server/info"))
    reply = anonymous.post("/r/user/login", username="testuser", password="changeme")
    assert session_of(reply) == before == record_of(reply)["httpcookie"]


def test_javascript_clients_send_the_whole_cookie_text_back(server: Server) -> None:
    http = server.client().http
    text = http.get("/r/server/info").headers["set-cookie"]
    http.cookies.clear()
    headers = {"Cookie": text}
    http.post("/r/user/login", data={"username": "testuser", "password": "changeme"}, headers=headers)
    http.cookies.clear()
    assert record_of(http.post("/r/user/about", headers=headers))["user"]["username"] == "testuser"


def test_an_id_that_is_not_ours_is_replaced(server: Server) -> None:
    response = server.client().http.get("/r/server/info", headers={"Cookie": "JSESSIONID=" + "A" * 64})
    assert session_of(response) != "A" * 64


@pytest.mark.parametrize(
    "where", ["/r/user/about;jsessionid={}?format=json", "/r/user/about?format=json;jsessionid={}"]
)
def test_an_id_in_the_url_authenticates(server: Server, testuser: Client, where: str) -> None:
    session = testuser.http.cookies["JSESSIONID"]
    response = server.client().http.get(where.format(session))
    assert record_of(response)["user"]["username"] == "testuser"
    assert "set-cookie" not in response.headers


def test_a_login_on_an_id_in_the_url_gets_a_session_of_its_own(server: Server) -> None:
    planted = session_of(server.client().get("/r/server/info"))
    client = server.client()
    reply = client.http.post(
        f"/r/user/login;jsessionid={planted}", data={"username": "testuser", "password": "changeme"}
    )
    assert session_of(reply) != planted
    assert server.client().http.get(f"/r/user/about;jsessionid={planted}").status_code == 401


def test_the_header_with_the_token_is_spelled_in_upper_case_on_every_reply(anonymous: Client) -> None:
    replies = [anonymous.get("/r/server/info"), anonymous.post("/r/user/about")]
    tokens = {{name.decode(): value for name, value in reply.headers.raw}["X-XSRF-TOKEN"] for reply in replies}
    assert len(tokens) == 1


def test_login_repeats_the_token_in_the_body(anonymous: Client) -> None:
    reply = anonymous.post("/r/user/login", username="testuser", password="changeme")
    assert record_of(reply)["X-XSRF-TOKEN"] == reply.headers["x-xsrf-token"]


async def login(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post("/r/user/login", data={"username": "testuser", "password": "changeme"})


async def test_a_session_that_idles_ends_and_one_in_use_does_not(
    in_process: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = now_ms()
    monkeypatch.setattr("deployr.users.http_sessions.now_ms", lambda: now)
    async with in_process(server__session_timeout=10) as client:
        sessions = []
        for _ in range(2):
            sessions.append(session_of(await login(client)))
            client.cookies.clear()
        used, idle = [{"Cookie": f"JSESSIONID={session}"} for session in sessions]
        now += 9000
        assert (await client.get("/r/user/about", headers=used)).status_code == 200
        now += 9000
        assert (await client.get("/r/user/about", headers=idle)).status_code == 401
        assert (await client.get("/r/user/about", headers=used)).status_code == 200


async def test_posts_need_the_token_where_it_is_required(in_process: InProcess) -> None:
    async with in_process(server__csrf="required") as client:
        token = (await login(client)).headers["x-xsrf-token"]
        refused = await client.post("/r/user/about")
        assert (refused.status_code, record_of(refused)["success"]) == (403, False)
        assert (await client.post("/r/user/about", headers={"X-XSRF-TOKEN": "x"})).status_code == 403
        assert (await client.post("/r/user/about", headers={"X-XSRF-TOKEN": token})).status_code == 200
        assert (await client.get("/r/user/about")).status_code == 200
        assert (await client.get("/r/project/create")).status_code == 403


@pytest.mark.parametrize(
    ("call", "missing"),
    [
        ("/r/job/query", "job"),
        ("/r/project/export", "project"),
        ("/r/project/execute/result/print", "project"),
        ("/r/repository/file/diff", "filename"),
    ],
)
async def test_gets_that_change_nothing_need_no_token(in_process: InProcess, call: str, missing: str) -> None:
    async with in_process(server__csrf="required") as client:
        await login(client)
        assert record_of(await client.get(call))["error"] == f"Missing parameter: {missing}."


async def test_rendering_needs_the_token_only_where_it_stores_or_runs_foreign_code(in_process: InProcess) -> None:
    async with in_process(server__csrf="required") as client:
        await login(client)
        script = {"filename": "no.R", "author": "testuser"}
        assert (await client.get("/r/repository/script/render", params=script)).status_code == 200
        for name in ("externalsource", "storefile", "storeobject", "storeworkspace"):
            reply = await client.get("/r/repository/script/render", params=script | {name: "x"})
            assert reply.status_code == 403


async def test_anonymous_posts_and_a_second_login_need_no_token(in_process: InProcess) -> None:
    async with in_process(server__csrf="required") as client:
        assert (await client.post("/r/server/info")).status_code == 200
        await login(client)
        assert (await login(client)).status_code == 200


async def test_no_token_is_issued_where_it_is_off(in_process: InProcess) -> None:
    async with in_process(server__csrf="off") as client:
        reply = await login(client)
        assert "x-xsrf-token" not in reply.headers
        assert "X-XSRF-TOKEN" not in record_of(reply)


async def test_the_cookie_is_secure_over_https(in_process: InProcess) -> None:
    async with in_process("https") as client:
        reply = await client.get("/r/server/info")
        assert reply.headers["set-cookie"].endswith("; HttpOnly; Secure")


async def test_browser_pages_of_configured_origins_may_call(in_process: InProcess) -> None:
    async with in_process(server__cors_origins=("https://app.example",)) as client:
        reply = await client.get("/r/server/info", headers={"Origin": "https://app.example"})
        assert reply.headers["access-control-allow-origin"] == "https://app.example"
        other = await client.get("/r/server/info", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers
