"""The command line, on a real home directory."""

import fcntl
import getpass
import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

import deployr
from deployr import cli, supervisor
from deployr.errors import PasswordExpired
from deployr.settings import Settings
from deployr.store.database import Database
from deployr.users.accounts import Accounts
from deployr.users.signing_keys import SigningKeys

Run = Callable[..., int]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    monkeypatch.setenv("DEPLOYR_HOME", str(home))
    monkeypatch.setenv("DEPLOYR_GRID_SESSIONS_DIRECTORY", str(tmp_path / "sessions"))
    return home


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    def command(*arguments: str, stdin: str = "") -> int:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        return cli.main(arguments)

    return command


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """Settings that the supervisor was started with; the supervisor itself has tests of its own."""
    started: list[Settings] = []

    def serve(settings: Settings) -> int:
        started.append(settings)
        return 0

    monkeypatch.setattr(supervisor, "serve", serve)
    return started


def _accounts(home: Path) -> Accounts:
    settings = Settings.load(flags={"home": home})
    return Accounts(Database(settings.database_url), settings)


def test_the_version_is_printed(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("version") == 0
    assert capsys.readouterr().out == f"deployr {deployr.__version__}\n"


def test_a_user_is_added_with_a_password_from_stdin(run: Run, home: Path) -> None:
    arguments = ["user", "add", "george", "--displayname", "George Best", "--role", "POWER_USER", "--password-stdin"]
    assert run(*arguments, stdin="Sesame42\n") == 0
    user = _accounts(home).authenticate("george", "Sesame42")
    assert (user.displayname, user.roles) == ("George Best", frozenset(["POWER_USER"]))


def test_a_password_is_asked_for_twice(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = ["Sesame42", "Sesame43", "Sesame42", "Sesame42"]
    monkeypatch.setattr(getpass, "getpass", lambda prompt: answers.pop(0))
    assert run("user", "passwd", "admin") == 1
    assert run("user", "passwd", "admin") == 0
    assert _accounts(home).authenticate("admin", "Sesame42").username == "admin"


def test_a_refusal_says_why(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("user", "passwd", "nobody", stdin="Sesame42\n") == 1
    assert run("user", "add", "george", "--password-stdin", stdin="short\n") == 1
    assert capsys.readouterr().err.splitlines() == [
        "deployr: There is no user nobody.",
        "deployr: A password needs at least 8 characters.",
    ]


def test_accounts_are_listed_with_their_state(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("user", "disable", "testuser") == 0
    assert run("user", "list") == 0
    assert [line.split("  ")[0] for line in capsys.readouterr().out.splitlines()] == ["USERNAME", "admin", "testuser"]
    run("user", "list")
    assert "DeployR API Test Account      disabled  POWER_USER" in capsys.readouterr().out
    run("user", "enable", "testuser")
    run("user", "list")
    assert "disabled" not in capsys.readouterr().out


def test_an_account_gets_a_role_that_was_made(run: Run, home: Path) -> None:
    assert run("role", "add", "MARKETING", "--descr", "Sells.") == 0
    assert run("user", "roles", "testuser", "BASIC_USER", "MARKETING") == 0
    assert _accounts(home).get("testuser").roles == {"BASIC_USER", "MARKETING"}
    assert run("role", "add", "A,B") == 1


def test_an_expired_password_is_to_be_changed(run: Run, home: Path) -> None:
    assert run("user", "expire-password", "testuser") == 0
    with pytest.raises(PasswordExpired):
        _accounts(home).authenticate("testuser", "changeme")


def test_a_wrong_setting_is_a_wrong_call(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("serve", "--workers", "0") == 2
    assert capsys.readouterr().err.startswith("deployr: server.workers: ")


def test_flags_are_settings_of_the_server(run: Run, home: Path, served: list[Settings]) -> None:
    assert run("serve", "--bind", "127.0.0.1:8051", "localhost:8052", "--workers", "3") == 0
    settings = served[0]
    assert (settings.home, settings.server.workers) == (home, 3)
    assert settings.server.bind == ("127.0.0.1:8051", "localhost:8052")


@pytest.fixture
def earlier(home: Path, run: Run) -> None:
    """The home directory is one of an earlier server, so far as its database says."""
    run("user", "list")
    with Database(Settings.load(flags={"home": home}).database_url).transaction() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0011'"))


@pytest.mark.usefixtures("earlier")
def test_a_home_directory_is_served_once(run: Run, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (home / "run" / "supervisor.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert run("serve") == 1
    # Not that its database cannot be upgraded.
    assert "Another server is running" in capsys.readouterr().err


@pytest.mark.usefixtures("earlier")
@pytest.mark.parametrize("command", [("user", "list"), ("repository", "check")])
def test_only_a_start_upgrades_the_database(
    run: Run, command: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*command) == 1
    assert "The database has schema 0011; the start of this server" in capsys.readouterr().err


def test_default_passwords_are_not_served_to_other_machines(
    run: Run, served: list[Settings], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("serve", "--bind", "0.0.0.0:8051") == 1
    assert served == []
    error = capsys.readouterr().err
    assert "0.0.0.0:8051" in error
    assert "deployr user passwd admin" in error
    assert "deployr user disable testuser" in error


def test_changed_passwords_are_served_to_other_machines(run: Run, served: list[Settings]) -> None:
    run("user", "passwd", "admin", "--password-stdin", stdin="Sesame42\n")
    run("user", "disable", "testuser")
    assert run("serve", "--bind", "0.0.0.0:8051") == 0
    assert served[0].server.bind == ("0.0.0.0:8051",)


def test_the_home_directory_is_a_flag_too(run: Run, tmp_path: Path) -> None:
    assert run("user", "list", "--home", str(tmp_path / "other")) == 0
    assert (tmp_path / "other" / "deployr.db").exists()


def test_the_key_of_access_tokens_is_rotated(run: Run, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("token", "rotate-key") == 0
    kid = capsys.readouterr().out.strip()
    assert SigningKeys(Settings.load(flags={"home": home}).keys_directory, 60).current().kid == kid
