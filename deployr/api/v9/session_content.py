"""``/sessions/{id}/workspace`` and ``/sessions/{id}/files``: what a session holds (9x-facts 10)."""

from __future__ import annotations

import base64
import binascii
import re

from falcon.asgi import Response

from deployr.api import downloads
from deployr.api.params import MalformedParameter
from deployr.api.v9.call import Call
from deployr.api.v9.replies import reply, reply_empty
from deployr.api.v9.uploads import base_name, read_upload
from deployr.mlserver.session_content import SessionContent

_QUOTED = re.compile(rb'"[A-Za-z0-9+/]+={0,2}"')


class SessionContentResource:
    """Calls on objects and files of sessions."""

    def __init__(self, content: SessionContent) -> None:
        self._content = content

    async def on_get_workspace(self, req: Call, resp: Response, id: str) -> None:
        """Names of the objects."""
        reply(resp, await self._content.list_objects(req.caller, id))

    async def on_get_object(self, req: Call, resp: Response, id: str, object_name: str) -> None:
        """An object, serialised."""
        filename, content = await self._content.read_object(req.caller, id, object_name)
        resp.content_type = "application/octet-stream"
        resp.set_header("Content-Disposition", downloads.disposition(filename))
        resp.data = content

    async def on_post_object(self, req: Call, resp: Response, id: str, object_name: str) -> None:
        """Assign a serialised object."""
        await self._content.write_object(req.caller, id, object_name, _unquoted(await req.read_bytes()))
        reply_empty(resp)

    async def on_delete_object(self, req: Call, resp: Response, id: str, object_name: str) -> None:
        """Delete an object."""
        await self._content.delete_object(req.caller, id, object_name)
        reply_empty(resp)

    async def on_get_files(self, req: Call, resp: Response, id: str) -> None:
        """Names of the files."""
        reply(resp, await self._content.list_files(req.caller, id))

    async def on_post_files(self, req: Call, resp: Response, id: str) -> None:
        """Write a file."""
        upload = await read_upload(req)
        try:
            await self._content.write_file(req.caller, id, base_name(upload), upload.chunks())
        finally:
            upload.close()
        reply_empty(resp, 201)

    async def on_get_file(self, req: Call, resp: Response, id: str, file_name: str) -> None:
        """A file."""
        downloads.send(resp, await self._content.read_file(req.caller, id, file_name))

    async def on_delete_file(self, req: Call, resp: Response, id: str, file_name: str) -> None:
        """Delete a file."""
        await self._content.delete_file(req.caller, id, file_name)
        reply_empty(resp)


def _unquoted(body: bytes) -> bytes:
    """AutoRest clients send bytes as a JSON text in base64, whatever they say of the type.

    Raises:
        MalformedParameter: such a text has a length that base64 cannot have.
    """
    if not _QUOTED.fullmatch(body):
        return body
    try:
        return base64.b64decode(body[1:-1] + b"==")
    except binascii.Error as ex:
        raise MalformedParameter("The body is no base64.") from ex
