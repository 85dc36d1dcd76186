"""What web workers and the grid say to each other: typed messages in length-prefixed frames.

One connection carries one operation at a time: a request, an optional upload, then a reply. That keeps
back-pressure a matter of the socket alone, and a large value on one connection never stalls another.

A frame is a 5-byte header (unsigned 32-bit big-endian body length, one byte of :class:`Frame` kind)
and the body. ``HEAD`` bodies are msgpack of the structs below; ``DATA`` bodies are opaque bytes (R values in
QAP1, file contents), ended by an empty ``DATA`` frame.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Literal, get_args

import msgspec

from deployr.events.records import Event

Purpose = Literal["authenticated", "anonymous", "asynchronous"]
"""What a session is for; nodes are typed by it (admin facts 3.2)."""

_ALL_PURPOSES = frozenset(get_args(Purpose))

Runtime = Literal["r", "python"]
"""Which interpreter a session is."""

FileArea = Literal["directory", "all", "tree", "results", "state"]
"""Working directory of a session without hidden files, with them, and with all directories below it, too (file names
are paths then); the directory of its unnamed plots, or that of its saved workspace."""


class Frame(enum.IntEnum):
    """Kinds of frames."""

    HEAD = 1
    DATA = 2
    CONSOLE = 3
    ERROR = 4


class FileInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A regular file of a session.

    Attributes:
        filename: plain name, without a directory; a path with slashes in the area ``tree``.
        length: bytes.
        modified: last change, milliseconds since 1970.
        descr: free text given at upload, kept while the session lives.
        execution: execution that drew the plot; set in the area ``results`` only.
        sha256: of the plot's content, in hexadecimal digits; ``None`` for other files, and for very large plots.
    """

    filename: str
    length: int
    modified: int
    descr: str | None = None
    execution: str | None = None
    sha256: str | None = None


class ServiceSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A service whose state sessions begin with.

    Attributes:
        service: tells it from other services.
        revision: tells its states apart; only the latest one named is kept.
        snapshot: path of a zip (:mod:`deployr.grid.snapshot_zips`) that is loaded first.
        init_code: run after that.
        code: what its sessions run, which the parent may prepare; they run whatever they are told to.
    """

    service: str
    revision: str
    runtime: Runtime
    snapshot: str | None = None
    init_code: str = ""
    code: str = ""


class SessionSpec(msgspec.Struct, frozen=True, kw_only=True):
    """The session to open.

    Attributes:
        session: id chosen by the caller, e.g. ``PROJECT-<uuid>``; unique on the grid.
        owner: opaque label, ``user:<name>`` or ``http:<digest>``; the grid counts by it, the domain checks it.
        runtime: which interpreter it is.
        purpose: which nodes may host it.
        cluster: cluster tag, matched without case; ``None`` for any node of the purpose.
        context: text shown in grid status, e.g. ``Temporary Project``; its first 200 characters.
        idle_timeout: seconds without a call after which the grid closes the session; 0 for never.
        kept_by_reads: calls that only read of it, or interrupt it, count for that, too.
        cpu_limit: CPU seconds of the process's life, 0 for no limit; ``None`` for the grid's own.
        owner_limit: most live sessions of this owner and purpose; ``None`` for no limit.
        private_data: directory of the user's external data, R option ``deployrPrivateExternalDir``.
        service: begin as a fork of this service's warm parent; ``NotWarm`` when there is none.
        job: the job that it works for; events have its id in the place of the session's.
        http: digest of the HTTP session that opens it, and
        address: of its client; both are shown to administrators.
    """

    session: str
    owner: str
    runtime: Runtime = "r"
    purpose: Purpose = "authenticated"
    cluster: str | None = None
    context: str = ""
    idle_timeout: float = 0
    kept_by_reads: bool = False
    cpu_limit: int | None = None
    owner_limit: int | None = None
    private_data: str | None = None
    service: ServiceSpec | None = None
    job: str | None = None
    http: str | None = None
    address: str | None = None


class SessionInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A session as the grid sees it.

    Attributes:
        directory: path of its working directory, as its code sees it.
        state: ``idle``, ``busy``, or ``ended`` (process gone, files kept for a while: stateless executions).
        opened: milliseconds since 1970.
        used: start of the last call, milliseconds since 1970.
    """

    session: str
    owner: str
    purpose: Purpose
    node: str
    cluster: str | None
    context: str
    directory: str
    state: Literal["idle", "busy", "ended"]
    opened: int
    used: int


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """R code to run and how.

    Attributes:
        execution: ``EXEC-<uuid>``.
        code: the R source, exactly as sent.
        tag, actor: copied to the record.
        phantom: leave no record behind.
        echo: show the commands in the console text.
        console: keep console text in the reply and the record.
        console_events: tell console text to event streams while the code runs.
        artifacts: look for files that the code created or changed.
        graphics: device of unnamed plots.
        width, height: device size in pixels; 0 for R's default of 480.
        time_limit: seconds of wall time after which the session is killed (914); 0 for none.
        blackbox: neither the record nor R's messages show the code.
        http: digest of the HTTP session that asks for it, as event streams know it.
    """

    execution: str
    code: str
    tag: str | None = None
    actor: str = "anonymous"
    phantom: bool = False
    echo: bool = True
    console: bool = True
    console_events: bool = False
    artifacts: bool = True
    graphics: Literal["png", "svg"] = "png"
    width: int = 0
    height: int = 0
    time_limit: float = 0
    blackbox: bool = False
    http: str | None = None


class ExecutionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One finished execution: the reply of an execute call and the entry of a project's history.

    Attributes:
        time_start: milliseconds since 1970.
        time_code: milliseconds spent in R code.
        time_total: milliseconds of the whole execution on the grid.
        console: text R printed, commands included when echoed.
        warnings: texts of the warnings signalled.
        error: R's message when the code failed, and that it was interrupted, else ``None``; ``error_code`` is 900 then.
        syntax_error: the code could not be parsed; nothing of it ran.
        interrupted: stopped by an interrupt call.
        results: unnamed plots, one file a page; those deleted since are left out.
        results_generated: how many plots were drawn.
        artifacts: files of the working directory that the code created or changed.
    """

    execution: str
    code: str
    tag: str | None
    actor: str
    time_start: int
    time_code: int
    time_total: int
    console: str
    warnings: list[str]
    error: str | None
    error_code: int | None
    syntax_error: bool = False
    interrupted: bool
    results: list[FileInfo]
    results_generated: int
    artifacts: list[FileInfo]


# -- requests ---------------------------------------------------------------------------------------------


class Changing(msgspec.Struct, frozen=True, kw_only=True):
    """Requests that are refused while a call runs in the session or while somebody else holds it.

    Attributes:
        hold: of the asking call, when it holds the session.
    """

    hold: str | None = None


class Hold(msgspec.Struct, frozen=True, tag="hold"):
    """Keep others from changing a session, which may be one that is yet to be opened.

    The hold lasts until the asker sends an empty upload, or its connection ends. Reply: :class:`Flag` when it is held,
    and another one when it no longer is.

    Attributes:
        hold: name of the hold, unique, that the holder's requests carry.
    """

    session: str
    hold: str


class Open(Changing, frozen=True, tag="open"):
    """Open a session. Reply: :class:`SessionInfo`."""

    spec: SessionSpec


class Execute(Changing, frozen=True, tag="execute"):
    """Run code in a session. Upload: arguments in QAP1. Reply: record, then the value in QAP1."""

    session: str
    execution: Execution
    live_console: bool = False


class ExecuteStateless(msgspec.Struct, frozen=True, tag="execute_stateless"):
    """Open a session, run code, end the session. Upload and reply as :class:`Execute`."""

    spec: SessionSpec
    execution: Execution
    live_console: bool = False


class Call(Changing, frozen=True, tag="call"):
    """Run one of the runtime's own functions in a session. Upload: arguments in QAP1. Reply: value in QAP1."""

    session: str
    function: str


class Recycle(Changing, frozen=True, tag="recycle"):
    """Clear the workspace, empty the working directory, or both. Reply: :class:`Flag`."""

    session: str
    workspace: bool = True
    directory: bool = True


class Amend(msgspec.Struct, frozen=True, tag="amend"):
    """Change what :class:`SessionSpec` said of an open session. Reply: :class:`SessionInfo`.

    Attributes:
        private: it keeps what private data it has; what it once lost it does not get back.
    """

    session: str
    context: str
    idle_timeout: float
    private: bool = True


class Interrupt(msgspec.Struct, frozen=True, tag="interrupt"):
    """Interrupt what runs in a session. Reply: :class:`Flag`, true when something ran."""

    session: str


class Close(msgspec.Struct, frozen=True, tag="close"):
    """Close a session and remove its files, at once or after a while. Reply: :class:`Flag`, true when it was there."""

    session: str
    keep: bool = False


class ListSessions(msgspec.Struct, frozen=True, tag="list_sessions"):
    """Sessions by id, of an owner, or all. Reply: list of :class:`SessionInfo`."""

    sessions: list[str] | None = None
    owner: str | None = None


class History(msgspec.Struct, frozen=True, tag="history"):
    """Records of a live session, oldest first. Reply: list of :class:`ExecutionRecord`."""

    session: str


class Codes(msgspec.Struct, frozen=True, tag="codes"):
    """The code that a session has run, oldest first. Reply: :class:`Flag`, then a list of texts in msgpack."""

    session: str


class Console(msgspec.Struct, frozen=True, tag="console"):
    """Console text of the execution that runs in a session, so far, or of its last one. Reply: the text."""

    session: str


class Flush(Changing, frozen=True, tag="flush"):
    """Throw away console text and unnamed plots of executions, or of all (none named). Reply: :class:`Flag`."""

    session: str
    executions: list[str]


class DeleteResults(Changing, frozen=True, tag="delete_results"):
    """Delete unnamed plots of executions, or of all (none named); only those of a name. Reply: :class:`Flag`."""

    session: str
    executions: list[str]
    filename: str | None = None


class ListFiles(msgspec.Struct, frozen=True, tag="list_files"):
    """Files of a session. Reply: list of :class:`FileInfo`."""

    session: str
    area: FileArea = "directory"


class ReadFile(msgspec.Struct, frozen=True, tag="read_file"):
    """One file. Reply: :class:`FileInfo`, then the content."""

    session: str
    filename: str
    area: FileArea = "directory"
    execution: str | None = None


class WriteFile(Changing, frozen=True, tag="write_file"):
    """Write one file of the working directory or the state. Upload: the content. Reply: :class:`FileInfo`."""

    session: str
    filename: str
    descr: str | None = None
    overwrite: bool = False
    area: FileArea = "directory"


class UpdateFile(Changing, frozen=True, tag="update_file"):
    """Rename or describe a file of the working directory. Reply: :class:`FileInfo`."""

    session: str
    filename: str
    rename: str | None = None
    descr: str | None = None
    overwrite: bool = False


class DeleteFiles(Changing, frozen=True, tag="delete_files"):
    """Delete files of the working directory or the state; all must exist. Reply: :class:`Flag`."""

    session: str
    filenames: list[str]
    area: FileArea = "directory"


class WarmService(msgspec.Struct, frozen=True, tag="warm_service"):
    """Give a service a pool: a warm parent that stays, and forks that are kept ready. Reply: :class:`Flag`.

    Attributes:
        initial: forks kept ready.
        most: sessions at one time; 0 for the grid's own limit.
    """

    service: ServiceSpec
    initial: int
    most: int


class ListPools(msgspec.Struct, frozen=True, tag="list_pools"):
    """The pools of all services. Reply: list of :class:`ServicePool`."""


class DropPool(msgspec.Struct, frozen=True, tag="drop_pool"):
    """Take a service's pool away. Reply: :class:`Flag`, true when it had one."""

    service: str


class Status(msgspec.Struct, frozen=True, tag="status"):
    """State of the grid. Reply: :class:`GridStatus`."""


class Publish(msgspec.Struct, frozen=True, tag="publish"):
    """Tell an event to those who may hear it. Reply: :class:`Flag`."""

    event: Event


class Subscribe(msgspec.Struct, frozen=True, tag="subscribe"):
    """Hear events of these labels, until the connection ends.

    Upload, at any time: :class:`Interest` in ``HEAD`` frames. Reply: ``HEAD`` frames of events and of :class:`Heard`,
    the first one with serial 0.
    """

    labels: list[str]


Request = (
    Hold
    | Open
    | Execute
    | ExecuteStateless
    | Call
    | Recycle
    | Amend
    | Interrupt
    | Close
    | ListSessions
    | History
    | Codes
    | Console
    | Flush
    | DeleteResults
    | ListFiles
    | ReadFile
    | WriteFile
    | UpdateFile
    | DeleteFiles
    | WarmService
    | ListPools
    | DropPool
    | Status
    | Publish
    | Subscribe
)


# -- replies ----------------------------------------------------------------------------------------------


class Flag(msgspec.Struct, frozen=True):
    """A yes or no."""

    value: bool


class Interest(msgspec.Struct, frozen=True):
    """A change of what a subscriber hears; answered by :class:`Heard` with the same serial."""

    serial: int
    add: list[str] = []
    remove: list[str] = []


class Heard(msgspec.Struct, frozen=True, tag_field="type", tag="heard"):
    """From here on, everything arrives that was asked for with :class:`Interest` up to this serial."""

    serial: int


class Failure(msgspec.Struct, frozen=True):
    """Body of an ``ERROR`` frame: class name in :mod:`deployr.errors` and the caller's text."""

    error: str
    message: str


class ServicePool(msgspec.Struct, frozen=True, kw_only=True):
    """A pool of a service.

    Attributes:
        service, revision: see :class:`ServiceSpec`.
        initial, most: see :class:`WarmService`.
        is_filled: its first forks wait, or are in use.
    """

    service: str
    revision: str
    initial: int
    most: int
    is_filled: bool


class NodeStatus(msgspec.Struct, frozen=True, kw_only=True):
    """State of one node: ``slots`` is the limit, ``used`` live sessions, ``warm`` forks waiting.

    Both counts include those of Python, which are counted by themselves, too.
    """

    name: str
    purposes: list[Purpose]
    cluster: str | None
    slots: int
    used: int
    warm: int
    healthy: bool
    isolated: bool
    description: str = ""
    python_used: int = 0
    python_warm: int = 0


class GridStatus(msgspec.Struct, frozen=True, kw_only=True):
    """State of the grid."""

    version: str
    nodes: list[NodeStatus]


def is_mixed(purposes: Iterable[Purpose]) -> bool:
    """Whether a node of these purposes serves every one."""
    return frozenset(purposes) == _ALL_PURPOSES


def cluster_tag(cluster: str | None) -> str | None:
    """The tag of a cluster as it is compared: neither case nor blanks around it count; ``None`` without one."""
    return cluster.strip().lower() if cluster else None
