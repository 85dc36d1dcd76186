"""A request of the 9.x API as responders see it."""

from __future__ import annotations

import sys
import uuid
from typing import Any, TypeVar

from falcon.asgi import Request

from deployr.api.params import patient
from deployr.api.v9 import bodies
from deployr.api.v9.definitions import Definition
from deployr.errors import NotAuthenticated, TooLarge
from deployr.settings import Settings
from deployr.users.caller import Caller

D = TypeVar("D", bound=Definition)

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
            most: bytes of it, where an upload may be larger.

        Raises:
            UnsupportedBody: it is something else than JSON.
            MalformedParameter: it is malformed, or does not come; the text names the parameter.
            TooLarge: it is larger than that.
        """
        bodies.require_json(self.content_type)
        return bodies.decode(await self.read_bytes(most), kind)

    async def read_object(self) -> dict[str, Any]:
        """The JSON body, an object with whatever members.

        Raises:
            UnsupportedBody, MalformedParameter, TooLarge: as :meth:`read` does.
        """
        bodies.require_json(self.content_type)
        return bodies.decode_object(await self.read_bytes())

    async def read_objects(self) -> list[dict[str, Any]]:
        """The JSON body, a list of objects.

        Raises:
            UnsupportedBody, MalformedParameter, TooLarge: see :meth:`read`.
        """
        bodies.require_json(self.content_type)
        return bodies.decode_objects(await self.read_bytes())

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


def new_correlation_id() -> str:
    """A name for a call that brought none."""
    return str(uuid.uuid4())
