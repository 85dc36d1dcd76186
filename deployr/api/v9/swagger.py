"""The core documents, and the keys that access tokens are verified with: for whoever asks."""

from __future__ import annotations

import functools
import json
from typing import ClassVar

import falcon
from falcon.asgi import Response

from deployr.api.v9.call import Call
from deployr.api.v9.definitions import Release
from deployr.api.v9.documents import FILE_NAMES, document
from deployr.api.v9.replies import JSON_TYPE
from deployr.users.signing_keys import SigningKeys


class SwaggerResource:
    """``/swagger.json`` and the documents by the names that they were published under."""

    public: ClassVar[bool] = True

    async def on_get(self, req: Call, resp: Response) -> None:
        """The document of the release that this server speaks."""
        _send(resp, req.settings.mlserver.compat)

    async def on_get_named(self, req: Call, resp: Response, file_name: str) -> None:
        """The document of another release, as far as this server has it."""
        if file_name not in FILE_NAMES:
            raise falcon.HTTPNotFound(description=f"There is no document {file_name}.")
        _send(resp, FILE_NAMES[file_name])


class KeysResource:
    """``/.well-known/jwks.json``."""

    public: ClassVar[bool] = True

    def __init__(self, keys: SigningKeys) -> None:
        self._keys = keys

    async def on_get(self, req: Call, resp: Response) -> None:
        """The public keys (RFC 7517)."""
        resp.media = self._keys.jwks()


@functools.cache
def _text(release: Release) -> bytes:
    return json.dumps(document(release), indent=2).encode()


def _send(resp: Response, release: Release) -> None:
    resp.content_type, resp.data = JSON_TYPE, _text(release)
