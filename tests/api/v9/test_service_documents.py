"""Documents of services, held against what captured documents have (``service_documented.json``, facts only)."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV2SpecValidator
from openapi_spec_validator.schemas import schema_v2

from deployr.api.v9.definitions import RELEASES, Release
from deployr.api.v9.service_documents import service_document
from deployr.mlserver.service_records import Parameter, Service

DOCUMENTED = json.loads((Path(__file__).parent / "service_documented.json").read_text())
SERVICE = Service(
    id=1,
    name="Tx",
    version="1.0",
    owner="anna",
    runtime="Python",
    created=0,
    init_code="",
    code="answer = 1",
    description="d",
    operation_id="manualTransmission",
    inputs=(Parameter("hp", "numeric"), Parameter("wt", "numeric")),
    outputs=(Parameter("answer", "data.frame"),),
    output_files=("a.png",),
    snapshot_id=None,
    snapshot=None,
    model=None,
    revision="1",
)
TRUER = {"expires_on": "integer", "expires_in": "integer"}
"""Fields of tokens as servers send them (9x-facts 4)."""


def test_the_shape_is_that_of_captured_documents() -> None:
    made = service_document(SERVICE, "9.3.0")
    assert list(made) == DOCUMENTED["root"]
    assert _operations(made) == DOCUMENTED["operations"]


def test_the_definitions_are_those_of_captured_documents() -> None:
    made = service_document(SERVICE, "9.3.0")["definitions"]
    assert list(made) == list(DOCUMENTED["definitions"])
    found = {name: _fields(schema) for name, schema in made.items()}
    tokens = DOCUMENTED["definitions"]["AccessTokenResponse"] | TRUER
    assert found == DOCUMENTED["definitions"] | {"AccessTokenResponse": tokens}


def test_files_are_declared_for_services_that_have_them() -> None:
    made = service_document(dataclasses.replace(SERVICE, output_files=()), "9.3.0")
    assert "outputFiles" not in made["definitions"]["WebServiceResult"]["properties"]


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        ("numeric", "number"),
        ("integer", "integer"),
        ("character", "string"),
        ("logical", "boolean"),
        ("vector", "object"),
        ("matrix", "object"),
        ("data.frame", "object"),
    ],
)
def test_parameters_are_described_by_their_types(kind: Any, schema: str) -> None:
    made = service_document(dataclasses.replace(SERVICE, inputs=(Parameter("x", kind),)), "9.3.0")
    assert made["definitions"]["InputParameters"]["properties"] == {"x": {"type": schema, "description": kind}}


@pytest.mark.parametrize("wanted", [None, "login", "StartBatchExecution"])
def test_ids_of_operations_are_never_the_same(wanted: str | None) -> None:
    made = service_document(dataclasses.replace(SERVICE, operation_id=wanted), "9.3.0")
    assert made["paths"]["/api/Tx/1.0"]["post"]["operationId"] == "ConsumeWebService"


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(
    "service",
    [
        SERVICE,
        dataclasses.replace(SERVICE, inputs=(), outputs=(), output_files=(), operation_id=None, description=""),
        dataclasses.replace(SERVICE, name="a {b}/é?#", version="{id}"),
    ],
    ids=["full", "empty", "odd"],
)
def test_documents_are_valid(service: Service, release: Release) -> None:
    made = service_document(service, release)
    jsonschema.Draft4Validator(dict(schema_v2)).validate(made)
    OpenAPIV2SpecValidator(_without_files(made)).validate()


def _operations(made: dict[str, Any]) -> list[dict[str, Any]]:
    """The facts of all operations, as the captured ones are written down."""
    return [
        {
            "method": method,
            "path": path.replace("/api/Tx/1.0", "/api/{name}/{version}"),
            "operationId": item["operationId"],
            "tags": [tag.replace("Tx", "{name}") for tag in item["tags"]],
            "secure": "security" in item,
            "parameters": [[it["name"], it["in"], it["required"], _kind(it)] for it in item["parameters"]],
            "responses": {code: _kind(it) if "schema" in it else None for code, it in item["responses"].items()},
        }
        for path, methods in made["paths"].items()
        for method, item in methods.items()
    ]


def _kind(item: dict[str, Any]) -> str:
    schema = item.get("schema", item)
    if schema.get("type") == "array":
        return f"[{_kind(schema['items'])}]"
    return schema.get("$ref", "").rpartition("/")[2] or str(schema["type"])


def _fields(definition: dict[str, Any]) -> dict[str, str]:
    """Type of each field, with its format."""
    return {
        name: "/".join(filter(None, (_kind(schema) if "items" not in schema else "array", schema.get("format"))))
        for name, schema in definition["properties"].items()
    }


def _without_files(whole: dict[str, Any]) -> dict[str, Any]:
    """The validator takes the schema ``file``, which only replies may have, for a mistake."""
    text = json.dumps(whole).replace('{"type": "file"}', '{"type": "string"}')
    result: dict[str, Any] = json.loads(text)
    return result
