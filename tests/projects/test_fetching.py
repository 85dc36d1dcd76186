"""Contents fetched by URL from other servers, with a real HTTP server on this machine."""

from __future__ import annotations

import ipaddress
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from deployr.errors import DeployrError, InvalidParameter, PermissionDenied, TooLarge
from deployr.projects.fetching import Fetcher, is_public
from deployr.projects.records import Download
from deployr.settings import Settings
from deployr.users.caller import Caller

CALLER = Caller(http_session="digest-of-a-session", username="testuser")


class Elsewhere(BaseHTTPRequestHandler):
    """Serves a text, redirects and failures."""

    def do_GET(self) -> None:
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
        else:
            self.send_response(200 if self.path != "/missing" else 404)
        self.end_headers()
        self.wfile.write(f"hello {self.headers['Host']}".encode())

    def log_message(self, *_: Any) -> None:
        """Not of interest."""


class NoOwnUrls:
    """A server without files of its own."""

    async def open(self, caller: Caller, url: str) -> Download | None:
        return None


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """Base URL of the other server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


def fetcher(tmp_path: Path, *allowed: str, **flags: Any) -> Fetcher:
    flags = {"home": tmp_path, "repository.transfer_allowed": list(allowed)} | flags
    return Fetcher(NoOwnUrls(), Settings.load(flags=flags))


async def read(fetcher: Fetcher, url: str) -> bytes:
    async with fetcher.fetch(CALLER, url) as chunks:
        return b"".join([chunk async for chunk in chunks])


@pytest.mark.parametrize("allowed", ["localhost", "LOCALHOST", "127.0.0.0/8"])
async def test_a_host_that_is_allowed_is_fetched_from_under_its_name(
    tmp_path: Path, elsewhere: str, allowed: str
) -> None:
    content = await read(fetcher(tmp_path, allowed, "::1"), f"{elsewhere}/a.txt")
    assert content.decode() == f"hello {elsewhere.removeprefix('http://')}"


async def test_authorities_are_read_once(tmp_path: Path, elsewhere: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await read(fetcher(tmp_path, "localhost"), elsewhere)
    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", None)
    await read(fetcher(tmp_path, "localhost"), elsewhere)


async def test_private_addresses_are_refused_also_behind_redirects(tmp_path: Path, elsewhere: str) -> None:
    with pytest.raises(PermissionDenied):
        await read(fetcher(tmp_path), f"{elsewhere}/a.txt")
    port = elsewhere.rpartition(":")[2]
    with pytest.raises(PermissionDenied):
        await read(fetcher(tmp_path, "localhost"), f"{elsewhere}/to/http://127.0.0.1:{port}/a.txt")


async def test_redirects_are_followed_a_few_times(tmp_path: Path, elsewhere: str) -> None:
    allowed = fetcher(tmp_path, "localhost")
    assert await read(allowed, f"{elsewhere}/to/{elsewhere}/to//a.txt")
    with pytest.raises(DeployrError, match="redirects"):
        await read(allowed, elsewhere + "/to/" * 10)


async def test_contents_have_a_limit(tmp_path: Path, elsewhere: str) -> None:
    with pytest.raises(TooLarge):
        await read(fetcher(tmp_path, "localhost", **{"limits.max_upload": 3}), f"{elsewhere}/a.txt")


@pytest.mark.parametrize("path", ["/missing", "/to/file:///etc/passwd"])
async def test_what_cannot_be_fetched_is_a_handled_failure(tmp_path: Path, elsewhere: str, path: str) -> None:
    with pytest.raises(DeployrError):
        await read(fetcher(tmp_path, "localhost"), elsewhere + path)


@pytest.mark.parametrize(
    "url", ["ftp://example.com/a", "file:///etc/passwd", "/etc/passwd", "http://", "x", "http://a:b"]
)
async def test_only_http_urls_are_fetched(tmp_path: Path, url: str) -> None:
    with pytest.raises(InvalidParameter):
        await read(fetcher(tmp_path), url)


async def test_a_server_that_is_not_there_is_a_handled_failure(tmp_path: Path) -> None:
    with pytest.raises(DeployrError, match="ConnectError"):
        await read(fetcher(tmp_path, "127.0.0.1"), "http://127.0.0.1:1/")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2600::1", True),
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),
        ("::", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_addresses_are_public_or_not(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public
