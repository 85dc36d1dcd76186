"""Events as the processes of the server tell them to each other (7x-facts 18.3).

Whoever raises one calls :meth:`deployr.grid.client.Grid.publish`; the grid process passes it to the web workers that
have somebody who may hear it, and :mod:`deployr.events.frames` gives it the form that clients know. The tag of each
class is the ``type`` that clients read.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

MANAGEMENT = "management"
"""Label of what administrators hear."""


def user_label(username: str) -> str:
    """Label of what a user hears; also the owner of the user's sessions on the grid."""
    return f"user:{username}"


def http_label(digest: str) -> str:
    """Label of what an HTTP session hears, given the digest of its id; also the owner of anonymous sessions."""
    return f"http:{digest}"


def owner_name(owner: str) -> str:
    """The name behind an owner's label: that of a user, or ``anonymous``."""
    return owner.removeprefix("user:") if owner.startswith("user:") else "anonymous"


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Base of all events.

    Attributes:
        droppable: may be left out for a listener that does not keep up.
    """

    droppable: ClassVar[bool] = False

    @property
    def audience(self) -> tuple[str, ...]:
        """Labels of those who may hear it."""
        return (MANAGEMENT,)


class _ExecutionEvent(_Event, frozen=True, kw_only=True):
    """Base of what happens while code runs.

    Attributes:
        owner: label of the session's owner, see :class:`deployr.grid.protocol.SessionSpec`.
        project: session that runs the code; ``None`` for a call that failed before there was one.
        job: the job that the code belongs to.
        http: digest of the HTTP session that asked for the execution.
    """

    owner: str
    project: str | None = None
    job: str | None = None
    http: str | None = None

    @property
    def audience(self) -> tuple[str, ...]:
        return (self.owner,)


class ExecutionConsole(_ExecutionEvent, frozen=True, kw_only=True, tag="executionConsoleEvent"):
    """Console text, for executions that ask for it (``enableConsoleEvents``).

    Attributes:
        output: the text.
        error: R's message, when this tells that the code failed; ``output`` is the same then.
    """

    droppable: ClassVar[bool] = True

    output: str
    error: str | None = None


class ExecutionRevo(_ExecutionEvent, frozen=True, kw_only=True, tag="executionRevoEvent"):
    """An object published by R code with ``revoEvent``.

    Attributes:
        object: QAP1 of a named list of one member, the object.
        output: console text that came before it.
    """

    object: bytes
    output: str = ""


class ExecutionError(_ExecutionEvent, frozen=True, kw_only=True, tag="executionErrorEvent"):
    """A call that runs code failed otherwise than by a run-time error of the code: syntax, inputs, preloads, limits."""

    error: str


class JobLifecycle(_Event, frozen=True, kw_only=True, tag="jobLifecycleEvent"):
    """A job has come into another state.

    Attributes:
        job: ``JOB-<uuid>``.
        name: of the job.
        username: who owns it.
        descr: free text.
        priority: ``low``, ``medium``, ``high``.
        status: the state as the API names it, e.g. ``Completed``.
        message: the job's ``statusMsg``.
        project: made by the job, as soon as it is known.
    """

    job: str
    name: str
    username: str
    descr: str | None = None
    priority: str
    status: str
    message: str | None = None
    project: str | None = None

    @property
    def audience(self) -> tuple[str, ...]:
        return (user_label(self.username),)


class GridActivity(_Event, frozen=True, kw_only=True, tag="gridActivityEvent"):
    """A slot was taken or freed.

    Attributes:
        context: id of the project or job.
        activity: what it is, e.g. ``Temporary Project``.
        owner: label of the session's owner.
        http: digest of the HTTP session that it was opened in.
        node: name of the node.
        node_type: ``Authenticated``, ``Anonymous`` or ``Asynchronous``.
        is_live: taken, not freed.
    """

    droppable: ClassVar[bool] = True

    context: str
    activity: str
    owner: str
    http: str | None = None
    node: str
    node_type: str
    is_live: bool


class GridWarning(_Event, frozen=True, kw_only=True, tag="gridWarningEvent"):
    """A limit was hit or a resource is exhausted; ``error_code`` is 910 to 919."""

    droppable: ClassVar[bool] = True

    error: str
    error_code: int


class SlotActivity(msgspec.Struct, frozen=True, kw_only=True):
    """A slot in use.

    Attributes:
        owner: label of the session's owner.
        session: id of the session.
        context: what it is, e.g. ``Temporary Project``.
        node_type: ``Authenticated``, ``Anonymous`` or ``Asynchronous``.
        http: digest of the HTTP session that it was opened in.
        address: of the client that opened it.
    """

    owner: str
    session: str
    context: str
    node_type: str
    http: str | None = None
    address: str | None = None


class NodeState(msgspec.Struct, frozen=True, kw_only=True):
    """A node: ``slots`` is its limit, ``type`` its operating type, e.g. ``Mixed Mode``."""

    name: str
    description: str
    type: str
    active: bool
    slots: int
    activity: list[SlotActivity]


class GridHeartbeat(_Event, frozen=True, kw_only=True, tag="gridHeartbeatEvent"):
    """The state of all nodes, told every ten seconds or so.

    Attributes:
        server: its ``host:port``.
    """

    droppable: ClassVar[bool] = True

    server: str
    nodes: list[NodeState]


class SecurityLogin(_Event, frozen=True, kw_only=True, tag="securityLoginEvent"):
    """A login, or a failed one.

    Attributes:
        http: digest of the HTTP session.
        username: as the client gave it.
        displayname: ``None`` when the login failed.
        error: why it failed.
    """

    http: str
    username: str
    displayname: str | None = None
    error: str | None = None


class SecurityLogout(_Event, frozen=True, kw_only=True, tag="securityLogoutEvent"):
    """The end of an authenticated HTTP session, by logout or because it idled; ends its event streams.

    Attributes:
        http: digest of the HTTP session.
        reason: why it ended.
    """

    http: str
    username: str
    displayname: str | None = None
    reason: Literal["logout", "timeout"] = "logout"

    @property
    def audience(self) -> tuple[str, ...]:
        return (MANAGEMENT, http_label(self.http))


Event = (
    ExecutionConsole
    | ExecutionRevo
    | ExecutionError
    | JobLifecycle
    | GridActivity
    | GridWarning
    | GridHeartbeat
    | SecurityLogin
    | SecurityLogout
)
