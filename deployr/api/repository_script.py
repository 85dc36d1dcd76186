"""``/r/repository/script/*``: listing and executing scripts, without login too."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import falcon
from falcon.asgi import Response

from deployr.api import downloads, envelope, errors, execution_replies, pages, records, script_page
from deployr.api.call import Call
from deployr.api.disconnects import while_connected
from deployr.api.execution_params import read_options, read_scripts
from deployr.api.file_lists import narrowed, wants_external
from deployr.api.own_urls import local_places
from deployr.api.params import Params
from deployr.api.path_names import split_names
from deployr.errors import DeployrError
from deployr.projects.external_sources import ExternalSources
from deployr.projects.project_downloads import ProjectDownloads
from deployr.projects.records import Outcome
from deployr.projects.scripts import Scripts
from deployr.repository.external import ExternalRepository
from deployr.repository.files import RepositoryFiles
from deployr.repository.records import RepositoryFile


class RepositoryScriptResource:
    """Calls of ``/r/repository/script``."""

    def __init__(
        self,
        files: RepositoryFiles,
        external_files: ExternalRepository,
        scripts: Scripts,
        downloads: ProjectDownloads,
        external: ExternalSources,
    ) -> None:
        self._files = files
        self._external_files = external_files
        self._scripts = scripts
        self._downloads = downloads
        self._external = external

    async def on_post_list(self, req: Call, resp: Response) -> None:
        """The scripts that the caller may execute."""
        params = await req.read_params()
        wanted: dict[str, Any] = {
            "directory": params.text("directory"),
            "filename": params.text("filename"),
            "shared": params.flag("shared"),
            "published": params.flag("published"),
        }
        if wants_external(params):
            found: Sequence[RepositoryFile] = await asyncio.to_thread(
                self._external_files.list_scripts, req.caller, **wanted
            )
        else:
            wanted["archived"] = params.flag("archived")
            found = await asyncio.to_thread(self._files.list_scripts, req.caller, **wanted)
        found, counted = narrowed(params, found)
        scripts = [records.repository_script(file, req.urls) for file in found]
        envelope.succeed(req, resp, repository={"scripts": scripts, **counted})

    async def on_post_execute(self, req: Call, resp: Response) -> None:
        """Run scripts, stateless or in the HTTP session's blackbox."""
        outcome = await self._execute(req, await req.read_params())
        execution_replies.reply(req, resp, outcome)

    async def on_get_render(self, req: Call, resp: Response) -> None:
        """Run scripts as :meth:`on_post_execute` does and show a page; that of a handled failure says what failed."""
        params = await req.read_params()
        title = params.text("filename") or ""
        try:
            outcome = await self._execute(req, params)
        except DeployrError as ex:
            if errors.status_of(ex) != falcon.HTTP_200:
                raise
            resp.context.error_code = ex.code
            page = script_page.failure_page(title, ex.message)
        else:
            resp.context.error_code = outcome.record.error_code
            page = await asyncio.to_thread(script_page.outcome_page, title, outcome, script_page.Links(req))
        pages.send(resp, page)

    async def on_post_interrupt(self, req: Call, resp: Response) -> None:
        """Interrupt what runs in the blackbox."""
        await req.read_params()
        interrupted = await self._scripts.interrupt(req.caller)
        envelope.succeed(req, resp, interrupted=interrupted)

    async def on_get_download(self, req: Call, resp: Response, project: str, filenames: str = "") -> None:
        """Files that a stateless execution left."""
        download = await self._downloads.artifacts(req.caller, project, split_names(filenames))
        downloads.send(resp, download)

    on_get_list = on_post_list
    on_get_execute = on_post_execute
    on_post_render = on_get_render
    on_get_interrupt = on_post_interrupt
    on_post_download = on_get_download
    on_head_download = on_get_download

    async def _execute(self, req: Call, params: Params) -> Outcome:
        scripts, options = read_scripts(params), await read_options(params)
        external = await self._external.load(req.caller, local_places(req, params.names("externalsource")))
        if params.flag("blackbox"):
            recycle = params.flag("recycle")
            return await self._scripts.execute_blackbox(
                req.caller, scripts, options, external=external, recycle=recycle
            )
        cluster = params.text("cluster")
        running = self._scripts.execute(req.caller, scripts, options, external=external, cluster=cluster)
        return await while_connected(req, running)
