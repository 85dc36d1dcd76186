"""The states of a job and the ways between them (7x-facts 17.2)."""

from __future__ import annotations

from typing import Literal

State = Literal[
    "Scheduled", "Queued", "Running", "Cancelling", "Completed", "Failed", "Aborted", "Interrupted", "Cancelled"
]

OPEN: tuple[State, ...] = ("Scheduled", "Queued", "Running", "Cancelling")
"""States of jobs that are not at their end."""

RUNNING: tuple[State, ...] = ("Running", "Cancelling")
"""States of jobs whose code may be running."""

BEFORE: dict[State, tuple[State, ...]] = {
    # A repeating job is scheduled again when one of its runs has ended.
    "Scheduled": ("Running",),
    "Queued": ("Scheduled",),
    "Running": ("Queued",),
    "Cancelling": ("Running",),
    "Completed": ("Running",),
    "Failed": ("Running",),
    "Aborted": ("Running",),
    "Interrupted": ("Cancelling",),
    "Cancelled": ("Scheduled", "Queued"),
}
"""The states that a job may come from, by the state that it goes to; every change of state asks for one of them."""

WITH_PROJECT: tuple[State, ...] = ("Completed", "Interrupted", "Aborted")
"""Ends that leave a project, unless the job was sent with ``storenoproject``."""


def cancelled_from(state: State) -> State:
    """What cancelling makes of a job; one at its end stays as it is."""
    if state == "Running":
        return "Cancelling"
    return "Cancelled" if state in ("Scheduled", "Queued") else state
