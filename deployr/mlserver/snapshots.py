"""Snapshots of sessions: private to who took them (9x-facts 11)."""

from __future__ import annotations

import contextlib
import dataclasses
import uuid
from typing import Any

import sqlalchemy as sa

from deployr.errors import InvalidParameter, NodeNotResponding, NotFound
from deployr.mlserver.records import RUNTIMES, MlSession, Runtime
from deployr.mlserver.roles import Roles
from deployr.mlserver.service_checks import check_label
from deployr.mlserver.sessions import Sessions, random_name
from deployr.mlserver.snapshot_contents import SnapshotContents
from deployr.projects.records import Content, Download
from deployr.repository.blobs import Blobs
from deployr.store.database import Database, now_ms
from deployr.store.schema import mlserver_snapshots as table
from deployr.users.caller import Caller


@dataclasses.dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot.

    Attributes:
        owner: user name.
        sha256: of the blob that is its zip; who refers to it keeps it, whatever becomes of the snapshot.
        length: bytes of the zip.
        created: milliseconds since 1970.
    """

    id: str
    name: str
    owner: str
    runtime: Runtime
    sha256: str
    length: int
    created: int


class Snapshots:
    """Takes, finds, loads and deletes snapshots. Those of others are absent.

    All raise ``PermissionDenied`` when the caller's role does not allow sessions of his own.
    """

    def __init__(
        self, database: Database, sessions: Sessions, contents: SnapshotContents, blobs: Blobs, roles: Roles
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._contents = contents
        self._blobs = blobs
        self._roles = roles

    async def take(self, caller: Caller, session_id: str, name: str | None) -> Snapshot:
        """Keep what a session holds; a snapshot without a name gets one.

        Raises:
            NotFound: the caller has no such session.
            InvalidParameter: the name has control characters, or too many.
            SessionLost: it has died.
            ProjectBusy: a call runs in it.
            TooLarge: it holds too much.
        """
        session = self._sessions.find(caller, session_id)
        check_label("name", name or "")
        blob = await self._contents.capture(session.id, RUNTIMES[session.runtime])
        snapshot = Snapshot(
            str(uuid.uuid4()), name or random_name(), session.owner, session.runtime, blob.sha256, blob.length, now_ms()
        )
        with self._database.transaction() as connection:
            connection.execute(table.insert().values(**dataclasses.asdict(snapshot)))
        return snapshot

    async def load(self, caller: Caller, session_id: str, snapshot_id: str) -> None:
        """Bring a snapshot into a session; what has the same names is replaced.

        Raises:
            NotFound: the caller has no such session, or no such snapshot.
            InvalidParameter: they are of different runtimes.
            SessionLost: the session has died.
            ProjectBusy: a call runs in it.
        """
        session, snapshot = self._sessions.find(caller, session_id), self.find(caller, snapshot_id)
        _check_runtime(snapshot, session.runtime)
        await self._contents.restore(session.id, RUNTIMES[session.runtime], snapshot.sha256)

    async def open(self, caller: Caller, name: str | None, runtime: Runtime, snapshot_id: str) -> MlSession:
        """Open a session that begins with a snapshot; see :meth:`~deployr.mlserver.sessions.Sessions.create`.

        Raises:
            NotFound: the caller has no such snapshot.
            InvalidParameter: it is of another runtime.
        """
        snapshot = self.find(caller, snapshot_id)
        _check_runtime(snapshot, runtime)
        session = await self._sessions.create(caller, name, runtime)
        try:
            await self._contents.restore(session.id, RUNTIMES[runtime], snapshot.sha256)
        except BaseException:
            # It may be what died; then that is to be told.
            with contextlib.suppress(NotFound, NodeNotResponding):
                await self._sessions.close(caller, session.id)
            raise
        return session

    def all(self, caller: Caller) -> list[Snapshot]:
        """The caller's snapshots, oldest first."""
        self._roles.require_sessions(caller)
        return self._rows(table.c.owner == caller.username)

    def find(self, caller: Caller, snapshot_id: str) -> Snapshot:
        """A snapshot of the caller.

        Raises:
            NotFound: the caller has no such snapshot.
        """
        self._roles.require_sessions(caller)
        found = self._rows(sa.and_(table.c.id == snapshot_id, table.c.owner == caller.username))
        if not found:
            raise NotFound(f"Snapshot {snapshot_id} not found.")
        return found[0]

    def read(self, caller: Caller, snapshot_id: str) -> Download:
        """A snapshot's zip.

        Raises:
            NotFound: the caller has no such snapshot.
        """
        snapshot = self.find(caller, snapshot_id)
        content = Content(self._blobs.stream(snapshot.sha256))
        return Download(filename=f"{snapshot.name}.zip", length=snapshot.length, content=content)

    def delete(self, caller: Caller, snapshot_id: str) -> None:
        """Delete a snapshot; services that were published with it keep its content.

        Raises:
            NotFound: the caller has no such snapshot.
        """
        snapshot = self.find(caller, snapshot_id)
        with self._database.transaction() as connection:
            connection.execute(table.delete().where(table.c.id == snapshot.id))

    def _rows(self, condition: sa.ColumnElement[bool]) -> list[Snapshot]:
        columns: list[sa.Column[Any]] = [table.c[field.name] for field in dataclasses.fields(Snapshot)]
        query = sa.select(*columns).where(condition).order_by(table.c.created, table.c.id)
        with self._database.reading() as connection:
            return [Snapshot(*row) for row in connection.execute(query)]


def _check_runtime(snapshot: Snapshot, runtime: Runtime) -> None:
    if snapshot.runtime != runtime:
        raise InvalidParameter(f"Snapshot {snapshot.id} is of {snapshot.runtime}, the session of {runtime}.")
