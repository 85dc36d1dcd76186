"""Logins by name and password, whichever surface they come through."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from deployr.settings import LdapSettings
from deployr.store.database import Database
from deployr.users.accounts import Accounts, User
from deployr.users.ldap import LdapDirectory
from deployr.users.vouched import VouchedAccounts

_VERIFICATIONS = 4
"""Passwords verified at a time; each takes 32 MiB."""

_DIRECTORY_LOGINS = 8
"""Logins that the directory is asked about at a time; nothing else waits when it is slow."""


class Logins:
    """Verifies passwords off the event loop: those of accounts here, and else of the directory's (admin-facts 9).

    Attributes:
        directory: ``None`` when the settings name none.
    """

    def __init__(self, accounts: Accounts, database: Database, settings: LdapSettings) -> None:
        self._accounts = accounts
        self._verifying = asyncio.Semaphore(_VERIFICATIONS)
        self.directory = LdapDirectory(settings) if settings.url else None
        if self.directory:
            self._guests = VouchedAccounts(database, self.directory.issuer)
            self._threads = ThreadPoolExecutor(_DIRECTORY_LOGINS, "directory")

    async def authenticate(self, username: str, password: str) -> User:
        """The user of these credentials.

        Raises:
            BadCredentials: 940, unknown user or wrong password.
            AccountDisabled: 943.
            AccountLocked: 944, after too many consecutive failures.
            PasswordExpired: 945.
            NodeNotResponding: nobody here has the name, and the directory cannot be asked.
        """
        if self.directory and not self._accounts.has_password(username):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._admitted, self.directory, username, password)
        async with self._verifying:
            return await asyncio.to_thread(self._accounts.authenticate, username, password)

    def _admitted(self, directory: LdapDirectory, username: str, password: str) -> User:
        person = directory.authenticate(username, password)
        self._guests.admit(person.username, person.displayname, person.roles)
        return self._accounts.get(person.username)
