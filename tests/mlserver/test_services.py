"""Published services: rules of the domain."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from deployr.backend import Backend
from deployr.errors import AlreadyExists, InvalidParameter, NotFound, PermissionDenied
from deployr.mlserver.roles import Roles
from deployr.mlserver.service_records import Definition, Parameter
from deployr.mlserver.services import Services
from deployr.mlserver.snapshots import Snapshot
from deployr.repository import references
from deployr.settings import MlServerSettings, Settings
from deployr.store.database import Database
from deployr.store.schema import users
from deployr.users.caller import Caller
from tests.databases import make_tables
from tests.postgresql import ON_BOTH_DATABASES

X = Parameter("x", "numeric")
Y = Parameter("y", "vector")


def _caller(username: str, role: str = "POWER_USER") -> Caller:
    return Caller(http_session="", username=username, roles=frozenset([role]))


SNAPSHOT = Snapshot("snap", "s", "anna", "R", "0" * 64, 1, 0)


ANNA, BERT, OWNER = _caller("anna"), _caller("bert"), _caller("olga", "ADMINISTRATOR")
READER = _caller("rita", "BASIC_USER")


@pytest.fixture
def services(database_url: str) -> Iterator[Services]:
    make_tables(database_url)
    database = Database(database_url)
    with database.transaction() as connection:
        for name in ("anna", "bert", "olga", "rita"):
            row = {"username": name, "displayname": name, "password_hash": "", "last_modified": 0}
            connection.execute(users.insert().values(row))

    def find_snapshot(caller: Caller, snapshot_id: str) -> Snapshot:
        with database.transaction():  # which would wait in vain within another one of the same call
            if (caller.username, snapshot_id) != (SNAPSHOT.owner, SNAPSHOT.id):
                raise NotFound("absent")
            return SNAPSHOT

    yield Services(database, Roles(MlServerSettings()), find_snapshot)
    database.close()


def _definition(**said: Any) -> Definition:
    return Definition(**{"code": "y <- x", **said})


def test_a_published_service_is_found_as_it_was_published(services: Services) -> None:
    said = _definition(runtime="Python", init_code="z = 1", description="d", operation_id="op")
    published = services.publish(ANNA, "s", "1", said)
    assert services.find(BERT, "s", "1") == published
    assert (published.owner, published.runtime, published.code) == ("anna", "Python", "y <- x")


def test_a_service_without_a_version_gets_one(services: Services) -> None:
    versions = {services.publish(ANNA, "s", None, _definition()).version for _ in range(2)}
    assert len(versions) == 2
    assert {service.version for service in services.list(ANNA, "s")} == versions


@ON_BOTH_DATABASES
def test_services_are_listed_oldest_first(services: Services) -> None:
    for name, version in (("b", "2"), ("a", "9"), ("b", "1")):
        services.publish(ANNA, name, version, _definition())
    services.update(ANNA, "b", "2", Definition(description="new"))
    assert [(item.name, item.version) for item in services.list(BERT)] == [("b", "2"), ("a", "9"), ("b", "1")]
    assert [item.version for item in services.list(BERT, "b")] == ["2", "1"]
    assert not services.list(BERT, "B")


@ON_BOTH_DATABASES
def test_a_version_is_published_once(services: Services) -> None:
    services.publish(ANNA, "s", "v1", _definition())
    with pytest.raises(AlreadyExists):
        services.publish(ANNA, "s", "v1", _definition())
    services.publish(ANNA, "s", "V1", _definition())


def test_a_name_belongs_to_who_used_it_first(services: Services) -> None:
    services.publish(ANNA, "s", "1", _definition())
    with pytest.raises(PermissionDenied):
        services.publish(BERT, "s", "2", _definition())
    services.publish(OWNER, "s", "3", _definition())
    services.publish(ANNA, "s", "4", _definition())
    for version in ("1", "3", "4"):
        services.delete(OWNER, "s", version)
    assert services.publish(BERT, "s", "1", _definition()).owner == "bert"


def test_what_a_change_leaves_out_stays_and_what_is_empty_is_void(services: Services) -> None:
    said = _definition(inputs=(X,), outputs=(Y,), output_files=("a.png",), operation_id="op", init_code="i")
    before = services.publish(ANNA, "s", "1", said)
    changed = services.update(ANNA, "s", "1", Definition(code="y <- 2", inputs=(), operation_id=""))
    assert (changed.code, changed.inputs, changed.operation_id) == ("y <- 2", (), None)
    assert (changed.outputs, changed.output_files, changed.init_code) == ((Y,), ("a.png",), "i")
    assert (changed.id, changed.created, changed.owner) == (before.id, before.created, before.owner)
    assert services.find(ANNA, "s", "1") == changed


def test_each_change_is_a_revision(services: Services) -> None:
    revisions = {services.publish(ANNA, "s", "1", _definition()).revision}
    revisions |= {services.update(ANNA, "s", "1", Definition()).revision for _ in range(2)}
    assert len(revisions) == 3


def test_a_change_cannot_make_a_service_that_could_not_be_published(services: Services) -> None:
    before = services.publish(ANNA, "s", "1", _definition())
    for changes in (Definition(code=" "), Definition(inputs=(X, X)), Definition(runtime="Python")):
        with pytest.raises(InvalidParameter):
            services.update(ANNA, "s", "1", changes)
    assert services.find(ANNA, "s", "1") == before


def test_only_the_publisher_and_owners_change_and_delete(services: Services) -> None:
    service = services.publish(ANNA, "s", "1", _definition())
    for caller in (BERT, READER, _caller("anna", "BASIC_USER")):
        with pytest.raises(PermissionDenied):
            services.update(caller, "s", "1", Definition())
        with pytest.raises(PermissionDenied):
            services.delete(caller, "s", "1")
        assert services.permission(caller, service) == "read only"
    for caller in (ANNA, OWNER):
        services.update(caller, "s", "1", Definition())
        assert services.permission(caller, service) == "read/write"


def test_readers_publish_nothing(services: Services) -> None:
    with pytest.raises(PermissionDenied):
        services.publish(READER, "s", "1", _definition())


def test_code_is_for_the_publisher_and_owners(services: Services) -> None:
    service = services.publish(ANNA, "s", "1", _definition())
    readers = [caller.username for caller in (ANNA, BERT, OWNER, READER) if services.may_read_code(caller, service)]
    assert readers == ["anna", "olga"]


def test_what_does_not_exist_is_not_found(services: Services) -> None:
    services.publish(ANNA, "s", "1", _definition())
    with pytest.raises(NotFound):
        services.find(ANNA, "s", "2")
    with pytest.raises(NotFound):
        services.update(ANNA, "S", "1", Definition())
    services.delete(ANNA, "s", "1")
    with pytest.raises(NotFound):
        services.delete(ANNA, "s", "1")


@pytest.mark.parametrize("name", ["", " ", ".", "..", "a/b", "a\nb", "x" * 201, "\ud800"])
def test_names_are_parts_of_paths(services: Services, name: str) -> None:
    with pytest.raises(InvalidParameter, match="name"):
        services.publish(ANNA, name, "1", _definition())
    with pytest.raises(InvalidParameter, match="version"):
        services.publish(ANNA, "s", name, _definition())


@pytest.mark.parametrize(
    ("said", "parameter"),
    [
        ({"code": None}, "code"),
        ({"code": " \n"}, "code"),
        ({"code": "a\0"}, "code"),
        ({"code": "x" * (1 << 20) + "x"}, "code"),
        ({"init_code": "\0"}, "initCode"),
        ({"description": "\0"}, "description"),
        ({"operation_id": "a\nb"}, "operationId"),
        ({"inputs": (X, X)}, "inputParameterDefinitions"),
        ({"inputs": (X, Parameter("", "vector"))}, r"inputParameterDefinitions\[1\].name"),
        ({"inputs": (Parameter("TRUE", "vector"),)}, r"inputParameterDefinitions\[0\].name"),
        ({"outputs": (Parameter("..1", "vector"),)}, r"outputParameterDefinitions\[0\].name"),
        ({"outputs": (Parameter("a.b", "vector"),), "runtime": "Python"}, r"outputParameterDefinitions\[0\].name"),
        ({"outputs": (Parameter("class", "vector"),), "runtime": "Python"}, r"outputParameterDefinitions\[0\].name"),
        ({"outputs": tuple(Parameter(f"x{n}", "vector") for n in range(1001))}, "outputParameterDefinitions"),
        ({"output_files": ("a", "a")}, "outputFileNames"),
        ({"output_files": ("a", "../a")}, r"outputFileNames\[1\]"),
        ({"output_files": ("",)}, r"outputFileNames\[0\]"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(services: Services, said: dict[str, Any], parameter: str) -> None:
    with pytest.raises(InvalidParameter, match=parameter):
        services.publish(ANNA, "s", "1", _definition(**said))
    assert not services.list(ANNA)


@pytest.mark.parametrize(
    ("runtime", "names"), [("R", ["my.var", "class", "a b", "é", "x y z"]), ("Python", ["TRUE", "é"])]
)
def test_names_of_variables_are_those_of_the_runtime(services: Services, runtime: Any, names: list[str]) -> None:
    inputs = tuple(Parameter(name, "data.frame") for name in names)
    assert services.publish(ANNA, "s", "1", _definition(runtime=runtime, inputs=inputs)).inputs == inputs


def test_a_service_has_a_copy_of_its_publisher_s_snapshot(services: Services) -> None:
    services.publish(ANNA, "s", "1", _definition(snapshot_id="snap"))
    assert services.find(BERT, "s", "1").snapshot == SNAPSHOT.sha256
    assert services.update(ANNA, "s", "1", Definition(description="d")).snapshot == SNAPSHOT.sha256
    assert services.update(OWNER, "s", "1", Definition(snapshot_id="snap")).snapshot == SNAPSHOT.sha256
    voided = services.update(ANNA, "s", "1", Definition(snapshot_id=""))
    assert (voided.snapshot_id, voided.snapshot) == (None, None)
    assert services.update(ANNA, "s", "1", Definition(snapshot_id="snap")).snapshot == SNAPSHOT.sha256


def test_snapshots_of_others_are_refused(services: Services) -> None:
    with pytest.raises(InvalidParameter, match="snapshotId"):
        services.publish(BERT, "s", "1", _definition(snapshot_id="snap"))


@ON_BOTH_DATABASES
def test_what_a_service_refers_to_is_in_use(services: Services, database_url: str) -> None:
    model = Definition(runtime="Realtime", model="1" * 64)
    services.publish(ANNA, "s", "1", _definition(snapshot_id="snap"))
    services.publish(ANNA, "m", "1", model)
    database = Database(database_url)
    with database.reading() as connection:
        assert references.used(connection, "0") == {SNAPSHOT.sha256}
        assert references.used(connection, "1") == {model.model}
    database.close()


def test_a_model_stays_a_model(services: Services) -> None:
    before = services.publish(ANNA, "m", "1", Definition(runtime="Realtime", model="1" * 64, inputs=(X,)))
    for changes in (
        Definition(code="1"),
        Definition(inputs=()),
        Definition(snapshot_id="snap"),
        Definition(runtime="R"),
    ):
        with pytest.raises(InvalidParameter):
            services.update(ANNA, "m", "1", changes)
    services.update(ANNA, "m", "1", Definition(description="d", operation_id="op"))
    changed = services.update(ANNA, "m", "1", Definition(runtime="Realtime", model="2" * 64))
    assert (changed.model, changed.description, changed.inputs) == ("2" * 64, "d", before.inputs)


async def test_a_pool_is_not_made_for_another_service_that_got_the_name_meanwhile(
    services: Services, database_url: str, tmp_path: Path
) -> None:
    backend = Backend(Settings.load(flags={"home": tmp_path, "database.url": database_url}))
    services.publish(ANNA, "s", "1", _definition())

    def replace(*_: object) -> None:
        services.delete(ANNA, "s", "1")
        services.publish(BERT, "s", "1", _definition())

    # As soon as a transaction has ended.
    sa.event.listen(backend.database.engine, "checkin", replace, once=True)
    await backend.mlserver.service_pools.set(ANNA, "s", "1", initial=1, most=1)
    assert await backend.mlserver.service_pools.status(BERT, "s", "1") == [("http://localhost:12805/", "NotFound")]
    await backend.aclose()
