"""A directory of users that speaks LDAP, Active Directory among them (admin-facts 9.1 and 9.2, 9x-facts 4)."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import re
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

import ldap3
from ldap3.core.exceptions import LDAPException, LDAPOperationResult, LDAPStartTLSError
from ldap3.utils.conv import escape_filter_chars

from deployr.errors import BadCredentials, NodeNotResponding
from deployr.settings import LdapSettings
from deployr.users.vouched import is_username

log = logging.getLogger(__name__)

_REFUSED = "Bad credentials"
_PORTS = {"ldap": 389, "ldaps": 636}


@dataclasses.dataclass(frozen=True, slots=True)
class Person:
    """Who has proved a password to the directory.

    Attributes:
        username: as the directory writes it, whatever the spelling of the login was.
        roles: names of roles that the person's groups stand for; not all need exist here.
    """

    username: str
    displayname: str
    roles: frozenset[str]


class LdapDirectory:
    """The directory that the settings name. Methods are synchronous and take as long as it does to answer."""

    def __init__(self, settings: LdapSettings) -> None:
        self._settings = settings
        entries = (entry.split("=", 1) for entry in settings.roles)
        self._roles = {_plain(group): role.removeprefix("ROLE_") for group, role in entries}

    @property
    def issuer(self) -> str:
        """What accounts of its users are marked with: an LDAP URL (RFC 4516), the same on each of its hosts."""
        return f"ldap:///{self._settings.search_base}"

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        url = urlsplit(self._settings.url or "")
        return url.hostname or "", url.port or _PORTS[url.scheme]

    def check(self) -> None:
        """See whether it can be asked for users.

        Raises:
            NodeNotResponding: it does not answer, or does not know the name or password that the settings have.
        """
        with _unavailable(), self._searching():
            pass

    def authenticate(self, username: str, password: str) -> Person:
        """The person of these credentials.

        Raises:
            BadCredentials: 940, no such person, more than one, or not the password.
            NodeNotResponding: the directory cannot be asked.
        """
        # A directory takes a bind without a password as that of nobody, and agrees (RFC 4513 5.1.2).
        if not password or not is_username(username):
            raise BadCredentials(_REFUSED)
        with _unavailable():
            if self._settings.user_dn:
                with self._logged_in(self._settings.user_dn.replace("{0}", username), password) as connection:
                    return self._person(connection, self._entry(connection, username))
            with self._searching() as connection:
                entry = self._entry(connection, username)
                with self._logged_in(entry.entry_dn, password):
                    return self._person(connection, entry)

    @contextlib.contextmanager
    def _searching(self) -> Iterator[ldap3.Connection]:
        """A connection of who looks users up."""
        with self._connected(self._settings.bind_dn, self._settings.bind_password) as connection:
            connection.bind()
            yield connection

    @contextlib.contextmanager
    def _logged_in(self, user: str, password: str) -> Iterator[ldap3.Connection]:
        """A connection of a user; what the directory has against him is not told."""
        with self._connected(user, password) as connection:
            try:
                connection.bind()
            except LDAPOperationResult as ex:
                log.info("the directory refuses %s: %s %s", user, ex.description, ex.message)
                raise BadCredentials(_REFUSED) from None
            yield connection

    @contextlib.contextmanager
    def _connected(self, user: str | None, password: str | None) -> Iterator[ldap3.Connection]:
        connection = ldap3.Connection(
            self._server(),
            user,
            password,
            auto_referrals=False,
            read_only=True,
            check_names=False,
            raise_exceptions=True,
            receive_timeout=self._settings.timeout,
        )
        try:
            connection.open()
            if self._settings.start_tls and not connection.start_tls():
                raise LDAPStartTLSError("the directory does not start TLS")
            yield connection
        finally:
            # It may be broken; what broke it is to be told.
            with contextlib.suppress(LDAPException):
                connection.unbind()

    def _server(self) -> ldap3.Server:
        """A new one each time: it would remember for five minutes that it could not be reached."""
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=self._settings.ca_file)
        timeout = self._settings.timeout
        return ldap3.Server(self._settings.url or "", tls=tls, get_info=ldap3.NONE, connect_timeout=timeout)

    def _entry(self, connection: ldap3.Connection, username: str) -> ldap3.Entry:
        wanted = [self._settings.username_attribute, self._settings.displayname_attribute]
        connection.search(
            self._settings.search_base, _filter(self._settings.search_filter, username), attributes=wanted
        )
        if len(connection.entries) > 1:
            log.warning("the directory has %d persons called %s", len(connection.entries), username)
        if len(connection.entries) != 1:
            raise BadCredentials(_REFUSED)
        entry: ldap3.Entry = connection.entries[0]
        return entry

    def _person(self, connection: ldap3.Connection, entry: ldap3.Entry) -> Person:
        username = _first(entry, self._settings.username_attribute)
        if not is_username(username):
            log.warning("%s has no user name that this server can know: %r", entry.entry_dn, username)
            raise BadCredentials(_REFUSED)
        displayname = _first(entry, self._settings.displayname_attribute) or username
        return Person(username, displayname, self._roles_of(connection, entry.entry_dn))

    def _roles_of(self, connection: ldap3.Connection, dn: str) -> frozenset[str]:
        """Roles by groups, or else the one that everybody has."""
        groups = map(_plain, self._groups(connection, dn)) if self._roles else ()
        roles = {self._roles[group] for group in groups if group in self._roles}
        if not roles and self._settings.default_role:
            roles.add(self._settings.default_role.removeprefix("ROLE_"))
        return frozenset(roles)

    def _groups(self, connection: ldap3.Connection, dn: str) -> list[str]:
        base = self._settings.group_search_base or self._settings.search_base
        attribute = self._settings.group_attribute
        connection.search(base, _filter(self._settings.group_search_filter, dn), attributes=[attribute])
        return [_first(entry, attribute) for entry in connection.entries]


@contextlib.contextmanager
def _unavailable() -> Iterator[None]:
    """What the directory itself cannot do is no fault of the caller's."""
    try:
        yield
    except (LDAPException, OSError) as ex:
        log.error("the directory of users cannot be asked: %s", ex)
        raise NodeNotResponding("The directory of users cannot be asked.") from ex


def _filter(pattern: str, value: str) -> str:
    """A filter of the settings with its value; as of old, its brackets may be missing."""
    text = pattern.replace("{0}", escape_filter_chars(value))
    return text if re.match(r"\s*\(", text) else f"({text})"


def _first(entry: ldap3.Entry, attribute: str) -> str:
    values = entry[attribute].values if attribute in entry else []
    return str(values[0]) if values else ""


def _plain(group: str) -> str:
    """A group's name for comparison: DeployR wrote it as it is, or in capitals behind ``ROLE_`` (admin-facts 9.1)."""
    return group.casefold().removeprefix("role_")
