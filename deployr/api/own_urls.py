"""This server's own download URLs, opened without a request to itself (client-wire-facts 3 and 16).

Clients hand the server the URLs that its replies held, often with their session id appended and no cookie. A request
of the server to itself would wait for a worker, and for the project that the calling request holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import SplitResult, parse_qsl, quote, urlsplit

from deployr.api.call import Call
from deployr.api.file_params import read_name
from deployr.api.params import Params
from deployr.api.paths import mended
from deployr.api.urls import CONTEXT
from deployr.errors import NotFound
from deployr.projects.project_downloads import ProjectDownloads
from deployr.projects.records import Download
from deployr.projects.repository_downloads import RepositoryDownloads
from deployr.settings import Settings
from deployr.users.caller import Caller


def local(call: Call, url: str) -> str:
    """The URL without the host when it is the one that the call came to, by whatever name the client knows it."""
    parts = _split(url)
    if parts is None or parts.netloc != call.netloc or not parts.path.startswith(f"{CONTEXT}/"):
        return url
    return parts._replace(scheme="", netloc="").geturl()


def local_places(call: Call, places: Sequence[str]) -> list[str]:
    """As :func:`local`, for several; what is no URL stays as it is."""
    return [local(call, place) for place in places]


class OwnUrls:
    """:class:`deployr.projects.fetching.OwnUrls` of the calls that download files."""

    def __init__(self, settings: Settings, repository: RepositoryDownloads, projects: ProjectDownloads) -> None:
        self._hosts = {"", *settings.server.bind, urlsplit(settings.server.context_url or "").netloc}
        self._repository = repository
        self._projects = projects
        self._openers = {
            f"{CONTEXT}/r/repository/file": self._repository_file,
            f"{CONTEXT}/r/project/directory": self._project_file,
            f"{CONTEXT}/r/repository/script/directory": self._project_file,
            f"{CONTEXT}/r/project/execute/result": self._result,
        }

    async def open(self, caller: Caller, url: str) -> Download | None:
        """See :meth:`deployr.projects.fetching.OwnUrls.open`.

        The URL is path-style, as replies hold them, or has a query, as the Java client makes them.

        Raises:
            NotFound: the URL is this server's, but none of a file.
        """
        parts = _split(url)
        if parts is None or parts.netloc not in self._hosts or not parts.path.startswith(f"{CONTEXT}/"):
            return None
        path, query, _ = mended(_encoded(parts.path), _encoded(parts.query))
        call, _, rest = path.partition("/download")
        opener = self._openers.get(call)
        if opener is not None and rest.count("/") > 1:
            return await opener(caller, *rest.removeprefix("/").split("/", 1))
        params = Params(dict(parse_qsl(query, keep_blank_values=True)))
        if opener is None or rest or not params.text("filename"):
            raise NotFound("The URL names no file of this server.")
        return await self._queried(caller, call.removeprefix(CONTEXT), params)

    async def _queried(self, caller: Caller, call: str, params: Params) -> Download:
        filename, project = params.required("filename"), params.text("project") or ""
        if call == "/r/project/directory":
            return await self._project_file(caller, project, filename)
        if call == "/r/project/execute/result":
            executions = params.names("execution")
            return await self._projects.results(caller, project, executions=executions, filename=filename)
        if call == "/r/repository/file":
            return await self._repository.open(caller, [read_name(params)])
        raise NotFound("The URL names no file of this server.")

    async def _repository_file(self, caller: Caller, author: str, path: str) -> Download:
        *places, filename = path.split("/")
        return await self._repository.open_path(caller, filename, author=author, places=places)

    async def _project_file(self, caller: Caller, project: str, filename: str) -> Download:
        return await self._projects.files(caller, project, [filename])

    async def _result(self, caller: Caller, project: str, path: str) -> Download:
        execution, _, filename = path.partition("/")
        return await self._projects.results(caller, project, executions=[execution], filename=filename)


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _encoded(part: str) -> str:
    """What a URL has raw and a request cannot have, encoded; the rest is encoded already."""
    return quote(part, safe="/%;=&+,!$'()*:@~?")
