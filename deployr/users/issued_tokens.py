"""Bearer tokens that somebody else issued: OpenID Connect, of which Azure Active Directory is one (9x-facts 4)."""

from __future__ import annotations

from typing import Any

import jwt

from deployr.errors import NotAuthenticated
from deployr.settings import OidcSettings
from deployr.store.database import Database
from deployr.users.caller import Caller
from deployr.users.issuer_keys import IssuerKeys
from deployr.users.tokens import kid_of
from deployr.users.vouched import VouchedAccounts, is_username

_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384"]
"""Public-key ones only: a shared secret would make a verifier an issuer."""

_LEEWAY = 30
"""Seconds that clocks may differ."""

_REFUSED = "The access token is invalid or has expired."


class IssuedTokens:
    """The tokens of the issuer that the settings name. Its users have accounts that are marked with it."""

    def __init__(self, database: Database, settings: OidcSettings) -> None:
        self._accounts = VouchedAccounts(database, settings.issuer or "")
        self._settings = settings
        self._keys = IssuerKeys(settings.issuer or "", settings.jwks_url)
        self._roles = dict(entry.split("=", 1) for entry in settings.roles)

    async def find(self, access_token: str) -> Caller:
        """Whose token it is.

        Raises:
            NotAuthenticated: signature, issuer, audience, time or user name are not right.
            BadCredentials, AccountDisabled: see :meth:`deployr.users.vouched.VouchedAccounts.admit`.
            NodeNotResponding: the issuer cannot be asked for its keys.
        """
        key = await self._keys.find(kid_of(access_token))
        if key is None:
            raise NotAuthenticated(_REFUSED)
        claims = self._claims(access_token, key)
        username = str(claims.get(self._settings.username_claim, ""))
        if not is_username(username):
            raise NotAuthenticated("The access token names no user that this server can know.")
        self._accounts.admit(username, str(claims.get("name") or username))
        login = str(claims.get("sid") or claims.get("jti") or username)
        return Caller(http_session=login, username=username, displayname=username, roles=self._roles_of(claims))

    def _claims(self, access_token: str, key: jwt.PyJWK) -> dict[str, Any]:
        try:
            return jwt.decode(
                access_token,
                key,
                _ALGORITHMS,
                {"require": ["exp", "iss", "aud"]},
                audience=self._settings.audience,
                issuer=self._settings.issuer,
                leeway=_LEEWAY,
            )
        except jwt.PyJWTError as ex:
            raise NotAuthenticated(_REFUSED) from ex

    def _roles_of(self, claims: dict[str, Any]) -> frozenset[str]:
        """Roles of this server; what the settings do not map gives none."""
        given = claims.get(self._settings.roles_claim)
        names = given if isinstance(given, list) else [given]
        return frozenset(self._roles[name] for name in names if isinstance(name, str) and name in self._roles)
