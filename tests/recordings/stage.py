"""What the recordings take for granted on the server: the account, its repository, and objects made on demand."""

from __future__ import annotations

import contextlib
import functools
import subprocess
import tempfile
import zlib
from pathlib import Path
from typing import Any

from deployr.errors import NotFound
from deployr.repository import rows
from deployr.repository.blobs import Blobs
from deployr.repository.directories import RepositoryDirectories
from deployr.repository.file_changes import FileChanges
from deployr.repository.files import RepositoryFiles
from deployr.repository.names import ROOT
from deployr.repository.records import FileProperties, RepositoryFile
from deployr.store.database import Database
from deployr.users.accounts import Accounts
from deployr.users.caller import Caller
from deployr.users.http_sessions import HttpSessions
from deployr.users.roles import ADMINISTRATOR, POWER_USER
from tests.server import PASSWORD, Client, Server

OTHERS = ("otheruser", "newauthor", "oldauthor")
"""Accounts that clients grant to."""

OLD, LATEST = "old", "latest"
OLDEST = "1.0"
"""Id of a file's oldest version."""

_SCRIPT = """cat("ran {directory}/{filename} {version}\\n")
cat(sprintf("object %s\\n", ls(globalenv())), sep = "")
cat("stored\\n", file = "out.csv")
local({{
  missing <- setdiff(c("x", "y", "v", "y z", "m", "score"), ls(globalenv()))
  for (object in missing) assign(object, 5, globalenv())
}})
"""


SHELL_SCRIPT = b'for word in "$@"; do echo "word $word"; done\n'


def said_by(directory: str, filename: str, version: str) -> str:
    """The line that tells which script ran."""
    return f"ran {directory}/{filename} {version}"


class Stage:
    """One client's part of a server.

    Args:
        client: name of the recording.
    """

    def __init__(self, server: Server, client: str) -> None:
        self._settings = server.settings
        self._database = Database(server.settings.database_url)
        self._blobs = Blobs(server.settings.blobs_directory)
        self._files = RepositoryFiles(self._database, server.settings)
        self._directories = RepositoryDirectories(self._database)
        self._changes = FileChanges(self._database, server.settings)
        self._accounts = Accounts(self._database, server.settings)
        self._password = PASSWORD
        self._url = server.url
        self._clients: dict[str, Client] = {}
        self.username = f"user{zlib.crc32(client.encode()):08x}"
        self._accounts.create(self.username, PASSWORD, roles=[POWER_USER])
        self._caller = Caller(http_session="", username=self.username)

    def close(self) -> None:
        """Let go of the database and of connections."""
        self._database.close()
        for client in self._clients.values():
            client.http.close()

    def client(self, session_id: str) -> Client:
        """A client of our own on the recorded client's HTTP session."""
        if session_id not in self._clients:
            self._clients[session_id] = Client(self._url)
            self._clients[session_id].http.headers["Cookie"] = f"JSESSIONID={session_id}"
        return self._clients[session_id]

    # -- account ------------------------------------------------------------------------------------------

    def accept_password(self, password: str) -> None:
        """Let the account have the password that the next login sends."""
        if password != self._password:
            self._accounts.change_password(self.username, password)
            self._password = password

    def has_autosave(self, session_id: str) -> bool:
        """Whether autosave is on for an HTTP session."""
        sessions = HttpSessions(self._database, self._settings.secret_key(), self._settings.server.session_timeout)
        caller = sessions.find(session_id)
        assert caller is not None
        return caller.autosave

    # -- repository ---------------------------------------------------------------------------------------

    def directory(self, name: str) -> None:
        """Let the account have a directory."""
        with self._database.transaction() as connection:
            if not rows.has_directory(connection, self.username, name):
                rows.insert_directory(connection, self.username, name)

    def no_directory(self, name: str) -> None:
        """Let the account not have a directory."""
        with contextlib.suppress(NotFound):
            self._directories.delete(self._caller, name)

    def file(self, filename: str, directory: str | None = None) -> None:
        """Let the account have a published file with an old and a latest version."""
        directory = directory or ROOT
        self.directory(directory)
        for version in (OLD, LATEST)[len(self.versions(filename, directory)) :]:
            blob = self._blobs.put([_content(filename, directory, version)])
            properties = FileProperties(published=True)
            self._files.upload(
                self._caller, filename, blob, directory=directory, properties=properties, newversion=True
            )

    def shell_script(self, filename: str) -> None:
        """Let the account be an administrator's, as shell scripts must be, and have a shell script."""
        self._accounts.set_roles(self.username, [POWER_USER, ADMINISTRATOR])
        caller = Caller(http_session="", username=self.username, roles=frozenset((ADMINISTRATOR,)))
        self._files.upload(caller, filename, self._blobs.put([SHELL_SCRIPT]))

    def external_directory(self, address: str = "external:root") -> None:
        """Let the account have a directory of the external repository with a script, data and objects.

        Args:
            address: as recorded; where it names a user, the account is meant.
        """
        _, place, *names = address.split(":")
        way = [self.username, *names] if place == "root" else [place, self.username, *names[1:]]
        directory = self._settings.external_repository.joinpath(*way)
        directory.mkdir(parents=True, exist_ok=True)
        for filename in ("script.R", "data.csv", "objects.rData"):
            (directory / filename).write_bytes(_content(filename, address, LATEST))

    def authors(self, filename: str, directory: str | None, usernames: list[str]) -> None:
        """Let these, and no others of the accounts that clients grant to, own the account's file."""
        directory = directory or ROOT
        for username in OTHERS:
            with contextlib.suppress(NotFound):
                self._directories.delete(Caller(http_session="", username=username), directory)
        if usernames:
            self._changes.grant(self._caller, filename, directory=directory, newauthors=usernames)

    def versions(self, filename: str, directory: str) -> list[RepositoryFile]:
        """A file's versions, newest first."""
        try:
            return self._files.list_files(self._caller, directory=directory, filename=filename)
        except NotFound:
            return []

    def contents(self, directory: str) -> dict[str, list[bytes]]:
        """Contents of the versions, newest first, of all files of a directory; empty when there is none."""
        try:
            found = self._files.list_files(self._caller, directory=directory)
        except NotFound:
            return {}
        names = [file.filename for file in found]
        return {name: [self.read(file) for file in self.versions(name, directory)] for name in names}

    def has_directory(self, name: str) -> bool:
        """Whether the account has a directory."""
        with self._database.reading() as connection:
            return rows.has_directory(connection, self.username, name)

    def read(self, file: RepositoryFile) -> bytes:
        """The content of a version."""
        return self._blobs.read(file.sha256)


def make_others(server: Server) -> None:
    """Make the accounts and roles that all recordings name."""
    database = Database(server.settings.database_url)
    try:
        accounts = Accounts(database, server.settings)
        for username in OTHERS:
            accounts.create(username, PASSWORD, roles=[POWER_USER])
    finally:
        database.close()


def push_missing(client: Client, project: str, names: list[str]) -> None:
    """Let a project have these objects; ``df`` is a data frame, all others are numbers."""
    workspace = client.succeed("/r/project/workspace/list", project=project)["workspace"]
    present = {item["name"] for item in workspace["objects"]}
    for name in names:
        if name not in present:
            client.succeed("/r/project/workspace/push", project=project, inputs=_pushed(name))


def delete_object(client: Client, project: str, name: str) -> None:
    """Let a project not have this object."""
    client.succeed("/r/project/workspace/push", project=project, inputs=_pushed(name))
    client.succeed("/r/project/workspace/delete", project=project, name=name)


def upload_missing(client: Client, project: str, names: list[str]) -> None:
    """Let a project's directory have these files."""
    present = file_names(client, project)
    for name in names:
        if name not in present:
            content = _saved_objects() if name.endswith(".rData") else b"content of " + name.encode()
            part: Any = {"file": ("part", content)}
            client.succeed("/r/project/directory/upload", project=project, filename=name, files=part)


def delete_present(client: Client, project: str, names: list[str]) -> None:
    """Let a project's directory not have these files."""
    present = file_names(client, project)
    for name in names:
        if name in present:
            client.succeed("/r/project/directory/delete", project=project, filename=name)


def file_names(client: Client, project: str) -> list[str]:
    """Names of the files in a project's directory."""
    files = client.succeed("/r/project/directory/list", project=project)["directory"]["files"]
    return [file["filename"] for file in files]


def _pushed(name: str) -> str:
    number = '{"type": "vector", "name": "c1", "value": [1.5, 2.5]}'
    frame = f'{{"df": {{"type": "dataframe", "value": [{number}]}}}}'
    return frame if name == "df" else f'{{"{name}": {{"type": "primitive", "value": 5}}}}'


def _content(filename: str, directory: str, version: str) -> bytes:
    if filename.lower().endswith(".rdata"):
        return _saved_objects()
    if filename.endswith(".R"):
        return _SCRIPT.format(directory=directory, filename=filename, version=version).encode()
    return f"{version} content of {filename}\n".encode()


@functools.cache
def _saved_objects() -> bytes:
    """An ``.rData`` file with an object ``x``."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "x.rData"
        subprocess.run(["Rscript", "-e", f'x <- 5; save(x, file = "{path}")'], check=True)
        return path.read_bytes()
