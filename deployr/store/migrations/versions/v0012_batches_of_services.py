"""Batches go with the service that they were started on, whatever gets its name later."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_services = sa.table("services", *map(sa.column, ("id", "name", "version", "created")))
_batches = sa.table("batches", *map(sa.column, ("service", "name", "version", "created")))


def upgrade() -> None:
    """Name services by their rows."""
    op.add_column("batches", sa.Column("service", _ID))
    # Of a service that was published later nobody knows whether it is the same one.
    is_older = _services.c.created <= _batches.c.created
    has_name = sa.and_(_services.c.name == _batches.c.name, _services.c.version == _batches.c.version)
    op.execute(_batches.update().values(service=sa.select(_services.c.id).where(has_name, is_older).scalar_subquery()))
    op.execute(_batches.delete().where(_batches.c.service.is_(None)))
    op.drop_index("ix_batches_owner_name_version", "batches")
    with _children_kept(), op.batch_alter_table("batches") as table:
        table.alter_column("service", existing_type=_ID, nullable=False)
        table.create_foreign_key("fk_batches_service", "services", ["service"], ["id"], ondelete="CASCADE")
        table.drop_column("name")
        table.drop_column("version")
    op.create_index("ix_batches_service_owner", "batches", ["service", "owner"])


def downgrade() -> None:
    """Name them by name and version."""
    for name in ("name", "version"):
        op.add_column("batches", sa.Column(name, sa.Text(), nullable=False, server_default=""))
        of_service = sa.select(_services.c[name]).where(_services.c.id == _batches.c.service)
        op.execute(_batches.update().values({name: of_service.scalar_subquery()}))
    op.drop_index("ix_batches_service_owner", "batches")
    with _children_kept(), op.batch_alter_table("batches") as table:
        table.drop_constraint("fk_batches_service", type_="foreignkey")
        table.drop_column("service")
        for name in ("name", "version"):
            table.alter_column(name, existing_type=sa.Text(), server_default=None)
    op.create_index("ix_batches_owner_name_version", "batches", ["owner", "name", "version"])


@contextlib.contextmanager
def _children_kept() -> Iterator[None]:
    """SQLite alters a table by copying it, and what belongs to a row goes when the old table does."""
    is_copied = op.get_bind().dialect.name == "sqlite"
    for name in ("batch_items", "batch_files") if is_copied else ():
        op.execute(f"CREATE TEMPORARY TABLE kept_{name} AS SELECT * FROM {name}")  # noqa: S608 -- names from here
    yield
    for name in ("batch_items", "batch_files") if is_copied else ():
        op.execute(f"INSERT INTO {name} SELECT * FROM kept_{name}")  # noqa: S608
        op.execute(f"DROP TABLE kept_{name}")
