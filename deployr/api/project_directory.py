"""``/r/project/directory/*``: the working directories of projects."""

from __future__ import annotations

from collections.abc import AsyncIterable

from falcon.asgi import Response

from deployr.api import downloads, envelope, records
from deployr.api.call import Call
from deployr.api.file_params import read_destination, read_name
from deployr.api.own_urls import local
from deployr.api.params import MalformedParameter, Params
from deployr.api.path_names import split_names
from deployr.errors import InvalidParameter
from deployr.projects.directory import Directory
from deployr.projects.fetching import Fetcher
from deployr.projects.project_downloads import ProjectDownloads
from deployr.users.caller import Caller

_DELIMITER = "#,#"
"""Stands between the texts of several files unless the caller says otherwise."""


class ProjectDirectoryResource:
    """Calls of ``/r/project/directory``."""

    def __init__(self, directory: Directory, fetcher: Fetcher, downloads: ProjectDownloads) -> None:
        self._directory = directory
        self._fetcher = fetcher
        self._downloads = downloads

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
        await self._upload(req, resp, caller, params, params.file().chunks())

    async def on_post_transfer(self, req: Call, resp: Response) -> None:
        """Write the file behind a URL."""
        caller = req.require_user()
        params = await req.read_params()
        async with self._fetcher.fetch(caller, local(req, params.required("url"))) as content:
            await self._upload(req, resp, caller, params, content)

    async def on_post_write(self, req: Call, resp: Response) -> None:
        """Write files whose contents are a parameter; ``file`` is the first, ``files`` are all of several."""
        caller = req.require_user()
        params = await req.read_params()
        project, infos = await self._directory.write(
            caller,
            params.required("project"),
            _contents(params),
            descr=params.text("descr"),
            overwrite=params.flag("overwrite"),
        )
        files = [records.project_file(info, project.project, req.urls) for info in infos]
        several = {"files": files} if len(files) > 1 else {}
        envelope.succeed(req, resp, project=records.project(project), directory={"file": files[0], **several})

    async def on_post_update(self, req: Call, resp: Response) -> None:
        """Rename or describe a file."""
        caller = req.require_user()
        params = await req.read_params()
        project, info = await self._directory.update(
            caller,
            params.required("project"),
            params.required("filename", "name"),
            rename=params.text("rename"),
            descr=params.text("descr"),
            overwrite=params.flag("overwrite"),
        )
        file = records.project_file(info, project.project, req.urls)
        envelope.succeed(req, resp, project=records.project(project), directory={"file": file})

    async def on_post_store(self, req: Call, resp: Response) -> None:
        """Copy a file to the repository."""
        caller = req.require_user()
        params = await req.read_params()
        project, file = await self._directory.store(
            caller, params.required("project"), params.required("filename"), read_destination(params)
        )
        stored = {"file": records.repository_file(file, req.urls)}
        envelope.succeed(req, resp, project=records.project(project), repository=stored)

    async def on_post_load(self, req: Call, resp: Response) -> None:
        """Copy a file of the repository to the directory."""
        caller = req.require_user()
        params = await req.read_params()
        project, info = await self._directory.load(caller, params.required("project"), read_name(params))
        file = records.project_file(info, project.project, req.urls)
        envelope.succeed(req, resp, project=records.project(project), directory={"file": file})

    async def on_get_download(self, req: Call, resp: Response, project: str = "", filenames: str = "") -> None:
        """Files of the directory; the path-style URL says which, or the parameters do.

        The Java client comes here for the artifacts of scripts too, with the id of their stateless project.
        """
        params = await req.read_params()
        names = split_names(filenames) if filenames else params.names("filename", "name")
        download = await self._downloads.files(req.caller, project or params.required("project"), names)
        downloads.send(resp, download, inline=params.flag("inline"))

    async def on_post_delete(self, req: Call, resp: Response) -> None:
        """Delete files."""
        caller = req.require_user()
        params = await req.read_params()
        names = params.required_names("filename", "name")
        project = await self._directory.delete(caller, params.required("project"), names)
        envelope.succeed(req, resp, project=records.project(project))

    on_get_list = on_post_list
    on_get_transfer = on_post_transfer
    on_get_write = on_post_write
    on_get_update = on_post_update
    on_get_store = on_post_store
    on_get_load = on_post_load
    on_post_download = on_get_download
    on_head_download = on_get_download
    on_get_delete = on_post_delete

    async def _upload(
        self, req: Call, resp: Response, caller: Caller, params: Params, content: AsyncIterable[bytes]
    ) -> None:
        """What upload and transfer have in common: the content becomes a file."""
        project, info = await self._directory.upload(
            caller,
            params.required("project"),
            params.required("filename", "name"),
            content,
            descr=params.text("descr"),
            overwrite=params.flag("overwrite"),
        )
        file = records.project_file(info, project.project, req.urls)
        envelope.succeed(req, resp, project=records.project(project), directory={"file": file})


def _contents(params: Params) -> list[tuple[str, bytes]]:
    """Names and contents of the files to write; the text of a single one is taken whole (7x-facts 10).

    Raises:
        InvalidParameter: there are not as many texts as names.
    """
    names, text = params.required_names("filename"), params.given_text("text")
    if text is None:
        raise MalformedParameter("Missing parameter: text.")
    texts = text.split(params.text("delimiter") or _DELIMITER) if len(names) > 1 else [text]
    if len(texts) != len(names):
        raise InvalidParameter(f"There are {len(names)} file names, but {len(texts)} texts.")
    return [(name, each.encode()) for name, each in zip(names, texts, strict=True)]
