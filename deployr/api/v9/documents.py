"""The core documents of the API (Swagger 2.0), made from the operations and definitions that this server has."""

from __future__ import annotations

import re
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from deployr.api.v9 import definitions
from deployr.api.v9.definitions import RELEASES, REQUIRED, SINCE, Definition, Release
from deployr.api.v9.operations import FILE, NAMES, STRING, TAGS, Operation, operations_of

Schema = dict[str, Any]

TITLES: dict[Release, str] = {
    "9.0.1": "DeployRClient",
    "9.1.0": "MRSServer",
    "9.2.0": "MRSServer",
    "9.2.1": "MLServer",
    "9.3.0": "MRSServer",
}
"""Titles of the documents; code generators name their client's class after them."""

FILE_NAMES: dict[str, Release] = {
    f"{'mlserver' if release in ('9.2.1', '9.3.0') else 'rserver'}-swagger-{release}.json": release
    for release in RELEASES
}
"""The documents by the names that they were published under."""

_JSON = ["application/json"]
_SCALARS: dict[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
}
_ENUMS: dict[tuple[str, ...], Schema] = {
    get_args(definitions.RuntimeType): {"name": "RuntimeType", "modelAsString": False},
    get_args(definitions.WebServiceRuntimeType): {"name": "WebServiceRuntimeType", "modelAsString": False},
    get_args(definitions.ParameterType): {"name": "type", "modelAsString": True},
}
"""What AutoRest calls the enumerations, by their values."""

_REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    410: "Gone",
    413: "Payload Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


def document(release: Release) -> Schema:
    """The core document of a release."""
    operations = operations_of(release)
    return {
        "swagger": "2.0",
        "info": {
            "title": TITLES[release],
            "description": "R and Python code as sessions and web services. Calls but those of the group of "
            "authentication need the header `Authorization: Bearer` with an access token.",
            "version": release,
        },
        "tags": [{"name": tag} for tag in TAGS if any(tag == _tag(item, release) for item in operations)],
        "schemes": ["http", "https"],
        "produces": _JSON,
        "consumes": _JSON,
        "paths": _paths(operations, release),
        "definitions": _definitions(operations, release),
    }


# -- operations -------------------------------------------------------------------------------------------


def _paths(operations: list[Operation], release: Release) -> Schema:
    paths: Schema = {}
    for item in operations:
        paths.setdefault(item.path, {})[item.method.lower()] = operation(item, release)
    return paths


def operation(item: Operation, release: Release) -> Schema:
    """How a document describes an operation."""
    success: Schema = {"description": item.summary}
    if item.reply:
        success["schema"] = _reply(item.reply)
    errors = "\n".join(f"* `{code}` - {_REASONS[code]}" for code in item.errors)
    failure = {"description": errors, "schema": reference("Error")}
    return {
        "tags": [_tag(item, release)],
        "summary": item.summary,
        "operationId": item.operation_id,
        **_media(item),
        "parameters": _parameters(item),
        "responses": {str(item.success): success, "default": failure},
    }


def _tag(operation: Operation, release: Release) -> str:
    return operation.first_tag if operation.first_tag and release == "9.0.1" else operation.tag


def _media(operation: Operation) -> Schema:
    """Media types, where they are not JSON."""
    media: Schema = {}
    if operation.form:
        media["consumes"] = ["multipart/form-data"]
    if operation.body and operation.body[1] == "binary":
        media["consumes"] = ["application/octet-stream"]
    if operation.produces:
        media["produces"] = [operation.produces]
    return media


def _parameters(operation: Operation) -> list[Schema]:
    in_path = [_parameter(name, "path") for name in re.findall(r"{(\w+)}", operation.path)]
    in_query = [_parameter(name, "query") for name in operation.query]
    in_form = [_parameter(name, "formData", kind, required) for name, kind, required in operation.form]
    return [*in_path, *in_query, *in_form, *_body(operation)]


def _parameter(name: str, place: str, kind: str = "string", required: bool = True) -> Schema:
    return {"name": name, "in": place, "required": required, "type": kind}


def _body(operation: Operation) -> list[Schema]:
    if operation.body is None:
        return []
    name, kind = operation.body
    schema = {"type": "string", "format": "binary"} if kind == "binary" else reference(kind)
    return [{"name": name, "in": "body", "required": True, "schema": schema}]


def _reply(reply: str) -> Schema:
    if reply == NAMES:
        return {"type": "array", "items": {"type": "string"}}
    if reply in (STRING, FILE):
        return {"type": reply}
    return {"type": "array", "items": reference(reply[1:-1])} if reply.startswith("[") else reference(reply)


def reference(name: str) -> Schema:
    """The schema that stands for a definition."""
    return {"$ref": f"#/definitions/{name}"}


# -- definitions ------------------------------------------------------------------------------------------


def _definitions(operations: list[Operation], release: Release) -> Schema:
    """The definitions that the operations name, and those that these name."""
    schemas: Schema = {}
    todo = ["Error", *(name for item in operations for name in _named(item))]
    while todo:
        name = todo.pop(0)
        if name not in schemas and _is_in(SINCE.get(name, "9.0.1"), release):
            schemas[name] = definition(getattr(definitions, name), release)
            todo += re.findall(r"'#/definitions/(\w+)'", str(schemas[name]))
    return schemas


def _named(operation: Operation) -> list[str]:
    reply = (operation.reply or "").strip("[]")
    body = operation.body[1] if operation.body else ""
    return [name for name in (body, reply) if name[:1].isupper()]


def definition(kind: type[Definition], release: Release) -> Schema:
    """The schema of a record; one without fields has whatever members."""
    hints = get_type_hints(kind, include_extras=True)
    fields = msgspec.structs.fields(kind)
    if not fields:
        return {"type": "object", "additionalProperties": {}}
    described = {field.encode_name: hints[field.name] for field in fields}
    properties = {name: _schema(hint) for name, hint in described.items() if _is_in(_since(hint), release)}
    required = {"required": REQUIRED[kind.__name__]} if kind.__name__ in REQUIRED else {}
    return {"type": "object", "description": str(kind.__doc__), **required, "properties": properties}


def _schema(hint: Any) -> Schema:
    """The schema of a field's type; that a field may be missing goes without saying."""
    if get_origin(hint) is Annotated:
        documented = (hint.__metadata__[0].extra or {}).get("documented")
        return _schema(get_args(hint)[0]) if documented is None else documented
    if get_origin(hint) in (Union, types.UnionType):
        return _schema(next(part for part in get_args(hint) if part is not type(None)))
    if get_origin(hint) is Literal:
        return _enumeration(get_args(hint))
    if get_origin(hint) is list:
        return {"type": "array", "items": _schema(get_args(hint)[0])}
    return _SCALARS[hint] if hint in _SCALARS else reference(hint.__name__)


def _enumeration(words: tuple[str, ...]) -> Schema:
    named = {"x-ms-enum": _ENUMS[words]} if words in _ENUMS else {}
    return {"type": "string", "enum": list(words), **named}


def _since(hint: Any) -> Release:
    extra = hint.__metadata__[0].extra if get_origin(hint) is Annotated else None
    since: Release = (extra or {}).get("since", "9.0.1")
    return since


def _is_in(since: Release, release: Release) -> bool:
    return RELEASES.index(since) <= RELEASES.index(release)
