"""Leases: which process does what only one may do. A lease that its holder does not renew is free for others.

Processes on several machines compare their clocks with the times in the rows: these must agree within seconds.
"""

from __future__ import annotations

import sqlalchemy as sa

from deployr.store.database import now_ms
from deployr.store.schema import leases

SECONDS = 10.0
"""How long a lease holds without being renewed."""

RENEWAL_SECONDS = 3.0
"""How often leases are renewed."""

SCHEDULER = "scheduler"
"""The lease of the process that queues what is due and takes jobs from runners that are gone."""


def until() -> int:
    """When a lease taken now ends, in milliseconds since 1970."""
    return now_ms() + round(SECONDS * 1000)


def take(connection: sa.Connection, name: str, holder: str) -> bool:
    """Take or renew a lease; false while somebody else holds it."""
    free = sa.or_(leases.c.holder == holder, leases.c.until < now_ms())
    change = leases.update().where(leases.c.name == name, free).values(holder=holder, until=until())
    if connection.execute(change).rowcount:
        return True
    if connection.scalar(sa.select(leases.c.name).where(leases.c.name == name)):
        return False
    connection.execute(leases.insert().values(name=name, holder=holder, until=until()))
    return True


def drop(connection: sa.Connection, name: str, holder: str) -> None:
    """Give a lease up, so that others need not wait for its end."""
    connection.execute(leases.delete().where(leases.c.name == name, leases.c.holder == holder))
