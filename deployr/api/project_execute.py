"""``/r/project/execute/*``: running code in projects, and what was run."""

from __future__ import annotations

from falcon.asgi import Response

from deployr.api import downloads, envelope, execution_replies, pages, records, script_page
from deployr.api.call import Call
from deployr.api.execution_params import read_options, read_scripts
from deployr.api.own_urls import local_places
from deployr.projects.executions import Executions
from deployr.projects.external_sources import ExternalSources
from deployr.projects.project_downloads import ProjectDownloads


class ProjectExecuteResource:
    """Calls of ``/r/project/execute``."""

    def __init__(self, executions: Executions, downloads: ProjectDownloads, external: ExternalSources) -> None:
        self._executions = executions
        self._downloads = downloads
        self._external = external

    async def on_post_code(self, req: Call, resp: Response) -> None:
        """Run a block of code."""
        caller = req.require_user()
        params = await req.read_params()
        outcome = await self._executions.execute_code(
            caller, params.required("project"), params.required("code"), await read_options(params)
        )
        execution_replies.reply(req, resp, outcome)

    async def on_post_script(self, req: Call, resp: Response) -> None:
        """Run scripts of the repository, or of elsewhere."""
        caller = req.require_user()
        params = await req.read_params()
        external = await self._external.load(caller, local_places(req, params.names("externalsource")))
        outcome = await self._executions.execute_script(
            caller,
            params.required("project"),
            read_scripts(params),
            await read_options(params),
            external=external,
        )
        execution_replies.reply(req, resp, outcome)

    async def on_post_interrupt(self, req: Call, resp: Response) -> None:
        """Interrupt what runs."""
        caller = req.require_user()
        params = await req.read_params()
        project = await self._executions.interrupt(caller, params.required("project"))
        envelope.succeed(req, resp, project=records.project(project))

    async def on_post_console(self, req: Call, resp: Response) -> None:
        """Console text of the latest execution."""
        caller = req.require_user()
        params = await req.read_params()
        project, console = await self._executions.console(caller, params.required("project"))
        envelope.succeed(req, resp, project=records.project(project), execution={"console": console})

    async def on_post_history(self, req: Call, resp: Response) -> None:
        """Executions of the project."""
        caller = req.require_user()
        params = await req.read_params()
        project, history = await self._executions.history(
            caller,
            params.required("project"),
            depth=params.number("filterdepth"),
            executions=params.names("execution"),
            tag=params.text("filtertag"),
            newest_first=params.flag("reversed"),
        )
        items = [records.history_item(record) for record in history]
        envelope.succeed(req, resp, project=records.project(project), execution={"history": items})

    async def on_post_flush(self, req: Call, resp: Response) -> None:
        """Throw away console text and unnamed plots."""
        caller = req.require_user()
        params = await req.read_params()
        project = await self._executions.flush(caller, params.required("project"), params.names("execution"))
        envelope.succeed(req, resp, project=records.project(project))

    async def on_post_result_list(self, req: Call, resp: Response) -> None:
        """Unnamed plots."""
        caller = req.require_user()
        params = await req.read_params()
        project, infos = await self._executions.results(caller, params.required("project"), params.names("execution"))
        results = [records.result(info, project.project, req.urls) for info in infos]
        envelope.succeed(req, resp, project=records.project(project), execution={"results": results})

    async def on_post_result_print(self, req: Call, resp: Response, project: str = "", execution: str = "") -> None:
        """Unnamed plots for printing: which there are, and by the path-style URL the page that shows them.

        .NET makes the call and then hands out that URL (client-wire-facts 2).
        """
        caller = req.require_user()
        params = await req.read_params()
        executions = [execution] if execution else params.names("execution")
        found, infos = await self._executions.results(caller, project or params.required("project"), executions)
        name = params.text("name", "filename")
        links = script_page.Links(req)
        results = [
            records.result(info, found.project, links.urls if project else req.urls)
            for info in infos
            if name in (None, info.filename)
        ]
        if project:
            pages.send(resp, script_page.results_page(found.name or found.project, results, links))
        else:
            envelope.succeed(req, resp, project=records.project(found), execution={"results": results})

    async def on_post_result_delete(self, req: Call, resp: Response) -> None:
        """Delete unnamed plots."""
        caller = req.require_user()
        params = await req.read_params()
        project = await self._executions.delete_results(
            caller,
            params.required("project"),
            executions=params.names("execution"),
            filename=params.text("filename", "name"),
        )
        envelope.succeed(req, resp, project=records.project(project))

    async def on_get_result_download(
        self, req: Call, resp: Response, project: str = "", execution: str = "", filename: str = ""
    ) -> None:
        """Unnamed plots as files; the path-style URL says which, or the parameters do."""
        params = await req.read_params()
        download = await self._downloads.results(
            req.caller,
            project or params.required("project"),
            executions=[execution] if execution else params.names("execution"),
            filename=filename or params.text("filename", "name"),
        )
        downloads.send(resp, download, inline=params.flag("inline"))

    on_get_code = on_post_code
    on_get_script = on_post_script
    on_get_interrupt = on_post_interrupt
    on_get_console = on_post_console
    on_get_history = on_post_history
    on_get_flush = on_post_flush
    on_get_result_list = on_post_result_list
    on_get_result_print = on_post_result_print
    on_get_result_delete = on_post_result_delete
    on_post_result_download = on_get_result_download
    on_head_result_download = on_get_result_download
