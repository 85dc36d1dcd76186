"""Accounts of users that others vouch for: an OpenID Connect issuer, or a directory. They have no password here."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from deployr.errors import AccountDisabled, BadCredentials
from deployr.store.database import Database, now_ms
from deployr.store.schema import roles as roles_table
from deployr.store.schema import user_roles, users
from deployr.users.accounts import replace_roles

log = logging.getLogger(__name__)

_USERNAME = re.compile(r"[A-Za-z0-9](?:[\w@-]|\.(?!\.)){0,127}", re.ASCII)
_LONGEST_NAME = 50


def is_username(text: str) -> bool:
    """Whether a name that others gave can be one of an account, and of its directories."""
    return _USERNAME.fullmatch(text) is not None


class VouchedAccounts:
    """The accounts whose users one issuer vouches for; those of this server's own stay out of its reach.

    A user who comes for the first time gets one: what belongs to a user needs it, and an administrator can disable it.

    Args:
        issuer: URL that the accounts are marked with.
    """

    def __init__(self, database: Database, issuer: str) -> None:
        self._database = database
        self._issuer = issuer

    def admit(self, username: str, displayname: str, roles: Collection[str] | None = None) -> None:
        """Let a user in whom the issuer vouches for.

        Args:
            displayname: for the account, cut to 50 characters.
            roles: the only ones that the account has from now on, as far as they exist; ``None`` leaves them.

        Raises:
            BadCredentials: the user name belongs to an account that is not the issuer's.
            AccountDisabled: the account is.
        """
        row = self._row(username)
        if row is None:
            self._make(username, displayname)
            row = self._row(username)
        if row is None or row.issuer != self._issuer:
            raise BadCredentials("The user name belongs to an account that does not come from this issuer.")
        if not row.enabled:
            raise AccountDisabled("The account is disabled.")
        if roles is not None:
            self._give_roles(username, set(roles))

    def _row(self, username: str) -> sa.Row[Any] | None:
        with self._database.reading() as connection:
            return connection.execute(sa.select(users).where(users.c.username == username)).one_or_none()

    def _make(self, username: str, displayname: str) -> None:
        values = {"username": username, "displayname": displayname[:_LONGEST_NAME], "issuer": self._issuer}
        # Another call of the same new user may be quicker.
        with contextlib.suppress(sa.exc.IntegrityError), self._database.transaction() as connection:
            connection.execute(users.insert().values(**values, password_hash="", last_modified=now_ms()))

    def _give_roles(self, username: str, roles: set[str]) -> None:
        with self._database.reading() as connection:
            known = set(connection.scalars(sa.select(roles_table.c.name).where(roles_table.c.name.in_(roles))))
            held = set(connection.scalars(sa.select(user_roles.c.role).where(user_roles.c.username == username)))
        if known < roles:
            log.warning("there are no roles %s for %s", ", ".join(sorted(roles - known)), username)
        if held != known:
            with self._database.transaction() as connection:
                replace_roles(connection, username, known)
