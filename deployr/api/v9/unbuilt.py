"""Documented operations that this server does not have yet; they say so."""

from __future__ import annotations

import falcon
from falcon.asgi import Response

from deployr.api.v9.call import Call
from deployr.api.v9.operations import Operation


class UnbuiltResource:
    """Answers the operations of one path.

    Args:
        operations: those of the path, by method.
    """

    def __init__(self, operations: dict[str, Operation]) -> None:
        self._operations = operations

    async def on_get(self, req: Call, resp: Response, **_path: str) -> None:
        """Refuse."""
        if req.method not in self._operations:
            raise falcon.HTTPMethodNotAllowed(self._operations)
        name = self._operations[req.method].operation_id
        raise falcon.HTTPNotImplemented(description=f"The operation {name} is not built yet.")

    on_post = on_get
    on_put = on_get
    on_patch = on_get
    on_delete = on_get
