"""What holds for every call of the 9.x API: routes, errors, names of calls, limits."""

from __future__ import annotations

import httpx
import pytest

from deployr.api.v9.operations import OPERATIONS, Operation
from tests.api.v9.conftest import Api, InProcess


def test_an_unknown_path_is_404_with_the_error_record(api: Api) -> None:
    api.expect(404, "GET", "/nothing")
    api.expect(404, "GET", "/")
    api.expect(404, "GET", "/Status")


def test_a_wrong_method_is_405_and_says_which_are_right(api: Api) -> None:
    api.expect(405, "PATCH", "/status")
    assert "GET" in api.http.patch("/status").headers["Allow"]


def test_the_legacy_api_is_not_touched(api: Api) -> None:
    response = api.http.get("/deployr/r/server/info")
    assert response.json()["deployr"]["response"]["success"]
    assert "Set-Cookie" in response.headers


def test_replies_set_no_cookie(api: Api) -> None:
    assert "Set-Cookie" not in api.http.get("/status").headers


def test_a_call_is_named_by_its_client_or_by_the_server(api: Api) -> None:
    assert api.http.get("/status", headers={"X-Correlation-ID": "call-1"}).headers["X-Correlation-ID"] == "call-1"
    named = [api.http.get("/status", headers={"X-Correlation-ID": "a b"}).headers["X-Correlation-ID"] for _ in range(2)]
    assert len({*named, "a b"}) == 3


def test_clients_may_send_json_headers_with_every_call(api: Api) -> None:
    api.expect(200, "GET", "/status", headers={"Content-Type": "application/json", "Accept": "application/json"})


@pytest.mark.parametrize("limit", ["limits__max_upload", "mlserver__max_body"])
async def test_a_body_beyond_the_limit_is_413(root: InProcess, limit: str) -> None:
    async with root(**{limit: 100}) as client:
        response = await client.post("/login", json={"username": "x" * 100, "password": "y"})
        assert (response.status_code, response.json()["exceptionType"]) == (413, "TooLarge")


async def test_deep_bodies_are_refused(root: InProcess) -> None:
    async with root() as client:
        response = await client.post("/login", content=b"[" * 60_000)
        assert response.status_code == 400


@pytest.mark.parametrize("operation", [item for item in OPERATIONS if not item.path.startswith("/login")])
def test_every_operation_needs_a_token(nobody: httpx.Client, operation: Operation) -> None:
    path = operation.path.replace("{", "").replace("}", "")
    assert nobody.request(operation.method, path).status_code == 401


async def test_an_older_release_lacks_the_later_paths(root: InProcess) -> None:
    async with root(mlserver__compat="9.1.0") as client:
        assert (await client.get("/computenodes")).status_code == 404
        assert (await client.get("/status")).status_code == 401


async def test_browsers_of_listed_origins_may_call(root: InProcess) -> None:
    async with root(server__cors_origins=["https://good.example"]) as client:
        asked = {"Origin": "https://good.example", "Access-Control-Request-Method": "DELETE"}
        response = await client.options("/computenodes", headers=asked)
        assert response.status_code == 200
        assert response.headers["Access-Control-Allow-Origin"] == "https://good.example"
        other = await client.options("/computenodes", headers=asked | {"Origin": "https://bad.example"})
        assert "Access-Control-Allow-Origin" not in other.headers
