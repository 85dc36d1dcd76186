"""Pools: temporary projects that are all alike, made side by side (7x-facts 6.3)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from deployr.encodings.model import RValue
from deployr.errors import GridError
from deployr.projects.projects import Projects
from deployr.projects.records import ClosingOptions, Project
from deployr.settings import Settings
from deployr.users.caller import Caller


class Pools:
    """Makes pools of projects."""

    def __init__(self, projects: Projects, settings: Settings) -> None:
        self._projects = projects
        self._limit = settings.limits.live_projects

    async def create(
        self,
        caller: Caller,
        size: int,
        *,
        blackbox: bool = False,
        cluster: str | None = None,
        prepare: Callable[[str], Awaitable[None]] | None = None,
        one_by_one: bool = False,
        inputs: Mapping[str, RValue] | None = None,
    ) -> tuple[list[Project], GridError | None]:
        """Make the projects; see :meth:`deployr.projects.projects.Projects.create`.

        Args:
            one_by_one: ``prepare`` takes from other projects, which serve one call at a time.

        Returns:
            As many as the grid gives, and what it said when these are fewer than asked for.

        Raises:
            GridError: it gives none.
            DeployrError: one could not be prepared; then none is left behind.
        """
        # One more than a user may have is enough to be told of the limit.
        size = min(size, self._limit + 1)
        if prepare and one_by_one:
            prepare = _in_turn(prepare)
        create = self._projects.create
        making = [
            asyncio.create_task(create(caller, blackbox=blackbox, cluster=cluster, prepare=prepare, inputs=inputs))
            for _ in range(size)
        ]
        try:
            return _pooled(await asyncio.gather(*making, return_exceptions=True))
        except BaseException:
            await asyncio.shield(self._give_back(caller, making))
            raise

    async def _give_back(self, caller: Caller, making: Sequence[asyncio.Task[Project]]) -> None:
        """Close those projects that were made."""
        for project in await asyncio.gather(*making, return_exceptions=True):
            if isinstance(project, Project):
                await self._projects.close(caller, project.project, ClosingOptions(autosave=False))


def _in_turn(prepare: Callable[[str], Awaitable[None]]) -> Callable[[str], Awaitable[None]]:
    """The same, for one session after the other."""
    lock = asyncio.Lock()

    async def prepare_in_turn(session: str) -> None:
        async with lock:
            await prepare(session)

    return prepare_in_turn


def _pooled(outcomes: Sequence[Project | BaseException]) -> tuple[list[Project], GridError | None]:
    """The projects that were made and the first refusal of the grid; raises what keeps the pool from being."""
    made = [outcome for outcome in outcomes if isinstance(outcome, Project)]
    refusals = [outcome for outcome in outcomes if isinstance(outcome, GridError)]
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not (made and isinstance(outcome, GridError)):
            raise outcome
    return made, refusals[0] if refusals else None
