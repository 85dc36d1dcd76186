"""The doctor, on the real machine and real home directories."""

import socket
import sys
import threading
import venv
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from bench.waiting import free_port
from deployr import doctor
from deployr.doctor import Check, examine, exposed_addresses, report
from deployr.prepare import prepare
from deployr.repository import shell
from deployr.settings import DatabaseSettings, LdapSettings, Settings, ShellSettings
from deployr.store.database import Database
from deployr.store.migrate import head_revision
from tests.grid.conftest import needs_root
from tests.grid.grid_support import make_home, remove_home
from tests.ldap_server import BASE, LdapServer
from tests.postgresql import Postgres


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    flags = {"home": tmp_path / "home", "grid.sessions_directory": str(tmp_path / "sessions")}
    return Settings.load(flags={**flags, "server.bind": [f"127.0.0.1:{free_port()}"]})


@pytest.fixture
def prepared(settings: Settings) -> Settings:
    prepare(settings)
    return settings


@pytest.fixture
def address() -> Iterator[str]:
    """Something else that listens."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        other.settimeout(0)
        yield f"127.0.0.1:{other.getsockname()[1]}"


def _checks(settings: Settings) -> dict[str, Check]:
    return {check.name: check for check in examine(settings)}


def test_a_new_installation_is_healthy_and_left_untouched(settings: Settings) -> None:
    lines: list[str] = []
    assert report(settings, lines.append) == 0
    assert all(line.startswith("ok") for line in lines)
    assert not settings.home.exists()


def test_a_prepared_home_is_healthy(prepared: Settings) -> None:
    checks = _checks(prepared)
    assert [check for check in checks.values() if not check.ok] == []
    assert checks["database"].detail.endswith(f"at schema {head_revision()}")
    assert checks["Rserve"].detail >= "1.8"


def test_a_directory_is_asked(prepared: Settings, ldap_server: LdapServer) -> None:
    answering = LdapSettings(url=ldap_server.url, search_base=BASE)
    assert _checks(msgspec.structs.replace(prepared, ldap=answering))["directory"].ok
    silent = LdapSettings(url="ldap://localhost:9", search_base=BASE)
    assert "[ldap]" in _checks(msgspec.structs.replace(prepared, ldap=silent))["directory"].remedy


def test_a_failure_says_how_to_mend_it(prepared: Settings) -> None:
    prepared.home.chmod(0o755)
    lines: list[str] = []
    assert report(prepared, lines.append) == 1
    assert f"      -> Run `chmod 700 {prepared.home}`." in lines


def test_the_interpreter_of_python_sessions_is_one_that_their_users_can_run(settings: Settings, tmp_path: Path) -> None:
    found = _checks(settings)["Python sessions"]
    assert found.ok
    assert found.detail.startswith(sys.executable)
    closed = tmp_path / "python"
    closed.write_text("#!/bin/sh\necho 3.12")
    for program in (str(closed), "/nowhere/python", "/bin/true"):
        grid = msgspec.structs.replace(settings.grid, python=program)
        found = _checks(msgspec.structs.replace(settings, grid=grid))["Python sessions"]
        assert not found.ok
        assert "grid.python" in found.remedy


@needs_root
def test_packages_that_session_users_cannot_read_are_found(settings: Settings) -> None:
    home = make_home()
    venv.create(home / "venv")
    package = next((home / "venv").glob("lib/python*/site-packages")) / "dill"
    package.mkdir()
    (package / "__init__.py").touch()
    program = str(home / "venv/bin/python")
    told = msgspec.structs.replace(settings, grid=msgspec.structs.replace(settings.grid, python=program))
    assert _checks(told)["Python sessions"].ok
    package.chmod(0o700)
    assert "cannot read all of its packages" in _checks(told)["Python sessions"].detail
    remove_home(home)


def test_what_runs_shell_scripts_is_looked_for_when_they_are_enabled(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "shell scripts" not in _checks(settings)
    enabled = msgspec.structs.replace(settings, shell=ShellSettings(enabled=True))
    assert _checks(enabled)["shell scripts"].ok
    monkeypatch.setattr(shell, "SETPRIV", "/nowhere/setpriv")
    assert "util-linux" in _checks(enabled)["shell scripts"].remedy


def test_missing_r_is_found(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert "Install R " in _checks(settings)["R"].remedy


def test_an_old_or_missing_package_is_found() -> None:
    assert not doctor._check_version("Rserve", "1.7-3", (1, 8), "Install {}.").ok
    assert doctor._check_version("Rserve", "", (1, 8), "Install {}.").remedy == "Install 1.8."
    assert doctor._check_version("Rserve", "1.8-11", (1, 8), "Install {}.").ok


def test_a_package_missing_in_the_sessions_library_is_found(prepared: Settings) -> None:
    (prepared.library_directory / "deployrUtils").mkdir(parents=True)
    (prepared.library_directory / "deployrUtils" / "DESCRIPTION").touch()
    check = _checks(prepared)["R packages of the server"]
    assert check.detail.startswith("RevoScriptTools, rxStandIns missing")


def test_an_old_schema_is_found(prepared: Settings) -> None:
    with Database(prepared.database_url).transaction() as connection:
        connection.execute(sa.text("DELETE FROM alembic_version"))
    assert "at schema none" in _checks(prepared)["database"].detail


def test_a_database_on_postgresql_is_looked_at(prepared: Settings, postgres: Postgres) -> None:
    def check(url: str) -> Check:
        told = msgspec.structs.replace(prepared, database=DatabaseSettings(url=url))
        return _checks(told)["database"]

    assert check(postgres.new_database()).detail.endswith(f"at schema {head_revision()}")
    assert "at schema none" in check(postgres.new_empty_database()).detail
    assert 'database "absent" does not exist' in check(postgres.url("absent")).detail
    assert "See that the database runs" in check("postgresql:///deployr?host=/nowhere").remedy
    assert "begins with sqlite or postgresql" in check("mysql://user:secret@host/deployr").remedy
    assert "secret" not in check("mysql://user:secret@host/deployr").detail


def test_an_unreachable_database_is_found(prepared: Settings) -> None:
    Path(prepared.home / "deployr.db").write_text("not a database" * 100)
    checks = _checks(prepared)
    assert not checks["database"].ok
    assert not checks["passwords"].ok


def test_a_taken_address_is_found(settings: Settings, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_PROBE_TIMEOUT", 0.1)
    check = doctor._check_address(address)
    assert "not available" in check.detail
    assert "--bind" in check.remedy


def test_a_running_server_is_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_PROBE_TIMEOUT", 60)

    class Info(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"deployr":{"response":{}}}')

        def log_message(self, *arguments: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Info)
    threading.Thread(target=server.handle_request, daemon=True).start()
    assert doctor._check_address(f"127.0.0.1:{server.server_port}") == Check(
        f"address 127.0.0.1:{server.server_port}", "a server runs"
    )
    server.server_close()


def test_exposed_default_passwords_are_a_failure(prepared: Settings) -> None:
    exposed = Settings.load(flags={"home": prepared.home, "server.bind": [f"0.0.0.0:{free_port()}"]})
    check = _checks(exposed)["passwords"]
    assert "deployr user passwd admin" in check.remedy


@pytest.mark.parametrize(
    ("address", "exposed"),
    [
        ("127.0.0.1:1", False),
        ("localhost:1", False),
        ("[::1]:1", False),
        ("127.1.2.3:1", False),
        ("0.0.0.0:1", True),
        ("[::]:1", True),
        ("192.168.1.1:1", True),
        ("no-such-host.invalid:1", True),
    ],
)
def test_addresses_other_than_loopback_are_exposed(tmp_path: Path, address: str, exposed: bool) -> None:
    settings = Settings.load(flags={"home": tmp_path, "server.bind": [address]})
    assert exposed_addresses(settings) == ([address] if exposed else [])
