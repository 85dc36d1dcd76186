"""What clients read from replies, as tables: client-wire-facts 6 to 8 and 10."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Record = dict[str, Any]
Check = Callable[[Any], bool]


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_int32(value: Any) -> bool:
    return type(value) is int and abs(value) < 2**31


def _is_integer(value: Any) -> bool:
    return type(value) is int


def _is_stamp(value: Any) -> bool:
    """Milliseconds since 1970; Java needs a value that is too large for 32 bits."""
    return type(value) is int and value > 2**31


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_array(value: Any) -> bool:
    return isinstance(value, list)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_url(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("http://")


def _or_null(check: Check) -> Check:
    return lambda value: value is None or check(value)


_TEXT_OR_NULL = _or_null(_is_text)

_FILE = {
    "filename": _is_text,
    "descr": _TEXT_OR_NULL,
    "type": _is_text,
    "category": _is_text,
    "length": _is_int32,
    "url": _is_url,
}
_REPOSITORY_FILE = {
    **dict.fromkeys(("filename", "directory", "author", "type", "category", "access"), _is_text),
    **dict.fromkeys(("sha256", "version", "latestby", "descr", "tags", "restricted"), _TEXT_OR_NULL),
    "authors": _is_texts,
    "lastModified": _or_null(_is_stamp),
    "length": _is_int32,
    "shared": _is_flag,
    "published": _is_flag,
    "url": _is_url,
}
_EXECUTION = {
    "execution": _is_text,
    **dict.fromkeys(("code", "tag", "console"), _TEXT_OR_NULL),
    "timeStart": _is_stamp,
    "timeCode": _is_integer,
    "timeTotal": _is_integer,
    "interrupted": _is_flag,
    "warnings": _or_null(_is_texts),
    "results": _is_array,
    "artifacts": _is_array,
    "history": _is_array,
    "error": _TEXT_OR_NULL,
    "errorCode": _or_null(_is_int32),
}

TYPES: dict[str, dict[str, Check]] = {
    "reply": {
        "call": _is_text,
        "success": _is_flag,
        "uid": _is_text,
        "httpcookie": _is_text,
        "error": _TEXT_OR_NULL,
        "errorCode": _or_null(_is_int32),
    },
    "user": {"username": _is_text, **dict.fromkeys(("displayname", "cookie", "usercookie"), _TEXT_OR_NULL)},
    "limits": dict.fromkeys(
        ("maxConcurrentLiveProjectCount", "maxIdleLiveProjectTimeout", "maxFileUploadSize"), _is_int32
    ),
    "project": {
        "project": lambda value: _is_text(value) and value.startswith(("PROJECT-", "STATELESS-")),
        **dict.fromkeys(("name", "descr", "longdescr", "cookie", "projectcookie"), _TEXT_OR_NULL),
        "origin": _is_text,
        "live": _is_flag,
        "shared": _is_flag,
        "lastmodified": _is_stamp,
        "authors": _is_texts,
    },
    "execution": _EXECUTION,
    "result": {"execution": _is_text, "filename": _is_text, "type": _is_text, "url": _is_url, "length": _is_int32},
    "file": _FILE,
    "repository file": {**_REPOSITORY_FILE, "inputs": _TEXT_OR_NULL, "outputs": _TEXT_OR_NULL},
    "script": {**_REPOSITORY_FILE, "name": _is_text},
    "directory": {"directory": _is_text, "files": _is_array},
    "package": {
        **dict.fromkeys(("name", "status"), _is_text),
        **dict.fromkeys(("descr", "repo", "version"), _TEXT_OR_NULL),
        "attached": _is_flag,
    },
    "job": {
        **dict.fromkeys(("job", "status"), _is_text),
        **dict.fromkeys(("name", "descr", "statusMsg", "tag", "project"), _TEXT_OR_NULL),
        **dict.fromkeys(("schedrepeat", "onrepeat"), _is_int32),
        **dict.fromkeys(("schedstart", "schedinterval", "timeStart", "timeCode", "timeTotal"), _is_integer),
    },
    "object": {"name": _is_text, "type": _is_text, "rclass": _is_text},
    "info": {"version": _is_text},
}
"""Types of the properties that any client reads; where a property is there it has that type."""

_IDENTITY = {
    "reply": ("call", "success"),
    "project": ("project",),
    "job": ("job",),
    "object": ("name", "type", "rclass"),
}
_LISTS = {
    "user": ("username",),
    "limits": tuple(TYPES["limits"]),
    "result": ("filename", "url"),
    "file": ("filename", "url"),
}

_JAVA = {
    **_IDENTITY,
    **_LISTS,
    "project": ("project", "name", "descr", "lastmodified", "authors", "live", "shared", "projectcookie"),
    "execution": ("execution", "console", "timeCode", "timeTotal", "interrupted"),
    "repository file": ("filename", "author", "directory", "url", "length", "shared", "published"),
    "script": ("filename", "author", "directory", "url", "length", "shared", "published"),
    "job": ("job", "status", "schedrepeat", "onrepeat"),
    "package": ("name", "status", "attached"),
}
_DOTNET = {
    **_IDENTITY,
    **_LISTS,
    "user": ("username", "cookie"),
    "project": (
        "project",
        "name",
        "descr",
        "longdescr",
        "origin",
        "live",
        "shared",
        "lastmodified",
        "authors",
        "cookie",
    ),
    "execution": ("execution", "console", "interrupted"),
    "file": ("filename", "descr", "category", "type", "url", "length"),
    "repository file": (*_REPOSITORY_FILE, "inputs", "outputs"),
    "script": (*(name for name in _REPOSITORY_FILE), "name"),
    "job": tuple(TYPES["job"]),
    "package": tuple(TYPES["package"]),
}
_JS = {**_IDENTITY, **_LISTS, "execution": ("console", "timeCode", "timeTotal"), "repository file": ("filename", "url")}

_NEEDED: dict[str, dict[str, tuple[str, ...]]] = {
    "java-7": {**_JAVA, "reply": ("call", "success", "httpcookie")},
    "java": _JAVA,
    "dotnet": _DOTNET,
    "js": _JS,
    "python": _IDENTITY,
    "deployr-cli": {
        **_IDENTITY,
        "reply": ("call", "success", "httpcookie"),
        "user": ("username",),
        "info": ("version",),
    },
}
"""Properties that a client takes for granted, by the beginning of its name; the first match counts."""

_PLACES = {
    "user": "user",
    "limits": "limits",
    "info": "info",
    "project": "project",
    "projects[]": "project",
    "execution.results[]": "result",
    "execution.artifacts[]": "file",
    "execution.history[]": "execution",
    "directory.file": "file",
    "directory.files[]": "file",
    "packages[]": "package",
    "workspace.object": "object",
    "workspace.objects[]": "object",
    "repository.file": "repository file",
    "repository.files[]": "repository file",
    "repository.scripts[]": "script",
    "repository.directory": "directory",
    "repository.directories.user[]": "directory",
    "repository.directories.system[]": "directory",
    "job": "job",
    "jobs[]": "job",
}
"""Where in a reply things lie."""

_EXECUTIONS = ("project", "execution", "workspace.objects[]", "repository.files[]")
_HOLDS: dict[str, tuple[str, ...]] = {
    "/r/server/info": ("info",),
    "/r/user/login": ("user", "limits"),
    "/r/user/about": ("user", "limits"),
    "/r/project/pool": ("projects[]",),
    "/r/project/list": ("projects[]",),
    "/r/project/execute/code": _EXECUTIONS,
    "/r/project/execute/script": _EXECUTIONS,
    "/r/repository/script/execute": _EXECUTIONS,
    "/r/project/execute/console": ("execution",),
    "/r/project/execute/history": ("execution.history[]",),
    "/r/project/execute/result/list": ("execution.results[]",),
    "/r/project/workspace/list": ("workspace.objects[]",),
    "/r/project/workspace/get": ("workspace.objects[]",),
    "/r/project/workspace/save": ("directory.file",),
    "/r/project/workspace/store": ("repository.file",),
    "/r/project/directory/list": ("directory.files[]",),
    **dict.fromkeys(
        (f"/r/project/directory/{name}" for name in ("upload", "transfer", "update", "load")), ("directory.file",)
    ),
    "/r/project/directory/store": ("repository.file",),
    **dict.fromkeys((f"/r/project/package/{name}" for name in ("list", "attach", "detach")), ("packages[]",)),
    **dict.fromkeys(
        (
            f"/r/repository/file/{name}"
            for name in ("upload", "transfer", "write", "fetch", "update", "grant", "revert")
        ),
        ("repository.file",),
    ),
    "/r/repository/file/list": ("repository.files[]",),
    "/r/repository/script/list": ("repository.scripts[]",),
    "/r/repository/directory/list": ("repository.directories.user[]",),
    **dict.fromkeys(
        (f"/r/repository/directory/{name}" for name in ("create", "rename", "archive")), ("repository.directory",)
    ),
    **dict.fromkeys((f"/r/job/{name}" for name in ("submit", "schedule", "query", "cancel")), ("job",)),
    "/r/job/list": ("jobs[]",),
}
"""What the reply of a call holds when it succeeds."""

_NAMING_PROJECT = ("create", "about", "about/update", "save", "saveas", "recycle", "grant", "import", "ping", "close")
_HOLDS |= dict.fromkeys((f"/r/project/{name}" for name in _NAMING_PROJECT), ("project",))


def assert_shape(client: str, record: Record) -> None:
    """The reply is what the client can read: each part of the right type, and there where it is taken for granted."""
    assert_entity(client, "reply", record)
    if record["success"]:
        for place in _HOLDS.get(record["call"], ()):
            assert _is_there(record, place), f"{place} is missing"
    for place, entity in _PLACES.items():
        for part in _parts(record, place):
            assert_entity(client, entity, part)
            if entity == "object":
                assert_object(part, is_listed=record["call"].endswith("/workspace/list"))
    execution = record.get("execution")
    if execution is not None:
        assert_entity(client, "execution" if "execution" in execution else "part of execution", execution)


def assert_entity(client: str, entity: str, part: Any) -> None:
    """All that a client reads of it is there and of the right type."""
    assert isinstance(part, dict), f"{entity} is {part!r}"
    for name in _needed(client).get(entity, ()):
        assert name in part, f"{entity} has no {name}"
    for name, check in TYPES.get(entity, _EXECUTION if entity == "part of execution" else {}).items():
        assert name not in part or check(part[name]), f"{entity}.{name} is {part[name]!r}"


def assert_object(item: Record, *, is_listed: bool = False) -> None:
    """An R object that all clients can decode; one that is only listed has no value (client-wire-facts 8)."""
    assert_entity("dotnet", "object", item)
    if is_listed:
        assert "value" not in item, f"{item['name']} has a value"
    elif "value" in item:
        assert_value(item)


def assert_value(item: Record) -> None:
    """The value of an encoded object: numbers of rclass numeric are JSON floats, arrays never null."""
    kind, value = item["type"], item["value"]
    if kind in ("list", "dataframe"):
        for member in value:
            assert_object(member)
    elif kind == "factor":
        assert _is_array(value)
        assert _is_flag(item["ordered"])
        assert _is_texts(item["levels"])
        assert _is_texts(item["labels"])
    elif kind == "matrix":
        assert all(_is_array(row) for row in value)
        assert all(_is_scalar("matrix", cell) for row in value for cell in row), value
    elif kind == "vector":
        assert all(_is_scalar(item["rclass"], cell) for cell in value), value
    else:
        assert _is_scalar(item["rclass"], value), value


def first(record: Record, name: str) -> Any:
    """What JavaScript's ``get`` finds: the first property of that name, depth first, not inside of arrays."""
    for key, value in record.items():
        if key == name:
            return value
        found = first(value, name) if isinstance(value, dict) else None
        if found is not None:
            return found
    return None


def _is_scalar(rclass: str, value: Any) -> bool:
    """Never an integer, but for primitives of rclass integer."""
    return value is None or isinstance(value, str | bool | float) or rclass == "integer"


def _needed(client: str) -> dict[str, tuple[str, ...]]:
    return next(needed for prefix, needed in _NEEDED.items() if client.startswith(prefix))


def _is_there(record: Record, place: str) -> bool:
    *path, last = place.removesuffix("[]").split(".")
    for name in path:
        record = record.get(name) or {}
    return isinstance(record.get(last), list if place.endswith("[]") else dict)


def _parts(record: Any, place: str) -> Iterator[Any]:
    """What lies at a place, where there is something; an array may be absent but not null."""
    for name in place.removesuffix("[]").split("."):
        if not isinstance(record, dict) or name not in record:
            return
        record = record[name]
    if place.endswith("[]"):
        assert _is_array(record), f"{place} is {record!r}"
        yield from record
    else:
        yield record
