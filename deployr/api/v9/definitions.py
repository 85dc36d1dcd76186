"""The records of the 9.x API, named and spelled as its documents have them (9x-facts 2).

Requests are read into these types, replies are written from them, and the documents that this server serves are made of
them: ``Meta(extra={"since": …})`` is the release that brought a field, ``"documented"`` what the documents say of a
field's type where Python's says less.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

import msgspec

from deployr.mlserver import service_pools, service_records

Release = Literal["9.0.1", "9.1.0", "9.2.0", "9.2.1", "9.3.0"]
RELEASES: tuple[Release, ...] = ("9.0.1", "9.1.0", "9.2.0", "9.2.1", "9.3.0")

ParameterType = service_records.ParameterType
RuntimeType = Literal["R", "Python"]
PoolStatus = service_pools.PoolState
WebServiceRuntimeType = service_records.ServiceRuntime

WORDS: dict[Any, dict[str, str]] = {
    RuntimeType: {word.lower(): word for word in get_args(RuntimeType)},
    ParameterType: {
        **{word: word for word in get_args(ParameterType)},
        **dict.fromkeys(("bool", "boolean"), "logical"),
        **dict.fromkeys(("double", "float", "number", "decimal"), "numeric"),
        **dict.fromkeys(("int", "int32", "int64", "long"), "integer"),
        **dict.fromkeys(("string", "str", "text"), "character"),
        **dict.fromkeys(("array", "list", "numpy.array"), "vector"),
        "numpy.matrix": "matrix",
        **dict.fromkeys(("dataframe", "data_frame", "data frame", "pandas.dataframe"), "data.frame"),
    },
}
"""Values of enumerations by the words that clients have for them, in lower case: that of types is an open one in the
documents, so that generated clients send whatever text, and published walkthroughs do.
"""

_OPEN = {"type": "object", "additionalProperties": {}}
"""An object of whatever members."""


def _since(release: Release) -> msgspec.Meta:
    return msgspec.Meta(extra={"since": release})


def _documented(schema: dict[str, Any]) -> msgspec.Meta:
    return msgspec.Meta(extra={"documented": schema})


class Definition(msgspec.Struct, rename="camel", kw_only=True):
    """Base of all records."""


class Session(Definition):
    """A session of the caller."""

    id: str
    name: str
    owner: str
    runtime_type: Annotated[RuntimeType, _since("9.1.0")] = "R"


class CreateSessionRequest(Definition):
    """The session to make."""

    name: str | None = None
    snapshot_id: str | None = None
    runtime_type: Annotated[RuntimeType, _since("9.1.0")] = "R"


class CreateSessionResponse(Definition):
    """The session that was made."""

    session_id: str


class Snapshot(Definition):
    """A snapshot of the caller."""

    id: str
    name: str
    owner: str
    creation_time: str
    content_size: int


class CreateSnapshotRequest(Definition):
    """The snapshot to make."""

    name: str | None = None


class CreateSnapshotResponse(Definition):
    """The snapshot that was made."""

    snapshot_id: str


class WorkspaceObject(Definition):
    """A named value; numbers, texts, arrays and objects alike."""

    name: str
    value: Annotated[Any, _documented({})] = None


class ExecuteRequest(Definition):
    """Code to run, values to assign before, names of values to return after."""

    code: str
    input_parameters: list[WorkspaceObject] = []
    output_parameters: list[str] = []


class ExecuteResponse(Definition):
    """What an execution did."""

    success: bool
    error_message: str
    output_parameters: list[WorkspaceObject]
    console_output: str
    changed_files: list[str]


class ConsoleOutputResponse(Definition):
    """Console text of the current or last execution."""

    console_output: str


class ParameterDefinition(Definition):
    """An input or output of a service."""

    name: str
    type: ParameterType


class PublishWebServiceRequest(Definition):
    """The service to publish, or what is to change of it; its code may be that of a script of the repository."""

    snapshot_id: str | None = None
    code: str | None = None
    description: str | None = None
    operation_id: str | None = None
    input_parameter_definitions: list[ParameterDefinition] | None = None
    output_parameter_definitions: list[ParameterDefinition] | None = None
    runtime_type: Annotated[RuntimeType | None, _since("9.1.0")] = None
    init_code: Annotated[str | None, _since("9.1.0")] = None
    output_file_names: Annotated[list[str] | None, _since("9.1.0")] = None
    repository_script: str | None = None


class WebService(Definition):
    """A published service."""

    name: str
    version: str
    # The examples of the documents have it, their schemas do not (9x-facts 2).
    owner: str
    creation_time: str
    snapshot_id: str | None
    code: str | None
    description: str | None
    operation_id: str | None
    input_parameter_definitions: list[ParameterDefinition]
    output_parameter_definitions: list[ParameterDefinition]
    version_published_by: Annotated[str, _since("9.1.0")]
    runtime_type: Annotated[WebServiceRuntimeType, _since("9.1.0")]
    init_code: Annotated[str | None, _since("9.1.0")]
    output_file_names: Annotated[list[str], _since("9.1.0")]
    my_permission_on_service: Annotated[str, _since("9.1.0")]


class WebServiceResult(Definition):
    """What a call of a service did; files are in base64."""

    success: bool
    error_message: str
    output_parameters: Annotated[dict[str, Any], _documented(_OPEN)]
    output_files: dict[str, str]
    console_output: str
    changed_files: list[str]


class StartBatchExecutionResponse(Definition):
    """The batch that was started."""

    name: str
    version: str
    batch_execution_id: str
    # As the Python SDK reads it (9x-facts 16, row 1).
    sdk_batch_execution_id: str = msgspec.field(name="BatchExecutionId")


class BatchWebServiceResult(Definition):
    """How far a batch is."""

    state: str
    completed_item_count: int
    total_item_count: int
    batch_execution_results: list[WebServiceResult]
    parallel_count: int


class CreateOrUpdateServicePoolRequest(Definition, rename="pascal"):
    """Sizes of a service's pool."""

    initial_pool_size: int = 0
    max_pool_size: int = 0


class ServicePoolStatusResponse(Definition, rename="pascal"):
    """State of a service's pool on one compute node."""

    compute_node_endpoint: str
    status: PoolStatus
    # Servers were seen with either spelling (9x-facts 16, row 8).
    seen_endpoint: str = msgspec.field(name="computeNodeEndpoint")
    seen_status: PoolStatus = msgspec.field(name="status")


class LoginRequest(Definition):
    """Credentials."""

    username: str
    password: str


class RenewTokenRequest(Definition):
    """The token that is to be used up."""

    refresh_token: str


class AccessTokenResponse(Definition, rename=None, omit_defaults=True):
    """A pair of tokens."""

    token_type: str | None = None
    access_token: str | None = None
    expires_in: int | None = None
    # The documents call it a string; servers sent a number (9x-facts 16, row 6).
    expires_on: int | None = None
    refresh_token: str | None = None


class StatusResponse(Definition):
    """State of a component."""

    status_code: Annotated[str, _documented({"type": "string", "enum": ["fail", "pass", "warn"]})]
    details: Annotated[dict[str, Any], _documented(_OPEN)]
    components: Annotated[
        dict[str, StatusResponse] | None,
        _documented({"type": "object", "additionalProperties": {"$ref": "#/definitions/StatusResponse"}}),
    ] = None


class SwaggerJsonResponse(Definition):
    """The document of a service, which is an object of its own."""


class UpdateComputeNodesRequest(Definition):
    """URIs of compute nodes, or ranges of them."""

    entries: list[str]


class GetComputeNodesResponse(Definition):
    """The list of compute nodes."""

    compute_nodes: list[str]


class Error(Definition):
    """Why a call failed."""

    message: str
    link: str = ""
    exception_type: Annotated[str, _since("9.1.0")] = ""
    # What the documents of services have (9x-facts 14).
    code: int = 0
    fields: str = ""


SINCE: dict[str, Release] = {
    "UpdateComputeNodesRequest": "9.2.1",
    "GetComputeNodesResponse": "9.2.1",
    "CreateOrUpdateServicePoolRequest": "9.3.0",
    "ServicePoolStatusResponse": "9.3.0",
}
"""The release that brought a definition, where it was not the first."""

REQUIRED = {"WebService": ["name", "version"]}
"""Fields that the documents promise; all others may be missing."""
