"""``/r/project/directory/*``: the working directories of projects."""

from __future__ import annotations

from falcon.asgi import Response

from deployr.api import downloads, envelope, records
from deployr.api.call import Call
from deployr.api.path_names import split_names
from deployr.projects.directory import Directory


class ProjectDirectoryResource:
    """Calls of ``/r/project/directory``."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def on_post_list(self, req: Call, resp: Response) -> None:
        """Files of the directory."""
        caller = req.require_user()
        params = await req.read_params()
        project, infos = await self._directory.list_files(
            caller, params.required("project"), category=params.text("filter", "categoryFilter")
        )
        files = [records.project_file(info, project.project, req.urls) for info in infos]
        envelope.succeed(req, resp, project=records.project(project), directory={"files": files})

    async def on_post_upload(self, req: Call, resp: Response) -> None:
        """Write a file."""
        caller = req.require_user()
        params = await req.read_params()
        project, info = await self._directory.upload(
            caller,
            params.required("project"),
            params.required("filename", "name"),
            params.file().chunks(),
            descr=params.text("descr"),
            overwrite=params.flag("overwrite"),
        )
        file = records.project_file(info, project.project, req.urls)
        envelope.succeed(req, resp, project=records.project(project), directory={"file": file})

    async def on_get_download(self, req: Call, resp: Response, project: str = "", filenames: str = "") -> None:
        """Files of the directory; the path-style URL says which, or the parameters do."""
        caller = req.require_user()
        params = await req.read_params()
        names = split_names(filenames) if filenames else params.names("filename", "name")
        download = await self._directory.download(caller, project or params.required("project"), names)
        downloads.send(resp, download, inline=params.flag("inline"))

    async def on_post_delete(self, req: Call, resp: Response) -> None:
        """Delete files."""
        caller = req.require_user()
        params = await req.read_params()
        names = params.required_names("filename", "name")
        project = await self._directory.delete(caller, params.required("project"), names)
        envelope.succeed(req, resp, project=records.project(project))

    on_get_list = on_post_list
    on_post_download = on_get_download
    on_get_delete = on_post_delete
