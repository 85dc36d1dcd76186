"""``/r/server/info``, which brokers probe first, and the page at the context root."""

from __future__ import annotations

import datetime
from pathlib import Path

import falcon
from falcon.asgi import Response

import deployr
from deployr.api import envelope
from deployr.api.call import Call

API_VERSION = "8.0.5"
"""The release whose API this server speaks."""

_PAGE = f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>DeployR</title></head>
<body><h1>DeployR</h1>
<p>This server runs R for DeployR clients: the API of DeployR {API_VERSION} is below <code>/deployr/r/</code>.</p>
</body></html>
"""


class ServerResource:
    """Calls that tell about the server."""

    def __init__(self) -> None:
        built = Path(deployr.__file__).stat().st_mtime
        self._date = datetime.datetime.fromtimestamp(built, datetime.UTC).isoformat(timespec="seconds")

    async def on_get_info(self, req: Call, resp: Response) -> None:
        """Version of the API and date of this build."""
        await req.read_params()
        info = {"version": API_VERSION, "enterprise": True, "date": self._date}
        envelope.succeed(req, resp, info=info)

    async def on_get_root(self, req: Call, resp: Response) -> None:
        """Says what this is; Java brokers test the connection with it."""
        resp.content_type = falcon.MEDIA_HTML
        resp.text = _PAGE

    on_post_info = on_get_info
