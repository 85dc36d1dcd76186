"""Bearer tokens of this server's own logins."""

from __future__ import annotations

import time

import jwt
import pytest
import sqlalchemy as sa

from deployr.errors import NotAuthenticated
from deployr.settings import Settings, TokenSettings
from deployr.store.database import Database
from deployr.store.schema import token_pairs
from deployr.users.accounts import Accounts
from deployr.users.signing_keys import SigningKeys
from deployr.users.tokens import Tokens
from tests.postgresql import ON_BOTH_DATABASES


@pytest.fixture
def keys(settings: Settings) -> SigningKeys:
    keys = SigningKeys(settings.keys_directory, 60)
    keys.ensure()
    return keys


@pytest.fixture
def tokens(database: Database, accounts: Accounts, keys: SigningKeys) -> Tokens:
    return Tokens(database, keys, TokenSettings())


def test_an_access_token_tells_who_its_user_is(tokens: Tokens) -> None:
    caller = tokens.find(tokens.issue("testuser").access_token)
    assert (caller.username, caller.owner, caller.roles) == ("testuser", "user:testuser", frozenset(["POWER_USER"]))


def test_no_token_is_kept_as_it_is(tokens: Tokens, database: Database) -> None:
    pair = tokens.issue("testuser")
    with database.reading() as connection:
        kept = str(connection.execute(sa.select(token_pairs)).all())
    assert pair.refresh_token not in kept
    assert pair.access_token not in kept


@ON_BOTH_DATABASES
def test_renewing_ends_the_pair_before(tokens: Tokens) -> None:
    first = tokens.issue("testuser")
    second = tokens.renew(first.refresh_token)
    assert tokens.find(second.access_token).username == "testuser"
    with pytest.raises(NotAuthenticated):
        tokens.find(first.access_token)


@ON_BOTH_DATABASES
def test_a_refresh_token_that_comes_twice_ends_all_that_came_of_its_login(tokens: Tokens) -> None:
    first = tokens.issue("testuser")
    second = tokens.renew(first.refresh_token)
    with pytest.raises(NotAuthenticated):
        tokens.renew(first.refresh_token)
    with pytest.raises(NotAuthenticated):
        tokens.find(second.access_token)


def test_revoking_ends_the_access_token_and_no_other_login(tokens: Tokens) -> None:
    revoked, other = tokens.issue("testuser"), tokens.issue("testuser")
    tokens.revoke(revoked.refresh_token)
    with pytest.raises(NotAuthenticated):
        tokens.find(revoked.access_token)
    with pytest.raises(NotAuthenticated):
        tokens.revoke(revoked.refresh_token)
    assert tokens.find(other.access_token).username == "testuser"


@ON_BOTH_DATABASES
def test_a_new_password_ends_all_tokens(tokens: Tokens, accounts: Accounts) -> None:
    pair = tokens.issue("testuser")
    accounts.change_password("testuser", "Sesame42")
    with pytest.raises(NotAuthenticated):
        tokens.find(pair.access_token)
    with pytest.raises(NotAuthenticated):
        tokens.renew(pair.refresh_token)


def test_disabling_an_account_ends_its_tokens_for_good(tokens: Tokens, accounts: Accounts) -> None:
    pair = tokens.issue("testuser")
    accounts.disable("testuser")
    accounts.enable("testuser")
    with pytest.raises(NotAuthenticated):
        tokens.find(pair.access_token)


def test_an_expired_password_is_not_renewed_around(tokens: Tokens, accounts: Accounts) -> None:
    pair = tokens.issue("testuser")
    accounts.expire_password("testuser")
    with pytest.raises(NotAuthenticated):
        tokens.renew(pair.refresh_token)


@ON_BOTH_DATABASES
def test_a_token_that_was_found_ends_when_it_is_revoked_elsewhere(
    tokens: Tokens, keys: SigningKeys, settings: Settings
) -> None:
    pair = tokens.issue("testuser")
    tokens.find(pair.access_token)
    elsewhere = Database(settings.database_url)
    Tokens(elsewhere, keys, TokenSettings()).revoke(pair.refresh_token)
    elsewhere.close()
    with pytest.raises(NotAuthenticated):
        tokens.find(pair.access_token)


def test_a_token_that_was_found_expires(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = tokens.issue("testuser")
    tokens.find(pair.access_token)
    monkeypatch.setattr(time, "time", lambda: float(pair.expires_on))
    with pytest.raises(NotAuthenticated):
        tokens.find(pair.access_token)


def test_access_tokens_expire(database: Database, accounts: Accounts, keys: SigningKeys) -> None:
    expired = Tokens(database, keys, TokenSettings(access_lifetime=-1))
    with pytest.raises(NotAuthenticated):
        expired.find(expired.issue("testuser").access_token)


def test_no_renewal_outlives_the_limit(database: Database, accounts: Accounts, keys: SigningKeys) -> None:
    short = Tokens(database, keys, TokenSettings(renewal_limit=0))
    with pytest.raises(NotAuthenticated):
        short.renew(short.issue("testuser").refresh_token)


def test_tokens_survive_a_rotation_of_the_key(tokens: Tokens, keys: SigningKeys) -> None:
    pair = tokens.issue("testuser")
    keys.rotate()
    assert tokens.find(pair.access_token).username == "testuser"


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_the_algorithm_is_not_the_token_s_choice(tokens: Tokens, keys: SigningKeys, algorithm: str) -> None:
    claims = jwt.decode(tokens.issue("testuser").access_token, options={"verify_signature": False})
    secret = "x" * 32 if algorithm == "HS256" else None
    forged = jwt.encode(claims, secret, algorithm, {"kid": keys.current().kid})
    with pytest.raises(NotAuthenticated):
        tokens.find(forged)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é.é.é", "eyJhbGciOiJSUzI1NiJ9.e30.x"])
def test_rubbish_is_nobody_s_token(tokens: Tokens, token: str) -> None:
    with pytest.raises(NotAuthenticated):
        tokens.find(token)
