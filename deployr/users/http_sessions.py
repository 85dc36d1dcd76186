"""HTTP sessions: whose call is it.

A session id proves by itself that this server made it, so anonymous sessions need no row. A login writes one;
it holds the id's digest only, so the database does not let anybody in.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import secrets
import uuid
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from deployr.errors import SessionOwned
from deployr.store.database import Database, now_ms
from deployr.store.schema import http_sessions, user_roles, users
from deployr.users.caller import Caller

ENDED = 0
"""Last use of a session that was ended for its user; no use comes after it, but another login."""

_MOST_INTERVAL = 3.0
_HALF = 32
"""Hex digits of the random and of the proving half of an id."""

# One row a role: simpler than gathering roles in SQL, and as quick.
_FIND = (
    sa.select(
        http_sessions.c.username,
        http_sessions.c.used,
        http_sessions.c.autosave,
        http_sessions.c.relative_urls,
        users.c.displayname,
        users.c.cookie,
        user_roles.c.role,
    )
    .select_from(http_sessions)
    .join(users)
    .outerjoin(user_roles, user_roles.c.username == users.c.username)
    .where(http_sessions.c.digest == sa.bindparam("digest"), users.c.enabled)
)
_TOUCH = (
    http_sessions.update()
    .where(
        http_sessions.c.digest == sa.bindparam("touched"), http_sessions.c.used.between(ENDED + 1, sa.bindparam("at"))
    )
    .values(used=sa.bindparam("at"))
)


@dataclasses.dataclass(frozen=True, slots=True)
class ExpiredSession:
    """An HTTP session that was idle for too long.

    Attributes:
        digest: of its id.
        autosave: the setting it had.
    """

    digest: str
    username: str
    autosave: bool


class HttpSessions:
    """The HTTP sessions of the server.

    Args:
        key: the server's secret.
        timeout: idle time after which a session ends, in seconds.

    Attributes:
        interval: seconds between two flushes: as old may be what other processes know of a session's use.
    """

    def __init__(self, database: Database, key: bytes, timeout: float) -> None:
        self._database = database
        self._key = key
        self._timeout_ms = int(timeout * 1000)
        self._touched: dict[str, int] = {}
        self.interval = min(_MOST_INTERVAL, timeout / 4)

    # -- ids ----------------------------------------------------------------------------------------------

    def issue(self) -> str:
        """A new session id: 64 upper-case hex digits."""
        random = secrets.token_hex(_HALF // 2).upper()
        return random + self._proof(random)

    def is_ours(self, session_id: str) -> bool:
        """Whether this server issued the id."""
        random, proof = session_id[:_HALF], session_id[_HALF:]
        return session_id.isascii() and hmac.compare_digest(proof, self._proof(random))

    def csrf_token(self, session_id: str) -> str:
        """The session's ``X-XSRF-TOKEN``, the same for the session's whole life."""
        return str(uuid.UUID(bytes=self._mac(b"csrf:", session_id)[:16]))

    def _proof(self, random: str) -> str:
        return self._mac(b"session:", random).hex().upper()[:_HALF]

    def _mac(self, purpose: bytes, text: str) -> bytes:
        return hmac.digest(self._key, purpose + text.encode(), "sha256")

    # -- calls --------------------------------------------------------------------------------------------

    def find(self, session_id: str) -> Caller | None:
        """Who calls: one query.

        Returns:
            ``None`` for an id that is not ours; an anonymous caller when nobody is logged in (any more), when the
            session idled for too long, or when the account is disabled.
        """
        if not self.is_ours(session_id):
            return None
        digest = digest_of(session_id)
        with self._database.reading() as connection:
            rows = connection.execute(_FIND, {"digest": digest}).all()
        if not rows or self._is_idle(digest, rows[0].used):
            return Caller(http_session=digest)
        return _caller(digest, rows)

    def logged_in(self, digests: Collection[str]) -> set[str]:
        """Those of the sessions that a user is still logged in on, whose account is enabled."""
        query = sa.select(http_sessions.c.digest, http_sessions.c.used).join(users).where(users.c.enabled)
        with self._database.reading() as connection:
            rows = connection.execute(query.where(http_sessions.c.digest.in_(digests))).all()
        return {row.digest for row in rows if not self._is_idle(row.digest, row.used)}

    def touch(self, digest: str) -> None:
        """Note that the session is in use; written by the next :meth:`flush`."""
        self._touched[digest] = now_ms()

    def flush(self) -> None:
        """Write the notes of :meth:`touch`; to be called every :attr:`interval`."""
        if not self._touched:
            return
        touched, self._touched = self._touched, {}
        try:
            with self._database.transaction() as connection:
                connection.execute(_TOUCH, [{"touched": digest, "at": at} for digest, at in touched.items()])
        except sa.exc.SQLAlchemyError:
            self._touched = touched | self._touched
            raise

    # -- logging in and out -------------------------------------------------------------------------------

    def attach(self, session_id: str, username: str, *, autosave: bool = True, relative_urls: bool = False) -> None:
        """Log a user in on a session; the same user again refreshes it.

        Raises:
            SessionOwned: 942, another user is logged in on it.
        """
        digest, now = digest_of(session_id), now_ms()
        values = {"username": username, "used": now, "autosave": autosave, "relative_urls": relative_urls}
        row = http_sessions.c.digest == digest
        with self._database.transaction() as connection:
            found = connection.execute(sa.select(http_sessions).where(row).with_for_update()).one_or_none()
            if found is None:
                connection.execute(http_sessions.insert().values(digest=digest, created=now, **values))
            elif found.username == username or self._is_idle(digest, found.used):
                connection.execute(http_sessions.update().where(row).values(values))
            else:
                raise SessionOwned("The HTTP session belongs to another user.")

    def set_autosave(self, digest: str, enabled: bool) -> None:
        """Turn autosave on or off for the rest of the session."""
        with self._database.transaction() as connection:
            change = http_sessions.update().where(http_sessions.c.digest == digest)
            connection.execute(change.values(autosave=enabled))

    def end(self, digest: str) -> bool:
        """Log out; true when somebody was logged in."""
        self._touched.pop(digest, None)
        with self._database.transaction() as connection:
            removal = http_sessions.delete().where(http_sessions.c.digest == digest)
            return connection.execute(removal).rowcount > 0

    def expired(self, since: float = 0) -> list[ExpiredSession]:
        """Sessions that idled for too long, longest first; each is to be ended by :meth:`end`.

        Args:
            since: seconds that have passed since then; negative for sessions that will expire so soon.
        """
        columns = http_sessions.c.digest, http_sessions.c.username, http_sessions.c.autosave
        limit = now_ms() - self._timeout_ms - int(since * 1000)
        query = sa.select(*columns).where(http_sessions.c.used < limit).order_by(http_sessions.c.used)
        with self._database.reading() as connection:
            return [ExpiredSession(*row) for row in connection.execute(query)]

    def _is_idle(self, digest: str, used: int) -> bool:
        return used == ENDED or max(used, self._touched.get(digest, 0)) < now_ms() - self._timeout_ms


def digest_of(session_id: str) -> str:
    """What stands for a session wherever it is written down: SHA-256 in lower-case hex."""
    return hashlib.sha256(session_id.encode()).hexdigest()


def _caller(digest: str, rows: Sequence[Any]) -> Caller:
    """The caller of the rows of the query, one a role."""
    first = rows[0]
    return Caller(
        http_session=digest,
        username=first.username,
        displayname=first.displayname,
        roles=frozenset(row.role for row in rows if row.role is not None),
        cookie=first.cookie,
        autosave=first.autosave,
        relative_urls=first.relative_urls,
    )
