"""A web page in a browser that listens to the event stream with what browsers have."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.server import Server, beside

PAGES = Path(__file__).parent / "browser"
BROWSER_SECONDS = 180
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0"),
)


class Site:
    """An origin with the pages; it keeps what they post."""

    def __init__(self) -> None:
        self.posted: queue.Queue[Any] = queue.Queue()
        handler = functools.partial(_Handler, self.posted, directory=str(PAGES))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(http.server.SimpleHTTPRequestHandler):
    def __init__(self, posted: queue.Queue[Any], *arguments: Any, **options: Any) -> None:
        self._posted = posted
        super().__init__(*arguments, **options)

    def do_POST(self) -> None:
        self._posted.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@pytest.fixture
def open_server(server: Server, site: Site) -> Iterator[Server]:
    """A server that lets pages of the site call, and asks them for tokens."""
    with beside(server, server__cors_origins=[site.origin], server__csrf="required") as open_server:
        yield open_server


@contextlib.contextmanager
def browser(url: str, home: Path) -> Iterator[None]:
    """A browser that shows a page."""
    command = ["chromium", *_FLAGS, f"--user-data-dir={home}/profile", url]
    environment = {**os.environ, "HOME": str(home)}
    with (home / "browser.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_page_listens_through_a_websocket_and_an_eventsource(open_server: Server, site: Site, tmp_path: Path) -> None:
    with browser(f"{site.origin}/events.html?host={quote(open_server.url.removesuffix('/deployr'))}", tmp_path):
        seen = site.posted.get(timeout=BROWSER_SECONDS)
    assert "error" not in seen
    for heard in (seen["socket"], seen["source"]):
        connected, printed, published, disconnected = heard
        assert (connected["type"], connected["whoami"]) == ("streamConnectEvent", "testuser")
        assert (printed["type"], printed["output"]) == ("executionConsoleEvent", "printed!|!\n")
        assert (published["type"], published["object"]["value"]) == ("executionRevoEvent", 1)
        assert disconnected["type"] == "streamDisconnectEvent"
