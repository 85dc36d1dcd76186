"""Realtime services: a model that is published without code (9x-facts 9).

The model is loaded by a session, never by the server, and kept as that session's snapshot; so consumption finds what it
finds with every service.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator

from deployr.encodings import model as objects
from deployr.errors import InvalidParameter
from deployr.grid.client import Grid
from deployr.grid.protocol import SessionSpec
from deployr.mlserver import scoring
from deployr.mlserver.records import RUNTIMES, Runtime
from deployr.mlserver.roles import Role, Roles
from deployr.mlserver.service_records import Definition, Service
from deployr.mlserver.services import Services
from deployr.mlserver.snapshot_contents import SnapshotContents
from deployr.projects import values
from deployr.repository.blobs import Blobs
from deployr.users.caller import Caller

_IDLE_SECONDS = 300
_LOADING = "Model"


class RealtimeServices:
    """Publishes models."""

    def __init__(self, services: Services, roles: Roles, grid: Grid, contents: SnapshotContents, blobs: Blobs) -> None:
        self._services = services
        self._roles = roles
        self._grid = grid
        self._contents = contents
        self._blobs = blobs

    async def publish(
        self,
        caller: Caller,
        name: str,
        version: str | None,
        model: bytes,
        description: str | None = None,
        operation_id: str | None = None,
    ) -> Service:
        """Publish a model; a version comes of itself.

        Raises:
            InvalidParameter: it is of no kind that this server scores.
            DeployrError: it cannot be loaded; the text is the interpreter's.
            PermissionDenied: the caller may not publish, or the name belongs to another user.
            AlreadyExists: the version exists.
        """
        self._roles.require(caller, Role.CONTRIBUTOR)
        definition = await self._definition(caller, model, description, operation_id)
        return self._services.publish(caller, name, version, definition)

    async def update(
        self,
        caller: Caller,
        name: str,
        version: str,
        model: bytes | None,
        description: str | None = None,
        operation_id: str | None = None,
    ) -> Service:
        """Change a model or what is said of it; ``None`` stays as it is.

        Raises:
            NotFound: there is no such version.
            InvalidParameter: it is no realtime service, or the model of no kind that this server scores.
            DeployrError: the model cannot be loaded; the text is the interpreter's.
            PermissionDenied: another user has published it.
        """
        self._roles.require(caller, Role.CONTRIBUTOR)
        if self._services.find(caller, name, version).runtime != "Realtime":
            raise InvalidParameter(f"Service {name} {version} is no realtime service.")
        definition = Definition(description=description, operation_id=operation_id)
        if model is not None:
            definition = await self._definition(caller, model, description, operation_id)
        return self._services.update(caller, name, version, definition)

    def as_code(self, service: Service) -> Service:
        """A service that has code: that of a realtime service is the server's."""
        if service.model is None:
            return service
        return scoring.as_code(service, self._blobs.path(service.model))

    async def _definition(
        self, caller: Caller, model: bytes, description: str | None, operation_id: str | None
    ) -> Definition:
        runtime, loader = scoring.kind_of(model)
        async with self._session(caller, runtime) as session:
            content = objects.raw(model.removeprefix(scoring.PREFIX))
            arguments = values.arguments(name=objects.character(scoring.MODEL), content=content)
            await self._grid.call(session, loader, arguments)
            snapshot = await self._contents.capture(session, RUNTIMES[runtime])
        stored = await asyncio.to_thread(self._blobs.put, [model])
        return Definition(
            runtime="Realtime",
            description=description,
            operation_id=operation_id,
            inputs=scoring.INPUTS,
            outputs=scoring.OUTPUTS,
            model=stored.sha256,
            snapshot=snapshot.sha256,
        )

    @contextlib.asynccontextmanager
    async def _session(self, caller: Caller, runtime: Runtime) -> AsyncIterator[str]:
        spec = SessionSpec(
            session=str(uuid.uuid4()),
            owner=caller.owner,
            runtime=RUNTIMES[runtime],
            context=_LOADING,
            idle_timeout=_IDLE_SECONDS,
        )
        await self._grid.open(spec)
        try:
            yield spec.session
        finally:
            await self._grid.close(spec.session)
