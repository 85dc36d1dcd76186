"""A web page in a browser that calls the server across origins, with the library's browser build."""

from __future__ import annotations

import functools
import html
import http.server
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from tests.server import Server, beside, record_of

PAGES = Path(__file__).parent / "browser"
BROWSER_SECONDS = 180
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--dump-dom", "--virtual-time-budget=30000"),
)
_SCRIPT = "count <- if (exists('count')) count + 1 else 1\ny <- x * 2 + count / 10"
Page = Callable[[Server, str], dict[str, Any]]


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files without a word."""

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing."""


@pytest.fixture(scope="module")
def site(node_modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """Makes another origin, where the page and the library are."""
    directory = tmp_path_factory.mktemp("site")
    for source in (*PAGES.iterdir(), node_modules / "deployr" / "browser" / "deployr.js"):
        shutil.copy(source, directory)
    sites: list[http.server.ThreadingHTTPServer] = []

    def start() -> str:
        handler = functools.partial(QuietHandler, directory=str(directory))
        sites.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler))
        threading.Thread(target=sites[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{sites[-1].server_port}"

    yield start
    for started in sites:
        started.shutdown()
        started.server_close()


@pytest.fixture(scope="module")
def origin(site: Callable[[], str]) -> str:
    """The origin whose pages may call."""
    return site()


@pytest.fixture(scope="module")
def open_server(server: Server, origin: str) -> Iterator[Server]:
    """A server that lets pages of the origin call, and asks them for tokens."""
    with beside(server, server__cors_origins=[origin], server__csrf="required") as open_server:
        yield open_server


@pytest.fixture
def page(tmp_path: Path) -> Page:
    """Opens the page in a browser; returns what it has seen."""

    def show(server: Server, origin: str) -> dict[str, Any]:
        query = urlencode({"host": server.url.removesuffix("/deployr"), "script": published(server)})
        command = ["chromium", *_FLAGS, f"--user-data-dir={tmp_path}/profile", f"{origin}/page.html?{query}"]
        environment = {**os.environ, "HOME": str(tmp_path)}
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=BROWSER_SECONDS, check=True
        )
        text = re.search(r'<pre id="seen">(.*?)</pre>', done.stdout, re.DOTALL)
        assert text, done.stdout
        seen: dict[str, Any] = json.loads(html.unescape(text[1]))
        return seen

    return show


def published(server: Server) -> str:
    """A script that everybody may execute."""
    author = server.login()
    token = {"X-XSRF-TOKEN": author.get("/r/user/about").headers["x-xsrf-token"]}
    script = {"filename": "browser.R", "published": "true"}
    reply = author.post("/r/repository/file/upload", files={"file": ("s", _SCRIPT.encode())}, headers=token, **script)
    assert record_of(reply)["success"]
    author.http.close()
    return "browser.R"


def value(reply: dict[str, Any]) -> float:
    """The value of the only object."""
    [found] = reply["workspace"]["objects"]
    return float(found["value"])


def test_a_page_of_a_configured_origin_executes_scripts_and_logs_in(
    open_server: Server, origin: str, page: Page
) -> None:
    seen = page(open_server, origin)
    assert value(seen["anonymous"]) == 42.1
    # The blackbox belongs to the HTTP session, so the browser sent the cookie across origins.
    assert [value(seen["first"]), value(seen["second"])] == [42.1, 42.2]
    # Needs the token, in a header that the browser first asks for.
    assert seen["project"]["project"]["live"] is True
    assert seen["logout"]["success"] is True


def test_a_page_of_another_origin_sees_nothing(open_server: Server, site: Callable[[], str], page: Page) -> None:
    refused(page(open_server, site()))


def test_without_cors_no_page_of_another_origin_sees_anything(server: Server, origin: str, page: Page) -> None:
    refused(page(server, origin))


def refused(seen: dict[str, Any]) -> None:
    """The browser kept all replies from the page."""
    assert [answer["success"] for answer in seen.values()] == [False] * 5
    assert "8.0.5" not in json.dumps(seen)


def preflight(server: Server, origin: str, call: str = "/r/project/create") -> httpx.Response:
    """What a browser asks before a call with a token."""
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-xsrf-token",
    }
    return httpx.options(server.url + call, headers=headers)


@pytest.mark.parametrize("call", ["/r/project/create", "/r/user/login", "/r/repository/script/execute"])
def test_a_preflight_of_a_configured_origin_is_granted(open_server: Server, origin: str, call: str) -> None:
    reply = preflight(open_server, origin, call)
    assert reply.is_success
    assert reply.headers["access-control-allow-origin"] == origin
    assert reply.headers["access-control-allow-credentials"] == "true"
    assert "POST" in reply.headers["access-control-allow-methods"]
    assert "x-xsrf-token" in reply.headers["access-control-allow-headers"].lower()


@pytest.mark.parametrize(
    "other", ["http://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1:1.evil.example"]
)
def test_a_preflight_of_another_origin_is_not_granted(open_server: Server, other: str) -> None:
    assert "access-control-allow-origin" not in preflight(open_server, other).headers


def test_without_cors_no_preflight_is_granted(server: Server, origin: str) -> None:
    granted = [name for name in preflight(server, origin).headers if name.startswith("access-control")]
    assert granted == []
