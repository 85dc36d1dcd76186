"""``/login``: bearer tokens for a name and a password, renewed and revoked (9x-facts 4)."""

from __future__ import annotations

from typing import ClassVar

from falcon.asgi import Response

from deployr.api.params import MalformedParameter
from deployr.api.v9.call import Call
from deployr.api.v9.definitions import AccessTokenResponse, LoginRequest, RenewTokenRequest
from deployr.api.v9.replies import reply
from deployr.users.logins import Logins
from deployr.users.tokens import TokenPair, Tokens

_LONGEST = 64 * 1024
"""Bytes of a body: anybody may send one."""


class LoginResource:
    """Calls of the group of authentication."""

    public: ClassVar[bool] = True

    def __init__(self, logins: Logins, tokens: Tokens) -> None:
        self._logins = logins
        self._tokens = tokens

    async def on_post(self, req: Call, resp: Response) -> None:
        """Log in."""
        request = await req.read(LoginRequest, _LONGEST)
        user = await self._logins.authenticate(request.username, request.password)
        self._reply(resp, self._tokens.issue(user.username))

    async def on_post_refresh(self, req: Call, resp: Response) -> None:
        """Use up a refresh token for a new pair."""
        request = await req.read(RenewTokenRequest, _LONGEST)
        self._reply(resp, self._tokens.renew(request.refresh_token))

    async def on_delete_refresh(self, req: Call, resp: Response, refresh_token: str | None = None) -> None:
        """End a refresh token, named by the query, or by the path as early clients do."""
        token = refresh_token or req.get_param("refreshToken")
        if not token:
            raise MalformedParameter("Missing parameter: refreshToken.")
        self._tokens.revoke(token)
        # An empty record is what the documents promise, and what clients take for an empty answer.
        reply(resp, AccessTokenResponse())

    on_delete_token = on_delete_refresh

    def _reply(self, resp: Response, pair: TokenPair) -> None:
        resp.set_header("Cache-Control", "no-store")
        reply(
            resp,
            AccessTokenResponse(
                token_type="Bearer",  # noqa: S106 -- the name of the scheme
                access_token=pair.access_token,
                expires_in=pair.expires_in,
                expires_on=pair.expires_on,
                refresh_token=pair.refresh_token,
            ),
        )
