"""A request of the 9.x API as responders see it."""

from __future__ import annotations

import asyncio
import functools
import sys
import uuid
from collections.abc import Callable
from typing import Any, TypeVar

from falcon.asgi import Request

from deployr.api.params import patient
from deployr.api.v9 import bodies
from deployr.api.v9.definitions import Definition
from deployr.errors import NotAuthenticated, TooLarge
from deployr.settings import Settings
from deployr.users.caller import Caller

D = TypeVar("D", bound=Definition)
T = TypeVar("T")

_LARGE = 256 * 1024
"""Bytes of a body from which on it is decoded in a thread, so that other calls go on where the parser lets them."""

_SCHEME = "bearer "


class Call(Request):
    """A call; the middleware fills in the attributes.

    Attributes:
        settings: of the server.
        caller: who calls; nobody until the token was looked at.
        correlation_id: what the call is known by in logs and reply.
    """

    settings: Settings
    caller = Caller(http_session="")
    correlation_id = ""

    @property
    def name(self) -> str:
        """The call as logs name it: the path with the names of its parameters, not what was given for them."""
        return self.uri_template or "(unknown path)"

    @property
    def bearer(self) -> str:
        """The access token.

        Raises:
            NotAuthenticated: there is none.
        """
        header = self.get_header("Authorization") or ""
        if not header.lower().startswith(_SCHEME):
            raise NotAuthenticated("The call needs the header Authorization with a bearer token.")
        return header[len(_SCHEME) :].strip()

    async def read(self, kind: type[D], most: int = sys.maxsize) -> D:
        """The JSON body.

        Args:
            most: bytes of it, where others may be larger.

        Raises:
            UnsupportedBody: it is something else than JSON.
            MalformedParameter: it is malformed, or does not come; the text names the parameter.
            TooLarge: it is larger than that, or has too many parts.
        """
        return await self._read_json(functools.partial(bodies.decode, kind=kind), most)

    async def read_object(self) -> dict[str, Any]:
        """The JSON body, an object with whatever members.

        Raises:
            UnsupportedBody, MalformedParameter, TooLarge: as :meth:`read` does.
        """
        return await self._read_json(bodies.decode_object)

    async def read_objects(self) -> list[dict[str, Any]]:
        """The JSON body, a list of objects.

        Raises:
            UnsupportedBody, MalformedParameter, TooLarge: see :meth:`read`.
        """
        return await self._read_json(bodies.decode_objects)

    async def read_bytes(self, most: int = sys.maxsize) -> bytes:
        """The body as it is.

        Args:
            most: bytes of it, where an upload may be larger.

        Raises:
            MalformedParameter: it does not come in time.
            TooLarge: it is larger than that.
        """
        limit, body = min(most, self.settings.limits.max_upload), bytearray()
        if (self.content_length or 0) > limit:
            raise TooLarge(f"The body is larger than {limit} bytes.")
        read = patient(self, self.settings.server.body_timeout)
        while chunk := await read(bodies.CHUNK):
            body += chunk
            if len(body) > limit:
                raise TooLarge(f"The body is larger than {limit} bytes.")
        return bytes(body)

    async def _read_json(self, decode: Callable[[bytes], T], most: int = sys.maxsize) -> T:
        bodies.require_json(self.content_type)
        body = await self.read_bytes(min(most, self.settings.mlserver.max_body))
        return await asyncio.to_thread(decode, body) if len(body) > _LARGE else decode(body)


def new_correlation_id() -> str:
    """A name for a call that brought none."""
    return str(uuid.uuid4())
