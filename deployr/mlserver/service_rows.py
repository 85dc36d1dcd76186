"""Rows of published services."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from deployr.mlserver.service_records import Parameter, Service
from deployr.store.schema import batches
from deployr.store.schema import services as table


def read(connection: sa.Connection, name: str | None = None) -> list[Service]:
    """Services, oldest first: all, or the versions of a name."""
    query = sa.select(table).order_by(table.c.id)
    if name is not None:
        query = query.where(table.c.name == name)
    return [_service(row) for row in connection.execute(query).mappings()]


def find(connection: sa.Connection, name: str, version: str, *, lock: bool = False) -> Service | None:
    """A version of a service.

    Args:
        lock: others who lock it wait until the transaction ends.
    """
    query = sa.select(table).where(table.c.name == name, table.c.version == version)
    row = connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    return None if row is None else _service(row)


def of_batch(connection: sa.Connection, batch: str) -> Service | None:
    """The service that a batch was started on; ``None`` when both are gone."""
    query = sa.select(table).join(batches, batches.c.service == table.c.id).where(batches.c.id == batch)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _service(row)


def publisher(connection: sa.Connection, name: str) -> str | None:
    """Who owns a name: the publisher of its oldest version; ``None`` when the name is free."""
    query = sa.select(table.c.owner).where(table.c.name == name).order_by(table.c.id).limit(1)
    return connection.scalar(query)


def insert(connection: sa.Connection, service: Service) -> Service:
    """Write a new service; the one returned has the id of its row.

    Raises:
        sqlalchemy.exc.IntegrityError: the version exists.
    """
    query = table.insert().values(_values(service)).returning(table.c.id)
    return dataclasses.replace(service, id=connection.execute(query).scalar_one())


def update(connection: sa.Connection, service: Service) -> None:
    """Write a service that has changed."""
    connection.execute(table.update().where(table.c.id == service.id).values(_values(service)))


def delete(connection: sa.Connection, service: Service) -> None:
    """Delete a service."""
    connection.execute(table.delete().where(table.c.id == service.id))


def _values(service: Service) -> dict[str, Any]:
    """Columns but the id, which the database chooses."""
    values = {field.name: getattr(service, field.name) for field in dataclasses.fields(service) if field.name != "id"}
    return values | {
        "inputs": _written(service.inputs),
        "outputs": _written(service.outputs),
        "output_files": json.dumps(service.output_files),
    }


def _service(row: sa.RowMapping) -> Service:
    read = {"inputs": _parameters(row["inputs"]), "outputs": _parameters(row["outputs"])}
    return Service(**{**row, **read, "output_files": tuple(json.loads(row["output_files"]))})


def _written(parameters: Sequence[Parameter]) -> str:
    return json.dumps([[item.name, item.type] for item in parameters])


def _parameters(text: str) -> tuple[Parameter, ...]:
    return tuple(Parameter(name, kind) for name, kind in json.loads(text))
