"""Bearer tokens of the 9.x API: pairs of an access token and a refresh token (9x-facts 4).

An access token is a JWT, but its signature alone lets nobody in: a row stands behind each pair, so that revoking or
renewing it, a new password and a disabled account end it at once. Of refresh tokens only digests are kept.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import secrets
import time
import uuid
from typing import Any

import jwt
import sqlalchemy as sa

from deployr.errors import NotAuthenticated
from deployr.settings import TokenSettings
from deployr.store.database import Database, now_ms
from deployr.store.kept_reads import KeptReads
from deployr.store.schema import token_pairs, user_roles, users
from deployr.users.caller import Caller
from deployr.users.signing_keys import ALGORITHM, SigningKeys

_ISSUER = "deployr"
_REFUSED = "The access token is invalid or has expired."
_REFUSED_REFRESH = "The refresh token is invalid or has expired."

_MOST_PROVED = 1024
"""Tokens whose signature need not be proved again."""

_FIND = (
    sa.select(token_pairs.c.login, users.c.username, users.c.displayname, user_roles.c.role)
    .select_from(token_pairs)
    .join(users)
    .outerjoin(user_roles, user_roles.c.username == users.c.username)
    .where(token_pairs.c.id == sa.bindparam("id"), ~token_pairs.c.replaced, users.c.enabled)
)


@dataclasses.dataclass(frozen=True, slots=True)
class TokenPair:
    """What a login hands out.

    Attributes:
        expires_in: life of the access token, in seconds.
        expires_on: its end, in seconds since 1970.
    """

    access_token: str
    refresh_token: str
    expires_in: int
    expires_on: int


@dataclasses.dataclass(frozen=True, slots=True)
class _Claims:
    """What a token says that we have signed.

    Attributes:
        kid: of the key.
        pair: id of its pair.
        expires: seconds since 1970.
    """

    kid: str
    pair: str
    expires: float


class Tokens:
    """The tokens of this server's own logins."""

    def __init__(self, database: Database, keys: SigningKeys, rules: TokenSettings) -> None:
        self._database = database
        self._keys = keys
        self._rules = rules
        self._callers = KeptReads(database, _caller)
        self._proved = functools.lru_cache(_MOST_PROVED)(self._prove)

    def issue(self, username: str) -> TokenPair:
        """A pair for a user who has just proved who he is; what has run out is thrown away."""
        now = now_ms()
        login, renewable = str(uuid.uuid4()), now + self._rules.renewal_limit * 1000
        with self._database.transaction() as connection:
            connection.execute(token_pairs.delete().where(token_pairs.c.expires < now))
            return self._insert(connection, login, username, renewable)

    def renew(self, refresh_token: str) -> TokenPair:
        """A new pair for a refresh token, which is used up; so is the access token it came with.

        A token that comes a second time has been stolen from somebody: nobody can tell from whom, so all that came of
        its login ends.

        Raises:
            NotAuthenticated: the token is unknown, used, revoked or expired, or its user may not log in.
        """
        with self._database.transaction() as connection:
            row = self._row(connection, refresh_token)
            if row is not None and row.replaced:
                connection.execute(token_pairs.delete().where(token_pairs.c.login == row.login))
            elif row is not None and row.enabled and not row.expired:
                used = token_pairs.update().where(token_pairs.c.id == row.id).values(replaced=True)
                connection.execute(used)
                return self._insert(connection, row.login, row.username, row.renewable)
        raise NotAuthenticated(_REFUSED_REFRESH)

    def revoke(self, refresh_token: str) -> None:
        """End a refresh token and the access token it came with.

        Raises:
            NotAuthenticated: the token is unknown, used, revoked or expired.
        """
        with self._database.transaction() as connection:
            row = self._row(connection, refresh_token)
            if row is None or row.replaced:
                raise NotAuthenticated(_REFUSED_REFRESH)
            connection.execute(token_pairs.delete().where(token_pairs.c.login == row.login))

    def find(self, access_token: str) -> Caller:
        """Whose token it is.

        Raises:
            NotAuthenticated: it is not ours, has expired, or its pair is no more.
        """
        claims = self._proved(access_token)
        caller = self._callers.find(claims.pair)
        if caller is None or claims.expires <= time.time() or self._keys.find(claims.kid) is None:
            raise NotAuthenticated(_REFUSED)
        return caller

    def is_ours(self, access_token: str) -> bool:
        """Whether the token says that this server signed it."""
        return self._keys.find(kid_of(access_token)) is not None

    def _prove(self, access_token: str) -> _Claims:
        kid = kid_of(access_token)
        key = self._keys.find(kid)
        if key is None:
            raise NotAuthenticated(_REFUSED)
        try:
            claims = jwt.decode(access_token, key.public, [ALGORITHM], {"require": ["exp", "jti"]}, issuer=_ISSUER)
        except jwt.InvalidTokenError as ex:
            raise NotAuthenticated(_REFUSED) from ex
        return _Claims(kid, claims["jti"], claims["exp"])

    def _row(self, connection: sa.Connection, refresh_token: str) -> sa.Row[Any] | None:
        """The pair of a refresh token that has not expired, with the state of its user's account."""
        columns = *token_pairs.c, users.c.enabled, users.c.expired
        query = sa.select(*columns).join_from(token_pairs, users).with_for_update()
        is_it = token_pairs.c.refresh_digest == _digest(refresh_token), token_pairs.c.expires > now_ms()
        return connection.execute(query.where(*is_it)).one_or_none()

    def _insert(self, connection: sa.Connection, login: str, username: str, renewable: int) -> TokenPair:
        now, pair, refresh_token = now_ms(), str(uuid.uuid4()), secrets.token_urlsafe(32)
        connection.execute(
            token_pairs.insert().values(
                id=pair,
                login=login,
                username=username,
                refresh_digest=_digest(refresh_token),
                expires=min(now + self._rules.refresh_lifetime * 1000, renewable),
                renewable=renewable,
            )
        )
        return self._signed(pair, login, username, refresh_token, now // 1000)

    def _signed(self, pair: str, login: str, username: str, refresh_token: str, now: int) -> TokenPair:
        key, expires = self._keys.current(), now + self._rules.access_lifetime
        claims = {"iss": _ISSUER, "sub": username, "jti": pair, "sid": login, "iat": now, "exp": expires}
        access_token = jwt.encode(claims, key.private, ALGORITHM, {"kid": key.kid})
        return TokenPair(access_token, refresh_token, self._rules.access_lifetime, expires)


def _caller(connection: sa.Connection, pair: str) -> Caller | None:
    """Whose token the one of a pair is; ``None`` when it is no more."""
    rows = connection.execute(_FIND, {"id": pair}).all()
    if not rows:
        return None
    roles = frozenset(row.role for row in rows if row.role is not None)
    first = rows[0]
    return Caller(http_session=first.login, username=first.username, displayname=first.displayname, roles=roles)


def kid_of(token: str) -> str:
    """Id of the key that a token says it was signed with, unproved; empty when it names none.

    Raises:
        NotAuthenticated: it is no JWT.
    """
    try:
        return str(jwt.get_unverified_header(token).get("kid", ""))
    except jwt.InvalidTokenError as ex:
        raise NotAuthenticated(_REFUSED) from ex


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
