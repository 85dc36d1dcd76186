"""``/r/repository/file/*``: the files of the default repository; those of the external one are listed and read."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

from falcon.asgi import Response

from deployr.api import diff_page, downloads, envelope, pages, records
from deployr.api.call import Call
from deployr.api.file_lists import narrowed, read_category, wants_external
from deployr.api.file_params import read_name, read_names, read_properties
from deployr.api.own_urls import local
from deployr.api.params import MalformedParameter, Params
from deployr.projects.fetching import Fetcher
from deployr.projects.repository_downloads import RepositoryDownloads
from deployr.repository.blobs import Blob, Blobs
from deployr.repository.external import ExternalRepository
from deployr.repository.file_changes import FileChanges, Source
from deployr.repository.files import RepositoryFiles
from deployr.repository.names import ROOT
from deployr.repository.records import FileProperties, RepositoryFile, RepositoryName
from deployr.repository.repositories import Repositories
from deployr.users.caller import Caller


class RepositoryFileResource:
    """Calls of ``/r/repository/file``."""

    def __init__(
        self,
        files: RepositoryFiles,
        changes: FileChanges,
        external: ExternalRepository,
        repositories: Repositories,
        downloads: RepositoryDownloads,
        blobs: Blobs,
        fetcher: Fetcher,
    ) -> None:
        self._files = files
        self._changes = changes
        self._external = external
        self._repositories = repositories
        self._downloads = downloads
        self._blobs = blobs
        self._fetcher = fetcher

    async def on_post_list(self, req: Call, resp: Response) -> None:
        """The caller's files."""
        caller = req.require_user()
        params = await req.read_params()
        wanted: dict[str, Any] = {
            "directory": params.text("directory"),
            "filename": params.text("filename", "ilename"),
            "category": read_category(params),
            "shared": params.flag("shared"),
            "published": params.flag("published"),
        }
        found: Sequence[RepositoryFile]
        # Long lists take long, and other callers are served meanwhile.
        if wants_external(params):
            found = await asyncio.to_thread(self._external.list_files, caller, **wanted)
        else:
            wanted["archived"] = params.flag("archived")
            found = await asyncio.to_thread(self._files.list_files, caller, **wanted)
        found, counted = narrowed(params, found)
        files = [records.repository_file(file, req.urls) for file in found]
        envelope.succeed(req, resp, repository={"files": files, **counted})

    async def on_post_upload(self, req: Call, resp: Response) -> None:
        """Write a file."""
        caller = req.require_user()
        params = await req.read_params()
        filename = params.required("filename", "name")
        blob = await self._blobs.put_stream(params.file().chunks())
        await self._store(req, resp, caller, filename, blob, params)

    async def on_post_transfer(self, req: Call, resp: Response) -> None:
        """Write the file behind a URL."""
        caller = req.require_user()
        params = await req.read_params()
        filename, url = params.required("filename"), params.required("url")
        async with self._fetcher.fetch(caller, local(req, url)) as content:
            blob = await self._blobs.put_stream(content)
        await self._store(req, resp, caller, filename, blob, params)

    async def on_post_write(self, req: Call, resp: Response) -> None:
        """Write a file, whose content is a parameter; it may be empty."""
        caller = req.require_user()
        params = await req.read_params()
        filename, text = params.required("filename"), params.given_text("text")
        if text is None:
            raise MalformedParameter("Missing parameter: text.")
        limit = req.settings.limits.max_upload
        blob = await asyncio.to_thread(self._blobs.put, [text.encode()], limit=limit)
        await self._store(req, resp, caller, filename, blob, params)

    async def on_post_fetch(self, req: Call, resp: Response) -> None:
        """One file, without its content."""
        caller = req.require_user()
        params = await req.read_params()
        name = read_name(params)
        params.required("author")
        file = self._repositories.find(caller, name)
        envelope.succeed(req, resp, repository={"file": records.repository_file(file, req.urls)})

    async def on_post_update(self, req: Call, resp: Response) -> None:
        """Describe a file anew; an empty ``restricted`` opens it to all roles (7x-facts 13.4)."""
        caller = req.require_user()
        params = await req.read_params()
        properties = dataclasses.replace(read_properties(params), restricted=params.given_text("restricted"))
        file = await asyncio.to_thread(
            self._files.update, caller, params.required("filename"), properties, directory=params.text("directory")
        )
        envelope.succeed(req, resp, repository={"file": records.repository_file(file, req.urls)})

    async def on_post_publish(self, req: Call, resp: Response) -> None:
        """Publish a file, or take that back (``published=false``): an update of the one flag.

        The call is named among the constants of the clients, but documented nowhere.
        """
        caller = req.require_user()
        params = await req.read_params()
        properties = FileProperties(published=params.flag("published", default=True))
        file = await asyncio.to_thread(
            self._files.update, caller, params.required("filename"), properties, directory=params.text("directory")
        )
        envelope.succeed(req, resp, repository={"file": records.repository_file(file, req.urls)})

    async def on_get_download(self, req: Call, resp: Response) -> None:
        """Files as they are, or several as a zip."""
        params = await req.read_params()
        params.required_names("filename")
        author = params.required("author")
        names = [dataclasses.replace(name, author=author) for name in read_names(params, "filename")]
        download = await self._downloads.open(req.caller, names)
        downloads.send_stored(req, resp, download, inline=params.flag("inline"))

    async def on_get_download_path(self, req: Call, resp: Response, author: str, path: str) -> None:
        """One file by its path-style URL: ``[directory/][version/]filename``."""
        *places, filename = path.split("/")
        download = await self._downloads.open_path(req.caller, filename, author=author, places=places)
        downloads.send_stored(req, resp, download)

    async def on_post_delete(self, req: Call, resp: Response) -> None:
        """Delete files."""
        caller = req.require_user()
        params = await req.read_params()
        filenames = params.required_names("filename")
        await asyncio.to_thread(self._files.delete, caller, filenames, directory=params.text("directory"))
        envelope.succeed(req, resp)

    async def on_post_copy(self, req: Call, resp: Response) -> None:
        """Copy files to a directory."""
        caller = req.require_user()
        params = await req.read_params()
        await asyncio.to_thread(self._changes.copy, caller, *_read_relocation(params))
        envelope.succeed(req, resp)

    async def on_post_move(self, req: Call, resp: Response) -> None:
        """Move files to a directory."""
        caller = req.require_user()
        params = await req.read_params()
        warnings = await asyncio.to_thread(self._changes.move, caller, *_read_relocation(params))
        envelope.succeed(req, resp, **warned(warnings))

    async def on_post_grant(self, req: Call, resp: Response) -> None:
        """Make users owners of a file, and others none."""
        caller = req.require_user()
        params = await req.read_params()
        file = await asyncio.to_thread(
            self._changes.grant,
            caller,
            params.required("filename"),
            directory=params.text("directory"),
            newauthors=params.names("newauthor"),
            revokeauthors=params.names("revokeauthor"),
        )
        envelope.succeed(req, resp, repository={"file": records.repository_file(file, req.urls)})

    async def on_post_revert(self, req: Call, resp: Response) -> None:
        """Make a former version the latest one."""
        caller = req.require_user()
        params = await req.read_params()
        file = await asyncio.to_thread(
            self._changes.revert,
            caller,
            params.required("filename"),
            params.required("version"),
            directory=params.text("directory"),
            properties=dataclasses.replace(read_properties(params), restricted=params.given_text("restricted")),
            newversionmsg=params.text("newversionmsg"),
        )
        envelope.succeed(req, resp, repository={"file": records.repository_file(file, req.urls)})

    async def on_get_diff(self, req: Call, resp: Response) -> None:
        """A page that compares a version with the latest one."""
        params = await req.read_params()
        name = read_name(params)
        params.required("author")
        params.required("version")
        await self._diff(req, resp, name)

    async def on_get_diff_path(self, req: Call, resp: Response, author: str, path: str) -> None:
        """As :meth:`on_get_diff`, by the path-style URL of .NET: ``version/filename``.

        .NET also asks with an empty version: the latest is compared with itself.
        """
        version, _, filename = path.rpartition("/")
        await self._diff(req, resp, RepositoryName(filename, author=author, version=version.strip("/") or None))

    on_get_list = on_post_list
    on_get_transfer = on_post_transfer
    on_get_write = on_post_write
    on_get_fetch = on_post_fetch
    on_get_update = on_post_update
    on_get_publish = on_post_publish
    on_post_download = on_get_download
    on_head_download = on_get_download
    on_head_download_path = on_get_download_path
    on_post_download_path = on_get_download_path
    on_get_delete = on_post_delete
    on_post_diff = on_get_diff
    on_post_diff_path = on_get_diff_path
    on_get_copy = on_post_copy
    on_get_move = on_post_move
    on_get_grant = on_post_grant
    on_get_revert = on_post_revert

    async def _diff(self, req: Call, resp: Response, name: RepositoryName) -> None:
        caller = req.require_user()
        found = [self._files.find(caller, wanted) for wanted in (name, dataclasses.replace(name, version=None))]
        for file in found:
            self._downloads.check(caller, file)
        pages.send(resp, await asyncio.to_thread(diff_page.diff_page, self._blobs, *found))

    async def _store(
        self, req: Call, resp: Response, caller: Caller, filename: str, blob: Blob, params: Params
    ) -> None:
        """What upload, transfer and write have in common: the content becomes a file."""
        file = await asyncio.to_thread(
            self._files.upload,
            caller,
            filename,
            blob,
            directory=params.text("directory"),
            properties=read_properties(params),
            newversion=params.flag("newversion"),
            newversionmsg=params.text("newversionmsg"),
        )
        envelope.succeed(req, resp, repository={"file": records.repository_file(file, req.urls)})


def warned(warnings: list[str]) -> dict[str, Any]:
    """The part of a reply that tells what was left out; none when all was done."""
    return {"warnings": warnings} if warnings else {}


def _read_relocation(params: Params) -> tuple[list[Source], str]:
    """Files, whose directories, versions and new names are parallel lists, and the directory they go to.

    A single directory is that of all files. .NET sends the destination as ``directory`` (client-wire-facts 3). Java
    joins lists that hold null, as the version of a latest one is, and sends the word.
    """
    filenames, destination = params.required_names("filename"), params.text("destination")
    directories = _places(params, "directory") if destination else []
    versions, renames = _places(params, "version"), _places(params, "filerename")
    directories = directories * len(filenames) if len(directories) == 1 else directories
    wanted = itertools.zip_longest(filenames, directories, versions, renames, fillvalue="")
    sources = [
        Source(filename, directory or ROOT, version or None, rename or None)
        for filename, directory, version, rename in itertools.islice(wanted, len(filenames))
    ]
    return sources, destination or params.required("destination", "directory")


def _places(params: Params, name: str) -> list[str]:
    return ["" if place == "null" else place for place in params.places(name)]
