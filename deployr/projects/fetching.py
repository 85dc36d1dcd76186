"""Contents that callers name by URL: of this server, resolved inside, and of others, over HTTP.

Other servers are reached as far as anybody outside could reach them: a host whose address is private is refused
unless the setting ``repository.transfer_allowed`` names it. The address that was checked is the one connected to, and
each redirect is checked anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterable, AsyncIterator
from typing import Protocol

import httpx

from deployr.errors import DeployrError, InvalidParameter, PermissionDenied, TooLarge
from deployr.projects.records import Download
from deployr.settings import Settings
from deployr.users.caller import Caller

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_REDIRECTS = 5
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class OwnUrls(Protocol):
    """Resolves this server's own download URLs without a request to itself."""

    async def open(self, caller: Caller, url: str) -> Download | None:
        """What the caller would download from the URL; ``None`` when it is not one of this server's.

        Raises:
            DeployrError: as the call behind the URL.
        """


class Fetcher:
    """Fetches URLs for callers.

    Args:
        own: resolves this server's URLs.
    """

    def __init__(self, own: OwnUrls, settings: Settings) -> None:
        self._own = own
        self._allowed = settings.repository.transfer_allowed
        self._seconds = settings.repository.transfer_timeout
        self._limit = settings.limits.max_upload

    @contextlib.asynccontextmanager
    async def fetch(self, caller: Caller, url: str) -> AsyncIterator[AsyncIterable[bytes]]:
        """The content behind a URL, in chunks to be taken once.

        Args:
            url: absolute with ``http`` or ``https``, or one of this server's own, absolute or relative. A session id
                in it is ignored: the rights are the caller's.

        Raises:
            InvalidParameter: it is no such URL.
            PermissionDenied: its host is at a private address.
            TooLarge: while the content is taken: it exceeds the limit of uploads.
            DeployrError: it cannot be fetched, or not in time.
        """
        download = await self._own.open(caller, url)
        if download is None:
            async with self._fetch(_parse(url)) as chunks:
                yield chunks
            return
        try:
            yield _limited(download.content, self._limit)
        finally:
            await download.content.close()

    @contextlib.asynccontextmanager
    async def _fetch(self, url: httpx.URL) -> AsyncIterator[AsyncIterable[bytes]]:
        try:
            async with asyncio.timeout(self._seconds), _client() as client:
                for _ in range(1 + _REDIRECTS):
                    async with self._get(client, url) as response:
                        if not response.has_redirect_location:
                            yield _limited(_body(response), self._limit)
                            return
                        url = _parse(str(url.join(response.headers["location"])))
            raise DeployrError("The URL leads to too many redirects.")
        except TimeoutError:
            raise DeployrError("The URL did not answer in time.") from None
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as ex:
            raise DeployrError(f"The URL cannot be fetched: {type(ex).__name__}.") from ex

    @contextlib.asynccontextmanager
    async def _get(self, client: httpx.AsyncClient, url: httpx.URL) -> AsyncIterator[httpx.Response]:
        """The answer of the URL's host at an address that was checked."""
        address = await self._resolve(url)
        request = client.build_request(
            "GET",
            url.copy_with(host=str(address)),
            headers={"Host": url.netloc.decode("ascii"), "Accept-Encoding": "identity"},
            extensions={"sni_hostname": url.raw_host.decode("ascii")},
        )
        response = await client.send(request, stream=True)
        try:
            yield response
        finally:
            await response.aclose()

    async def _resolve(self, url: httpx.URL) -> Address:
        """An address of the host, when the server may connect to all that it has."""
        try:
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(url.raw_host.decode("ascii"), url.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise DeployrError(f"The host {url.host!r} is not known.") from None
        addresses = [ipaddress.ip_address(str(entry[4][0])) for entry in found]
        if not all(self._may_connect(url.host, address) for address in addresses):
            raise PermissionDenied(f"The host {url.host!r} is not open to transfers.")
        return addresses[0]

    def _may_connect(self, host: str, address: Address) -> bool:
        return is_public(address) or any(_names(entry, host, address) for entry in self._allowed)


def is_public(address: Address) -> bool:
    """Whether everybody may connect to the address: it leads, also by what it embeds, to no private network."""
    return all(each.is_global and not each.is_multicast for each in (address, *_embedded(address)))


def _embedded(address: Address) -> list[Address]:
    """IPv4 addresses that gateways and tunnels find in an IPv6 address."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [each for each in found if each is not None]


def _names(entry: str, host: str, address: Address) -> bool:
    """Whether an entry of the setting, a host name or a network, means this host."""
    if entry.lower() == host.lower():
        return True
    try:
        return address in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False


def _parse(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise InvalidParameter("The URL cannot be read.") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise InvalidParameter("Only URLs with http or https are fetched.")
    return parsed


def _client() -> httpx.AsyncClient:
    """Without the proxies and credentials that the server's environment may hold."""
    return httpx.AsyncClient(verify=_authorities(), trust_env=False, timeout=None)  # noqa: S113 -- the fetch has a limit


@functools.cache
def _authorities() -> ssl.SSLContext:
    """Those that are trusted; to read them takes tens of milliseconds."""
    return httpx.create_ssl_context(trust_env=False)


async def _body(response: httpx.Response) -> AsyncIterator[bytes]:
    if not response.is_success:
        raise DeployrError(f"The URL answered with HTTP status {response.status_code}.")
    async for chunk in response.aiter_raw():
        yield chunk


async def _limited(chunks: AsyncIterable[bytes], limit: int) -> AsyncIterator[bytes]:
    left = limit
    async for chunk in chunks:
        left -= len(chunk)
        if left < 0:
            raise TooLarge(f"The file is larger than {limit} bytes.")
        yield chunk
