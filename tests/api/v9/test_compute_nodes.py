"""``/computenodes`` and ``/status``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.v9.conftest import Api, InProcess

LOCAL = "http://localhost:12805"
ENTRIES = ["http://10.0.1.0-255:12805", LOCAL]


@pytest.fixture
def changed(owner: Api) -> Iterator[Api]:
    """An Owner whose changes are undone."""
    yield owner
    owner.login()
    owner.expect(200, "POST", "/computenodes", json={"entries": []})


def test_the_list_begins_with_the_nodes_of_the_grid(reader: Api) -> None:
    assert reader.expect(200, "GET", "/computenodes") == {"computeNodes": [LOCAL]}


def test_an_owner_sets_adds_and_removes_entries_as_they_were_given(changed: Api) -> None:
    assert changed.expect(200, "POST", "/computenodes", json={"entries": ENTRIES}) is None
    changed.expect(200, "PUT", "/computenodes", json={"entries": ["http://b", LOCAL]})
    assert changed.expect(200, "GET", "/computenodes") == {"computeNodes": [*ENTRIES, "http://b"]}
    changed.expect(200, "DELETE", "/computenodes", json={"entries": [ENTRIES[0], "http://c"]})
    assert changed.expect(200, "GET", "/computenodes") == {"computeNodes": [LOCAL, "http://b"]}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_bad_entries_are_refused_by_name(changed: Api, method: str) -> None:
    error = changed.expect(400, method, "/computenodes", json={"entries": [LOCAL, "no uri"]})
    assert "no uri" in error["message"]
    changed.expect(400, method, "/computenodes", json={})
    changed.expect(400, method, "/computenodes", json={"entries": [1]})
    assert changed.expect(200, "GET", "/computenodes") == {"computeNodes": [LOCAL]}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_only_owners_change_the_list(api: Api, method: str) -> None:
    api.expect(403, method, "/computenodes", json={"entries": [LOCAL]})


def test_the_status_passes_and_tells_of_each_node(reader: Api) -> None:
    status = reader.expect(200, "GET", "/status")
    assert (status["statusCode"], set(status)) == ("pass", {"statusCode", "details", "components"})
    node = status["components"]["backends"]["components"][f"{LOCAL}/"]
    assert (node["statusCode"], node["components"]) == ("pass", None)
    kinds = {runtime + kind for runtime in ("r", "python") for kind in ("MaxPoolSize", "CurrentPoolSize")}
    assert kinds | {"apiVersion", "logPath"} <= set(node["details"])
    assert status["components"]["database"]["details"] == {"type": "sqlite", "name": "main", "state": "Open"}


@pytest.mark.parametrize(("runtime", "prefix"), [("R", "r"), ("Python", "python")])
def test_the_status_counts_the_sessions_of_each_runtime(api: Api, runtime: str, prefix: str) -> None:
    session = api.expect(201, "POST", "/sessions", json={"runtimeType": runtime})["sessionId"]
    details = api.expect(200, "GET", "/status")["components"]["backends"]["components"][f"{LOCAL}/"]["details"]
    api.expect(200, "DELETE", f"/sessions/{session}")
    assert details[f"{prefix}CanOpenShell"] == "True"
    assert details[f"{prefix}ActiveShellCount"] > 0


def test_entries_without_a_node_are_a_warning(changed: Api) -> None:
    changed.expect(200, "PUT", "/computenodes", json={"entries": ["http://elsewhere"]})
    status = changed.expect(200, "GET", "/status")
    nodes = status["components"]["backends"]["components"]
    assert (status["statusCode"], nodes["http://elsewhere:12805/"]["statusCode"]) == ("warn", "fail")


async def test_without_a_grid_the_status_fails(root: InProcess) -> None:
    async with root() as client:
        tokens = (await client.post("/login", json={"username": "testuser", "password": "changeme"})).json()
        client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        status = (await client.get("/status")).json()
        assert (status["statusCode"], status["components"]["database"]["statusCode"]) == ("fail", "pass")


async def test_the_first_release_had_other_words(root: InProcess) -> None:
    async with root(mlserver__compat="9.0.1") as client:
        tokens = (await client.post("/login", json={"username": "testuser", "password": "changeme"})).json()
        client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        status = (await client.get("/status")).json()
        assert status["components"]["database"] == {
            "statusCode": "green",
            "details": {"name": "main", "state": "Open"},
            "components": None,
        }
        assert status["details"] == {}
