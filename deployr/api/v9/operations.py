"""All operations of the 9.x core API as its documents have them (9x-facts 1 to 13): documents and tests read them."""

from __future__ import annotations

import dataclasses
from typing import Literal

from deployr.api.v9.definitions import RELEASES, Release

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

AUTHENTICATION = "Authentication APIs"
SERVICES = "Services Management APIs"
CONSUMPTION = "Service Consumption APIs"
SESSIONS = "Session APIs"
SNAPSHOTS = "Snapshot APIs"
STATUS = "Status APIs"
CONFIGURATION = "Centralized Configuration APIs"

TAGS: dict[str, Release] = {
    AUTHENTICATION: "9.0.1",
    SERVICES: "9.0.1",
    CONSUMPTION: "9.0.1",
    SESSIONS: "9.0.1",
    SNAPSHOTS: "9.0.1",
    STATUS: "9.0.1",
    CONFIGURATION: "9.2.1",
}
"""The groups of operations, and the release that brought each."""

STRING = "string"
NAMES = "[string]"
FILE = "file"


@dataclasses.dataclass(frozen=True, slots=True)
class Operation:
    """An operation.

    Attributes:
        path: with its parameters in braces.
        summary: what it does.
        tag: its group.
        success: the one status that clients take for success.
        reply: name of the definition, in brackets for a list, ``string`` or ``file``; ``None`` for an empty body.
        errors: the other documented statuses.
        body: name of the body parameter and its definition; ``binary`` for bytes.
        query: required query parameters, all texts.
        form: parts of a multipart body: name, type, whether it is required.
        produces: media type, where it is not JSON.
        since: the release that brought it.
        first_tag: its group in 9.0.1, where that was another one.
    """

    method: Method
    path: str
    operation_id: str
    summary: str
    tag: str
    success: int
    reply: str | None
    errors: tuple[int, ...]
    body: tuple[str, str] | None = None
    query: tuple[str, ...] = ()
    form: tuple[tuple[str, str, bool], ...] = ()
    produces: str | None = None
    since: Release = "9.0.1"
    first_tag: str | None = None

    def is_in(self, release: Release) -> bool:
        """Whether the release has it."""
        return RELEASES.index(self.since) <= RELEASES.index(release)


_SESSION = (401, 404)
_PUBLISH = ("publishRequest", "PublishWebServiceRequest")
_PATCH = ("patchRequest", "PublishWebServiceRequest")
_ENTRIES = ("entries", "UpdateComputeNodesRequest")
_TEXTS = (("description", "string", False), ("operationId", "string", False))
_MODEL = (*_TEXTS, ("model", "file", True))

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "POST", "/login", "login", "Log in.", AUTHENTICATION, 200, "AccessTokenResponse", (400, 401),
        body=("loginRequest", "LoginRequest"),
    ),
    Operation(
        "POST", "/login/refreshToken", "renewToken", "Use up a refresh token for a new pair.", AUTHENTICATION, 200,
        "AccessTokenResponse", (400, 401), body=("renewTokenRequest", "RenewTokenRequest"),
    ),
    Operation(
        "DELETE", "/login/refreshToken", "revokeRefreshToken", "End a refresh token and its access token.",
        AUTHENTICATION, 200, "AccessTokenResponse", (400, 401), query=("refreshToken",),
    ),
    Operation(
        "GET", "/services", "getAllWebServices", "List all services.", SERVICES, 200, "[WebService]", (401,),
    ),
    Operation(
        "POST", "/services/{name}", "publishWebService", "Publish a service with a version of the server's choice.",
        SERVICES, 201, STRING, (400, 401, 403, 409), body=_PUBLISH,
    ),
    Operation(
        "GET", "/services/{name}", "getAllWebServiceVersionsByName", "List the versions of a service.", SERVICES, 200,
        "[WebService]", (401,),
    ),
    Operation(
        "POST", "/realtime-services/{name}", "publishRealtimeWebServiceByName",
        "Publish a model with a version of the server's choice.", SERVICES, 201, STRING, (400, 401, 403, 409),
        form=_MODEL, since="9.1.0",
    ),
    Operation(
        "POST", "/services/{name}/{version}", "publishWebServiceVersion", "Publish a version of a service.", SERVICES,
        201, STRING, (400, 401, 403, 409), body=_PUBLISH,
    ),
    Operation(
        "PATCH", "/services/{name}/{version}", "patchWebServiceVersion", "Change a version of a service.", SERVICES,
        200, STRING, (400, 401, 403, 404), body=_PATCH,
    ),
    Operation(
        "GET", "/services/{name}/{version}", "getWebServiceVersion", "One version of a service.", SERVICES, 200,
        "[WebService]", (401, 404),
    ),
    Operation(
        "DELETE", "/services/{name}/{version}", "deleteWebServiceVersion", "Delete a version of a service.", SERVICES,
        200, None, (401, 403, 404),
    ),
    Operation(
        "POST", "/realtime-services/{name}/{version}", "publishRealtimeWebServiceByNameVersion", "Publish a model.",
        SERVICES, 201, STRING, (400, 401, 403, 409), form=_MODEL, since="9.1.0",
    ),
    Operation(
        "PATCH", "/realtime-services/{name}/{version}", "patchRealtimeWebServiceByNameVersion",
        "Change a published model.", SERVICES, 200, STRING, (400, 401, 403, 404),
        form=(*_TEXTS, ("model", "file", False)), since="9.1.0",
    ),
    Operation(
        "POST", "/services/{name}/{version}/pool", "createOrUpdateServicePool", "Give a service a pool of its own.",
        SERVICES, 200, STRING, (400, 401, 403, 404),
        body=("createOrUpdateServicePoolRequest", "CreateOrUpdateServicePoolRequest"), since="9.3.0",
    ),
    Operation(
        "DELETE", "/services/{name}/{version}/pool", "deleteServicePool", "Take a service's pool away.", SERVICES, 200,
        STRING, (401, 403, 404), since="9.3.0",
    ),
    Operation(
        "GET", "/services/{name}/{version}/pool", "getServicePoolStatus", "State of a service's pool.", SERVICES, 200,
        "[ServicePoolStatusResponse]", (401, 404), since="9.3.0",
    ),
    Operation(
        "GET", "/api/{name}/{version}/swagger.json", "GetWebServiceSwagger", "Document of a service.", CONSUMPTION,
        200, "SwaggerJsonResponse", (400, 401, 404),
    ),
    Operation(
        "POST", "/sessions", "createSession", "Open a session.", SESSIONS, 201, "CreateSessionResponse",
        (400, 401, 403, 404, 503), body=("createSessionRequest", "CreateSessionRequest"),
    ),
    Operation("GET", "/sessions", "listSessions", "List the caller's sessions.", SESSIONS, 200, "[Session]", (401,)),
    Operation(
        "POST", "/sessions/{id}/execute", "executeCode", "Run code in a session.", SESSIONS, 200, "ExecuteResponse",
        (400, 401, 404, 409), body=("executeRequest", "ExecuteRequest"),
    ),
    Operation("DELETE", "/sessions/{id}", "closeSession", "Close a session.", SESSIONS, 200, STRING, _SESSION),
    Operation(
        "DELETE", "/sessions/{id}/force", "closeSessionByForce", "Kill a session.", SESSIONS, 200, STRING, _SESSION,
    ),
    Operation(
        "GET", "/sessions/{id}/console-output", "getSessionConsoleOutput",
        "Console text of the current or last execution.", SESSIONS, 200, "ConsoleOutputResponse", _SESSION,
    ),
    Operation(
        "GET", "/sessions/{id}/history", "listSessionHistory", "Code that ran in a session.", SESSIONS, 200, NAMES,
        _SESSION,
    ),
    Operation(
        "POST", "/sessions/{id}/files", "uploadSessionFile", "Write a file of the working directory.", SESSIONS, 201,
        None, (400, 401, 404, 409, 413), form=(("file", "file", True),), produces="text/plain",
    ),
    Operation(
        "GET", "/sessions/{id}/files", "listSessionFiles", "List the working directory.", SESSIONS, 200, NAMES,
        _SESSION,
    ),
    Operation(
        "GET", "/sessions/{id}/files/{fileName}", "getSessionFile", "A file of the working directory.", SESSIONS, 200,
        FILE, _SESSION,
    ),
    Operation(
        "DELETE", "/sessions/{id}/files/{fileName}", "deleteSessionFile", "Delete a file of the working directory.",
        SESSIONS, 200, None, (401, 404, 409),
    ),
    Operation(
        "GET", "/sessions/{id}/workspace", "listWorkspaceObjects", "List the objects of a session.", SESSIONS, 200,
        NAMES, (401, 404, 409, 410),
    ),
    Operation(
        "POST", "/sessions/{id}/workspace/{objectName}", "setWorkspaceObject", "Assign a serialised object.", SESSIONS,
        200, None, (400, 401, 404, 409, 413), body=("serializedObject", "binary"),
    ),
    Operation(
        "GET", "/sessions/{id}/workspace/{objectName}", "getWorkspaceObject", "An object, serialised.", SESSIONS, 200,
        FILE, (401, 404, 409),
    ),
    Operation(
        "DELETE", "/sessions/{id}/workspace/{objectName}", "deleteWorkspaceObject", "Delete an object.", SESSIONS, 200,
        None, (401, 404, 409),
    ),
    Operation(
        "POST", "/sessions/{id}/snapshot", "CreateSnapshot", "Take a snapshot of a session.", SNAPSHOTS, 201,
        "CreateSnapshotResponse", (400, 401, 404, 409, 413), body=("createSnapshotRequest", "CreateSnapshotRequest"),
        first_tag=SESSIONS,
    ),
    Operation(
        "POST", "/sessions/{id}/loadsnapshot/{snapshotId}", "LoadSnapshot", "Load a snapshot into a session.",
        SNAPSHOTS, 200, None, (400, 401, 404, 409), first_tag=SESSIONS,
    ),
    Operation(
        "POST", "/sessions/{id}/cancel", "cancelSession", "Interrupt what runs in a session.", SESSIONS, 200, STRING,
        _SESSION,
    ),
    Operation(
        "GET", "/snapshots", "ListSnapshots", "List the caller's snapshots.", SNAPSHOTS, 200, "[Snapshot]", (401,),
    ),
    Operation("GET", "/snapshots/{id}", "GetSnapshotContent", "A snapshot as a zip.", SNAPSHOTS, 200, FILE, _SESSION),
    Operation("DELETE", "/snapshots/{id}", "DeleteSnapshot", "Delete a snapshot.", SNAPSHOTS, 200, STRING, _SESSION),
    Operation("GET", "/status", "status", "State of the server.", STATUS, 200, "StatusResponse", (401, 403, 500)),
    Operation(
        "GET", "/computenodes", "getComputeNodes", "List the compute nodes.", CONFIGURATION, 200,
        "GetComputeNodesResponse", (401, 403), since="9.2.1",
    ),
    Operation(
        "POST", "/computenodes", "setComputeNodes", "Replace the list of compute nodes.", CONFIGURATION, 200, None,
        (400, 401, 403), body=_ENTRIES, since="9.2.1",
    ),
    Operation(
        "PUT", "/computenodes", "addComputeNode", "Add compute nodes.", CONFIGURATION, 200, None, (400, 401, 403),
        body=_ENTRIES, since="9.2.1",
    ),
    Operation(
        "DELETE", "/computenodes", "removeComputeNode", "Remove compute nodes.", CONFIGURATION, 200, None,
        (400, 401, 403), body=_ENTRIES, since="9.2.1",
    ),
)  # fmt: skip


def operations_of(release: Release) -> list[Operation]:
    """The operations of a release."""
    return [item for item in OPERATIONS if item.is_in(release)]
