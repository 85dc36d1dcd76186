"""``/services``: published, listed, changed, deleted."""

from __future__ import annotations

import datetime
import re
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import jsonschema
import pytest

from deployr.api.v9.documents import document
from tests.api.v9.conftest import Api, Login

DOCUMENT = document("9.3.0")
DEFINED = {
    "inputParameterDefinitions": [{"name": "x", "type": "numeric"}],
    "outputParameterDefinitions": [{"name": "y", "type": "data.frame"}],
    "outputFileNames": ["a.png"],
}


@pytest.fixture
def name(owner: Api) -> Iterator[str]:
    """A name that is nobody's; its services are deleted."""
    chosen = f"service {uuid.uuid4()}"
    yield chosen
    for service in owner.expect(200, "GET", f"/services/{quote(chosen)}"):
        owner.expect(200, "DELETE", f"/services/{quote(chosen)}/{quote(service['version'])}")


def _publish(api: Api, name: str, version: str = "v1", status: int = 201, **body: Any) -> Any:
    return api.expect(status, "POST", f"/services/{quote(name)}/{version}", json={"code": "y <- x", **body})


def _services(api: Api, path: str) -> list[dict[str, Any]]:
    """A list of services, as documented but that what is not there is null."""
    found: list[dict[str, Any]] = api.expect(200, "GET", path)
    schema = {"type": "array", "items": {"$ref": "#/definitions/WebService"}, "definitions": DOCUMENT["definitions"]}
    given = [{key: value for key, value in service.items() if value is not None} for service in found]
    jsonschema.Draft4Validator(schema).validate(given)
    return found


def _one(api: Api, name: str, version: str = "v1") -> dict[str, Any]:
    (service,) = _services(api, f"/services/{quote(name)}/{version}")
    return service


def test_a_service_is_shown_as_it_was_published(api: Api, name: str) -> None:
    said = {"runtimeType": "Python", "initCode": "z = 1", "description": "é", "operationId": "op", **DEFINED}
    assert _publish(api, name, **said) == f"/api/{quote(name)}/v1/swagger.json"
    shown = _one(api, name)
    created = shown.pop("creationTime")
    assert shown == {
        "name": name,
        "version": "v1",
        "owner": "testuser",
        "versionPublishedBy": "testuser",
        "snapshotId": None,
        "code": "y <- x",
        "myPermissionOnService": "read/write",
        **said,
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}", created)
    age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(f"{created}Z")
    assert abs(age) < datetime.timedelta(minutes=1)


def test_types_are_known_by_the_words_that_clients_have_for_them(api: Api, name: str) -> None:
    words = {"string": "character", "Double": "numeric", "int": "integer", "BOOL": "logical", "DataFrame": "data.frame"}
    _publish(api, name, outputParameterDefinitions=[{"name": word, "type": word} for word in words])
    shown = _one(api, name)["outputParameterDefinitions"]
    assert {item["name"]: item["type"] for item in shown} == words


def test_all_but_code_is_optional(api: Api, name: str) -> None:
    _publish(api, name, description=None, operationId=None, inputParameterDefinitions=None, snapshotId=None)
    shown = _one(api, name)
    assert {key: shown[key] for key in ("runtimeType", "description", "operationId", "initCode")} == {
        "runtimeType": "R",
        "description": "",
        "operationId": None,
        "initCode": None,
    }
    lists = ("inputParameterDefinitions", "outputParameterDefinitions", "outputFileNames")
    assert [shown[key] for key in lists] == [[], [], []]


def test_a_version_of_the_servers_choice_is_a_guid_and_the_last_of_the_list(api: Api, name: str) -> None:
    _publish(api, name, "9")
    path = api.expect(201, "POST", f"/services/{quote(name)}", json={"code": "1"})
    newest = _services(api, f"/services/{quote(name)}")[-1]
    assert str(uuid.UUID(newest["version"])) == newest["version"]
    assert path == f"/api/{quote(name)}/{newest['version']}/swagger.json"


def test_lists_go_from_the_oldest_to_the_newest(api: Api, name: str) -> None:
    for version in ("2", "10", "1"):
        _publish(api, name, version)
    for path in (f"/services/{quote(name)}", "/services"):
        assert [item["version"] for item in _services(api, path) if item["name"] == name] == ["2", "10", "1"]


def test_an_unknown_name_has_no_versions(api: Api) -> None:
    assert _services(api, "/services/unknown") == []
    api.expect(404, "GET", "/services/unknown/v1")
    api.expect(404, "PATCH", "/services/unknown/v1", json={})
    api.expect(404, "DELETE", "/services/unknown/v1")


@pytest.mark.parametrize("version", ["2.0", "v1.0.0-alpha", "a b", "é", "{id}", "a%2", "12345", "swagger.json"])
def test_versions_are_whatever_fits_in_a_path(api: Api, name: str, version: str) -> None:
    document = _publish(api, name, quote(version))
    assert _one(api, name, quote(version))["version"] == version
    assert api.expect(200, "GET", document)["info"]["version"] == version


def test_a_version_is_published_once(api: Api, name: str) -> None:
    _publish(api, name)
    error = _publish(api, name, status=409)
    assert "v1" in error["message"]
    _publish(api, name, "V1")


def test_a_change_leaves_what_it_does_not_name(api: Api, name: str) -> None:
    _publish(api, name, description="old", operationId="op", initCode="z <- 1", **DEFINED)
    before = _one(api, name)
    changes = {"description": "new", "code": None, "inputParameterDefinitions": [], "outputFileNames": []}
    path = f"/services/{quote(name)}/v1"
    assert api.expect(200, "PATCH", path, json=changes) == f"/api/{quote(name)}/v1/swagger.json"
    assert _one(api, name) == before | {key: value for key, value in changes.items() if value is not None}
    assert api.expect(200, "PATCH", path, json={})
    assert api.expect(200, "GET", f"/api/{quote(name)}/v1/swagger.json")["info"]["description"] == "new"


def test_a_service_cannot_change_its_runtime(api: Api, name: str) -> None:
    _publish(api, name)
    path = f"/services/{quote(name)}/v1"
    assert "runtimeType" in api.expect(400, "PATCH", path, json={"runtimeType": "Python"})["message"]
    api.expect(200, "PATCH", path, json={"runtimeType": "R"})


def test_a_deleted_service_is_gone(api: Api, name: str) -> None:
    _publish(api, name)
    assert api.expect(200, "DELETE", f"/services/{quote(name)}/v1") is None
    api.expect(404, "GET", f"/services/{quote(name)}/v1")
    api.expect(404, "GET", f"/api/{quote(name)}/v1/swagger.json")
    _publish(api, name)


def test_others_see_no_code_and_change_nothing(api: Api, reader: Api, owner: Api, name: str) -> None:
    _publish(api, name, initCode="z <- 1")
    shown = _one(reader, name)
    assert (shown["code"], shown["initCode"], shown["myPermissionOnService"]) == (None, None, "read only")
    path = f"/services/{quote(name)}/v1"
    reader.expect(403, "PATCH", path, json={"description": "mine"})
    reader.expect(403, "DELETE", path)
    _publish(reader, name, "v2", status=403)
    assert _one(owner, name)["code"] == "y <- x"
    owner.expect(200, "PATCH", path, json={"description": "mine"})
    owner.expect(200, "DELETE", path)


def test_a_name_belongs_to_who_used_it_first(api: Api, owner: Api, login: Login, name: str) -> None:
    _publish(owner, name)
    error = _publish(api, name, "v2", status=403)
    assert "admin" in error["message"]
    api.expect(403, "PATCH", f"/services/{quote(name)}/v1", json={"code": "1"})
    api.expect(403, "DELETE", f"/services/{quote(name)}/v1")
    assert _one(api, name)["myPermissionOnService"] == "read only"


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({}, "code"),
        ({"code": ""}, "code"),
        ({"code": 1}, "code"),
        ({"code": "1", "runtimeType": "Realtime"}, "runtimeType"),
        ({"code": "1", "runtimeType": "Julia"}, "runtimeType"),
        ({"code": "1", "snapshotId": "unknown"}, "snapshotId"),
        ({"code": "1", "outputFileNames": "a"}, "outputFileNames"),
        ({"code": "1", "outputFileNames": ["../a"]}, "outputFileNames"),
        ({"code": "1", "inputParameterDefinitions": [{"name": "x"}]}, "inputParameterDefinitions[0].type"),
        ({"code": "1", "inputParameterDefinitions": [{"type": "vector"}]}, "inputParameterDefinitions[0].name"),
        ({"code": "1", "outputParameterDefinitions": [{"name": "x", "type": "factor"}]}, "factor"),
        ({"code": "1", "inputParameterDefinitions": DEFINED["inputParameterDefinitions"] * 2}, "'x' twice"),
        ({"code": "1", "inputParameterDefinitions": [{"name": "TRUE", "type": "logical"}]}, "TRUE"),
    ],
)
def test_what_cannot_be_published_is_refused_by_name(api: Api, name: str, body: dict[str, Any], parameter: str) -> None:
    error = api.expect(400, "POST", f"/services/{quote(name)}/v1", json=body)
    assert parameter in error["message"]
    assert _services(api, f"/services/{quote(name)}") == []


def test_services_are_for_those_who_log_in(nobody: Any) -> None:
    for path in ("/services", "/services/s", "/services/s/1", "/api/s/1/swagger.json"):
        assert nobody.get(path).status_code == 401


def test_of_simultaneous_publications_one_wins(login: Login, name: str) -> None:
    apis = [login() for _ in range(6)]
    path = f"/services/{quote(name)}/v1"

    def publish(number: int) -> int:
        return apis[number].http.post(path, json={"code": f"y <- {number}"}).status_code

    with ThreadPoolExecutor(len(apis)) as threads:
        statuses = list(threads.map(publish, range(len(apis))))
    assert sorted(statuses) == [201, *[409] * 5]
    assert _one(apis[0], name)["code"] == f"y <- {statuses.index(201)}"


def test_simultaneous_changes_are_all_made(login: Login, name: str) -> None:
    apis = [login() for _ in range(4)]
    _publish(apis[0], name)
    changes = [{"code": "2"}, {"description": "d"}, {"operationId": "op"}, {"initCode": "z"}]

    def change(number: int) -> None:
        apis[number].expect(200, "PATCH", f"/services/{quote(name)}/v1", json=changes[number])

    with ThreadPoolExecutor(len(apis)) as threads:
        list(threads.map(change, range(len(apis))))
    shown = _one(apis[0], name)
    assert all(shown.items() >= said.items() for said in changes)
