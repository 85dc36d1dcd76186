"""What the domain of 9.x hands out."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

from deployr.grid import protocol

Runtime = Literal["R", "Python"]
RUNTIMES: dict[str, protocol.Runtime] = {"R": "r", "Python": "python"}
"""What the grid calls them."""
RUNTIME_NAMES: dict[protocol.Runtime, Runtime] = {"r": "R", "python": "Python"}
"""What 9.x calls those of the grid."""

PLOT_SIZE = 400
"""Pixels of a plot whose code opened no device, in both directions."""


@dataclasses.dataclass(frozen=True, slots=True)
class MlSession:
    """A session.

    Attributes:
        id: of the session on the grid, too.
        owner: user name.
    """

    id: str
    name: str
    owner: str
    runtime: Runtime


@dataclasses.dataclass(frozen=True, slots=True)
class Executed:
    """What an execution did.

    Attributes:
        error: empty when the code ran well.
        outputs: JSON by name, of those asked for that exist.
        changed_files: names of files that the code made or changed, plots included.
    """

    error: str
    outputs: dict[str, Any]
    console: str
    changed_files: list[str]
