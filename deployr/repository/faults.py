"""What a check finds."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import sqlalchemy as sa

Repair = Callable[[sa.Connection], object]


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as it should be.

    Attributes:
        text: what is wrong, in words.
        remedy: what its repair does about it, in words.
        repair: does it, so far as it is still wrong; ``None`` when people have to decide.
    """

    text: str
    remedy: str
    repair: Repair | None


def running(statement: sa.Executable) -> Repair:
    """The repair that a statement is."""
    return lambda connection: connection.execute(statement)
