"""What sessions of the 9.x API hold: objects and files (9x-facts 10)."""

from __future__ import annotations

from collections.abc import AsyncIterable

from deployr.encodings import model, qap1
from deployr.encodings.qap1 import Qap1Error
from deployr.errors import BoundaryExceeded, InternalError, NotFound, SessionLost
from deployr.grid.client import Grid
from deployr.mlserver.sessions import SessionGone, Sessions
from deployr.projects import downloads, values
from deployr.projects.records import Download
from deployr.users.caller import Caller

EXTENSIONS = {"R": ".RData", "Python": ".dill"}
"""How the bytes of an object are called in files, by runtime."""


class SessionContent:
    """Objects and files of the caller's sessions. All raise ``NotFound`` for a session that he does not have."""

    def __init__(self, sessions: Sessions, grid: Grid) -> None:
        self._sessions = sessions
        self._grid = grid

    # -- workspace ----------------------------------------------------------------------------------------

    async def list_objects(self, caller: Caller, session_id: str) -> list[str]:
        """Names of the objects.

        Raises:
            SessionGone: the session has died.
        """
        session = self._sessions.find(caller, session_id)
        try:
            return await self._names(session.id)
        except (BoundaryExceeded, SessionLost) as ex:
            raise SessionGone(f"Session {session_id} is gone.") from ex

    async def read_object(self, caller: Caller, session_id: str, name: str) -> tuple[str, bytes]:
        """File name and bytes of an object: an rData file of R, what dill writes of Python.

        Raises:
            NotFound: there is no such object.
        """
        session = self._sessions.find(caller, session_id)
        async with self._grid.hold(session.id):
            await self._require(session.id, name)
            value = await self._grid.call(session.id, "dump_object", values.arguments(name=model.character(name)))
        return name + EXTENSIONS[session.runtime], _bytes(value)

    async def write_object(self, caller: Caller, session_id: str, name: str, content: bytes) -> None:
        """Assign an object: of R what ``serialize`` or ``save`` wrote, of Python what dill wrote.

        Raises:
            DeployrError: the bytes are none of that; the text is the interpreter's.
        """
        session = self._sessions.find(caller, session_id)
        arguments = values.arguments(name=model.character(name), content=model.raw(content))
        await self._grid.call(session.id, "undump_object", arguments)

    async def delete_object(self, caller: Caller, session_id: str, name: str) -> None:
        """Delete an object.

        Raises:
            NotFound: there is no such object.
        """
        session = self._sessions.find(caller, session_id)
        async with self._grid.hold(session.id):
            await self._require(session.id, name)
            await self._grid.call(session.id, "delete_objects", values.arguments(names=model.character(name)))

    async def _names(self, session: str, **wanted: model.RValue) -> list[str]:
        listed = values.members(await self._grid.call(session, "list_objects", values.arguments(**wanted)))
        return [name for name in model.as_texts(listed.get("name", model.NULL)) if name]

    async def _require(self, session: str, name: str) -> None:
        """Check that there is an object of the name, hidden or not."""
        if name not in await self._names(session, filter=model.character(name), hidden=model.logical(True)):
            raise NotFound(f"Object {name} not found.")

    # -- files --------------------------------------------------------------------------------------------

    async def list_files(self, caller: Caller, session_id: str) -> list[str]:
        """Names of the files of the working directory, hidden ones included."""
        infos = await self._grid.list_files(self._sessions.find(caller, session_id).id, "all")
        return [info.filename for info in infos]

    async def read_file(self, caller: Caller, session_id: str, filename: str) -> Download:
        """A file of the working directory.

        Raises:
            NotFound: there is no such file.
        """
        session = self._sessions.find(caller, session_id)
        return await downloads.one_file(self._grid, session.id, filename, "all")

    async def write_file(self, caller: Caller, session_id: str, filename: str, content: AsyncIterable[bytes]) -> None:
        """Write a file of the working directory, in the place of one of that name.

        Raises:
            InvalidParameter: the name is none of a file.
        """
        session = self._sessions.find(caller, session_id)
        await self._grid.write_file(session.id, filename, content, overwrite=True, area="all")

    async def delete_file(self, caller: Caller, session_id: str, filename: str) -> None:
        """Delete a file of the working directory.

        Raises:
            NotFound: there is no such file.
        """
        await self._grid.delete_files(self._sessions.find(caller, session_id).id, [filename], area="all")


def _bytes(value: bytes) -> bytes:
    """The content of a raw vector that a session sent."""
    try:
        content = qap1.decode(value)
    except Qap1Error as ex:
        raise InternalError("The session sent a value that cannot be read.") from ex
    if not isinstance(content, model.Raw):
        raise InternalError("The session sent something else than bytes.")
    return content.values.tobytes()
