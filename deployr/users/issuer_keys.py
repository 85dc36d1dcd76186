"""The public keys of an OpenID Connect issuer, fetched when they are needed and kept for a while."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import httpx
import jwt

from deployr.errors import NodeNotResponding

log = logging.getLogger(__name__)

_LIFETIME = 3600.0
"""Seconds after which the keys are fetched again."""

_PAUSE = 10.0
"""Least seconds between two fetches: tokens that name keys of nobody must not become requests to the issuer."""

_TIMEOUT = 10.0


class IssuerKeys:
    """The keys of one issuer.

    Args:
        issuer: its URL, below which discovery finds the key set.
        jwks_url: the key set, where discovery is not to be used.
    """

    def __init__(self, issuer: str, jwks_url: str | None = None) -> None:
        self._issuer = issuer
        self._jwks_url = jwks_url
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched = -_LIFETIME
        self._tried = -_LIFETIME
        self._fetching = asyncio.Lock()

    async def find(self, kid: str) -> jwt.PyJWK | None:
        """The key of an id, ``None`` for one that the issuer does not have.

        Raises:
            NodeNotResponding: the issuer has never answered.
        """
        # Nobody who has a known key waits for what others have begun to fetch.
        if kid not in self._keys or (self._is_old() and not self._fetching.locked()):
            async with self._fetching:
                is_due = kid not in self._keys or self._is_old()
                if is_due and time.monotonic() - self._tried > _PAUSE:
                    await self._fetch()
                    self._tried = time.monotonic()
        if not self._keys:
            raise NodeNotResponding("The issuer of the token cannot be asked for its keys.")
        return self._keys.get(kid)

    def _is_old(self) -> bool:
        return time.monotonic() - self._fetched > _LIFETIME

    async def _fetch(self) -> None:
        """Old keys are better than none: a failure leaves them in place."""
        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT) as client:
                url = self._jwks_url or await self._discovered(client)
                keys = jwt.PyJWKSet.from_dict(await _get(client, url)).keys
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, LookupError, TypeError, jwt.PyJWTError) as ex:
            log.warning("fetching the keys of %s failed: %s", self._issuer, ex)
            return
        self._keys = {key.key_id: key for key in keys if key.key_id}
        self._fetched = time.monotonic()

    async def _discovered(self, client: httpx.AsyncClient) -> str:
        """URL of the key set; metadata that speaks of another issuer is none of this one's (Discovery 4.3)."""
        metadata = await _get(client, _discovery(self._issuer))
        if metadata["issuer"] != self._issuer:
            raise ValueError(f"the metadata is of {metadata['issuer']!r}")
        return str(metadata["jwks_uri"])


def _discovery(issuer: str) -> str:
    """Place of the issuer's metadata (OpenID Connect Discovery 4)."""
    return f"{issuer.rstrip('/')}/.well-known/openid-configuration"


async def _get(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    response = await client.get(url)
    document = response.raise_for_status().json()
    if not isinstance(document, dict):
        raise ValueError(f"{url} is no JSON object")
    return document
