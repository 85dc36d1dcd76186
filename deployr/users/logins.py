"""Logins by name and password, whichever surface they come through."""

from __future__ import annotations

import asyncio

from deployr.users.accounts import Accounts, User

_VERIFICATIONS = 4
"""Passwords verified at a time; each takes 32 MiB."""


class Logins:
    """Verifies passwords off the event loop."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._verifying = asyncio.Semaphore(_VERIFICATIONS)

    async def authenticate(self, username: str, password: str) -> User:
        """See :meth:`deployr.users.accounts.Accounts.authenticate`."""
        async with self._verifying:
            return await asyncio.to_thread(self._accounts.authenticate, username, password)
