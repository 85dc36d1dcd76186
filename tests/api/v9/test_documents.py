"""The core documents, held against what the documents of the original say (``documented.json``, made of facts only)."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV2SpecValidator
from openapi_spec_validator.schemas import schema_v2

from deployr.api.v9 import operations
from deployr.api.v9.app import routes, template
from deployr.api.v9.definitions import RELEASES, Release
from deployr.api.v9.documents import FILE_NAMES, document
from deployr.backend import Backend
from deployr.settings import Settings
from tests.api.v9.page import PAGE, page

DOCUMENTED = json.loads((Path(__file__).parent / "documented.json").read_text())
OUR_OWN = {
    ("ServicePoolStatusResponse", "computeNodeEndpoint"),
    ("ServicePoolStatusResponse", "status"),
    ("Error", "code"),
    ("Error", "fields"),
    ("AccessTokenResponse", "expires_in"),
    ("PublishWebServiceRequest", "repositoryScript"),
    ("WebService", "owner"),
}
"""Fields that no document has (9x-facts 2, 4 and 14), and one that is no part of the original."""

TRUER = {
    ("AccessTokenResponse", "expires_on"),
    ("WorkspaceObject", "value"),
    ("SwaggerJsonResponse", "swaggerJson"),
}
"""Fields whose type is documented otherwise than servers sent it (9x-facts 4, 7, 16)."""


@pytest.mark.parametrize("release", RELEASES)
def test_operations_are_those_of_the_release(release: Release) -> None:
    paths = document(release)["paths"]
    found = {(method.upper(), path): item for path, methods in paths.items() for method, item in methods.items()}
    wanted = {(item["method"], item["path"]): item for item in DOCUMENTED["operations"] if release in item["versions"]}
    assert set(found) == set(wanted)
    for key, item in wanted.items():
        assert (found[key]["operationId"], _parameters(found[key])) == (
            item["operationId"],
            _sorted(item["parameters"]),
        )
        assert [*found[key]["responses"]] == [str(item["success"]), "default"]


@pytest.mark.parametrize("release", RELEASES)
def test_fields_are_those_of_the_release(release: Release) -> None:
    wanted = {
        (name, field, kind)
        for name, fields in DOCUMENTED["definitions"].items()
        for field, (kind, since) in fields.items()
        if RELEASES.index(since) <= RELEASES.index(release) and (name, field) not in TRUER
    }
    found = {
        (name, field, schema.get("type"))
        for name, definition in document(release)["definitions"].items()
        for field, schema in definition.get("properties", {}).items()
        if (name, field) not in TRUER | OUR_OWN
    }
    assert found == wanted


@pytest.mark.parametrize("release", RELEASES)
def test_documents_are_valid(release: Release) -> None:
    jsonschema.Draft4Validator(dict(schema_v2)).validate(document(release))
    OpenAPIV2SpecValidator(_without_files(document(release))).validate()


def test_a_document_holds_what_runs() -> None:
    ids = {item["operationId"] for methods in document("9.3.0")["paths"].values() for item in methods.values()}
    assert ids == {item.operation_id for item in operations.OPERATIONS}


def test_every_operation_has_a_route(tmp_path: Path) -> None:
    settings = Settings.load(flags={"home": tmp_path})
    settings.prepare_home()
    found = routes(Backend(settings))
    for item in operations.OPERATIONS:
        resource, suffix = found[template(item.path)]
        assert hasattr(resource, "_".join(filter(None, ("on", item.method.lower(), suffix)))), item


def test_documents_are_served_to_whoever_asks(nobody: httpx.Client) -> None:
    assert nobody.get("/swagger.json").json()["info"] == document("9.3.0")["info"]
    for name, release in FILE_NAMES.items():
        assert nobody.get(f"/swagger/{name}").json()["info"]["version"] == release
    assert nobody.get("/swagger/other.json").status_code == 404


def _parameters(operation: dict[str, Any]) -> list[list[Any]]:
    return _sorted([[item["name"], item["in"], item["required"], _kind(item)] for item in operation["parameters"]])


def _kind(parameter: dict[str, Any]) -> str:
    schema = parameter.get("schema", parameter)
    return str(schema.get("$ref", "").rpartition("/")[2] or schema["type"])


def _sorted(parameters: list[list[Any]]) -> list[list[Any]]:
    return sorted(parameters, key=str)


def _without_files(whole: dict[str, Any]) -> dict[str, Any]:
    """The validator takes the schema ``file``, which only replies may have, for a mistake."""
    whole = copy.deepcopy(whole)
    for methods in whole["paths"].values():
        for item in methods.values():
            for response in item["responses"].values():
                if response.get("schema") == {"type": "file"}:
                    response["schema"] = {"type": "string"}
    return whole


def test_the_page_of_operations_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run python -m tests.api.v9.page > docs/mlserver-9x.md"
