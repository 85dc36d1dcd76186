"""Replays a client's recorded requests against a live server.

Requests go out byte for byte over the connections of the recording; only what the placeholder server had made up is
replaced: session ids, tokens, project, execution and job ids, file versions, its address, and the account's name.
"""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from deployr.api.sessions import TOKEN
from deployr.jobs.states import OPEN
from deployr.repository.names import ARCHIVE, ROOT
from deployr.settings import split_address
from tests.recordings.connection import Connection, Reply
from tests.recordings.message import Message, Params
from tests.recordings.recorded import Recorded, requests_of
from tests.recordings.stage import OLDEST, Stage, delete_object, delete_present, push_missing, upload_missing
from tests.server import Client, Server

_SESSION = re.compile(rb"(?:(?<=jsessionid=)|(?<=JSESSIONID=))A0{23}[0-9A-F]{8}")
_ID = re.compile(rb"(?:PROJECT|EXEC|JOB)-[0-9]{8}-[0-9]{4}-4000-8000-[0-9]{12}")
_VERSION = b"|".join(
    (
        rb"(?<=version=)(?:2|Tue\+Jun\+28\+2016|1467100000001)(?=[&; ]|$)",
        rb"(?<=/)1467100000001(?=/)",
        # The placeholder took the flag of a store call for the version of the file, which was loaded then.
        rb"(?<=&author=testuser&version=)True$|(?<=&directory=root&version=)true$",
    )
)
_RECORDED = re.compile(
    b"|".join(
        (
            rb"(?P<cookie>JSESSIONID=A0{23}[0-9A-F]{8}; Path=/deployr; HttpOnly)",
            rb"(?P<session>%s)" % _SESSION.pattern,
            rb"(?P<token>[0-9]{8}-aaaa-4aaa-8aaa-[0-9]{12})",
            rb"(?P<id>%s)" % _ID.pattern,
            rb"(?P<version>%s)" % _VERSION,
            rb"(?P<address>127\.0\.0\.1(?P<colon>:|%3[Aa])8050)",
            rb"(?P<author>testuser)",
        )
    )
)
"""All that the placeholder server had made up; found in one go, as live ids may look like recorded ones."""

STREAM = "/r/event/stream"
"""Its requests are handshakes of WebSockets."""

_ISSUING = {"/r/project/create", "/r/project/saveas", "/r/project/import"}
_EXECUTING = {"/r/project/execute/code", "/r/project/execute/script", "/r/repository/script/execute"}
_OF_OBJECTS = {f"/r/project/workspace/{name}" for name in ("get", "delete", "save", "store")}
_OF_PROJECT_FILES = {f"/r/project/directory/{name}" for name in ("download", "delete", "update", "store")}
_OF_FILES = {
    "/r/repository/script/list",
    *(f"/r/repository/file/{name}" for name in ("list", "fetch", "download", "update", "delete", "diff", "revert")),
    *(f"/r/repository/file/{name}" for name in ("grant", "copy", "move")),
    *(f"/r/repository/directory/{name}" for name in ("copy", "move", "update", "archive", "download")),
    *(f"/r/project/{name}/load" for name in ("workspace", "directory")),
}
_NAMING = {"/r/repository/directory/create": "directory", "/r/repository/directory/rename": "destination"}
"""Calls that give a directory a new name, and the parameter that holds it."""

_WRITING = {f"/r/project/directory/{name}" for name in ("upload", "write", "transfer")}
_LOADING = {f"/r/project/workspace/{name}" for name in ("load", "transfer")}
_RELOCATING = {
    "/r/repository/file/move",
    *(f"/r/repository/directory/{name}" for name in ("move", "rename", "archive")),
}
"""Calls that leave files of several authors where they are."""

_CHANGING = {
    *(f"/r/repository/file/{name}" for name in ("copy", "move", "revert")),
    *(f"/r/repository/directory/{name}" for name in ("copy", "move", "rename", "archive", "upload", "download")),
}
_JOB_SECONDS = 90
"""Longest time that a job is waited for."""

Contents = dict[str, dict[str, list[bytes]]]
"""By directory and file, those of all versions, newest first."""

_SCRIPTS = {"/r/project/execute/script", "/r/repository/script/execute", "/r/repository/script/render"}


@dataclasses.dataclass
class Session:
    """An HTTP session of the live server; its token and ``Set-Cookie`` text as the client got them."""

    session_id: str
    token: str
    set_cookie: str
    conn: int


@dataclasses.dataclass(frozen=True)
class Exchange:
    """A request as it was sent, and the reply.

    Attributes:
        params, segments: parameters and path-style ids as sent, see :class:`message.Message`.
        session: the live session that the request named.
        client: a client of our own on the same session.
        before: what the directories concerned held before; of calls that change contents.
    """

    recorded: Recorded
    message: Message
    params: Params
    segments: list[str]
    reply: Reply
    session: Session | None
    client: Client
    stage: Stage
    before: Contents

    @property
    def call(self) -> str:
        """Name of the call."""
        return self.recorded.call

    @property
    def project(self) -> str:
        """Id of the live project that is meant."""
        return self.params.text("project") or self.segments[0]


class Replayer:
    """Replays one client's requests.

    Args:
        client: name of the recording.
    """

    def __init__(self, server: Server, client: str) -> None:
        self._server = server
        self._recording = requests_of(client)
        self._stage = Stage(server, client)
        self._connections: dict[int, Connection] = {}
        self._sessions: dict[bytes, Session] = {}
        self._unnamed: list[Session] = []
        self._ids: dict[bytes, str] = {}
        self._adopting: list[str] = []
        self._counts = {"PROJECT": 0, "EXEC": 0, "JOB": 0}

    def replay(self) -> Iterator[Exchange]:
        """Send request after request."""
        try:
            for recorded in self._recording:
                yield self._exchange(recorded)
        finally:
            self._stage.close()
            for connection in self._connections.values():
                connection.close()

    def _exchange(self, recorded: Recorded) -> Exchange:
        session = self._session_of(recorded)
        client = self._stage.client(session.session_id if session else "none")
        # A stream may wait for what is not there yet.
        if recorded.call != STREAM:
            self._prepare(recorded, client)
        before = self._contents(recorded)
        message = recorded.message.changed(lambda text: self._substituted(text, session))
        reply = self._connection(recorded.conn).send(message.encode(), message.method)
        exchange = Exchange(
            recorded,
            message,
            message.params(),
            message.segments(recorded.call),
            reply,
            session,
            client,
            self._stage,
            before,
        )
        self._note_session(exchange)
        self._note_made(exchange)
        return exchange

    def _connection(self, number: int) -> Connection:
        address = split_address(self._server.settings.server.bind[0])
        return self._connections.setdefault(number, Connection(*address))

    # -- substitution -------------------------------------------------------------------------------------

    def _substituted(self, text: bytes, session: Session | None) -> bytes:
        def live(match: re.Match[bytes]) -> bytes:
            found = match[0].decode()
            replacements = {
                "cookie": session.set_cookie if session else found,
                "session": session.session_id if session else found,
                "token": session.token if session else found,
                "id": self._ids.get(match[0], found),
                "version": OLDEST,
                "address": self._server.settings.server.bind[0].replace(":", (match["colon"] or b"").decode()),
                "author": self._stage.username,
            }
            return next(replacements[kind] for kind, part in match.groupdict().items() if part is not None).encode()

        return _RECORDED.sub(live, text)

    def _session_of(self, recorded: Recorded) -> Session | None:
        """The live session in the place of the recorded one, which a reply to a request without one issued.

        Which reply that was shows when the recorded id first appears: the last one on this connection, else the last.
        """
        match = _SESSION.search(recorded.raw)
        if match is None:
            return None
        if match[0] not in self._sessions:
            same = [session for session in self._unnamed if session.conn == recorded.conn]
            self._sessions[match[0]] = (same or self._unnamed)[-1]
        return self._sessions[match[0]]

    # -- what the request takes for granted ---------------------------------------------------------------

    def _prepare(self, recorded: Recorded, client: Client) -> None:
        message, call = recorded.message, recorded.call
        params, segments = message.params(), message.segments(call)
        if call == "/r/user/login":
            self._stage.accept_password(params.values["password"])
        if b"PROJECT-" in recorded.raw:
            self._await_jobs(client)
        for recorded_id in dict.fromkeys(_ID.findall(recorded.raw)):
            if recorded_id.startswith(b"PROJECT"):
                self._ensure_project(recorded_id, client)
        project = self._ids.get((params.text("project") or (segments or [""])[0]).encode())
        if project:
            self._prepare_project(recorded, project, client)
        self._prepare_repository(call, params, segments)
        source = params.text("url" if call.endswith("/transfer") else "externalsource")
        if source:
            self._prepare_source(source, client)

    def _await_jobs(self, client: Client) -> None:
        """A job that takes over from a project keeps other calls out of it meanwhile."""
        deadline = time.monotonic() + _JOB_SECONDS
        while self._adopting and time.monotonic() < deadline:
            record = client.post("/r/job/query", job=self._adopting[0]).json()["deployr"]["response"]
            if not record["success"] or record["job"]["status"] not in OPEN:
                self._adopting.pop(0)

    def _ensure_project(self, recorded_id: bytes, client: Client) -> None:
        """A project that the recorded conversation still used may have ended with an earlier request."""
        live = self._ids.get(recorded_id)
        about = client.post("/r/project/ping", project=live or "none")
        if not about.is_success or not about.json()["deployr"]["response"]["project"]["live"]:
            self._ids[recorded_id] = client.project()

    def _prepare_project(self, recorded: Recorded, project: str, client: Client) -> None:
        call, message = recorded.call, recorded.message
        params, segments = message.params(), message.segments(call)
        executions = [found for found in _ID.findall(recorded.raw) if found.startswith(b"EXEC")]
        for execution in executions or [b"any"] * call.startswith(
            ("/r/project/execute/result/", "/r/project/execute/flush")
        ):
            self._ensure_plotted(execution, project, client)
        if call in _OF_OBJECTS:
            push_missing(client, project, params.names("name"))
        if call == "/r/project/execute/code":
            push_missing(client, project, ["x", *params.names("robjects"), *params.names("storeobject")])
            upload_missing(client, project, params.names("storefile"))
        if call == "/r/project/workspace/list":
            push_missing(client, project, params.names("root"))
        if call == "/r/project/recycle":
            push_missing(client, project, ["x"])
            upload_missing(client, project, ["a.txt"])
        if call in _OF_PROJECT_FILES:
            upload_missing(client, project, project_files(params, segments))
            delete_present(client, project, params.names("rename"))
        if call in _WRITING and not params.flag("overwrite"):
            delete_present(client, project, params.names("filename"))
        if call in _LOADING:
            delete_object(client, project, "x")

    def _prepare_source(self, url: str, client: Client) -> None:
        """Files whose URLs are sent must be there."""
        parts = urlsplit(url)
        wanted = dict(parse_qsl(parts.query))
        if parts.path == "/deployr/r/project/directory/download":
            upload_missing(client, self._ids[wanted["project"].encode()], [wanted["filename"]])
        if parts.path == "/deployr/r/repository/file/download":
            self._stage.file(wanted["filename"], wanted["directory"])

    def _ensure_plotted(self, execution: bytes, project: str, client: Client) -> None:
        """The recorded executions that are asked for results drew a plot each, or so the placeholder said."""
        live = self._ids.get(execution)
        listed = client.succeed("/r/project/execute/result/list", project=project)["execution"]["results"]
        if live not in (result["execution"] for result in listed):
            made = client.execute(project, "plot(1)")["execution"]["execution"]
            self._ids[execution] = made

    def _prepare_repository(self, call: str, params: Params, segments: list[str]) -> None:
        is_target = call.startswith("/r/repository/") or call == "/r/project/directory/store"
        if params.flag("external"):
            self._stage.external_directory(*params.names("directory"))
        elif is_target:
            for directory in (*params.names("directory"), *params.names("destination")):
                self._stage.directory(directory)
        if call in _NAMING:
            self._stage.no_directory(params.values[_NAMING[call]])
        if call in _OF_FILES and not params.flag("external"):
            self._ensure_files([(segments[-1], None)] if segments else pairs(params, "filename", "directory"))
        if call in _RELOCATING:
            for directory in params.names("directory"):
                self._stage.authors("", directory, [])
        if call == "/r/repository/shell/execute":
            self._stage.shell_script(params.values["filename"])
        if call == "/r/repository/file/grant":
            self._stage.authors(params.values["filename"], params.text("directory"), params.names("revokeauthor"))
        if call in _SCRIPTS:
            scripts = pairs(params, "filename", "directory")
            self._ensure_files((script_name(name), directory) for name, directory in scripts)
        for prefix in ("preloadfile", "preloadobject", "rscript"):
            self._ensure_files(pairs(params, f"{prefix}name", f"{prefix}directory"))
        self._ensure_files(("d.csv", directory) for directory in params.names("preloadbydirectory"))

    def _ensure_files(self, files: Iterable[tuple[str, str | None]]) -> None:
        for name, directory in files:
            self._stage.file(name, directory)

    def _contents(self, recorded: Recorded) -> Contents:
        """What the directories named hold, if the call changes contents."""
        if recorded.call not in _CHANGING:
            return {}
        params = recorded.message.params()
        archives = [name + ARCHIVE for name in params.names("archive")]
        named = {ROOT, *params.names("directory"), *params.names("destination"), *archives}
        return {directory: self._stage.contents(directory) for directory in named}

    # -- what the reply brought ---------------------------------------------------------------------------

    def _note_session(self, exchange: Exchange) -> None:
        for set_cookie in exchange.reply.cookies:
            session_id = set_cookie.partition(";")[0].partition("=")[2]
            token = exchange.reply.header(TOKEN) or ""
            if exchange.session is None or exchange.session.session_id != session_id:
                self._unnamed.append(Session(session_id, token, set_cookie, exchange.recorded.conn))

    def _note_made(self, exchange: Exchange) -> None:
        """The placeholder counted what it made, failed or not."""
        call, record = exchange.call, exchange.reply.record if exchange.reply.is_json else {}
        if call in _ISSUING:
            self._bind("PROJECT", [record.get("project")])
        if call == "/r/project/pool":
            made = record.get("projects") or []
            self._bind("PROJECT", made + [None] * (int(exchange.params.values["poolsize"]) - len(made)))
        if call in _EXECUTING:
            self._bind("EXEC", [record.get("execution")])
        if call in ("/r/job/submit", "/r/job/schedule"):
            self._bind("JOB", [record.get("job")])
            if exchange.reply.is_json and record["success"] and b"PROJECT-" in exchange.recorded.raw:
                self._adopting.append(record["job"]["job"])

    def _bind(self, kind: str, made: list[dict[str, str] | None]) -> None:
        key = {"PROJECT": "project", "EXEC": "execution", "JOB": "job"}[kind]
        for item in made:
            self._counts[kind] += 1
            number = self._counts[kind]
            if item:
                self._ids[f"{kind}-{number:08}-0000-4000-8000-{number:012}".encode()] = item[key]


def project_files(params: Params, segments: list[str]) -> list[str]:
    """.NET encodes the names in a path once more, one by one."""
    if len(segments) > 1:
        return [unquote_plus(name) for name in segments[1].split(",")]
    return params.names("filename", "name")


def script_name(name: str) -> str:
    """The file that a script's name means, which may lack the extension."""
    return name if "." in name else f"{name}.R"


def pairs(params: Params, names: str, directories: str) -> Iterator[tuple[str, str | None]]:
    """Names with their directories, which are parallel lists; a directory that is not given is the default."""
    places = (params.text(directories) or "").split(",")
    for number, name in enumerate(params.names(names)):
        yield name, (places[number] if number < len(places) else places[0]) or None
