"""Runs batches, in the process that runs jobs; any number of these may share a database.

When a process dies, another one goes on with its batches as soon as their leases have ended: what has been run keeps
its results, and the items that were running are run again, up to a number of attempts. So is an item whose own process,
or whose grid, died.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from deployr.encodings.errors import EncodingError
from deployr.errors import DeployrError, NodeAway, NodeNotResponding, NoFreeSlot, UserProjectLimit
from deployr.jobs import leases
from deployr.mlserver import batch_rows
from deployr.mlserver.batch_records import Batch, Result
from deployr.store.database import Database, now_ms
from deployr.store.errors import UNAVAILABLE
from deployr.store.patience import patiently

log = logging.getLogger(__name__)

Run = Callable[[Batch, Mapping[str, Any]], Awaitable[tuple[Result, Mapping[str, str]]]]
"""Runs the service of a batch on an item's inputs; gives what came of it, and SHA-256 of its files' blobs by name.

``NodeNotResponding`` says that a process died meanwhile; ``NodeAway`` of it, and a database that is not available, that
nothing has run.
"""

_LOOK_SECONDS = 1.0
"""How long a process that nobody wakes waits until it looks for batches and cancellations by itself."""

_LACKS: tuple[type[Exception], ...] = (NoFreeSlot, UserProjectLimit, NodeAway, *UNAVAILABLE)
"""What an item waits for: room, a grid, a database. Nothing of it has run."""

_ROOM_SECONDS = 0.25
"""How long such an item waits before it tries again."""

_PAGE = 20
"""Items of a batch that are in memory before they run."""

ATTEMPTS = 3
"""How often an item is run whose processes die meanwhile: its own, the grid or the one that runs batches."""

_GONE = f"The processes that ran the item ended unexpectedly, {ATTEMPTS} times."


class BatchRunner:
    """Runs batches.

    Args:
        most: items of all batches that run at a time.
        kept: milliseconds that a batch is kept after its end.
        woken: set when there is something new.
    """

    def __init__(self, database: Database, run: Run, *, most: int, kept: int, woken: asyncio.Event) -> None:
        self._database = database
        self._run = run
        self._kept = kept
        self._woken = woken
        self._room = asyncio.Semaphore(most)
        self._runner = f"BATCHES-{uuid.uuid4()}"
        self._running: dict[str, asyncio.Task[None]] = {}
        self._next_sweep = 0.0

    async def serve(self, stop: asyncio.Event) -> None:
        """Run batches until told to stop; those that run then go on when a process runs batches again."""
        while not stop.is_set():
            try:
                self._look()
            except sa.exc.SQLAlchemyError:
                log.exception("batches: the database failed")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), _LOOK_SECONDS)
            self._woken.clear()
        await self._stop()

    def _look(self) -> None:
        """Do what there is to do now."""
        if time.monotonic() >= self._next_sweep:
            self._next_sweep = time.monotonic() + leases.RENEWAL_SECONDS
            self._sweep()
        if self._running:
            self._drop_cancelled()
        while self._start_next():
            pass

    def _sweep(self) -> None:
        """Renew the leases; see to what nobody fetches any more."""
        before = now_ms() - self._kept
        with self._database.reading() as connection:
            is_needed = self._running or batch_rows.has_old(connection, before)
        if not is_needed:
            return
        with self._database.transaction() as connection:
            batch_rows.renew(connection, self._runner, leases.until(), self._running.keys())
            batch_rows.delete_old(connection, before)

    def _drop_cancelled(self) -> None:
        with self._database.reading() as connection:
            held = batch_rows.held(connection, self._runner)
        for batch in self._running.keys() - held:
            self._running[batch].cancel()

    def _start_next(self) -> bool:
        """Start the oldest batch that nobody runs, if there is one: batches share the room for items."""
        now = now_ms()
        with self._database.reading() as connection:
            waiting = batch_rows.next_waiting(connection, now, self._running.keys())
        if waiting is None:
            return False
        with self._database.transaction() as connection:
            is_mine = batch_rows.claim(connection, waiting.id, self._runner, now, leases.until())
        if is_mine:
            task = asyncio.create_task(self._run_batch(waiting))
            self._running[waiting.id] = task
            task.add_done_callback(lambda done: self._ended(waiting.id, done))
        return True

    def _ended(self, batch: str, task: asyncio.Task[None]) -> None:
        """When something failed, the lease is not renewed any more: then somebody goes on with the batch."""
        del self._running[batch]
        if not task.cancelled() and (failure := task.exception()):
            log.error("a batch could not be ended", exc_info=failure)

    async def _run_batch(self, batch: Batch) -> None:
        waiting = self._unfinished(batch)
        async with asyncio.TaskGroup() as group:
            for _ in range(batch.parallel):
                group.create_task(self._run_items(batch, waiting))
        with self._database.transaction() as connection:
            batch_rows.end(connection, batch.id, self._runner, now_ms())

    def _unfinished(self, batch: Batch) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """The items that have not been run, read a few at a time: there may be many, and long ones."""
        index = -1
        while True:
            with self._database.reading() as connection:
                found = batch_rows.unfinished(connection, batch.id, index, _PAGE)
            if not found:
                return
            yield from found
            index = found[-1][0]

    async def _run_items(self, batch: Batch, waiting: Iterator[tuple[int, Mapping[str, Any]]]) -> None:
        """Run item after item, beside others that take theirs from the same ones."""
        for index, inputs in waiting:
            async with self._room:
                result, files = await self._outcome(batch, index, inputs)
            await patiently(functools.partial(self._keep, batch, index, result, files))

    async def _outcome(self, batch: Batch, index: int, inputs: Mapping[str, Any]) -> tuple[Result, Mapping[str, str]]:
        """What came of an item, in as many attempts as it takes and may take."""
        reason = _GONE
        while await patiently(functools.partial(self._begin, batch, index)):
            try:
                return await self._when_there_is_room(batch, inputs)
            except NodeNotResponding as ex:
                reason = str(ex)
        return Result(error=reason), {}

    async def _begin(self, batch: Batch, index: int) -> bool:
        with self._database.transaction() as connection:
            return batch_rows.begin(connection, batch.id, self._runner, index, ATTEMPTS)

    async def _keep(self, batch: Batch, index: int, result: Result, files: Mapping[str, str]) -> None:
        with self._database.transaction() as connection:
            batch_rows.keep(connection, batch.id, self._runner, index, result, files)

    async def _when_there_is_room(self, batch: Batch, inputs: Mapping[str, Any]) -> tuple[Result, Mapping[str, str]]:
        """What came of an attempt; that the item cannot be run is a result, too.

        Raises:
            NodeNotResponding: a process died meanwhile.
        """
        while True:
            try:
                return await self._run(batch, inputs)
            except _LACKS:
                await asyncio.sleep(_ROOM_SECONDS)
            except NodeNotResponding:
                raise
            except (DeployrError, EncodingError) as ex:
                return Result(error=str(ex)), {}
            except Exception:
                log.exception("an item of a batch failed for a reason of the server's own")
                return Result(error="Internal server error."), {}

    async def _stop(self) -> None:
        running = dict(self._running)
        for task in running.values():
            task.cancel()
        await asyncio.gather(*running.values(), return_exceptions=True)
        with self._database.transaction() as connection:
            for batch in running:
                batch_rows.release(connection, batch, self._runner)
