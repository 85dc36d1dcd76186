"""``/services/{name}/{version}/pool``: made, changed, looked at, dropped."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.v9.conftest import Api
from tests.waiting import wait_until


@pytest.fixture
def service(api: Api) -> Iterator[str]:
    """Path of a service."""
    path = f"/services/pool-{uuid.uuid4()}/1"
    api.expect(
        201, "POST", path, json={"code": "y <- 1", "outputParameterDefinitions": [{"name": "y", "type": "numeric"}]}
    )
    yield path
    api.expect(200, "DELETE", path)


def _states(api: Api, service: str) -> list[str]:
    found = api.expect(200, "GET", f"{service}/pool")
    assert all(item["Status"] == item["status"] for item in found)
    assert [item["ComputeNodeEndpoint"] for item in found] == ["http://localhost:12805/"]
    return [item["Status"] for item in found]


def test_a_pool_fills_and_is_dropped(api: Api, service: str) -> None:
    assert _states(api, service) == ["NotFound"]
    assert api.expect(200, "POST", f"{service}/pool", json={"InitialPoolSize": 1, "MaxPoolSize": 2}) == ""
    wait_until(lambda: _states(api, service) != ["Pending"])
    assert _states(api, service) == ["Success"]
    called = api.expect(200, "POST", service.replace("/services", "/api"), json={})
    assert called["outputParameters"] == {"y": 1}
    assert api.expect(200, "DELETE", f"{service}/pool") == ""
    assert _states(api, service) == ["NotFound"]


@pytest.mark.parametrize(
    ("sizes", "name"),
    [
        ({"InitialPoolSize": -1}, "InitialPoolSize"),
        ({"initialpoolsize": 2, "maxpoolsize": 1}, "InitialPoolSize"),
        ({"MaxPoolSize": 10**9}, "MaxPoolSize"),
        ({"MaxPoolSize": "many"}, "MaxPoolSize"),
    ],
)
def test_sizes_that_cannot_be_are_refused(api: Api, service: str, sizes: dict[str, Any], name: str) -> None:
    assert name in api.expect(400, "POST", f"{service}/pool", json=sizes)["message"]


def test_pools_are_for_who_may_change_the_service(api: Api, owner: Api, reader: Api, service: str) -> None:
    for method in ("POST", "DELETE"):
        reader.expect(403, method, f"{service}/pool", json={})
    assert _states(reader, service) == ["NotFound"]
    owner.expect(200, "POST", f"{service}/pool", json={})
    owner.expect(200, "DELETE", f"{service}/pool")


def test_a_service_that_does_not_exist_has_no_pool(api: Api) -> None:
    for method in ("GET", "POST", "DELETE"):
        api.expect(404, method, f"/services/{uuid.uuid4()}/1/pool", json={})
