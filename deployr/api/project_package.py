"""``/r/project/package/*``: the R packages of projects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from falcon.asgi import Response

from deployr.api import envelope, records
from deployr.api.call import Call
from deployr.projects.packages import Packages
from deployr.projects.records import Project
from deployr.projects.session_packages import Package


class ProjectPackageResource:
    """Calls of ``/r/project/package``."""

    def __init__(self, packages: Packages) -> None:
        self._packages = packages

    async def on_get_list(self, req: Call, resp: Response) -> None:
        """Packages that are installed, or only those that are attached."""
        caller = req.require_user()
        params = await req.read_params()
        installed = params.flag("installed", default=True)
        found = await self._packages.list_packages(caller, params.required("project"), installed=installed)
        _reply(req, resp, *found, status="ok")

    async def on_post_attach(self, req: Call, resp: Response) -> None:
        """Attach packages."""
        caller = req.require_user()
        params = await req.read_params()
        names = params.required_names("name")
        attached = await self._packages.attach(caller, params.required("project"), names, params.text("repo"))
        _reply(req, resp, *attached, status="success")

    async def on_post_detach(self, req: Call, resp: Response) -> None:
        """Detach packages."""
        caller = req.require_user()
        params = await req.read_params()
        names = params.required_names("name")
        detached = await self._packages.detach(caller, params.required("project"), names)
        _reply(req, resp, *detached, status="success")

    on_post_list = on_get_list
    on_get_attach = on_post_attach
    on_get_detach = on_post_detach


def _reply(
    req: Call, resp: Response, project: Project, packages: Sequence[Package], *, status: Literal["ok", "success"]
) -> None:
    """Packages with all six keys, in the replies of all three calls (7x-facts 3.2)."""
    listed = [
        {
            "name": package.name,
            "version": package.version,
            "descr": package.descr,
            "repo": package.repo,
            "attached": package.attached,
            "status": status,
        }
        for package in packages
    ]
    envelope.succeed(req, resp, project=records.project(project), packages=listed)
