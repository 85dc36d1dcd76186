"""``/login`` and bearer tokens."""

from __future__ import annotations

import functools
import operator
import time

import httpx
import jwt
import pytest

from deployr.store.database import Database
from deployr.users.accounts import Accounts
from deployr.users.signing_keys import SigningKeys
from tests.api.v9.conftest import Api, InProcess, Login
from tests.server import Server

PAIR = {"token_type", "access_token", "expires_in", "expires_on", "refresh_token"}


def test_login_hands_out_a_pair(api: Api) -> None:
    before = int(time.time())
    api.login()
    assert set(api.tokens) == PAIR
    assert (api.tokens["token_type"], api.tokens["expires_in"]) == ("Bearer", 3600)
    assert before <= api.tokens["expires_on"] - 3600 <= time.time()
    api.expect(200, "GET", "/status")


@pytest.mark.parametrize("path", ["/login", "/login/"])
def test_keys_match_in_any_case_and_a_slash_may_trail(nobody: httpx.Client, path: str) -> None:
    body = {"UserName": "testuser", "PASSWORD": "changeme", "more": 1}
    assert nobody.post(path, json=body).status_code == 200


@pytest.mark.parametrize("username", ["testuser", "nobody", ""])
def test_bad_credentials_are_401(nobody: httpx.Client, username: str) -> None:
    response = nobody.post("/login", json={"username": username, "password": "wrong"})
    assert (response.status_code, response.json()["message"]) == (401, "Bad credentials")
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"username": "testuser"}, "Missing parameter: password."),
        ({"username": "testuser", "password": None}, "Missing parameter: password."),
        ({"username": 1, "password": "x"}, "Parameter username is an integer, not a text."),
        ([1], "The body is no JSON object."),
    ],
)
def test_a_body_that_does_not_fit_names_the_parameter(nobody: httpx.Client, body: object, message: str) -> None:
    response = nobody.post("/login", json=body)
    assert (response.status_code, response.json()["message"]) == (400, message)


def test_a_body_that_is_no_json_is_400_and_one_that_says_so_415(nobody: httpx.Client) -> None:
    assert nobody.post("/login", content=b"{", headers={"Content-Type": "application/json"}).status_code == 400
    assert nobody.post("/login", content=b"\xff", headers={"Content-Type": "application/json"}).status_code == 400
    assert nobody.post("/login", content=b"<a/>", headers={"Content-Type": "application/xml"}).status_code == 415


def test_renewing_kills_the_access_token(api: Api) -> None:
    renewed = api.expect(200, "POST", "/login/refreshToken", json={"refreshToken": api.tokens["refresh_token"]})
    api.expect(401, "GET", "/status")
    api.expect(401, "POST", "/login/refreshToken", json={"refreshToken": "unknown"})
    api.use(renewed)
    api.expect(200, "GET", "/status")


@pytest.mark.parametrize("form", ["/login/refreshToken?refreshToken={}", "/login/refreshToken/{}"])
def test_revoking_kills_the_access_token(api: Api, form: str) -> None:
    place = form.format(api.tokens["refresh_token"])
    assert api.expect(200, "DELETE", place) == {}
    api.expect(401, "GET", "/status")
    api.expect(401, "DELETE", place)


def test_revoking_nothing_is_malformed(nobody: httpx.Client) -> None:
    assert nobody.delete("/login/refreshToken").status_code == 400


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic eDp5", "Bearer é".encode()])
def test_calls_without_a_valid_token_are_401(nobody: httpx.Client, header: str) -> None:
    response = nobody.get("/status", headers={"Authorization": header})
    assert (response.status_code, response.json()["code"]) == (401, 401)


async def test_a_locked_account_is_locked_in_both_apis(root: InProcess) -> None:
    async with root(security__lock_failures=2) as client:
        for _ in range(2):
            await client.post("/login", json={"username": "testuser", "password": "wrong"})
        good = {"username": "testuser", "password": "changeme"}
        response = await client.post("/login", json=good)
        assert (response.status_code, response.json()["exceptionType"]) == (401, "AccountLocked")
        legacy = await client.post("/deployr/r/user/login", data={"format": "json", **good})
        assert legacy.json()["deployr"]["response"]["errorCode"] == 944


def test_a_new_password_ends_tokens_of_a_running_server(server: Server, login: Login) -> None:
    accounts = _accounts(server)
    accounts.create("walter", "Password1", roles=["POWER_USER"])
    walter = login("walter", "Password1")
    walter.expect(200, "GET", "/status")
    accounts.change_password("walter", "Password2")
    walter.expect(401, "GET", "/status")


def test_a_new_key_signs_at_once_and_old_tokens_stay_valid(server: Server, api: Api, login: Login) -> None:
    kid = SigningKeys(server.settings.keys_directory, 3600).rotate()
    api.expect(200, "GET", "/status")
    other = login()
    assert jwt.get_unverified_header(other.tokens["access_token"])["kid"] == kid
    published = api.http.get("/.well-known/jwks.json").json()["keys"]
    assert published[-1]["kid"] == kid
    assert not {"d", "p", "q"} & set(published[-1])


def _accounts(server: Server) -> Accounts:
    return Accounts(Database(server.settings.database_url), server.settings)


async def test_tokens_of_an_issuer_that_cannot_be_asked_are_503_and_own_ones_good(root: InProcess) -> None:
    async with root(oidc__issuer="http://127.0.0.1:9", oidc__audience="deployr") as client:
        foreign = jwt.encode({"sub": "x"}, "x" * 32, headers={"kid": "foreign"})
        assert (await client.get("/status", headers={"Authorization": f"Bearer {foreign}"})).status_code == 503
        pair = (await client.post("/login", json={"username": "testuser", "password": "changeme"})).json()
        own = {"Authorization": f"Bearer {pair['access_token']}"}
        assert (await client.get("/computenodes", headers=own)).status_code == 200


@pytest.mark.parametrize(
    ("release", "place"), [("9.0.1", ["ldap"]), ("9.3.0", ["authentication", "components", "ldap"])]
)
async def test_a_directory_that_cannot_be_asked_shows_in_the_status(
    root: InProcess, release: str, place: list[str]
) -> None:
    async with root(ldap__url="ldap://localhost:9", ldap__search_base="dc=x", mlserver__compat=release) as client:
        pair = (await client.post("/login", json={"username": "testuser", "password": "changeme"})).json()
        assert (await client.post("/login", json={"username": "maria", "password": "x"})).status_code == 503
        status = await client.get("/status", headers={"Authorization": f"Bearer {pair['access_token']}"})
        ldap = functools.reduce(operator.getitem, place, status.json()["components"])
        assert (ldap["statusCode"], ldap["details"]["host"], ldap["details"]["port"]) == ("fail", "localhost", 9)


@pytest.mark.parametrize(("path", "key"), [("/login", "password"), ("/login/refreshToken", "refreshToken")])
async def test_a_body_that_anybody_may_send_is_short(root: InProcess, path: str, key: str) -> None:
    async with root() as client:
        assert (await client.post(path, json={"username": "testuser", key: "x" * 100_000})).status_code == 413
