"""Logins of users that an LDAP directory knows: a real one."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from deployr.errors import AccountDisabled, BadCredentials, InvalidParameter, NodeNotResponding
from deployr.settings import LdapSettings
from deployr.store.database import Database
from deployr.users.accounts import Accounts
from deployr.users.logins import Logins
from tests.ldap_server import BASE, PASSWORD, SEARCHER, SEARCHER_PASSWORD, LdapServer
from tests.server import Server, beside

SEARCH = {"bind_dn": SEARCHER, "bind_password": SEARCHER_PASSWORD, "search_base": f"ou=users,{BASE}"}
GROUPS = {"group_search_base": f"ou=groups,{BASE}", "roles": ("analysts=POWER_USER",), "default_role": "BASIC_USER"}


@pytest.fixture
def accounts(accounts: Accounts) -> Accounts:
    accounts.create_role("ANALYST")
    return accounts


def _logins(url: str, accounts: Accounts, database: Database, **settings: Any) -> Logins:
    return Logins(accounts, database, LdapSettings(url=url, **(SEARCH | GROUPS | settings)))


@pytest.fixture
def logins(ldap_server: LdapServer, accounts: Accounts, database: Database) -> Logins:
    return _logins(ldap_server.url, accounts, database)


async def test_a_user_of_the_directory_gets_an_account_and_the_roles_of_the_groups(logins: Logins) -> None:
    maria, otto = await logins.authenticate("maria", PASSWORD), await logins.authenticate("otto", PASSWORD)
    assert (maria.username, maria.displayname, maria.roles) == ("maria", "Maria Schmidt", {"POWER_USER"})
    assert (otto.username, otto.displayname, otto.roles) == ("otto", "Otto", {"BASIC_USER"})


async def test_another_spelling_of_the_name_is_the_same_user(logins: Logins) -> None:
    assert (await logins.authenticate("Maria", PASSWORD)).username == "maria"


@pytest.mark.parametrize(
    ("username", "password"),
    [("maria", "wrong"), ("maria", ""), ("nobody", PASSWORD), ("*", PASSWORD), ("mari*", PASSWORD), ("", PASSWORD)],
)
async def test_bad_credentials_are_told_apart_by_nothing(logins: Logins, username: str, password: str) -> None:
    with pytest.raises(BadCredentials, match=r"^Bad credentials$"):
        await logins.authenticate(username, password)


async def test_accounts_with_a_password_here_are_out_of_the_directory_s_reach(logins: Logins) -> None:
    assert (await logins.authenticate("testuser", "changeme")).displayname == "DeployR API Test Account"
    for username in ("testuser", "TestUser"):
        with pytest.raises(BadCredentials):
            await logins.authenticate(username, PASSWORD)


async def test_groups_count_anew_at_each_login(
    ldap_server: LdapServer, accounts: Accounts, database: Database, logins: Logins
) -> None:
    await logins.authenticate("maria", PASSWORD)
    # As DeployR's own configuration writes them; a role that nobody has made here is passed over.
    renamed = _logins(ldap_server.url, accounts, database, roles=("ROLE_ANALYSTS=ROLE_ANALYST",))
    assert (await renamed.authenticate("maria", PASSWORD)).roles == {"ANALYST"}
    unknown = _logins(ldap_server.url, accounts, database, roles=("Analysts=NONE",))
    assert (await unknown.authenticate("maria", PASSWORD)).roles == frozenset()


async def test_an_account_can_be_disabled_here(logins: Logins, accounts: Accounts) -> None:
    await logins.authenticate("maria", PASSWORD)
    accounts.disable("maria")
    with pytest.raises(AccountDisabled):
        await logins.authenticate("maria", PASSWORD)
    with pytest.raises(BadCredentials):
        await logins.authenticate("maria", "wrong")


async def test_passwords_of_the_directory_are_not_changed_here(logins: Logins, accounts: Accounts) -> None:
    await logins.authenticate("maria", PASSWORD)
    with pytest.raises(InvalidParameter, match="is a matter of ldap:///ou=users"):
        accounts.change_password("maria", "Another-1")
    with pytest.raises(InvalidParameter):
        accounts.expire_password("maria")


async def test_users_can_look_themselves_up(ldap_server: LdapServer, accounts: Accounts, database: Database) -> None:
    themselves = f"uid={{0}},ou=users,{BASE}"
    logins = _logins(ldap_server.url, accounts, database, user_dn=themselves, bind_dn=None, bind_password=None)
    assert (await logins.authenticate("maria", PASSWORD)).roles == {"POWER_USER"}
    with pytest.raises(BadCredentials):
        await logins.authenticate("maria", "wrong")


async def test_a_filter_may_lack_its_brackets_but_must_find_one_person(
    ldap_server: LdapServer, accounts: Accounts, database: Database
) -> None:
    logins = _logins(ldap_server.url, accounts, database, search_filter="uid={0}")
    assert (await logins.authenticate("maria", PASSWORD)).username == "maria"
    logins = _logins(ldap_server.url, accounts, database, search_filter="mail={0}")
    with pytest.raises(BadCredentials):
        await logins.authenticate("one.for.all@example.com", PASSWORD)


@pytest.mark.parametrize(
    "broken", [{"bind_password": "wrong"}, {"search_base": "dc=elsewhere"}, {"url": "ldap://localhost:1"}]
)
async def test_a_directory_that_cannot_be_asked_keeps_nobody_out_who_has_a_password_here(
    ldap_server: LdapServer, accounts: Accounts, database: Database, broken: dict[str, Any]
) -> None:
    logins = _logins(**({"url": ldap_server.url} | broken), accounts=accounts, database=database)
    with pytest.raises(NodeNotResponding):
        await logins.authenticate("maria", PASSWORD)
    assert (await logins.authenticate("testuser", "changeme")).username == "testuser"


async def test_a_directory_that_comes_back_is_asked_again(
    tmp_path: Path, accounts: Accounts, database: Database
) -> None:
    server = LdapServer(tmp_path / "slapd")
    try:
        logins = _logins(server.url, accounts, database)
        server.stop()
        with pytest.raises(NodeNotResponding):
            await logins.authenticate("maria", PASSWORD)
        server.start()
        assert (await logins.authenticate("maria", PASSWORD)).username == "maria"
    finally:
        server.stop()


def _certificates(directory: Path) -> tuple[Path, str]:
    """A certificate for this machine by an authority of its own, and slapd's configuration with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (directory / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (directory / "key.pem").write_bytes(private)
    lines = f"TLSCertificateFile {directory}/certificate.pem\nTLSCertificateKeyFile {directory}/key.pem\n"
    return directory / "certificate.pem", lines


@pytest.mark.parametrize(("scheme", "start_tls"), [("ldaps", False), ("ldap", True)])
async def test_only_a_directory_that_is_certified_learns_passwords(
    tmp_path: Path, accounts: Accounts, database: Database, scheme: str, start_tls: bool
) -> None:
    authority, lines = _certificates(tmp_path)
    server = LdapServer(tmp_path / "slapd", lines, scheme)
    try:
        logins = _logins(server.url, accounts, database, ca_file=str(authority), start_tls=start_tls)
        assert (await logins.authenticate("maria", PASSWORD)).username == "maria"
        with pytest.raises(NodeNotResponding) as caught:
            await _logins(server.url, accounts, database, start_tls=start_tls).authenticate("maria", PASSWORD)
        assert "CERTIFICATE_VERIFY_FAILED" in str(caught.value.__cause__)
    finally:
        server.stop()


@pytest.fixture(scope="module")
def with_directory(server: Server, ldap_server: LdapServer) -> Iterator[Server]:
    flags = {f"ldap__{name}": value for name, value in (SEARCH | GROUPS).items()}
    with beside(server, ldap__url=ldap_server.url, **flags) as other:
        yield other


def test_both_surfaces_know_the_users_of_the_directory(with_directory: Server) -> None:
    client = with_directory.login("maria", PASSWORD)
    about = client.succeed("/r/user/about")["user"]
    assert (about["username"], about["displayname"]) == ("maria", "Maria Schmidt")
    assert about["permissions"]["powerUser"] is True
    client.execute(client.project(), "x <- 1")
    client.logout()
    with httpx.Client(base_url=with_directory.url.removesuffix("/deployr"), timeout=60) as ml:
        tokens = ml.post("/login", json={"username": "maria", "password": PASSWORD}).json()
        ml.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        assert ml.post("/sessions", json={"name": "from the directory"}).status_code == 201
        assert ml.post("/login", json={"username": "maria", "password": "wrong"}).status_code == 401
        status = ml.get("/status").json()["components"]["authentication"]
        assert status["components"]["ldap"]["statusCode"] == "pass"
