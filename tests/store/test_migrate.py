"""Migrations."""

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from deployr.store import migrate as module
from deployr.store.database import Database
from deployr.store.errors import UnusableDatabase
from deployr.store.migrate import current_revision, head_revision, migrate
from deployr.store.schema import metadata, users
from tests.postgresql import Postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'deployr.db'}"
    postgres: Postgres = request.getfixturevalue("postgres")
    return postgres.new_empty_database()


def test_migrations_make_the_declared_schema(url: str) -> None:
    migrate(url)
    with Database(url).reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert current_revision(connection) == head_revision()


def test_migrations_make_the_declared_checks(url: str) -> None:
    migrate(url)
    declared = {
        str(c.name) for t in metadata.tables.values() for c in t.constraints if isinstance(c, sa.CheckConstraint)
    }
    with Database(url).reading() as connection:
        inspector = sa.inspect(connection)
        made = {check["name"] for table in metadata.tables for check in inspector.get_check_constraints(table)}
    assert made == declared != set()


def test_batches_keep_their_items_and_those_of_services_that_are_gone_go(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        upgrade = command.upgrade
        patch.setattr(command, "upgrade", lambda config, _: upgrade(config, "0011"))
        migrate(url)
    service = "INSERT INTO services VALUES (7, 's', '1', 'u', 'R', 5, '', '1', '', '', '', '', '', '', '', '', '')"
    batch = "INSERT INTO batches VALUES (:id, 's', :version, 'u', :created, NULL, 'Pending', 1, 1, NULL, NULL)"
    with Database(url).transaction() as connection:
        connection.execute(users.insert().values(username="u", displayname="u", password_hash="", last_modified=0))
        connection.execute(sa.text(service))
        for id, version, created in (("kept", "1", 6), ("gone", "2", 6), ("earlier", "1", 4)):
            connection.execute(sa.text(batch), {"id": id, "version": version, "created": created})
            connection.execute(sa.text("INSERT INTO batch_items VALUES (:id, 0, '{}', NULL, 0)"), {"id": id})
    migrate(url)
    with Database(url).reading() as connection:
        kept = sa.text("SELECT id, service, batch_items.batch FROM batches JOIN batch_items ON batch = id")
        assert connection.execute(kept).all() == [("kept", 7, "kept")]
        assert connection.scalar(sa.text("SELECT count(*) FROM batch_items")) == 1


def test_migrating_again_changes_nothing(url: str) -> None:
    migrate(url)
    with Database(url).transaction() as connection:
        connection.execute(sa.text("INSERT INTO roles (name, system) VALUES ('MARKETING', false)"))
    migrate(url)
    with Database(url).reading() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM roles")) == 1


def test_concurrent_starts_migrate_once(url: str) -> None:
    code = f"from deployr.store.migrate import migrate; migrate({url!r})"
    starts = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) for _ in range(4)]
    outcomes = [(start.communicate()[1], start.returncode) for start in starts]
    assert outcomes == [(b"", 0)] * 4


def test_a_failed_migration_leaves_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    upgrade = command.upgrade

    def broken(*arguments: object) -> None:
        upgrade(*arguments)  # type: ignore[arg-type]
        raise OSError("disk full")

    monkeypatch.setattr(command, "upgrade", broken)
    with pytest.raises(OSError, match="disk full"):
        migrate(url)
    with Database(url).reading() as connection:
        assert sa.inspect(connection).get_table_names() == []


def test_a_database_of_a_newer_server_is_left_alone(url: str) -> None:
    migrate(url)
    with Database(url).transaction() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(UnusableDatabase, match="9999"):
        migrate(url)


def test_the_first_schema_can_be_taken_back(url: str) -> None:
    migrate(url)
    with Database(url).transaction() as connection:
        config = module._config()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    with Database(url).reading() as connection:
        assert sa.inspect(connection).get_table_names() == ["alembic_version"]
