"""``/r/project/*``: the projects themselves."""

from __future__ import annotations

import functools

from falcon.asgi import Response

from deployr.api import downloads, envelope, records
from deployr.api.call import Call
from deployr.api.execution_params import read_inputs, read_preparation
from deployr.api.params import MalformedParameter, Params
from deployr.projects.archive import Archives
from deployr.projects.pools import Pools
from deployr.projects.preparation import Preparing
from deployr.projects.projects import Projects
from deployr.projects.records import ClosingOptions, ProjectChanges, StateParts


class ProjectResource:
    """Calls of ``/r/project``."""

    def __init__(self, projects: Projects, pools: Pools, preparing: Preparing, archives: Archives) -> None:
        self._projects = projects
        self._pools = pools
        self._preparing = preparing
        self._archives = archives

    async def on_post_create(self, req: Call, resp: Response) -> None:
        """Make a project."""
        caller = req.require_user()
        params = await req.read_params()
        prepared = self._preparing.plan(caller, read_preparation(params))
        project = await self._projects.create(
            caller,
            name=params.text("projectname"),
            descr=params.text("projectdescr"),
            blackbox=params.flag("blackbox"),
            cluster=params.text("cluster"),
            prepare=functools.partial(self._preparing.apply, prepared),
            inputs=await read_inputs(params),
        )
        envelope.succeed(req, resp, project=records.project(project))

    async def on_post_pool(self, req: Call, resp: Response) -> None:
        """Make temporary projects that are all alike."""
        caller = req.require_user()
        params = await req.read_params()
        size = _read_size(params)
        prepared = self._preparing.plan(caller, read_preparation(params))
        projects, refusal = await self._pools.create(
            caller,
            size,
            blackbox=params.flag("blackbox"),
            cluster=params.text("cluster"),
            prepare=functools.partial(self._preparing.apply, prepared),
            one_by_one=any(params.text(name) for name in ("adoptworkspace", "adoptdirectory", "adoptpackages")),
            inputs=await read_inputs(params),
        )
        # Fewer than asked for: a success with a text, which clients take for a warning (7x-facts 6.3).
        refused = {"error": f"{len(projects)} of {size} projects: {refusal.message}"} if refusal else {}
        envelope.succeed(req, resp, projects=[records.project(project) for project in projects], **refused)

    async def on_post_list(self, req: Call, resp: Response) -> None:
        """The caller's projects."""
        caller = req.require_user()
        params = await req.read_params()
        projects = await self._projects.list_projects(
            caller,
            shared_also=params.flag("sharedprojectsalso", "ispublic", "publicprojectsalso"),
            shared_only=params.flag("sharedprojectsonly", "publicprojectsonly"),
            ordered=params.flag("isordered"),
        )
        envelope.succeed(req, resp, projects=[records.project(project) for project in projects])

    async def on_post_about(self, req: Call, resp: Response) -> None:
        """One project."""
        caller = req.require_user()
        params = await req.read_params()
        project = await self._projects.about(caller, params.required("project"))
        envelope.succeed(req, resp, project=records.project(project))

    async def on_post_ping(self, req: Call, resp: Response) -> None:
        """Whether a project is live."""
        caller = req.require_user()
        params = await req.read_params()
        project = await self._projects.ping(caller, params.required("project"))
        envelope.succeed(req, resp, project=records.project(project))

    async def on_post_about_update(self, req: Call, resp: Response) -> None:
        """Describe the project anew; what is not given or empty stays as it is."""
        caller = req.require_user()
        params = await req.read_params()
        project = await self._projects.update(caller, params.required("project"), _read_changes(params))
        envelope.succeed(req, resp, project=records.project(project))

    async def on_post_save(self, req: Call, resp: Response) -> None:
        """Save the project."""
        caller = req.require_user()
        params = await req.read_params()
        changes, parts = _read_changes(params), _read_parts(params)
        project = await self._projects.save(caller, params.required("project"), changes, parts)
        envelope.succeed(req, resp, project=records.project(project))

    async def on_post_saveas(self, req: Call, resp: Response) -> None:
        """Save a copy of the project."""
        caller = req.require_user()
        params = await req.read_params()
        if params.given_text("name") is None:
            # Given but empty, as .NET sends it, it means the name that the project has.
            raise MalformedParameter("Missing parameter: name.")
        changes, parts = _read_changes(params), _read_parts(params)
        project = await self._projects.save_as(caller, params.required("project"), changes, parts)
        envelope.succeed(req, resp, project=records.project(project))

    async def on_post_recycle(self, req: Call, resp: Response) -> None:
        """Make the project as good as new."""
        caller = req.require_user()
        params = await req.read_params()
        project = await self._projects.recycle(
            caller,
            params.required("project"),
            workspace=not params.flag("preserveworkspace"),
            directory=not params.flag("preservedirectory"),
        )
        envelope.succeed(req, resp, project=records.project(project))

    async def on_post_close(self, req: Call, resp: Response) -> None:
        """Free the project's session."""
        caller = req.require_user()
        params = await req.read_params()
        options = ClosingOptions(
            autosave=not params.flag("disableautosave"),
            parts=_read_parts(params),
            cookie=params.text("projectcookie"),
        )
        project = await self._projects.close(caller, params.required("project"), options)
        envelope.succeed(req, resp, project=records.project(project))

    async def on_post_export(self, req: Call, resp: Response, project: str = "") -> None:
        """The project as an archive; the path-style URL says which, or the parameter does."""
        caller = req.require_user()
        params = await req.read_params()
        archive = await self._archives.export(caller, project or params.required("project"), _read_parts(params))
        downloads.send(resp, archive)

    async def on_post_import(self, req: Call, resp: Response) -> None:
        """Make a project of an archive."""
        caller = req.require_user()
        params = await req.read_params()
        project = await self._archives.load(
            caller, params.file().chunks(), name=params.text("name"), descr=params.text("descr")
        )
        envelope.succeed(req, resp, project=records.project(project))

    async def on_post_grant(self, req: Call, resp: Response) -> None:
        """Make users authors of the project."""
        caller = req.require_user()
        params = await req.read_params()
        usernames = params.required_names("newauthor")
        project = await self._projects.grant(caller, params.required("project"), usernames)
        envelope.succeed(req, resp, project=records.project(project))

    async def on_post_delete(self, req: Call, resp: Response) -> None:
        """Remove a project."""
        caller = req.require_user()
        params = await req.read_params()
        project = await self._projects.delete(caller, params.required("project"))
        envelope.succeed(req, resp, project=records.project(project))

    on_get_create = on_post_create
    on_get_pool = on_post_pool
    on_get_list = on_post_list
    on_get_about = on_post_about
    on_get_ping = on_post_ping
    on_get_about_update = on_post_about_update
    on_get_save = on_post_save
    on_get_saveas = on_post_saveas
    on_get_recycle = on_post_recycle
    on_get_close = on_post_close
    on_get_grant = on_post_grant
    on_get_export = on_post_export
    on_get_delete = on_post_delete


def _read_changes(params: Params) -> ProjectChanges:
    """What describes the project; what is not given or empty stays as it is."""
    return ProjectChanges(
        name=params.text("name"),
        descr=params.text("descr"),
        longdescr=params.text("longdescr"),
        shared=params.given_flag("shared"),
        cookie=params.text("projectcookie"),
    )


def _read_size(params: Params) -> int:
    """How many projects make up the pool."""
    size = params.number("poolsize")
    if size is None or size < 1:
        raise MalformedParameter("Parameter poolsize is missing or less than 1.")
    return size


def _read_parts(params: Params) -> StateParts:
    return StateParts(
        workspace=not params.flag("dropworkspace"),
        directory=not params.flag("dropdirectory"),
        history=not params.flag("drophistory"),
        flush_history=params.flag("flushhistory"),
    )
