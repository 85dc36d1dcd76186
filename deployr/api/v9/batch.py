"""``/api/{name}/{version}/batch``: a service run on many inputs while the caller does something else (9x-facts 8)."""

from __future__ import annotations

import asyncio
from typing import Any

from falcon.asgi import Response

from deployr.api import downloads
from deployr.api.params import MalformedParameter
from deployr.api.v9.call import Call
from deployr.api.v9.consume import result
from deployr.api.v9.definitions import BatchWebServiceResult, StartBatchExecutionResponse, WebServiceResult
from deployr.api.v9.replies import reply
from deployr.mlserver.batch_records import Item, Progress
from deployr.mlserver.batches import PARALLEL, Batches
from deployr.mlserver.consumption import Consumed

_PARTIAL = ("showPartialResults", "showPartialResult")
"""As the documents and as the Python SDK spell it (9x-facts 16, row 2)."""


class BatchResource:
    """Calls of batches."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches

    async def on_post(self, req: Call, resp: Response, name: str, version: str) -> None:
        """Start one."""
        inputs = await req.read_objects()
        batch = await self._batches.start(req.caller, name, version, inputs, _parallel(req))
        started = StartBatchExecutionResponse(
            name=name, version=version, batch_execution_id=batch.id, sdk_batch_execution_id=batch.id
        )
        reply(resp, started, 202)

    async def on_get(self, req: Call, resp: Response, name: str, version: str) -> None:
        """Ids of the caller's."""
        reply(resp, self._batches.list(req.caller, name, version))

    async def on_get_one(self, req: Call, resp: Response, name: str, version: str, execution_id: str) -> None:
        """State and results."""
        partial = _is_partial(req)
        progress = await self._batches.progress(req.caller, name, version, execution_id, partial=partial)
        reply(resp, await asyncio.to_thread(self._record, progress))

    async def on_delete_one(self, req: Call, resp: Response, name: str, version: str, execution_id: str) -> None:
        """Cancel and delete."""
        await asyncio.to_thread(self._batches.cancel, req.caller, name, version, execution_id)
        reply(resp, [])

    async def on_get_files(
        self, req: Call, resp: Response, name: str, version: str, execution_id: str, index: str
    ) -> None:
        """Names of an item's files."""
        reply(resp, list(self._batches.files(req.caller, name, version, execution_id, _index(index))))

    async def on_get_file(
        self, req: Call, resp: Response, name: str, version: str, execution_id: str, index: str, file_name: str
    ) -> None:
        """A file of an item."""
        found = self._batches.file(req.caller, name, version, execution_id, _index(index), file_name)
        downloads.send(resp, found)
        resp.content_type = "application/octet-stream"

    def _record(self, progress: Progress) -> BatchWebServiceResult:
        return BatchWebServiceResult(
            state=progress.batch.state,
            completed_item_count=progress.done,
            total_item_count=progress.batch.total,
            batch_execution_results=[self._result(item) for item in progress.items],
            parallel_count=progress.batch.parallel,
        )

    def _result(self, item: Item) -> WebServiceResult:
        kept = item.result
        return result(Consumed(kept.error, kept.outputs, self._batches.content(item), kept.console, kept.changed))


def _parallel(req: Call) -> int:
    given = req.get_param("parallelCount") or str(PARALLEL)
    if not (given.isascii() and given.isdecimal() and len(given) < 10):
        raise MalformedParameter("Parameter parallelCount is no number of items.")
    return int(given)


def _is_partial(req: Call) -> bool:
    given: Any = next((text for text in map(req.get_param, _PARTIAL) if text), "true")
    if given.lower() not in ("true", "false"):
        raise MalformedParameter("Parameter showPartialResults is neither true nor false.")
    return bool(given.lower() == "true")


def _index(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise MalformedParameter("Parameter index is no position in the batch.")
    return int(text)
