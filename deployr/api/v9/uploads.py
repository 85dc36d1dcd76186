"""Files that come as multipart bodies (9x-facts 3 and 10)."""

from __future__ import annotations

from deployr.api.multipart import Multipart, Upload, parse_options_header
from deployr.api.params import MalformedParameter, read_multipart
from deployr.api.v9.bodies import UnsupportedBody
from deployr.api.v9.call import Call

_KIND = "multipart/form-data"
_NAMELESS = "file"
"""Name of a file whose part has none: some clients send streams so."""


async def read_upload(call: Call) -> Upload:
    """The part ``file`` of a body; to be closed.

    Raises:
        UnsupportedBody: the body is no multipart one.
        MalformedParameter: it is malformed, does not come, or has no such part.
        TooLarge: the file is larger than an upload may be.
    """
    body = await _read(call, "file")
    if body.file is None:
        raise MalformedParameter("Missing parameter: file.")
    return body.file


async def read_form(call: Call, file: str) -> tuple[dict[str, str], bytes | None]:
    """The texts of a body, and the content of the part that is a file, if it has that.

    Raises:
        UnsupportedBody: the body is no multipart one.
        MalformedParameter: it is malformed, or does not come.
        TooLarge: the file is larger than an upload may be.
    """
    body = await _read(call, file)
    try:
        content = None if body.file is None else b"".join([chunk async for chunk in body.file.chunks()])
    finally:
        body.close()
    return body.fields, content


async def _read(call: Call, file: str) -> Multipart:
    kind, options = parse_options_header(call.content_type or "")
    if kind != _KIND:
        raise UnsupportedBody(f"The call reads {_KIND}.")
    return await read_multipart(call, call.settings, options.get("boundary") or "", file=file)


def base_name(upload: Upload) -> str:
    """The file's name without the client's directories, of whatever system that is."""
    return (upload.filename or "").replace("\\", "/").rpartition("/")[2] or _NAMELESS
