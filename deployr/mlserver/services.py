"""Published services: who may publish, change, see and delete them (9x-facts 5 and 6)."""

from __future__ import annotations

import contextlib
import dataclasses
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from deployr.errors import AlreadyExists, InvalidParameter, NotFound, PermissionDenied
from deployr.mlserver import service_checks, service_rows
from deployr.mlserver.roles import Role, Roles
from deployr.mlserver.service_records import Definition, Permission, Service
from deployr.mlserver.snapshots import Snapshot
from deployr.store.database import Database, now_ms
from deployr.store.kept_reads import KeptReads
from deployr.users.caller import Caller


class Services:
    """Publishes and finds services. All raise ``PermissionDenied`` when the caller's role does not allow the call."""

    def __init__(self, database: Database, roles: Roles, find_snapshot: Callable[[Caller, str], Snapshot]) -> None:
        self._database = database
        self._roles = roles
        self._find_snapshot = find_snapshot
        self._versions = KeptReads(database, _version)

    def publish(self, caller: Caller, name: str, version: str | None, definition: Definition) -> Service:
        """Publish a version of a service; one without a version gets one.

        Raises:
            InvalidParameter: a part cannot be used; the text names it.
            PermissionDenied: the name belongs to another user.
            AlreadyExists: the version exists.
        """
        self._roles.require(caller, Role.CONTRIBUTOR)
        service = self._new(caller, name, str(uuid.uuid4()) if version is None else version, definition)
        try:
            with self._database.transaction() as connection:
                self._check_owner(caller, service_rows.publisher(connection, name))
                return service_rows.insert(connection, service)
        except sa.exc.IntegrityError as ex:
            raise AlreadyExists(f"Service {name} has a version {version} already.") from ex

    def update(self, caller: Caller, name: str, version: str, changes: Definition) -> Service:
        """Change what the changes name of a version; the rest stays.

        Raises:
            InvalidParameter: a part cannot be used; the text names it.
            PermissionDenied: another user has published it.
            NotFound: there is no such version.
        """
        self._roles.require(caller, Role.CONTRIBUTOR)
        if changes.snapshot_id == self.find(caller, name, version).snapshot_id:
            # A record that comes back as it was read; the snapshot may be gone by now, or another user's.
            changes = dataclasses.replace(changes, snapshot_id=None)
        said = self._said(caller, changes)
        with self.changing(caller, name, version) as (connection, present):
            _check_kind(present, changes)
            changed = _merged(present, said)
            service_checks.check(changed)
            service_rows.update(connection, changed)
        return changed

    def find(self, caller: Caller, name: str, version: str, *, connection: sa.Connection | None = None) -> Service:
        """A version of a service.

        Args:
            connection: of a transaction, in which the service stays what it is.

        Raises:
            NotFound: there is no such version.
        """
        self._roles.require(caller, Role.READER)
        if connection is not None:
            return _present(service_rows.find(connection, name, version), name, version)
        return _present(self._versions.find((name, version)), name, version)

    def of_batch(self, caller: Caller, batch: str) -> Service:
        """The service that a batch was started on, as it is now; never another one that has got its name since.

        Raises:
            NotFound: it is gone, and the batch with it.
        """
        self._roles.require(caller, Role.READER)
        with self._database.reading() as connection:
            found = service_rows.of_batch(connection, batch)
        if found is None:
            raise NotFound("The service is gone.")
        return found

    def list(self, caller: Caller, name: str | None = None) -> Sequence[Service]:
        """The services of all users, or the versions of one name, oldest first."""
        self._roles.require(caller, Role.READER)
        with self._database.reading() as connection:
            return service_rows.read(connection, name)

    def delete(self, caller: Caller, name: str, version: str) -> None:
        """Delete a version.

        Raises:
            PermissionDenied: another user has published it.
            NotFound: there is no such version.
        """
        with self.changing(caller, name, version) as (connection, present):
            service_rows.delete(connection, present)

    @contextlib.contextmanager
    def changing(self, caller: Caller, name: str, version: str) -> Iterator[tuple[sa.Connection, Service]]:
        """A version that the caller may change, and the transaction that holds it for this.

        Raises:
            PermissionDenied: another user has published it.
            NotFound: there is no such version.
        """
        self._roles.require(caller, Role.CONTRIBUTOR)
        with self._database.transaction() as connection:
            present = _present(service_rows.find(connection, name, version, lock=True), name, version)
            self._check_owner(caller, present.owner)
            yield connection, present

    def permission(self, caller: Caller, service: Service) -> Permission:
        """What the caller may do with a service besides using it."""
        return "read/write" if self._roles.may_change(caller, service.owner) else "read only"

    def may_read_code(self, caller: Caller, service: Service) -> bool:
        """Code is for its publisher and for Owners."""
        return caller.username == service.owner or self._roles.of(caller) is Role.OWNER

    def _new(self, caller: Caller, name: str, version: str, definition: Definition) -> Service:
        service_checks.check_name("name", name)
        service_checks.check_name("version", version)
        empty = Service(
            id=0,
            name=name,
            version=version,
            owner=str(caller.username),
            runtime=definition.runtime or "R",
            created=now_ms(),
            init_code="",
            code="",
            description="",
            operation_id=None,
            inputs=(),
            outputs=(),
            output_files=(),
            snapshot_id=None,
            snapshot=None,
            model=None,
            revision="",
        )
        service = _merged(empty, self._said(caller, definition))
        service_checks.check(service)
        return service

    def _said(self, caller: Caller, definition: Definition) -> dict[str, Any]:
        """The attributes of a service that a definition names."""
        given = {field.name: getattr(definition, field.name) for field in dataclasses.fields(definition)}
        said = {name: value for name, value in given.items() if value is not None}
        if definition.snapshot_id is not None:
            snapshot = self._snapshot(caller, definition.snapshot_id) if definition.snapshot_id else None
            said["snapshot_id"] = snapshot and snapshot.id
            said["snapshot"] = snapshot and snapshot.sha256
        elif definition.snapshot is not None:
            # Servers gave an id for models too, of a snapshot that nobody has taken (9x-facts 6).
            said["snapshot_id"] = str(uuid.uuid4())
        return said

    def _snapshot(self, caller: Caller, snapshot_id: str) -> Snapshot:
        try:
            return self._find_snapshot(caller, snapshot_id)
        except NotFound as ex:
            raise InvalidParameter(f"Parameter snapshotId: the caller has no snapshot {snapshot_id}.") from ex

    def _check_owner(self, caller: Caller, publisher: str | None) -> None:
        if publisher is not None and not self._roles.may_change(caller, publisher):
            raise PermissionDenied(f"The service belongs to {publisher}.")


def _version(connection: sa.Connection, name_and_version: tuple[str, str]) -> Service | None:
    return service_rows.find(connection, *name_and_version)


def _present(service: Service | None, name: str, version: str) -> Service:
    if service is None:
        raise NotFound(f"Service {name} has no version {version}.")
    return service


def _check_kind(service: Service, changes: Definition) -> None:
    """A service stays what it is: code in its language, or a model."""
    if changes.runtime not in (None, service.runtime):
        raise InvalidParameter(f"Parameter runtimeType cannot change; it is {service.runtime}.")
    described = Definition(description=changes.description, operation_id=changes.operation_id)
    if service.runtime == "Realtime" and changes.runtime is None and changes != described:
        raise InvalidParameter("Of a realtime service, only description and operationId can change by this call.")


def _merged(service: Service, said: dict[str, Any]) -> Service:
    """The service with changes, as a new revision."""
    if "operation_id" in said:
        said["operation_id"] = said["operation_id"] or None
    return dataclasses.replace(service, **said, revision=str(uuid.uuid4()))
