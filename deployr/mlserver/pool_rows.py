"""Rows of the pools that services are to have; each goes with its service."""

from __future__ import annotations

import dataclasses
from typing import Any

import sqlalchemy as sa

from deployr.mlserver.service_records import Service, address
from deployr.store.schema import service_pools as table
from deployr.store.schema import services


@dataclasses.dataclass(frozen=True, slots=True)
class Wish:
    """A pool that a service is to have.

    Attributes:
        name, version, revision: of the service.
        initial: sessions that wait.
        most: sessions at one time; 0 for no limit of its own.
    """

    name: str
    version: str
    revision: str
    initial: int
    most: int

    @property
    def address(self) -> str:
        """What the grid knows the service by."""
        return address(self.name, self.version)


_COLUMNS: tuple[sa.Column[Any], ...] = (
    services.c.name,
    services.c.version,
    services.c.revision,
    table.c.initial,
    table.c.most,
)


def read(connection: sa.Connection) -> list[Wish]:
    """All, those of the oldest services first."""
    query = sa.select(*_COLUMNS).join_from(table, services).order_by(table.c.service)
    return [Wish(*row) for row in connection.execute(query)]


def exists(connection: sa.Connection, service: Service) -> bool:
    """Whether a service is to have one."""
    return bool(connection.scalar(sa.select(sa.exists().where(table.c.service == service.id))))


def write(connection: sa.Connection, service: Service, initial: int, most: int) -> None:
    """Let a service have a pool of this size."""
    delete(connection, service)
    connection.execute(table.insert().values(service=service.id, initial=initial, most=most))


def delete(connection: sa.Connection, service: Service) -> None:
    """Let a service have none."""
    connection.execute(table.delete().where(table.c.service == service.id))
