"""The R packages of projects (7x-facts 11)."""

from __future__ import annotations

from collections.abc import Sequence

from deployr.errors import PermissionDenied
from deployr.grid.client import Grid
from deployr.projects import session_packages
from deployr.projects.projects import Projects
from deployr.projects.records import Project
from deployr.projects.session_packages import Package
from deployr.users.caller import Caller


class Packages:
    """Lists, attaches and detaches packages; those attached are part of a project's saved state."""

    def __init__(self, projects: Projects, grid: Grid) -> None:
        self._projects = projects
        self._grid = grid

    async def list_packages(self, caller: Caller, project_id: str, *, installed: bool) -> tuple[Project, list[Package]]:
        """All installed packages, or those that are attached, by name."""
        async with self._projects.using(caller, project_id, reading=True) as project:
            return project, await session_packages.listed(self._grid, project_id, installed=installed)

    async def attach(
        self, caller: Caller, project_id: str, names: Sequence[str], repo: str | None = None
    ) -> tuple[Project, list[Package]]:
        """Attach packages.

        Args:
            repo: URL that missing ones are installed from, for as long as the session lives; not contacted for others.

        Raises:
            DeployrError: one is missing and cannot be installed; then none is attached.
            PermissionDenied: the caller may not install what is missing.
        """
        async with self._projects.using(caller, project_id) as project:
            if repo and not caller.may_install_packages:
                await self._check_installed(project_id, names)
            return project, await session_packages.attach(self._grid, project_id, names, repo)

    async def detach(self, caller: Caller, project_id: str, names: Sequence[str]) -> tuple[Project, list[Package]]:
        """Detach packages, so far as they are attached.

        Raises:
            DeployrError: one is not installed, or none is attached; then none is detached.
        """
        async with self._projects.using(caller, project_id) as project:
            return project, await session_packages.detach(self._grid, project_id, names)

    async def _check_installed(self, project_id: str, names: Sequence[str]) -> None:
        installed = {package.name for package in await session_packages.listed(self._grid, project_id, installed=True)}
        if not installed.issuperset(names):
            raise PermissionDenied("Your roles do not allow the installation of packages.")
