"""The document of one service (Swagger 2.0), which its clients are generated from (9x-facts 7)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from deployr.api.v9.definitions import AccessTokenResponse, LoginRequest, Release, RenewTokenRequest
from deployr.api.v9.documents import Schema, definition, operation, reference
from deployr.api.v9.operations import OPERATIONS
from deployr.mlserver.service_records import Parameter, Service

_JSON = ["application/json"]
_STRING: Schema = {"type": "string"}
_NAMES: Schema = {"type": "array", "items": _STRING}
_COUNT: Schema = {"type": "integer", "format": "int32"}
_LOGINS = ("login", "renewToken", "revokeRefreshToken")
_LOGINS_TAG = "User"

_TYPES = {"numeric": "number", "integer": "integer", "character": "string", "logical": "boolean"}
"""Vectors, matrices and data frames are called objects, whatever their JSON is: generated clients expect it."""

_ID = {"name": "executionId", "in": "path", "description": "Id of the batch.", "required": True, "type": "string"}
_INDEX = {"name": "index", "in": "path", "description": "Position in the batch.", "required": True, "type": "integer"}
_FILE = {"name": "fileName", "in": "path", "description": "Name of the file.", "required": True, "type": "string"}
_PARALLEL = {
    "name": "parallelCount",
    "in": "query",
    "description": "How many items are processed at once.",
    "required": False,
    **_COUNT,
}
_PARTIAL = {
    "name": "showPartialResults",
    "in": "query",
    "description": "Whether results are given before all are complete.",
    "required": False,
    "type": "boolean",
}


def service_document(service: Service, release: Release) -> Schema:
    """The document of a service.

    Args:
        release: that the server speaks.
    """
    return {
        "swagger": "2.0",
        "info": {"description": service.description, "title": service.name, "version": service.version},
        "schemes": ["http", "https"],
        "securityDefinitions": {"Bearer": {"type": "apiKey", "name": "Authorization", "in": "header"}},
        "tags": [{"name": service.name, "description": service.description}],
        "consumes": _JSON,
        "produces": _JSON,
        "paths": _login_paths(release) | _service_paths(service),
        "definitions": _definitions(service, release),
    }


# -- operations -------------------------------------------------------------------------------------------


def _login_paths(release: Release) -> Schema:
    paths: Schema = {}
    for item in OPERATIONS:
        if item.operation_id in _LOGINS:
            methods = paths.setdefault(item.path, {})
            methods[item.method.lower()] = {**operation(item, release), "tags": [_LOGINS_TAG]}
    return paths


def _service_paths(service: Service) -> Schema:
    path = f"/api/{quote(service.name, safe='')}/{quote(service.version, safe='')}"
    one = f"{path}/batch/{{executionId}}"
    files = f"{one}/{{index}}/files"
    return {
        path: {"post": _consume(service)},
        f"{path}/batch": {
            "post": _start(service),
            "get": _call(service, "GetBatchExecutions", "List the batches.", _NAMES, []),
        },
        one: {
            "get": _call(
                service,
                "GetBatchExecutionStatus",
                "State and results of a batch.",
                reference("BatchWebServiceResult"),
                [_ID, _PARTIAL],
            ),
            "delete": _call(service, "CancelAndDeleteBatchExecution", "Cancel and delete a batch.", _NAMES, [_ID]),
        },
        files: {"get": _call(service, "GetBatchExecutionFiles", "List the files of an item.", _NAMES, [_ID, _INDEX])},
        f"{files}/{{fileName}}": {
            "get": _call(service, "GetBatchExecutionFile", "A file of an item.", {"type": "file"}, [_ID, _INDEX, _FILE])
        },
    }


def _consume(service: Service) -> Schema:
    """Named as the publisher wants, unless another operation has that name."""
    taken = {*_LOGINS, *_BATCH}
    wanted = service.operation_id
    name = "ConsumeWebService" if wanted is None or wanted in taken else wanted
    body = _body("WebServiceParameters", reference("InputParameters"))
    return _call(service, name, "Run the service.", reference("WebServiceResult"), [body], faults=True)


def _start(service: Service) -> Schema:
    items = {"type": "array", "items": reference("InputParameters")}
    return _call(
        service,
        "StartBatchExecution",
        "Run the service on many inputs.",
        reference("StartBatchExecutionResponse"),
        [_body("BatchWebServiceParameters", items), _PARALLEL],
        success=202,
        faults=True,
    )


_BATCH = (
    "StartBatchExecution",
    "GetBatchExecutions",
    "GetBatchExecutionStatus",
    "CancelAndDeleteBatchExecution",
    "GetBatchExecutionFiles",
    "GetBatchExecutionFile",
)


def _call(
    service: Service,
    operation_id: str,
    summary: str,
    schema: Schema,
    parameters: list[Schema],
    *,
    success: int = 200,
    faults: bool = False,
) -> Schema:
    """An operation of the service.

    Args:
        faults: the codes of faults are named one by one.
    """
    named = {"400": {"description": "Bad Request."}, "500": {"description": "Internal Server Error."}}
    return {
        "security": [{"Bearer": []}],
        "tags": [service.name],
        "summary": summary,
        "operationId": operation_id,
        "consumes": _JSON,
        "produces": _JSON,
        "parameters": parameters,
        "responses": {
            str(success): {"description": summary, "schema": schema},
            **(named if faults else {}),
            "default": {"description": "Why the call failed.", "schema": reference("Error")},
        },
    }


def _body(name: str, schema: Schema) -> Schema:
    return {"name": name, "in": "body", "required": True, "description": "Values of the inputs.", "schema": schema}


# -- definitions ------------------------------------------------------------------------------------------


def _definitions(service: Service, release: Release) -> Schema:
    return {
        "InputParameters": _object(_parameters(service.inputs)),
        "OutputParameters": _object(_parameters(service.outputs)),
        "Error": _object({"code": _COUNT, "message": _STRING, "fields": _STRING}),
        "WebServiceResult": _object(_result(service)),
        "StartBatchExecutionResponse": _object({"batchExecutionId": _STRING}),
        "BatchWebServiceResult": _object(_batch_result()),
        "LoginRequest": definition(LoginRequest, release),
        "RenewTokenRequest": definition(RenewTokenRequest, release),
        "AccessTokenResponse": definition(AccessTokenResponse, release),
    }


def _object(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties}


def _parameters(parameters: tuple[Parameter, ...]) -> Schema:
    return {item.name: {"type": _TYPES.get(item.type, "object"), "description": item.type} for item in parameters}


def _result(service: Service) -> Schema:
    files = {"outputFiles": {"type": "object", "additionalProperties": {**_STRING, "format": "byte"}}}
    return {
        "success": {"type": "boolean", "description": "Whether the code ran well."},
        "errorMessage": {**_STRING, "description": "Why it did not; empty when it did."},
        "consoleOutput": {**_STRING, "description": "What the code printed."},
        "changedFiles": {**_NAMES, "description": "Names of files that the code made or changed."},
        **(files if service.output_files else {}),
        "outputParameters": reference("OutputParameters"),
    }


def _batch_result() -> dict[str, Any]:
    return {
        "state": {**_STRING, "enum": ["pending", "inProgress", "ready", "complete"]},
        "completedItemCount": _COUNT,
        "totalItemCount": _COUNT,
        "batchExecutionResults": {"type": "array", "items": reference("WebServiceResult")},
    }
