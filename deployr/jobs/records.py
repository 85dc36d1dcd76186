"""What the jobs domain speaks of."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal

from deployr.jobs.states import OPEN, State
from deployr.projects.records import ExecutionOptions
from deployr.repository.records import RepositoryName

Priority = Literal["low", "medium", "high"]

PRIORITIES: tuple[Priority, ...] = ("high", "medium", "low")
"""The queues, in the order in which they are served."""

Parameters = Mapping[str, str]
"""The parameters of a call as they were sent."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a job runs (7x-facts 17.1).

    Attributes:
        start: of the first run, in milliseconds since 1970.
        repeat: how many runs follow the first one.
        interval: milliseconds between two starts.
    """

    start: int
    repeat: int
    interval: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a job runs; see the parameters of ``/r/job/submit``.

    Attributes:
        scripts, external, code: run in this order, those that there are.
        store_project: the job leaves a project.
    """

    scripts: Sequence[RepositoryName]
    external: Sequence[str]
    code: str | None
    options: ExecutionOptions
    cluster: str | None
    store_project: bool


Read = Callable[[Parameters], Awaitable[Request]]
"""Reads the parameters that a job was sent with; raises :class:`~deployr.errors.DeployrError`."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A job as a caller sends it.

    Attributes:
        parameters: what ``request`` was read from; kept with the job and read again when it runs.
        schedule: ``None`` for a job that runs once, at once.
    """

    name: str
    descr: str | None
    priority: Priority
    request: Request
    parameters: Parameters
    schedule: Schedule | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job.

    Attributes:
        owner: the user whose job it is.
        schedstart, schedrepeat, schedinterval: see :class:`Schedule`; all 0 for a job that was submitted.
        runs: how many of its runs have ended.
        due: the start that it waits for, or that its present run is for; milliseconds since 1970.
        status_msg: how the last run ended.
        project: id of the project that the last run left.
        time_start: milliseconds since 1970; 0 before the first run.
        time_code, time_total: milliseconds of the last run that ended.
        created: milliseconds since 1970.
        session: id of the session on the grid while a runner has the job.
    """

    job: str
    owner: str
    name: str
    descr: str | None
    tag: str | None
    priority: Priority
    cluster: str | None
    store_project: bool
    schedstart: int
    schedrepeat: int
    schedinterval: int
    runs: int
    due: int
    status: State
    status_msg: str | None
    project: str | None
    time_start: int
    time_code: int
    time_total: int
    created: int
    session: str | None

    @property
    def is_open(self) -> bool:
        """Not at its end."""
        return self.status in OPEN

    @property
    def on_repeat(self) -> int:
        """How many of its repeats are done."""
        return max(0, self.runs - 1)

    @property
    def repeats(self) -> bool:
        """Another run follows the present one."""
        return self.runs < self.schedrepeat


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a run ended.

    Attributes:
        message: the reason, for the caller.
        time_code: milliseconds spent in R code.
    """

    state: State
    message: str
    time_code: int = 0


Told = Callable[[Job], None]
"""Is told of a job whose state has changed, once the change is committed."""
