"""Replies that are files."""

from __future__ import annotations

import datetime
from typing import Any
from urllib.parse import quote

import falcon
from falcon.asgi import Response

from deployr.api import ranges
from deployr.api.call import Call
from deployr.projects.records import Content, Download, StoredDownload
from deployr.repository import file_types

_READING = ("GET", "HEAD")


class UnsentContents:
    """Middleware: HEAD is answered as GET is; the content, which is not sent, is let go."""

    async def process_response(self, req: Call, resp: Response, resource: object, req_succeeded: bool) -> None:
        """Close what nobody will read."""
        if req.method == "HEAD" and isinstance(resp.stream, Content):
            content: Any = resp.stream
            resp.stream = None
            await content.close()


def send(response: Response, download: Download, *, inline: bool = False) -> None:
    """Stream a file.

    Args:
        inline: for show in a browser rather than for saving.
    """
    _describe(response, download.filename, inline)
    response.set_stream(download.content, download.length)


def send_stored(call: Call, response: Response, download: Download, *, inline: bool = False) -> None:
    """Stream a file, or the part asked for; or say that the client's copy is still good (RFC 9110, 13 and 14).

    ``If-Modified-Since`` is left aside: a second is too coarse to tell versions apart.

    Raises:
        falcon.HTTPRangeNotSatisfiable: the file has nothing of the part.
    """
    if not isinstance(download, StoredDownload) or call.method not in _READING:
        return send(response, download, inline=inline)
    part = _wanted_part(call, download)
    response.etag = download.etag
    response.set_header("Cache-Control", "private, no-cache")
    if _has_copy(call, download):
        response.status = falcon.HTTP_304
        return None
    response.accept_ranges = "bytes"
    response.last_modified = datetime.datetime.fromtimestamp(download.modified / 1000, datetime.UTC)
    if part is None:
        return send(response, download, inline=inline)
    _describe(response, download.filename, inline)
    return _send_part(response, download, *part)


def _has_copy(call: Call, download: StoredDownload) -> bool:
    known = call.if_none_match or []
    return any(tag in ("*", download.etag) for tag in known)


def _wanted_part(call: Call, download: StoredDownload) -> tuple[int, int] | None:
    """Of the content that the client has begun with; of another one it gets the whole."""
    begun = call.get_header("If-Range")
    if call.method != "GET" or _has_copy(call, download) or begun not in (None, f'"{download.etag}"'):
        return None
    return ranges.parse(call.get_header("Range"), download.length)


def _send_part(response: Response, download: StoredDownload, first: int, last: int) -> None:
    response.status = falcon.HTTP_206
    response.content_range = (first, last, download.length)
    length = last - first + 1
    response.set_stream(download.part(first, length), length)


def _describe(response: Response, filename: str, inline: bool) -> None:
    response.content_type = file_types.content_type(filename)
    response.set_header("Content-Disposition", disposition(filename, inline=inline))
    # Users' files must neither be guessed to be HTML nor run as part of this site.
    response.set_header("X-Content-Type-Options", "nosniff")
    response.set_header("Content-Security-Policy", "sandbox")


def disposition(filename: str, *, inline: bool = False) -> str:
    """The header Content-Disposition (RFC 6266): an ASCII name for old clients and the real one."""
    plain = "".join(char if " " <= char <= "~" and char not in '"\\%' else "_" for char in filename)
    kind = "inline" if inline else "attachment"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"
