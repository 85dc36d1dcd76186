"""The rows of batches; every function works inside of its caller's transaction.

What a runner says of a batch counts as long as the batch is there and the runner holds it: of a cancelled batch nothing
is left to change.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from deployr.encodings import json_numbers
from deployr.mlserver.batch_records import Batch, Item, Result
from deployr.store.schema import batch_files as files
from deployr.store.schema import batch_items as items
from deployr.store.schema import batches

_COLUMNS: tuple[sa.Column[Any], ...] = (
    batches.c.id,
    batches.c.service,
    batches.c.owner,
    batches.c.created,
    batches.c.state,
    batches.c.parallel,
    batches.c.total,
)

# -- for calls --------------------------------------------------------------------------------------------


def insert(connection: sa.Connection, batch: Batch, inputs: Sequence[Mapping[str, Any]]) -> None:
    """Write a new batch."""
    values = {column.name: getattr(batch, column.name) for column in _COLUMNS}
    connection.execute(batches.insert().values(values))
    rows = [
        {"batch": batch.id, "position": position, "inputs": json_numbers.dumps(given).decode()}
        for position, given in enumerate(inputs)
    ]
    connection.execute(items.insert(), rows)


def find(connection: sa.Connection, batch: str) -> Batch | None:
    """One batch."""
    row = connection.execute(sa.select(*_COLUMNS).where(batches.c.id == batch)).one_or_none()
    return None if row is None else Batch(*row)


def ids(connection: sa.Connection, owner: str, service: int) -> list[str]:
    """Ids of a user's batches of a service, oldest first."""
    of_service = batches.c.service == service, batches.c.owner == owner
    query = sa.select(batches.c.id).where(*of_service).order_by(batches.c.created, batches.c.id)
    return list(connection.scalars(query))


def count_done(connection: sa.Connection, batch: str) -> int:
    """How many items have been run."""
    query = sa.select(sa.func.count()).where(items.c.batch == batch, items.c.result.is_not(None))
    return connection.execute(query).scalar_one()


def read_items(connection: sa.Connection, batch: str, index: int | None = None) -> list[Item]:
    """Items that have been run, in the order of their inputs; all, or the one at an index."""
    query = sa.select(items.c.position, items.c.result).where(items.c.batch == batch, items.c.result.is_not(None))
    written = sa.select(files).where(files.c.batch == batch).order_by(files.c.filename)
    if index is not None:
        query, written = query.where(items.c.position == index), written.where(files.c.position == index)
    by_item: dict[int, dict[str, str]] = {}
    for row in connection.execute(written):
        by_item.setdefault(row.position, {})[row.filename] = row.sha256
    found = connection.execute(query.order_by(items.c.position))
    return [Item(row.position, _read(row.result), by_item.get(row.position, {})) for row in found]


def delete(connection: sa.Connection, batch: str) -> bool:
    """Delete a batch with all that came of it; false when it is not there."""
    return connection.execute(batches.delete().where(batches.c.id == batch)).rowcount == 1


# -- for runners ------------------------------------------------------------------------------------------


def next_waiting(connection: sa.Connection, now: int, running: Collection[str]) -> Batch | None:
    """The oldest batch that waits, or whose runner is gone or has lost sight of it.

    Args:
        running: ids of those that the caller runs, however late it is with its leases.
    """
    query = sa.select(*_COLUMNS).where(_is_free(now), batches.c.id.not_in(running))
    row = connection.execute(query.order_by(batches.c.created, batches.c.id).limit(1)).one_or_none()
    return None if row is None else Batch(*row)


def claim(connection: sa.Connection, batch: str, runner: str, now: int, lease: int) -> bool:
    """Give such a batch to a runner; false when somebody else was faster."""
    free = batches.update().where(batches.c.id == batch, _is_free(now))
    return connection.execute(free.values(state="InProgress", runner=runner, lease=lease)).rowcount == 1


def unfinished(connection: sa.Connection, batch: str, after: int, most: int) -> list[tuple[int, dict[str, Any]]]:
    """Indices and inputs of the next items behind an index that have not been run."""
    query = sa.select(items.c.position, items.c.inputs).where(items.c.batch == batch, items.c.result.is_(None))
    rows = connection.execute(query.where(items.c.position > after).order_by(items.c.position).limit(most))
    return [(row.position, json_numbers.loads(row.inputs.encode())) for row in rows]


def begin(connection: sa.Connection, batch: str, runner: str, index: int, most: int) -> bool:
    """Count an attempt to run an item; false when it has had the most that it may have."""
    one = _unfinished_item(batch, runner, index).where(items.c.attempts < most)
    return connection.execute(one.values(attempts=items.c.attempts + 1)).rowcount == 1


def keep(
    connection: sa.Connection, batch: str, runner: str, index: int, result: Result, stored: Mapping[str, str]
) -> None:
    """Write what came of an item, whose inputs nobody needs any more.

    Args:
        stored: SHA-256 of the blobs of its files, by name.
    """
    written = {"result": msgspec.json.encode(result).decode(), "inputs": ""}
    if connection.execute(_unfinished_item(batch, runner, index).values(written)).rowcount and stored:
        rows = [
            {"batch": batch, "position": index, "filename": name, "sha256": sha256} for name, sha256 in stored.items()
        ]
        connection.execute(files.insert(), rows)


def end(connection: sa.Connection, batch: str, runner: str, ended: int) -> None:
    """End a batch that has been run."""
    mine = batches.update().where(batches.c.id == batch, batches.c.runner == runner)
    connection.execute(mine.values(state="Complete", ended=ended, runner=None, lease=None))


def release(connection: sa.Connection, batch: str, runner: str) -> None:
    """Let others go on with a batch; the attempts that its runner breaks off count for nothing."""
    mine = batches.c.id == batch, batches.c.runner == runner
    broken_off = items.c.batch == batch, items.c.result.is_(None), items.c.attempts > 0
    if connection.execute(batches.update().where(*mine).values(runner=None, lease=None)).rowcount:
        connection.execute(items.update().where(*broken_off).values(attempts=items.c.attempts - 1))


def renew(connection: sa.Connection, runner: str, lease: int, running: Collection[str]) -> None:
    """Keep the batches that a runner runs, given their ids."""
    mine = batches.c.runner == runner, batches.c.id.in_(running)
    connection.execute(batches.update().where(*mine).values(lease=lease))


def held(connection: sa.Connection, runner: str) -> set[str]:
    """Ids of the batches of a runner, without those that were cancelled."""
    return set(connection.scalars(sa.select(batches.c.id).where(batches.c.runner == runner)))


def has_old(connection: sa.Connection, before: int) -> bool:
    """Whether there are batches that ended before then, in milliseconds since 1970."""
    return bool(connection.scalar(sa.select(sa.exists().where(batches.c.ended < before))))


def delete_old(connection: sa.Connection, before: int) -> None:
    """Delete batches that ended before then."""
    connection.execute(batches.delete().where(batches.c.ended < before))


def _is_free(now: int) -> sa.ColumnElement[bool]:
    """Condition: nobody runs the batch, and it has not ended."""
    is_open = batches.c.state.in_(("Pending", "InProgress"))
    return sa.and_(is_open, sa.or_(batches.c.lease.is_(None), batches.c.lease < now))


def _unfinished_item(batch: str, runner: str, index: int) -> sa.Update:
    """A change of an item without a result, of a batch that the runner holds."""
    mine = sa.select(batches.c.id).where(batches.c.id == batch, batches.c.runner == runner).scalar_subquery()
    return items.update().where(items.c.batch == mine, items.c.position == index, items.c.result.is_(None))


def _read(text: str) -> Result:
    return msgspec.json.decode(text, type=Result)
