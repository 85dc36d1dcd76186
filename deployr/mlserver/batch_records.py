"""What is known of a batch: many inputs for a service, run without the caller waiting (9x-facts 8)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

State = Literal["Pending", "InProgress", "Complete"]
"""Pending waits for a process that runs it for the first time."""


class Result(msgspec.Struct, frozen=True):
    """What came of one item, as it is kept; its files are apart.

    Attributes:
        error: empty when the code ran well.
        outputs: JSON by name.
        changed: names of files that the code made or changed.
    """

    error: str = ""
    outputs: dict[str, Any] = {}
    console: str = ""
    changed: list[str] = []


@dataclasses.dataclass(frozen=True, slots=True)
class Batch:
    """A batch.

    Attributes:
        service: id of the service that it was started on; it goes with that.
        owner: who started it; it is hidden from all others.
        created: milliseconds since 1970.
        parallel: most items that run at a time.
        total: how many items it has.
    """

    id: str
    service: int
    owner: str
    created: int
    state: State
    parallel: int
    total: int


@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """An item that has been run.

    Attributes:
        files: SHA-256 of the blobs of its files, by name.
    """

    index: int
    result: Result
    files: Mapping[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """A batch and those of its items that have been run, in the order of their inputs."""

    batch: Batch
    items: list[Item]
    done: int
