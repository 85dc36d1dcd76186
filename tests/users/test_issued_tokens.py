"""Tokens of an OpenID Connect issuer: a small real one, with a key of its own, over HTTP."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from deployr.errors import AccountDisabled, BadCredentials, NodeNotResponding, NotAuthenticated
from deployr.settings import OidcSettings, Settings
from deployr.store.database import Database
from deployr.users import issuer_keys
from deployr.users.accounts import Accounts
from deployr.users.issued_tokens import IssuedTokens


class Issuer:
    """Publishes a key and issues tokens."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.requests: list[str] = []
        self.name: str | None = None
        self.asked, self.may_answer = threading.Event(), threading.Event()
        self.may_answer.set()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def token(self, *, key: Any = None, kid: str = "one", algorithm: str = "RS256", **claims: Any) -> str:
        """A token, good unless it is told otherwise; a claim of ``None`` is left out."""
        usual = {"iss": self.url, "aud": "deployr", "exp": time.time() + 600, "preferred_username": "wal.ter@x.org"}
        given = {name: value for name, value in (usual | claims).items() if value is not None}
        return jwt.encode(given, key or self.key, algorithm, {"kid": kid})

    def stop(self) -> None:
        """Answer no more."""
        self.may_answer.set()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.requests.append(self.path)
                issuer.asked.set()
                issuer.may_answer.wait()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(issuer.reply(self.path)).encode())

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler

    def reply(self, path: str) -> dict[str, Any]:
        """Metadata, or the key set."""
        if path.endswith("openid-configuration"):
            return {"issuer": self.name or self.url, "jwks_uri": f"{self.url}/keys"}
        return {"keys": [RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True) | {"kid": "one"}]}


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    issuer = Issuer()
    yield issuer
    issuer.stop()


@pytest.fixture
def tokens(issuer: Issuer, database: Database, accounts: Accounts) -> IssuedTokens:
    settings = OidcSettings(issuer=issuer.url, audience="deployr", roles=("analysts=POWER_USER",))
    return IssuedTokens(database, settings)


async def test_claims_become_user_and_roles(tokens: IssuedTokens, issuer: Issuer) -> None:
    caller = await tokens.find(issuer.token(roles=["analysts", "ADMINISTRATOR", 7]))
    assert (caller.username, caller.roles) == ("wal.ter@x.org", frozenset(["POWER_USER"]))


async def test_keys_are_fetched_once_however_many_tokens_name_keys_of_nobody(
    tokens: IssuedTokens, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuer_keys, "_PAUSE", 3600)
    await tokens.find(issuer.token())
    for number in range(5):
        with pytest.raises(NotAuthenticated):
            await tokens.find(issuer.token(kid=f"none-{number}"))
    assert issuer.requests == ["/.well-known/openid-configuration", "/keys"]


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "other"},
        {"aud": None},
        {"iss": "https://other.example"},
        {"exp": 1},
        {"exp": None},
        {"nbf": 2**40},
        {"preferred_username": None},
        {"preferred_username": "../etc"},
        {"preferred_username": "a..b"},
        {"preferred_username": "two words"},
        {"key": rsa.generate_private_key(public_exponent=65537, key_size=2048)},
        {"key": "a shared secret of thirty-two bytes", "algorithm": "HS256"},
    ],
)
async def test_tokens_that_are_not_right_are_nobody_s(
    tokens: IssuedTokens, issuer: Issuer, claims: dict[str, Any]
) -> None:
    with pytest.raises(NotAuthenticated):
        await tokens.find(issuer.token(**claims))


async def test_accounts_of_this_server_are_out_of_the_issuer_s_reach(
    tokens: IssuedTokens, issuer: Issuer, accounts: Accounts
) -> None:
    with pytest.raises(BadCredentials, match="does not come from this issuer"):
        await tokens.find(issuer.token(preferred_username="admin"))
    await tokens.find(issuer.token())
    with pytest.raises(BadCredentials):
        accounts.authenticate("wal.ter@x.org", "")


async def test_an_account_can_be_disabled_here(tokens: IssuedTokens, issuer: Issuer, accounts: Accounts) -> None:
    await tokens.find(issuer.token())
    accounts.disable("wal.ter@x.org")
    with pytest.raises(AccountDisabled, match="disabled"):
        await tokens.find(issuer.token())


async def test_an_issuer_that_never_answered_is_told_as_such(
    issuer: Issuer, database: Database, accounts: Accounts, settings: Settings
) -> None:
    silent = IssuedTokens(database, OidcSettings(issuer="http://127.0.0.1:9", audience="deployr"))
    with pytest.raises(NodeNotResponding):
        await silent.find(issuer.token())


async def test_keys_that_were_fetched_outlive_the_issuer(tokens: IssuedTokens, issuer: Issuer) -> None:
    await tokens.find(issuer.token())
    issuer.stop()
    assert (await tokens.find(issuer.token())).username == "wal.ter@x.org"


async def test_nobody_with_a_known_key_waits_while_an_unknown_one_is_looked_for(
    tokens: IssuedTokens, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuer_keys, "_PAUSE", 0)
    await tokens.find(issuer.token())
    issuer.may_answer.clear()
    issuer.asked.clear()
    unknown = asyncio.create_task(tokens.find(issuer.token(kid="none")))
    await asyncio.to_thread(issuer.asked.wait)
    await tokens.find(issuer.token())
    assert not unknown.done()
    issuer.may_answer.set()
    with pytest.raises(NotAuthenticated):
        await unknown


async def test_metadata_of_another_issuer_is_not_believed(tokens: IssuedTokens, issuer: Issuer) -> None:
    issuer.name = "https://other.example"
    with pytest.raises(NodeNotResponding):
        await tokens.find(issuer.token())
