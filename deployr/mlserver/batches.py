"""Batches as their owners see them: started, watched, cancelled (9x-facts 8)."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from deployr.errors import InvalidParameter, NotFound
from deployr.mlserver import batch_rows
from deployr.mlserver.batch_records import Batch, Item, Progress
from deployr.mlserver.services import Services
from deployr.projects.records import Content, Download
from deployr.repository.blobs import Blobs
from deployr.store.database import Database, now_ms
from deployr.users.caller import Caller

PARALLEL = 10
"""Items that run at a time when the caller does not say."""

MAX_ITEMS = 100_000


class Batches:
    """Starts and finds batches. They are private: those of others are absent.

    All raise ``NotFound`` for a service, or a batch of it, that does not exist, and ``PermissionDenied`` when the
    caller's role does not allow the use of services.

    Args:
        most: of the items of a batch that run at a time, whatever its caller wants.
        ring: wakes the process that runs batches.
    """

    def __init__(
        self, database: Database, blobs: Blobs, services: Services, *, most: int, ring: Callable[[], None]
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._services = services
        self._most = most
        self._ring = ring

    async def start(
        self, caller: Caller, name: str, version: str, inputs: Sequence[Mapping[str, Any]], parallel: int = PARALLEL
    ) -> Batch:
        """Start a batch.

        Args:
            inputs: JSON of each item's inputs by name; the service looks at them when it runs, and an item whose
                inputs it cannot take fails alone.
            parallel: most items that run at a time.

        Raises:
            InvalidParameter: there are no items, or too many.
        """
        if not 0 < len(inputs) <= MAX_ITEMS:
            raise InvalidParameter(f"A batch has between 1 and {MAX_ITEMS} items.")
        if parallel < 1:
            raise InvalidParameter("Parameter parallelCount is less than 1.")
        batch = await asyncio.to_thread(self._insert, caller, name, version, inputs, min(parallel, self._most))
        self._ring()
        return batch

    def list(self, caller: Caller, name: str, version: str) -> list[str]:
        """Ids of the caller's batches of a service, oldest first."""
        service = self._services.find(caller, name, version)
        with self._database.reading() as connection:
            return batch_rows.ids(connection, str(caller.username), service.id)

    async def progress(self, caller: Caller, name: str, version: str, batch_id: str, *, partial: bool) -> Progress:
        """How far a batch is.

        Args:
            partial: what has been run so far comes along before the end, too.
        """
        return await asyncio.to_thread(self._progress, caller, name, version, batch_id, partial)

    def cancel(self, caller: Caller, name: str, version: str, batch_id: str) -> None:
        """Delete a batch with all that came of it; what runs of it is interrupted."""
        batch = self._find(caller, name, version, batch_id)
        with self._database.transaction() as connection:
            batch_rows.delete(connection, batch.id)
        self._ring()

    def files(self, caller: Caller, name: str, version: str, batch_id: str, index: int) -> Mapping[str, str]:
        """SHA-256 of the blobs of an item's files, by name; none before it has been run.

        Raises:
            InvalidParameter: the batch has no such item.
        """
        batch = self._find(caller, name, version, batch_id)
        if not 0 <= index < batch.total:
            raise InvalidParameter(f"Parameter index is not between 0 and {batch.total - 1}.")
        with self._database.reading() as connection:
            found = batch_rows.read_items(connection, batch.id, index)
        return found[0].files if found else {}

    def file(self, caller: Caller, name: str, version: str, batch_id: str, index: int, filename: str) -> Download:
        """A file of an item.

        Raises:
            InvalidParameter: the batch has no such item.
            NotFound: the item has no such file.
        """
        sha256 = self.files(caller, name, version, batch_id, index).get(filename)
        if sha256 is None:
            raise NotFound(f"File {filename} not found.")
        length = self._blobs.path(sha256).stat().st_size
        return Download(filename=filename, length=length, content=Content(self._blobs.stream(sha256)))

    def content(self, item: Item) -> dict[str, bytes]:
        """The files of an item by name."""
        return {filename: self._blobs.read(sha256) for filename, sha256 in item.files.items()}

    def _insert(
        self, caller: Caller, name: str, version: str, inputs: Sequence[Mapping[str, Any]], parallel: int
    ) -> Batch:
        with self._database.transaction() as connection:
            batch = Batch(
                id=str(uuid.uuid4()),
                service=self._services.find(caller, name, version, connection=connection).id,
                owner=str(caller.username),
                created=now_ms(),
                state="Pending",
                parallel=parallel,
                total=len(inputs),
            )
            batch_rows.insert(connection, batch, inputs)
        return batch

    def _find(self, caller: Caller, name: str, version: str, batch_id: str) -> Batch:
        service = self._services.find(caller, name, version)
        with self._database.reading() as connection:
            found = batch_rows.find(connection, batch_id)
        if found is None or (found.owner, found.service) != (caller.username, service.id):
            raise NotFound(f"Batch execution {batch_id} not found.")
        return found

    def _progress(self, caller: Caller, name: str, version: str, batch_id: str, partial: bool) -> Progress:
        batch = self._find(caller, name, version, batch_id)
        with self._database.reading() as connection:
            done = batch_rows.count_done(connection, batch.id)
            is_shown = partial or batch.state == "Complete"
            return Progress(batch, batch_rows.read_items(connection, batch.id) if is_shown else [], done)
