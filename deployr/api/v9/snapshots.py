"""``/snapshots``, and the snapshots of sessions (9x-facts 11)."""

from __future__ import annotations

from falcon.asgi import Response

from deployr.api import downloads
from deployr.api.v9.call import Call
from deployr.api.v9.definitions import CreateSnapshotRequest, CreateSnapshotResponse, Snapshot
from deployr.api.v9.replies import reply, reply_empty
from deployr.api.v9.times import creation_time
from deployr.mlserver.snapshots import Snapshots


class SnapshotsResource:
    """Calls that take, load and delete snapshots."""

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots

    async def on_post_of_session(self, req: Call, resp: Response, id: str) -> None:
        """Take a snapshot."""
        request = await req.read(CreateSnapshotRequest)
        snapshot = await self._snapshots.take(req.caller, id, request.name)
        reply(resp, CreateSnapshotResponse(snapshot_id=snapshot.id), 201)

    async def on_post_loading(self, req: Call, resp: Response, id: str, snapshot_id: str) -> None:
        """Load a snapshot into a session."""
        await self._snapshots.load(req.caller, id, snapshot_id)
        reply_empty(resp)

    async def on_get(self, req: Call, resp: Response) -> None:
        """The caller's snapshots."""
        found = [
            Snapshot(
                id=item.id,
                name=item.name,
                owner=item.owner,
                creation_time=creation_time(item.created),
                content_size=item.length,
            )
            for item in self._snapshots.all(req.caller)
        ]
        reply(resp, found)

    async def on_get_one(self, req: Call, resp: Response, id: str) -> None:
        """A snapshot's zip."""
        downloads.send(resp, self._snapshots.read(req.caller, id))

    async def on_delete_one(self, req: Call, resp: Response, id: str) -> None:
        """Delete a snapshot."""
        self._snapshots.delete(req.caller, id)
        reply(resp, id)
