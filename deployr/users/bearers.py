"""Who a bearer token stands for, whoever issued it."""

from __future__ import annotations

from deployr.settings import Settings
from deployr.store.database import Database
from deployr.users.caller import Caller
from deployr.users.issued_tokens import IssuedTokens
from deployr.users.tokens import Tokens


class Bearers:
    """Finds the caller of a token: of this server's own logins, or of the issuer that the settings name."""

    def __init__(self, tokens: Tokens, database: Database, settings: Settings) -> None:
        self._tokens = tokens
        self._issued = IssuedTokens(database, settings.oidc) if settings.oidc.issuer else None

    async def find(self, access_token: str) -> Caller:
        """Whose token it is.

        Raises:
            NotAuthenticated: nobody's, or not any more.
            BadCredentials, AccountDisabled: see :class:`~deployr.users.issued_tokens.IssuedTokens`.
            NodeNotResponding: its issuer cannot be asked.
        """
        if self._issued is None or self._tokens.is_ours(access_token):
            return self._tokens.find(access_token)
        return await self._issued.find(access_token)
