"""``/r/repository/file/*``: the files of the default repository."""

from __future__ import annotations

import asyncio
import dataclasses

from falcon.asgi import Response

from deployr.api import downloads, envelope, records
from deployr.api.call import Call
from deployr.api.file_params import read_properties
from deployr.api.own_urls import local
from deployr.api.params import MalformedParameter, Params
from deployr.api.repository_downloads import RepositoryDownloads
from deployr.errors import DeployrError
from deployr.projects.fetching import Fetcher
from deployr.repository.blobs import Blob, Blobs
from deployr.repository.files import RepositoryFiles
from deployr.users.caller import Caller


class RepositoryFileResource:
    """Calls of ``/r/repository/file``."""

    def __init__(self, files: RepositoryFiles, blobs: Blobs, fetcher: Fetcher) -> None:
        self._files = files
        self._blobs = blobs
        self._fetcher = fetcher
        self._downloads = RepositoryDownloads(files, blobs)

    async def on_post_list(self, req: Call, resp: Response) -> None:
        """The caller's files."""
        caller = req.require_user()
        params = await req.read_params()
        refuse_external(params)
        found = self._files.list_files(
            caller,
            directory=params.text("directory"),
            filename=params.text("filename", "ilename"),
            category=read_category(params),
            shared=params.flag("shared"),
            published=params.flag("published"),
        )
        files = [records.repository_file(file, req.urls) for file in found]
        envelope.succeed(req, resp, repository={"files": files})

    async def on_post_upload(self, req: Call, resp: Response) -> None:
        """Write a file."""
        caller = req.require_user()
        params = await req.read_params()
        filename = params.required("filename", "name")
        blob = await self._blobs.put_stream(params.file().chunks())
        self._store(req, resp, caller, filename, blob, params)

    async def on_post_transfer(self, req: Call, resp: Response) -> None:
        """Write the file behind a URL."""
        caller = req.require_user()
        params = await req.read_params()
        filename, url = params.required("filename"), params.required("url")
        async with self._fetcher.fetch(caller, local(req, url)) as content:
            blob = await self._blobs.put_stream(content)
        self._store(req, resp, caller, filename, blob, params)

    async def on_post_write(self, req: Call, resp: Response) -> None:
        """Write a file, whose content is a parameter; it may be empty."""
        caller = req.require_user()
        params = await req.read_params()
        filename, text = params.required("filename"), params.given_text("text")
        if text is None:
            raise MalformedParameter("Missing parameter: text.")
        limit = req.settings.limits.max_upload
        blob = await asyncio.to_thread(self._blobs.put, [text.encode()], limit=limit)
        self._store(req, resp, caller, filename, blob, params)

    async def on_post_fetch(self, req: Call, resp: Response) -> None:
        """One file, without its content."""
        caller = req.require_user()
        params = await req.read_params()
        file = self._files.find(
            caller,
            params.required("filename"),
            author=params.required("author"),
            directory=params.text("directory"),
            version=params.text("version"),
        )
        envelope.succeed(req, resp, repository={"file": records.repository_file(file, req.urls)})

    async def on_post_update(self, req: Call, resp: Response) -> None:
        """Describe a file anew; an empty ``restricted`` opens it to all roles (7x-facts 13.4)."""
        caller = req.require_user()
        params = await req.read_params()
        properties = dataclasses.replace(read_properties(params), restricted=params.given_text("restricted"))
        file = self._files.update(caller, params.required("filename"), properties, directory=params.text("directory"))
        envelope.succeed(req, resp, repository={"file": records.repository_file(file, req.urls)})

    async def on_get_download(self, req: Call, resp: Response) -> None:
        """Files as they are, or several as a zip."""
        params = await req.read_params()
        download = await self._downloads.open(
            req.caller,
            params.required_names("filename"),
            author=params.required("author"),
            directories=params.places("directory"),
            versions=params.places("version"),
        )
        downloads.send(resp, download, inline=params.flag("inline"))

    async def on_get_download_path(self, req: Call, resp: Response, author: str, path: str) -> None:
        """One file by its path-style URL: ``[directory/][version/]filename``."""
        *places, filename = path.split("/")
        download = await self._downloads.open_path(req.caller, filename, author=author, places=places)
        downloads.send(resp, download)

    async def on_post_delete(self, req: Call, resp: Response) -> None:
        """Delete files."""
        caller = req.require_user()
        params = await req.read_params()
        self._files.delete(caller, params.required_names("filename"), directory=params.text("directory"))
        envelope.succeed(req, resp)

    on_get_list = on_post_list
    on_get_transfer = on_post_transfer
    on_get_write = on_post_write
    on_get_fetch = on_post_fetch
    on_get_update = on_post_update
    on_post_download = on_get_download
    on_post_download_path = on_get_download_path
    on_get_delete = on_post_delete

    def _store(self, req: Call, resp: Response, caller: Caller, filename: str, blob: Blob, params: Params) -> None:
        """What upload, transfer and write have in common: the content becomes a file."""
        file = self._files.upload(
            caller,
            filename,
            blob,
            directory=params.text("directory"),
            properties=read_properties(params),
            newversion=params.flag("newversion"),
            newversionmsg=params.text("newversionmsg"),
        )
        envelope.succeed(req, resp, repository={"file": records.repository_file(file, req.urls)})


def refuse_external(params: Params) -> None:
    """Refuse to list the external repository.

    Raises:
        DeployrError: it is asked for.
    """
    if params.flag("external") or (params.text("directory") or "").startswith("external:"):
        raise DeployrError("The external repository is not built yet.")


def read_category(params: Params) -> str | None:
    """The category to filter by.

    The .NET client sends the name of its type, ``DeployR.RRepositoryFile+Category``, where none was chosen.
    """
    category = params.text("categoryFilter", "categoryFilte")
    return None if category and category.endswith("+Category") else category
