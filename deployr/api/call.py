"""A request as responders see it."""

from __future__ import annotations

import contextlib

from falcon.asgi import Request

from deployr.api.params import MalformedParameter, Params, read_params
from deployr.api.urls import CONTEXT, Urls
from deployr.errors import DeployrError
from deployr.settings import Settings
from deployr.users.caller import Caller

_SHORT = 64 * 1024
"""Bytes of a body that is read although the call is refused."""


class Call(Request):
    """A call of the API; :class:`~deployr.api.sessions.SessionsMiddleware` fills in the attributes.

    Attributes:
        settings: of the server.
        caller: who calls.
        session_id: of the HTTP session; a secret.
        session_is_new: issued for this call.
    """

    settings: Settings
    caller = Caller(http_session="")
    session_id = ""
    session_is_new = False
    _read: Params | None = None
    _reading = False

    @property
    def name(self) -> str:
        """The call, e.g. ``/r/user/login``, without what path-style URLs append."""
        path = self.uri_template or self.path
        return path.removeprefix(CONTEXT).partition("/{")[0]

    @property
    def urls(self) -> Urls:
        """Builds the URLs of the reply."""
        server = self.settings.server
        if server.relative_urls or self.caller.relative_urls:
            return Urls(CONTEXT)
        return Urls(server.context_url or f"{self.scheme}://{self.netloc}{CONTEXT}")

    def require_user(self) -> Caller:
        """The caller, who must be logged in.

        Raises:
            NotAuthenticated: nobody is.
        """
        self.caller.require_user()
        return self.caller

    @property
    def wants_xml(self) -> bool:
        """The caller asked for XML, so far as the parameters were read; see :meth:`read_format`."""
        text = self._read.text("format") if self._read else self.get_param("format")
        return (text or "").lower() == "xml"

    @property
    def project(self) -> str | None:
        """The project that the call names, so far as the parameters were read."""
        return self._read.text("project") if self._read else None

    async def read_params(self) -> Params:
        """The parameters; see :func:`deployr.api.params.read_params`.

        Raises:
            MalformedParameter: also for a ``format`` that is neither JSON nor XML.
        """
        self._reading = True
        self._read = await read_params(self, self.settings)
        if (self._read.text("format") or "json").lower() not in ("json", "xml"):
            raise MalformedParameter("Parameter format is neither json nor xml.")
        return self._read

    async def read_format(self) -> None:
        """Find out in which format to refuse a call whose parameters nobody has read: a short form is read for it."""
        if not self._reading and 0 < (self.content_length or 0) <= _SHORT:
            with contextlib.suppress(DeployrError):
                await self.read_params()

    def close(self) -> None:
        """Throw away what the call uploaded."""
        if self._read:
            self._read.close()
