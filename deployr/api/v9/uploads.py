"""Files that come as multipart bodies (9x-facts 3 and 10)."""

from __future__ import annotations

from deployr.api.multipart import Multipart, MultipartError, Upload, parse_options_header
from deployr.api.params import MalformedParameter, patient
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
    kind, options = parse_options_header(call.content_type or "")
    if kind != _KIND:
        raise UnsupportedBody(f"The call reads {_KIND}.")
    body = Multipart(options.get("boundary") or "", call.settings.limits.max_upload)
    try:
        await body.parse(patient(call, call.settings.server.body_timeout))
    except BaseException as ex:
        body.close()
        if isinstance(ex, MultipartError | ValueError):
            raise MalformedParameter(f"The multipart body is malformed: {ex}.") from ex
        raise
    if body.file is None:
        raise MalformedParameter("Missing parameter: file.")
    return body.file


def base_name(upload: Upload) -> str:
    """The file's name without the client's directories, of whatever system that is."""
    return (upload.filename or "").replace("\\", "/").rpartition("/")[2] or _NAMELESS
