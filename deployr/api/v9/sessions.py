"""``/sessions``: opened, closed, and code in them (9x-facts 10)."""

from __future__ import annotations

from falcon.asgi import Response

from deployr.api.v9.call import Call
from deployr.api.v9.definitions import (
    ConsoleOutputResponse,
    CreateSessionRequest,
    CreateSessionResponse,
    ExecuteRequest,
    ExecuteResponse,
    Session,
    WorkspaceObject,
)
from deployr.api.v9.replies import reply
from deployr.mlserver.executions import SessionExecutions
from deployr.mlserver.sessions import Sessions
from deployr.mlserver.snapshots import Snapshots


class SessionsResource:
    """Calls that make sessions and run code in them."""

    def __init__(self, sessions: Sessions, executions: SessionExecutions, snapshots: Snapshots) -> None:
        self._sessions = sessions
        self._executions = executions
        self._snapshots = snapshots

    async def on_post(self, req: Call, resp: Response) -> None:
        """Open a session."""
        request = await req.read(CreateSessionRequest)
        named = req.caller, request.name, request.runtime_type
        if request.snapshot_id:
            session = await self._snapshots.open(*named, request.snapshot_id)
        else:
            session = await self._sessions.create(*named)
        reply(resp, CreateSessionResponse(session_id=session.id), 201)

    async def on_get(self, req: Call, resp: Response) -> None:
        """The caller's sessions."""
        found = await self._sessions.live(req.caller)
        reply(resp, [Session(id=it.id, name=it.name, owner=it.owner, runtime_type=it.runtime) for it in found])

    async def on_delete_one(self, req: Call, resp: Response, id: str) -> None:
        """Close a session; what runs in it ends with it, so that force adds nothing."""
        await self._sessions.close(req.caller, id)
        reply(resp, id)

    on_delete_force = on_delete_one

    async def on_post_execute(self, req: Call, resp: Response, id: str) -> None:
        """Run code; that it fails is no failure of the call."""
        request = await req.read(ExecuteRequest)
        inputs = [(item.name, item.value) for item in request.input_parameters]
        done = await self._executions.execute(req.caller, id, request.code, inputs, request.output_parameters)
        record = ExecuteResponse(
            success=not done.error,
            error_message=done.error,
            output_parameters=[WorkspaceObject(name=name, value=value) for name, value in done.outputs.items()],
            console_output=done.console,
            changed_files=done.changed_files,
        )
        reply(resp, record)

    async def on_post_cancel(self, req: Call, resp: Response, id: str) -> None:
        """Interrupt what runs."""
        await self._executions.cancel(req.caller, id)
        reply(resp, id)

    async def on_get_console(self, req: Call, resp: Response, id: str) -> None:
        """Console text, while code runs too."""
        reply(resp, ConsoleOutputResponse(console_output=await self._executions.console(req.caller, id)))

    async def on_get_history(self, req: Call, resp: Response, id: str) -> None:
        """The code that ran."""
        reply(resp, await self._executions.history(req.caller, id))
