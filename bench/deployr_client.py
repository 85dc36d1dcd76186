"""What the benchmarks ask of a DeployR server, as its clients do (client-wire-facts 3)."""

from __future__ import annotations

from typing import Any

import orjson

from bench.http_client import Answer, HttpClient
from bench.load import WrongAnswer

AUTHOR = "testuser"
PASSWORD = "changeme"
_BOUNDARY = "bench-boundary"


class CallFailed(Exception):
    """The server answered ``success:false``, or not in DeployR's envelope.

    Attributes:
        status: HTTP status.
        code: ``errorCode``, or 0 without one.
    """

    def __init__(self, call: str, status: int, code: int, text: str) -> None:
        super().__init__(f"{call}: HTTP {status}, errorCode {code}: {text}")
        self.status = status
        self.code = code


class DeployrClient(HttpClient):
    """One caller of the legacy API."""

    async def call(self, call: str, **fields: str) -> dict[str, Any]:
        """POST a call; the members of its ``response``.

        Raises:
            CallFailed: it did not succeed.
        """
        return read_response(call, await self.send(call, **fields))

    async def send(self, call: str, **fields: str) -> Answer:
        """POST a call; the answer unread."""
        return await self.post(f"/deployr/r/{call}", {"format": "json", **fields})

    async def login(self, username: str = AUTHOR, password: str = PASSWORD) -> None:
        """Log in; the token for later POSTs is kept."""
        response = await self.call("user/login", username=username, password=password)
        if token := response.get("X-XSRF-TOKEN"):
            self.headers["X-XSRF-TOKEN"] = token

    async def create_project(self) -> str:
        """A temporary project; its id."""
        response = await self.call("project/create")
        return str(response["project"]["project"])

    async def execute(self, project: str, code: str, **fields: str) -> dict[str, Any]:
        """Run code in a project."""
        return await self.call("project/execute/code", project=project, code=code, **fields)

    async def upload_script(self, filename: str, code: str) -> None:
        """Store a published script in the caller's default directory."""
        await self.upload("repository/file/upload", code.encode(), filename=filename, published="true")

    async def upload(self, call: str, content: bytes, **fields: str) -> dict[str, Any]:
        """POST a call with a file."""
        body = _multipart({"format": "json", **fields}, fields.get("filename", "file"), content)
        answer = await self.request("POST", f"/deployr/r/{call}", body, f"multipart/form-data; boundary={_BOUNDARY}")
        return read_response(call, answer)


def read_response(call: str, answer: Answer) -> dict[str, Any]:
    """The members of the envelope's ``response``.

    Raises:
        CallFailed: the call did not succeed.
    """
    try:
        response: dict[str, Any] = orjson.loads(answer.body)["deployr"]["response"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as ex:
        raise CallFailed(call, answer.status, 0, repr(answer.body[:200])) from ex
    if not response.get("success"):
        raise CallFailed(call, answer.status, response.get("errorCode") or 0, str(response.get("error")))
    return response


def object_value(response: dict[str, Any], name: str) -> Any:
    """Value of the named object of a response's workspace.

    Raises:
        WrongAnswer: it is not there.
    """
    for found in response.get("workspace", {}).get("objects", []):
        if found["name"] == name:
            return found["value"]
    raise WrongAnswer(f"no object {name} in {str(response)[:200]}")


def _multipart(fields: dict[str, str], filename: str, content: bytes) -> bytes:
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    parts.append(
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return "".join(parts).encode() + content + f"\r\n--{_BOUNDARY}--\r\n".encode()
