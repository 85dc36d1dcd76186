"""The users of the model on a server."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from deployr.settings import Settings
from deployr.store.database import Database
from deployr.users.accounts import Accounts
from tests.repository_model.live import LiveRepository
from tests.repository_model.machine import ROLES
from tests.repository_model.model import ANONYMOUS
from tests.server import Client

_PASSWORD = "Password1"


@contextlib.contextmanager
def live_repository(settings: Settings, url: str) -> Iterator[LiveRepository]:
    """Make the accounts on a running server, and log them in.

    Args:
        settings: of the server.
        url: where it answers, with the context.
    """
    _create_accounts(settings)
    with contextlib.ExitStack() as stack:
        clients = {user: Client(url) for user in (*ROLES, ANONYMOUS)}
        for user, client in clients.items():
            stack.callback(client.http.close)
            if user != ANONYMOUS:
                client.succeed("/r/user/login", username=user, password=_PASSWORD)
        yield LiveRepository(clients)


def _create_accounts(settings: Settings) -> None:
    database = Database(settings.database_url)
    try:
        for user, roles in ROLES.items():
            Accounts(database, settings).create(user, _PASSWORD, roles=sorted(roles))
    finally:
        database.close()
