"""Replies that are files."""

from __future__ import annotations

from urllib.parse import quote

from falcon.asgi import Response

from deployr.projects.records import Download
from deployr.repository import file_types


def send(response: Response, download: Download, *, inline: bool = False) -> None:
    """Stream a file.

    Args:
        inline: for show in a browser rather than for saving.
    """
    response.content_type = file_types.content_type(download.filename)
    response.set_header("Content-Disposition", _disposition(download.filename, inline))
    # Users' files must neither be guessed to be HTML nor run as part of this site.
    response.set_header("X-Content-Type-Options", "nosniff")
    response.set_header("Content-Security-Policy", "sandbox")
    response.set_stream(download.content, download.length)


def _disposition(filename: str, inline: bool) -> str:
    """RFC 6266: an ASCII name for old clients and the real one."""
    plain = "".join(char if " " <= char <= "~" and char not in '"\\%' else "_" for char in filename)
    kind = "inline" if inline else "attachment"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"
