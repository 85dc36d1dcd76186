"""The Java client as its test suite uses it: which calls it GETs, what it sends when nothing is set (recordings)."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import quote_plus

import httpx

from tests.acceptance import xml_reply
from tests.jobs.callers import CLOSED

Params = dict[str, str | None]

_RETRIEVED = {
    "/r/server/info", "/r/user/about", "/r/project/list", "/r/project/ping", "/r/project/about", "/r/project/grant",
    "/r/project/execute/console", "/r/project/execute/result/list", "/r/project/workspace/list",
    "/r/project/workspace/get", "/r/project/directory/list", "/r/project/package/list", "/r/job/list", "/r/job/query",
    "/r/repository/directory/list", "/r/repository/file/list", "/r/repository/file/fetch",
    "/r/repository/script/list", "/r/repository/script/interrupt",
}  # fmt: skip
"""Calls that the client GETs; it POSTs all others."""

EXECUTION: Params = {
    "preloadbydirectory": None, "graphicsheight": "0", "csvinputs": None, "enableConsoleEvents": "false",
    "graphics": None, "phantom": "false", "artifactsoff": "false", "graphicswidth": "0", "consoleoff": "false",
    "echooff": "false", "nan": None, "infinity": None, "robjects": None, "tag": None,
    "encodeDataFramePrimitiveAsVector": "false",
}  # fmt: skip
"""Options of an execution in which nothing is set."""

JOB: Params = EXECUTION | {
    "cluster": None, "code": None, "storenoproject": "false", "externalsource": None, "rscriptname": None,
    "rscriptdirectory": None, "rscriptauthor": None, "rscriptversion": None, "priority": "low",
}  # fmt: skip
"""Options of a job in which nothing is set."""

_LISTING: Params = {
    "archived": "false",
    "shared": "false",
    "external": "false",
    "published": "false",
    "directory": None,
}


class JavaClient:
    """Speaks as the Java client does: an unset value is a bare key, the token of the login goes with each call.

    Args:
        url: of the server, with its context path.
        format: of the replies; the client itself asks for JSON, callers of 7.x also for XML.
    """

    def __init__(self, url: str, format: str = "json") -> None:
        self.http = httpx.Client(base_url=url, timeout=120)
        self._format = format

    def login(self, username: str = "testuser", password: str = "changeme", save: bool = True) -> dict[str, Any]:
        """Log in, with or without autosave."""
        params: Params = {"username": username, "password": password, "disableautosave": str(not save).lower()}
        response = self.send("/r/user/login", params)
        token = response.headers.get("X-XSRF-TOKEN")
        self.http.headers.update({"X-XSRF-TOKEN": token} if token else {})
        return self._succeeded(response)

    def send(self, call: str, params: Params, file: bytes | None = None) -> httpx.Response:
        """The answer to a call; a call with a file is an upload, which leaves out what is unset."""
        given = dict(params) | {"format": self._format}
        if file is not None:
            fields = {name: value for name, value in given.items() if value is not None}
            return self.http.post(call, data=fields, files={"file": ("application/zip", file)})
        text = "&".join(name if value is None else f"{name}={quote_plus(value)}" for name, value in given.items())
        if call in _RETRIEVED:
            return self.http.get(f"{call}?{text}")
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
        return self.http.post(call, content=text, headers=headers)

    def ask(self, call: str, **params: str | None) -> dict[str, Any]:
        """The record of a call that succeeds."""
        return self._succeeded(self.send(call, params))

    def upload(self, call: str, content: bytes, /, **params: str | None) -> dict[str, Any]:
        """The record of an upload that succeeds."""
        return self._succeeded(self.send(call, params, content))

    def refused(self, call: str, **params: str | None) -> dict[str, Any]:
        """The record of a call that is a handled failure."""
        response = self.send(call, params)
        record = self._record(response)
        assert (response.status_code, record["success"]) == (200, False), record
        assert record["error"]
        return record

    def _succeeded(self, response: httpx.Response) -> dict[str, Any]:
        record = self._record(response)
        assert (response.status_code, record["success"]) == (200, True), record
        return record

    def _record(self, response: httpx.Response) -> dict[str, Any]:
        if self._format == "xml":
            return xml_reply.read(response.content)
        record: dict[str, Any] = json.loads(response.content)["deployr"]["response"]
        return record

    # -- lists --------------------------------------------------------------------------------------------

    def list_files(self, **params: str | None) -> list[dict[str, Any]]:
        """Files of the repository."""
        files: list[dict[str, Any]] = self.ask("/r/repository/file/list", **file_listing(**params))["repository"][
            "files"
        ]
        return files

    def list_directories(self, **params: str | None) -> dict[str, list[dict[str, Any]]]:
        """Directories of the repository, by ``user`` and ``system``."""
        reply = self.ask("/r/repository/directory/list", **directory_listing(**params))
        found: dict[str, list[dict[str, Any]]] = reply["repository"]["directories"]
        return found

    def list_scripts(self, **params: str | None) -> list[dict[str, Any]]:
        """Scripts of the repository."""
        given = {**_LISTING, "filename": None, **params}
        scripts: list[dict[str, Any]] = self.ask("/r/repository/script/list", **given)["repository"]["scripts"]
        return scripts

    # -- projects -----------------------------------------------------------------------------------------

    def project(self, **params: str | None) -> str:
        """Id of a new project."""
        return str(self.ask("/r/project/create", **params)["project"]["project"])

    def execute(self, project: str, code: str, **params: str | None) -> dict[str, Any]:
        """The record of code that runs well."""
        return self.ask("/r/project/execute/code", project=project, code=code, **{**EXECUTION, **params})

    def history(self, project: str) -> list[dict[str, Any]]:
        """Executions of a project."""
        reply = self.ask("/r/project/execute/history", project=project, filterdepth="250")
        history: list[dict[str, Any]] = reply["execution"]["history"]
        return history

    def directory(self, project: str) -> list[dict[str, Any]]:
        """Files of a project."""
        files: list[dict[str, Any]] = self.ask("/r/project/directory/list", project=project)["directory"]["files"]
        return files

    def objects(self, project: str) -> list[dict[str, Any]]:
        """Objects of a project."""
        objects: list[dict[str, Any]] = self.ask("/r/project/workspace/list", project=project)["workspace"]["objects"]
        return objects

    def close(self, project: str, **params: str | None) -> None:
        """Close a project."""
        self.ask("/r/project/close", project=project, **params)


def file_listing(**params: str | None) -> Params:
    """Parameters of a list of files."""
    return {**_LISTING, "filename": None, "categoryFilter": None, **params}


def directory_listing(**params: str | None) -> Params:
    """Parameters of a list of directories."""
    return {**_LISTING, "categoryFilter": None, "userfiles": "false", **params}


def names(files: list[dict[str, Any]]) -> list[str]:
    """Names of files, in alphabetical order."""
    return sorted(file["filename"] for file in files)


def ended(client: JavaClient, job: str, seconds: float = 60) -> dict[str, Any]:
    """The record of a job as soon as it is at its end."""
    end = time.monotonic() + seconds
    while (record := client.ask("/r/job/query", job=job)["job"])["status"] not in CLOSED:
        assert time.monotonic() < end, record
        time.sleep(0.1)
    found: dict[str, Any] = record
    return found
