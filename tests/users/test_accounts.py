"""Accounts on a real database."""

import pytest

from deployr.errors import (
    AccountDisabled,
    AccountLocked,
    AlreadyExists,
    BadCredentials,
    DeployrError,
    InvalidParameter,
    NotFound,
    PasswordExpired,
)
from deployr.settings import Settings
from deployr.store import database as database_module
from deployr.store.database import Database
from deployr.users import accounts as module
from deployr.users import passwords
from deployr.users.accounts import Accounts
from tests.postgresql import ON_BOTH_DATABASES

PASSWORD = "Sesame42"


def _fail(accounts: Accounts, times: int, username: str = "testuser") -> None:
    for _ in range(times):
        with pytest.raises(BadCredentials):
            accounts.authenticate(username, "wrong")


def _later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(module, "now_ms", lambda: database_module.now_ms() + int(seconds * 1000))


@ON_BOTH_DATABASES
def test_the_first_start_makes_the_default_accounts_once(accounts: Accounts) -> None:
    accounts.change_password("admin", PASSWORD)
    accounts.ensure_default_accounts()
    users = {user.username: (user.displayname, user.roles) for user in accounts.list_users()}
    assert users == {
        "admin": ("DeployR System Administrator", frozenset(["ADMINISTRATOR"])),
        "testuser": ("DeployR API Test Account", frozenset(["POWER_USER"])),
    }
    assert accounts.authenticate("admin", PASSWORD).username == "admin"


def test_default_passwords_are_known_until_changed_or_shut_out(accounts: Accounts) -> None:
    assert accounts.default_passwords_in_use() == ["admin", "testuser"]
    accounts.change_password("admin", PASSWORD)
    assert accounts.default_passwords_in_use() == ["testuser"]
    accounts.disable("testuser")
    assert accounts.default_passwords_in_use() == []


def test_a_user_logs_in_with_the_right_password(accounts: Accounts) -> None:
    accounts.create("george", PASSWORD, displayname="George Best", roles=["POWER_USER", "PACKAGE_MANAGER"])
    user = accounts.authenticate("george", PASSWORD)
    assert (user.displayname, set(user.roles)) == ("George Best", {"POWER_USER", "PACKAGE_MANAGER"})
    assert user.enabled
    assert not user.locked


@pytest.mark.parametrize(("username", "password"), [("testuser", "Changeme"), ("nobody", "changeme"), ("", "\ud800")])
def test_wrong_credentials_are_all_refused_alike(accounts: Accounts, username: str, password: str) -> None:
    with pytest.raises(BadCredentials) as refusal:
        accounts.authenticate(username, password)
    assert (refusal.value.code, refusal.value.message) == (940, "Bad credentials")


def test_an_unknown_user_costs_a_verification_too(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []

    def verify(_hash: str, password: str) -> bool:
        verified.append(password)
        return False

    monkeypatch.setattr(passwords, "verify_password", verify)
    for username in ("testuser", "nobody"):
        with pytest.raises(BadCredentials):
            accounts.authenticate(username, "wrong")
    assert verified == ["wrong", "wrong"]


@ON_BOTH_DATABASES
def test_repeated_failures_lock_even_for_the_right_password(accounts: Accounts) -> None:
    _fail(accounts, 3)
    with pytest.raises(AccountLocked):
        accounts.authenticate("testuser", "changeme")
    assert accounts.get("testuser").locked


def test_a_login_starts_the_count_anew(accounts: Accounts) -> None:
    _fail(accounts, 2)
    accounts.authenticate("testuser", "changeme")
    _fail(accounts, 2)
    assert accounts.authenticate("testuser", "changeme").username == "testuser"


def test_a_lock_runs_out(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    _fail(accounts, 3)
    _later(monkeypatch, 1801)
    _fail(accounts, 2)
    assert accounts.authenticate("testuser", "changeme").username == "testuser"


def test_a_lock_without_timeout_waits_for_the_administrator(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = {"home": settings.home, "security.lock_failures": 1, "security.lock_timeout": 0}
    accounts = Accounts(database, Settings.load(flags=flags))
    accounts.ensure_default_accounts()
    _fail(accounts, 1)
    _later(monkeypatch, 10 * 365 * 86400)
    with pytest.raises(AccountLocked):
        accounts.authenticate("testuser", "changeme")
    accounts.enable("testuser")
    assert accounts.authenticate("testuser", "changeme").username == "testuser"


def test_no_failures_lock_when_locking_is_off(database: Database, settings: Settings) -> None:
    accounts = Accounts(database, Settings.load(flags={"home": settings.home, "security.lock_failures": 0}))
    accounts.ensure_default_accounts()
    _fail(accounts, 4)
    assert accounts.authenticate("testuser", "changeme").username == "testuser"


def test_a_disabled_account_is_told_only_with_the_password(accounts: Accounts) -> None:
    accounts.disable("testuser")
    with pytest.raises(AccountDisabled):
        accounts.authenticate("testuser", "changeme")
    _fail(accounts, 1)
    accounts.enable("testuser")
    assert accounts.authenticate("testuser", "changeme").enabled


def test_an_expired_password_must_be_changed(accounts: Accounts) -> None:
    accounts.expire_password("testuser")
    with pytest.raises(PasswordExpired):
        accounts.authenticate("testuser", "changeme")
    accounts.change_password("testuser", PASSWORD)
    assert not accounts.authenticate("testuser", PASSWORD).expired


def test_the_administrator_cannot_be_disabled(accounts: Accounts) -> None:
    with pytest.raises(InvalidParameter):
        accounts.disable("admin")


def test_the_cookie_stays_with_the_user(accounts: Accounts) -> None:
    accounts.set_cookie("testuser", "theme=dark")
    assert accounts.authenticate("testuser", "changeme").cookie == "theme=dark"


@ON_BOTH_DATABASES
def test_roles_are_replaced(accounts: Accounts) -> None:
    accounts.create_role("MARKETING", "sells")
    accounts.set_roles("testuser", ["BASIC_USER", "MARKETING"])
    assert accounts.get("testuser").roles == {"BASIC_USER", "MARKETING"}


@pytest.mark.parametrize(
    ("username", "password", "displayname", "roles", "error"),
    [
        ("ab", PASSWORD, None, [], InvalidParameter),
        ("a b c", PASSWORD, None, [], InvalidParameter),
        ("george", PASSWORD, "x" * 51, [], InvalidParameter),
        ("george", "Short12", None, [], InvalidParameter),
        ("george", "nocapitals1", None, [], InvalidParameter),
        ("george", "NoDigitHere", None, [], InvalidParameter),
        ("george", "ABCDEFGH", None, [], InvalidParameter),
        ("george", PASSWORD, None, ["NOBODY"], NotFound),
        ("testuser", PASSWORD, None, [], AlreadyExists),
    ],
)
def test_a_bad_account_is_refused_whole(
    accounts: Accounts,
    username: str,
    password: str,
    displayname: str | None,
    roles: list[str],
    error: type[DeployrError],
) -> None:
    with pytest.raises(error):
        accounts.create(username, password, displayname=displayname, roles=roles)
    assert [user.username for user in accounts.list_users()] == ["admin", "testuser"]


def test_changes_of_an_unknown_user_are_refused(accounts: Accounts) -> None:
    with pytest.raises(NotFound):
        accounts.change_password("nobody", PASSWORD)
    with pytest.raises(NotFound):
        accounts.enable("nobody")
    with pytest.raises(NotFound):
        accounts.set_roles("nobody", [])


@ON_BOTH_DATABASES
def test_a_role_is_made_once(accounts: Accounts) -> None:
    with pytest.raises(AlreadyExists):
        accounts.create_role("POWER_USER")


def test_no_password_is_kept(accounts: Accounts, settings: Settings) -> None:
    accounts.create("george", PASSWORD)
    kept = b"".join(path.read_bytes() for path in settings.home.glob("deployr.db*"))
    assert b"george" in kept
    assert PASSWORD.encode() not in kept
