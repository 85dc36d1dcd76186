"""``/r/repository/directory/*``: the directories of the default repository; those of the external one are listed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from falcon.asgi import Response

from deployr.api import downloads, envelope, records
from deployr.api.call import Call
from deployr.api.file_lists import read_category, wants_external
from deployr.api.file_params import read_properties
from deployr.api.repository_file import warned
from deployr.projects.repository_downloads import RepositoryDownloads
from deployr.repository.addresses import is_external
from deployr.repository.directories import DirectoryFiles, RepositoryDirectories
from deployr.repository.external import ExternalRepository
from deployr.repository.records import FileProperties, RepositoryFile
from deployr.repository.zip_uploads import ZipUploads

Record = dict[str, Any]


class RepositoryDirectoryResource:
    """Calls of ``/r/repository/directory``."""

    def __init__(
        self,
        directories: RepositoryDirectories,
        external: ExternalRepository,
        uploads: ZipUploads,
        downloads: RepositoryDownloads,
    ) -> None:
        self._directories = directories
        self._external = external
        self._uploads = uploads
        self._downloads = downloads

    async def on_post_list(self, req: Call, resp: Response) -> None:
        """The caller's directories, and virtual ones with files of others."""
        caller = req.require_user()
        params = await req.read_params()
        wanted: dict[str, Any] = {
            "directory": params.text("directory"),
            "category": read_category(params),
            "userfiles": params.flag("userfiles"),
            "shared": params.flag("shared"),
            "published": params.flag("published"),
        }
        if wants_external(params):
            listing = await asyncio.to_thread(self._external.list_directories, caller, **wanted)
        else:
            wanted["archived"] = params.flag("archived")
            listing = await asyncio.to_thread(self._directories.list_directories, caller, **wanted)
        found = {
            "user": [_listed(req, entry) for entry in listing.user],
            "system": [_listed(req, entry) for entry in listing.system],
            "metadata": {"custom": list(listing.custom), "archived": list(listing.archived)},
        }
        envelope.succeed(req, resp, repository={"directories": found})

    async def on_post_create(self, req: Call, resp: Response) -> None:
        """Make a custom directory."""
        caller = req.require_user()
        directory = (await req.read_params()).required("directory")
        await asyncio.to_thread(self._directories.create, caller, directory)
        envelope.succeed(req, resp, **_made(directory, caller.username, []))

    async def on_post_rename(self, req: Call, resp: Response) -> None:
        """Give a directory another name."""
        caller = req.require_user()
        params = await req.read_params()
        destination = params.required("destination")
        warnings = await asyncio.to_thread(self._directories.rename, caller, params.required("directory"), destination)
        envelope.succeed(req, resp, **_made(destination, caller.username, warnings))

    async def on_post_copy(self, req: Call, resp: Response) -> None:
        """Copy files to another directory."""
        caller = req.require_user()
        params = await req.read_params()
        directory, destination = params.required("directory"), params.required("destination")
        await asyncio.to_thread(self._directories.copy, caller, directory, destination, params.names("filename"))
        envelope.succeed(req, resp)

    async def on_post_move(self, req: Call, resp: Response) -> None:
        """Move files to another directory."""
        caller = req.require_user()
        params = await req.read_params()
        directory, destination = params.required("directory"), params.required("destination")
        warnings = await asyncio.to_thread(
            self._directories.move, caller, directory, destination, params.names("filename")
        )
        envelope.succeed(req, resp, **warned(warnings))

    async def on_post_update(self, req: Call, resp: Response) -> None:
        """Set who may see files; an empty ``restricted`` opens them to all roles (7x-facts 13.4)."""
        caller = req.require_user()
        params = await req.read_params()
        properties = FileProperties(
            restricted=params.given_text("restricted"),
            shared=params.given_flag("shared"),
            published=params.given_flag("published"),
        )
        await asyncio.to_thread(
            self._directories.update, caller, params.required("directory"), properties, params.names("filename")
        )
        envelope.succeed(req, resp)

    async def on_post_archive(self, req: Call, resp: Response) -> None:
        """Move files to an archive."""
        caller = req.require_user()
        params = await req.read_params()
        directory, archive = params.required("directory"), params.required("archive")
        name, warnings = await asyncio.to_thread(
            self._directories.archive, caller, directory, archive, params.names("filename")
        )
        envelope.succeed(req, resp, **_made(name, caller.username, warnings))

    async def on_post_upload(self, req: Call, resp: Response) -> None:
        """Unpack a zip into a directory."""
        caller = req.require_user()
        params = await req.read_params()
        await self._uploads.unpack(
            caller,
            params.file().chunks(),
            directory=params.text("directory"),
            properties=read_properties(params),
            newversion=params.flag("newversion"),
            newversionmsg=params.text("newversionmsg"),
        )
        envelope.succeed(req, resp)

    async def on_get_download(self, req: Call, resp: Response) -> None:
        """A zip of files."""
        caller = req.require_user()
        params = await req.read_params()
        directory = params.required("directory")
        repository = self._external if is_external(directory) else self._directories
        found: Sequence[RepositoryFile] = await asyncio.to_thread(
            repository.select_files, caller, directory, params.names("filename")
        )
        downloads.send(resp, await self._downloads.open_all(caller, found, f"{directory}.zip"))

    async def on_post_delete(self, req: Call, resp: Response) -> None:
        """Delete a directory with its files."""
        caller = req.require_user()
        await asyncio.to_thread(self._directories.delete, caller, (await req.read_params()).required("directory"))
        envelope.succeed(req, resp)

    on_get_list = on_post_list
    on_get_create = on_post_create
    on_get_rename = on_post_rename
    on_get_copy = on_post_copy
    on_get_move = on_post_move
    on_get_update = on_post_update
    on_get_archive = on_post_archive
    on_post_download = on_get_download
    on_head_download = on_get_download
    on_get_delete = on_post_delete


def _listed(req: Call, entry: DirectoryFiles) -> Record:
    return {
        "directory": entry.directory,
        "files": [records.repository_file(file, req.urls) for file in entry.files],
    }


def _made(directory: str, owner: str | None, warnings: list[str]) -> Record:
    return {"repository": {"directory": {"directory": directory, "owner": owner}}, **warned(warnings)}
