"""User accounts: who there is, who may log in."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable
from typing import Any

import sqlalchemy as sa

from deployr.errors import (
    AccountDisabled,
    AccountLocked,
    AlreadyExists,
    BadCredentials,
    InvalidParameter,
    NotFound,
    PasswordExpired,
)
from deployr.settings import Settings
from deployr.store.database import Database, now_ms
from deployr.store.schema import http_sessions, token_pairs, user_roles, users
from deployr.store.schema import roles as roles_table
from deployr.users import passwords
from deployr.users.caller import Caller
from deployr.users.http_sessions import ENDED
from deployr.users.roles import ADMINISTRATOR, POWER_USER, SYSTEM_ROLES, permissions

ADMIN = "admin"
DEFAULT_PASSWORD = "changeme"  # noqa: S105 -- public knowledge, hence the flag column and the refusal to serve with it
_DEFAULT_ACCOUNTS = (
    (ADMIN, "DeployR System Administrator", ADMINISTRATOR),
    ("testuser", "DeployR API Test Account", POWER_USER),
)
_FOREVER = 2**63 - 1
"""End of a lock that only an administrator takes away."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account.

    Attributes:
        cookie: text that the client stored at its last logout.
        expired: the password must be reset before the next login.
        locked: too many failed logins.
        last_modified: milliseconds since 1970.
        issuer: URL of who vouches for the user; ``None`` when this server keeps a password.
    """

    username: str
    displayname: str
    roles: frozenset[str]
    cookie: str | None
    enabled: bool
    expired: bool
    locked: bool
    last_modified: int
    issuer: str | None

    @property
    def permissions(self) -> dict[str, bool]:
        """The ``permissions`` of login replies."""
        return permissions(self.roles)


class Accounts:
    """The accounts of the server. Methods are synchronous; those that see a password take about 50 ms."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._rules = settings.security

    # -- logging in ---------------------------------------------------------------------------------------

    def authenticate(self, username: str, password: str) -> User:
        """The user of these credentials.

        That an account is disabled or expired is told only to those who know its password.

        Raises:
            BadCredentials: 940, unknown user or wrong password.
            AccountDisabled: 943.
            AccountLocked: 944, after too many consecutive failures.
            PasswordExpired: 945.
        """
        row = self._row(username)
        if row is None or row.issuer:
            passwords.verify_nothing(password)
            raise BadCredentials("Bad credentials")
        if _is_locked(row):
            raise AccountLocked("The account is locked.")
        if not passwords.verify_password(row.password_hash, password):
            self._count_failure(username)
            raise BadCredentials("Bad credentials")
        if not row.enabled:
            raise AccountDisabled("The account is disabled.")
        if row.expired:
            raise PasswordExpired("The password has expired and must be reset.")
        if row.failures:
            self._update(username, failures=0, locked_until=None)
        return self.get(username)

    def has_password(self, username: str) -> bool:
        """Whether there is an account of that name whose password this server keeps."""
        row = self._row(username)
        return row is not None and not row.issuer

    def _count_failure(self, username: str) -> None:
        """Count a wrong password; a lock that has run out starts the count anew."""
        with self._database.transaction() as connection:
            query = sa.select(users.c.failures, users.c.locked_until).where(users.c.username == username)
            row = connection.execute(query.with_for_update()).one()
            failures = 1 if row.locked_until else row.failures + 1
            values = {"failures": failures, "locked_until": self._lock_end(failures)}
            connection.execute(users.update().where(users.c.username == username).values(values))

    def _lock_end(self, failures: int) -> int | None:
        if not self._rules.lock_failures or failures < self._rules.lock_failures:
            return None
        return now_ms() + self._rules.lock_timeout * 1000 if self._rules.lock_timeout else _FOREVER

    # -- administration -----------------------------------------------------------------------------------

    def create(
        self, username: str, password: str, *, displayname: str | None = None, roles: Collection[str] = ()
    ) -> User:
        """Make an account.

        Args:
            username: at least three letters and digits.
            displayname: at most 50 characters; the user name when not given.
            roles: names of existing roles.

        Raises:
            InvalidParameter: a name or the password breaks a rule.
            AlreadyExists: the user name is taken.
            NotFound: there is no such role.
        """
        _check_names(username, displayname)
        passwords.check_rules(password, self._rules)
        values = _new_account(username, displayname or username, password)
        with self._database.transaction() as connection:
            _insert(connection, users, values, AlreadyExists(f"There is a user {username} already."))
            replace_roles(connection, username, roles)
        return self.get(username)

    def get(self, username: str) -> User:
        """One account.

        Raises:
            NotFound: there is no such user.
        """
        found = self._users(users.c.username == username)
        if not found:
            raise NotFound(f"There is no user {username}.")
        return found[0]

    def caller(self, username: str, label: str) -> Caller:
        """A user as the caller of what runs for him without a login: with the roles of today.

        Args:
            label: of what runs, in the place of an HTTP session.

        Raises:
            NotFound: there is no such user.
            AccountDisabled: the account is.
        """
        user = self.get(username)
        if not user.enabled:
            raise AccountDisabled("The account is disabled.")
        return Caller(
            http_session=label, username=user.username, displayname=user.displayname, roles=user.roles, cookie=None
        )

    def list_users(self) -> list[User]:
        """All accounts by user name."""
        return self._users(sa.true())

    def change_password(self, username: str, password: str) -> None:
        """Set a new password; it also takes away a lock and an expiry, and ends all logins of the user.

        Raises:
            InvalidParameter: the password breaks a rule, or this server keeps none of the user.
            NotFound: there is no such user.
        """
        self._require_password(username)
        passwords.check_rules(password, self._rules)
        self._modify(
            username,
            ends_logins=True,
            password_hash=passwords.hash_password(password),
            default_password=False,
            expired=False,
            failures=0,
            locked_until=None,
        )

    def enable(self, username: str) -> None:
        """Let a user log in again; it also takes away a lock.

        Raises:
            NotFound: there is no such user.
        """
        self._modify(username, enabled=True, failures=0, locked_until=None)

    def disable(self, username: str) -> None:
        """Keep a user out: no login, and all there are end for good.

        Raises:
            InvalidParameter: the account of the administrator cannot be disabled (admin-facts 23).
            NotFound: there is no such user.
        """
        if username == ADMIN:
            raise InvalidParameter("The account of the administrator cannot be disabled.")
        self._modify(username, ends_logins=True, enabled=False)

    def expire_password(self, username: str) -> None:
        """Ask for a new password before the next login.

        Raises:
            InvalidParameter: this server keeps no password of the user.
            NotFound: there is no such user.
        """
        self._require_password(username)
        self._modify(username, expired=True)

    def set_cookie(self, username: str, cookie: str | None) -> None:
        """Keep a client's text with the user."""
        self._update(username, cookie=cookie)

    def set_roles(self, username: str, roles: Collection[str]) -> None:
        """Give a user these roles and no others.

        Raises:
            NotFound: there is no such user or role.
        """
        with self._database.transaction() as connection:
            change = users.update().where(users.c.username == username).values(last_modified=now_ms())
            if connection.execute(change).rowcount == 0:
                raise NotFound(f"There is no user {username}.")
            replace_roles(connection, username, roles)

    def create_role(self, name: str, descr: str | None = None) -> None:
        """Make a custom role, used to restrict files.

        Args:
            name: letters, digits, - and _; commas separate roles in properties of files.

        Raises:
            InvalidParameter: it has other characters.
            AlreadyExists: the name is taken.
        """
        if not re.fullmatch(r"[\w-]+", name, re.ASCII):
            raise InvalidParameter("A role name has letters, digits, - and _ only.")
        with self._database.transaction() as connection:
            taken = AlreadyExists(f"There is a role {name} already.")
            _insert(connection, roles_table, {"name": name, "descr": descr, "system": False}, taken)

    # -- first start --------------------------------------------------------------------------------------

    def ensure_default_accounts(self) -> None:
        """Make the system roles, and the default accounts in a database without users."""
        with self._database.transaction() as connection:
            _ensure_system_roles(connection)
            if connection.scalar(sa.select(users.c.username).limit(1)) is None:
                _insert_default_accounts(connection)

    def default_passwords_in_use(self) -> list[str]:
        """Names of enabled accounts whose password everybody knows."""
        query = sa.select(users.c.username).where(users.c.default_password, users.c.enabled)
        with self._database.reading() as connection:
            return sorted(connection.scalars(query))

    # -- rows ---------------------------------------------------------------------------------------------

    def _row(self, username: str) -> sa.Row[Any] | None:
        with self._database.reading() as connection:
            return connection.execute(sa.select(users).where(users.c.username == username)).one_or_none()

    def _require_password(self, username: str) -> None:
        if issuer := self.get(username).issuer:
            raise InvalidParameter(f"The password of {username} is a matter of {issuer}.")

    def _users(self, condition: sa.ColumnElement[bool]) -> list[User]:
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(users).where(condition).order_by(users.c.username)).all()
            pairs = connection.execute(sa.select(user_roles).join(users).where(condition)).all()
        return [_user(row, (pair.role for pair in pairs if pair.username == row.username)) for row in rows]

    def _modify(self, username: str, *, ends_logins: bool = False, **values: Any) -> None:
        """A change by an administrator."""
        change = users.update().where(users.c.username == username).values(last_modified=now_ms(), **values)
        with self._database.transaction() as connection:
            if connection.execute(change).rowcount == 0:
                raise NotFound(f"There is no user {username}.")
            if ends_logins:
                connection.execute(token_pairs.delete().where(token_pairs.c.username == username))
                # The housekeeper removes them, after what they hold on the grid.
                of_user = http_sessions.c.username == username
                connection.execute(http_sessions.update().where(of_user).values(used=ENDED))

    def _update(self, username: str, **values: Any) -> None:
        with self._database.transaction() as connection:
            connection.execute(users.update().where(users.c.username == username).values(values))


def _is_locked(row: sa.Row[Any]) -> bool:
    return row.locked_until is not None and row.locked_until > now_ms()


def _user(row: sa.Row[Any], roles: Iterable[str]) -> User:
    return User(
        username=row.username,
        displayname=row.displayname,
        roles=frozenset(roles),
        cookie=row.cookie,
        enabled=row.enabled,
        expired=row.expired,
        locked=_is_locked(row),
        last_modified=row.last_modified,
        issuer=row.issuer,
    )


def _check_names(username: str, displayname: str | None) -> None:
    if not re.fullmatch(r"[A-Za-z0-9]{3,}", username):
        raise InvalidParameter("A user name needs at least three letters or digits, and nothing else.")
    if displayname and (len(displayname) > 50 or not displayname.isprintable()):
        raise InvalidParameter("A display name has at most 50 printable characters.")


def _new_account(username: str, displayname: str, password: str) -> dict[str, Any]:
    return {
        "username": username,
        "displayname": displayname,
        "password_hash": passwords.hash_password(password),
        "last_modified": now_ms(),
    }


def replace_roles(connection: sa.Connection, username: str, roles: Collection[str]) -> None:
    """Give a user these roles and no others.

    Raises:
        NotFound: there is no such role.
    """
    connection.execute(user_roles.delete().where(user_roles.c.username == username))
    for role in sorted(set(roles)):
        unknown = NotFound(f"There is no role {role}.")
        _insert(connection, user_roles, {"username": username, "role": role}, unknown)


def _insert(connection: sa.Connection, table: sa.Table, values: dict[str, Any], refusal: Exception) -> None:
    try:
        connection.execute(table.insert().values(values))
    except sa.exc.IntegrityError:
        raise refusal from None


def _ensure_system_roles(connection: sa.Connection) -> None:
    present = set(connection.scalars(sa.select(roles_table.c.name)))
    for name, descr in SYSTEM_ROLES.items():
        if name not in present:
            connection.execute(roles_table.insert().values(name=name, descr=descr, system=True))


def _insert_default_accounts(connection: sa.Connection) -> None:
    for username, displayname, role in _DEFAULT_ACCOUNTS:
        values = _new_account(username, displayname, DEFAULT_PASSWORD)
        connection.execute(users.insert().values(**values, default_password=True))
        replace_roles(connection, username, [role])
