"""What is known of a published service (9x-facts 2 and 6)."""

from __future__ import annotations

import dataclasses
from typing import Literal

ParameterType = Literal["logical", "numeric", "integer", "character", "vector", "matrix", "data.frame"]
ServiceRuntime = Literal["R", "Python", "Realtime"]
Permission = Literal["read/write", "read only"]


@dataclasses.dataclass(frozen=True, slots=True)
class Parameter:
    """An input or output."""

    name: str
    type: ParameterType


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What a publisher says of a service; ``None`` is what he leaves out, an empty tuple or text says that it is void.

    Attributes:
        snapshot_id: one of the publisher's snapshots.
        model: SHA-256 of the blob of a realtime service's model.
        snapshot: SHA-256 of the blob of the snapshot that holds it.
    """

    runtime: ServiceRuntime | None = None
    code: str | None = None
    init_code: str | None = None
    description: str | None = None
    operation_id: str | None = None
    inputs: tuple[Parameter, ...] | None = None
    outputs: tuple[Parameter, ...] | None = None
    output_files: tuple[str, ...] | None = None
    snapshot_id: str | None = None
    model: str | None = None
    snapshot: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A version of a service.

    Attributes:
        id: in the order of publication.
        owner: name of the user who published it.
        created: milliseconds since 1970.
        init_code: run before ``code``; empty when there is none.
        code: empty for realtime services only.
        operation_id: what clients call its method; ``None`` when the publisher did not say.
        output_files: names of files that each answer holds when the code has made them.
        snapshot_id: of the snapshot that it was published with, which may have been deleted since.
        snapshot: SHA-256 of the blob of that snapshot's zip; the service keeps it.
        model: SHA-256 of the blob of a realtime service's model.
        revision: another one after each change.
    """

    id: int
    name: str
    version: str
    owner: str
    runtime: ServiceRuntime
    created: int
    init_code: str
    code: str
    description: str
    operation_id: str | None
    inputs: tuple[Parameter, ...]
    outputs: tuple[Parameter, ...]
    output_files: tuple[str, ...]
    snapshot_id: str | None
    snapshot: str | None
    model: str | None
    revision: str

    @property
    def address(self) -> str:
        """What the grid knows it by."""
        return address(self.name, self.version)


def address(name: str, version: str) -> str:
    """What the grid knows a version of a service by."""
    return f"{name}/{version}"
