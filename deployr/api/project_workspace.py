"""``/r/project/workspace/*``: the R objects of projects."""

from __future__ import annotations

from typing import Any

from falcon.asgi import Response

from deployr.api import envelope, records
from deployr.api.call import Call
from deployr.api.execution_params import read_encoding, read_inputs
from deployr.api.file_params import read_destination, read_name
from deployr.api.own_urls import local
from deployr.api.params import MalformedParameter
from deployr.projects import rdata
from deployr.projects.fetching import Fetcher
from deployr.projects.workspace import ObjectFilter, Workspace
from deployr.projects.workspace_files import WorkspaceFiles


class ProjectWorkspaceResource:
    """Calls of ``/r/project/workspace``."""

    def __init__(self, workspace: Workspace, files: WorkspaceFiles, fetcher: Fetcher) -> None:
        self._workspace = workspace
        self._files = files
        self._fetcher = fetcher

    async def on_post_list(self, req: Call, resp: Response) -> None:
        """Summaries of objects."""
        caller = req.require_user()
        params = await req.read_params()
        wanted = ObjectFilter(
            root=params.text("root"),
            clazz=params.text("clazz"),
            prefix=params.text("filter"),
            restrict=params.flag("restrict"),
            pagesize=params.number("pagesize"),
            pageoffset=params.number("pageoffset"),
        )
        project, objects = await self._workspace.list_objects(caller, params.required("project"), wanted)
        envelope.succeed(req, resp, project=records.project(project), workspace={"objects": objects})

    async def on_post_get(self, req: Call, resp: Response) -> None:
        """Objects with their values."""
        caller = req.require_user()
        params = await req.read_params()
        project, objects = await self._workspace.get_objects(
            caller,
            params.required("project"),
            params.required_names("name"),
            read_encoding(params),
            root=params.text("root"),
            start=params.number("start"),
            length=params.number("length"),
        )
        envelope.succeed(req, resp, project=records.project(project), workspace=_workspace(objects))

    async def on_post_push(self, req: Call, resp: Response) -> None:
        """Assign objects."""
        caller = req.require_user()
        params = await req.read_params()
        if not params.text("inputs", "csvinputs"):
            raise MalformedParameter("Missing parameter: inputs.")
        project = await self._workspace.push_objects(caller, params.required("project"), await read_inputs(params))
        envelope.succeed(req, resp, project=records.project(project))

    async def on_post_upload(self, req: Call, resp: Response) -> None:
        """Load an rData file; the parameter ``name`` is but a label (7x-facts 9)."""
        caller = req.require_user()
        params = await req.read_params()
        project = await self._files.upload(caller, params.required("project"), params.file().chunks())
        envelope.succeed(req, resp, project=records.project(project))

    async def on_post_transfer(self, req: Call, resp: Response) -> None:
        """Load the rData file behind a URL, as ``upload`` does."""
        caller = req.require_user()
        params = await req.read_params()
        project_id, url = params.required("project"), params.required("url")
        async with self._fetcher.fetch(caller, local(req, url)) as content:
            project = await self._files.upload(caller, project_id, content)
        envelope.succeed(req, resp, project=records.project(project))

    async def on_post_save(self, req: Call, resp: Response) -> None:
        """Save an object, or the workspace, to the working directory."""
        caller = req.require_user()
        params = await req.read_params()
        project, info = await self._files.save(
            caller,
            params.required("project"),
            params.text("name"),
            descr=params.text("descr"),
            version=params.flag("version"),
        )
        file = records.project_file(info, project.project, req.urls)
        envelope.succeed(req, resp, project=records.project(project), directory={"file": file})

    async def on_post_store(self, req: Call, resp: Response) -> None:
        """Save an object to the repository; clients send ``name``, the reference says ``filename``."""
        caller = req.require_user()
        params = await req.read_params()
        project, file = await self._files.store(
            caller,
            params.required("project"),
            params.text("name") or rdata.object_name(params.required("filename")),
            read_destination(params),
            filename=params.text("filename"),
        )
        stored = {"file": records.repository_file(file, req.urls)}
        envelope.succeed(req, resp, project=records.project(project), repository=stored)

    async def on_post_load(self, req: Call, resp: Response) -> None:
        """Load an rData file of the repository."""
        caller = req.require_user()
        params = await req.read_params()
        project = await self._files.load(caller, params.required("project"), read_name(params))
        envelope.succeed(req, resp, project=records.project(project))

    async def on_post_delete(self, req: Call, resp: Response) -> None:
        """Delete objects."""
        caller = req.require_user()
        params = await req.read_params()
        project = await self._workspace.delete_objects(
            caller, params.required("project"), params.required_names("name")
        )
        envelope.succeed(req, resp, project=records.project(project))

    on_get_list = on_post_list
    on_get_get = on_post_get
    on_get_push = on_post_push
    on_get_transfer = on_post_transfer
    on_get_save = on_post_save
    on_get_store = on_post_store
    on_get_load = on_post_load
    on_get_delete = on_post_delete


def _workspace(objects: list[dict[str, Any]]) -> dict[str, Any]:
    """JavaScript callers that ask for one object read ``object``, all others ``objects`` (client-wire-facts 7)."""
    single = {"object": objects[0]} if len(objects) == 1 else {}
    return {"objects": objects, **single}
