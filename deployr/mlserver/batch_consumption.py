"""Items of batches as calls of their service, in the name of their owner."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from deployr.mlserver.batch_records import Batch, Result
from deployr.mlserver.consumption import Consumed, Consumption
from deployr.mlserver.services import Services
from deployr.repository.blobs import Blobs
from deployr.users.accounts import Accounts


class BatchConsumption:
    """Runs items; a :data:`~deployr.mlserver.batch_runner.Run`."""

    def __init__(self, accounts: Accounts, services: Services, consumption: Consumption, blobs: Blobs) -> None:
        self._accounts = accounts
        self._services = services
        self._consumption = consumption
        self._blobs = blobs

    async def __call__(self, batch: Batch, inputs: Mapping[str, Any]) -> tuple[Result, Mapping[str, str]]:
        """Run the batch's service as it is now.

        Raises:
            NodeNotResponding: a process died meanwhile; ``NodeAway``, nothing has run.
            DeployrError: the owner may not use it any more, it is gone, or it cannot be run.
            EncodingError: the inputs are none that it takes.
        """
        caller = self._accounts.caller(batch.owner, batch.id)
        service = self._services.of_batch(caller, batch.id)
        consumed = await self._consumption.consume(caller, service, inputs)
        return _result(consumed), await asyncio.to_thread(self._stored, consumed)

    def _stored(self, consumed: Consumed) -> dict[str, str]:
        return {name: self._blobs.put([content]).sha256 for name, content in consumed.files.items()}


def _result(consumed: Consumed) -> Result:
    return Result(consumed.error, consumed.outputs, consumed.console, consumed.changed_files)
