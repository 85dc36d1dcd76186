"""HTTP sessions on a real database."""

import re

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from deployr.errors import SessionOwned
from deployr.settings import Settings
from deployr.store import database as database_module
from deployr.store.database import Database
from deployr.users import http_sessions as module
from deployr.users.accounts import Accounts
from deployr.users.caller import Caller
from deployr.users.http_sessions import HttpSessions, digest_of
from tests.postgresql import ON_BOTH_DATABASES

KEY = bytes(32)
TIMEOUT = 1800


@pytest.fixture
def sessions(database: Database, accounts: Accounts) -> HttpSessions:
    return HttpSessions(database, KEY, TIMEOUT)


@pytest.fixture
def session_id(sessions: HttpSessions) -> str:
    session_id = sessions.issue()
    sessions.attach(session_id, "testuser")
    return session_id


def _later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(module, "now_ms", lambda: database_module.now_ms() + int(seconds * 1000))


def _find(sessions: HttpSessions, session_id: str) -> Caller:
    caller = sessions.find(session_id)
    assert caller is not None
    return caller


def test_ids_prove_themselves_to_every_worker_of_the_server(sessions: HttpSessions, database: Database) -> None:
    session_id = sessions.issue()
    assert re.fullmatch("[0-9A-F]{64}", session_id)
    assert HttpSessions(database, KEY, TIMEOUT).is_ours(session_id)
    assert not HttpSessions(database, bytes(31) + b"x", TIMEOUT).is_ours(session_id)


@given(st.text() | st.text("0123456789ABCDEF", min_size=64, max_size=64))
def test_made_up_ids_are_not_ours(text: str) -> None:
    assert not HttpSessions(Database("sqlite://"), KEY, TIMEOUT).is_ours(text)


def test_a_changed_id_is_not_ours(sessions: HttpSessions, session_id: str) -> None:
    for changed in (session_id.lower(), session_id[:-1], session_id + "0", session_id[1:] + session_id[0]):
        assert sessions.find(changed) is None


def test_csrf_tokens_are_stable_and_differ(sessions: HttpSessions) -> None:
    first, second = sessions.issue(), sessions.issue()
    assert sessions.csrf_token(first) == sessions.csrf_token(first) != sessions.csrf_token(second)
    assert re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", sessions.csrf_token(first))


def test_a_session_without_login_is_anonymous_and_leaves_no_row(sessions: HttpSessions, database: Database) -> None:
    session_id = sessions.issue()
    assert _find(sessions, session_id) == Caller(http_session=digest_of(session_id))
    sessions.touch(digest_of(session_id))
    sessions.flush()
    assert _count(database) == 0


@ON_BOTH_DATABASES
def test_a_login_makes_the_caller_known(sessions: HttpSessions, accounts: Accounts) -> None:
    accounts.set_roles("testuser", ["POWER_USER", "PACKAGE_MANAGER"])
    accounts.set_cookie("testuser", "theme=dark")
    session_id = sessions.issue()
    sessions.attach(session_id, "testuser", autosave=False, relative_urls=True)
    assert _find(sessions, session_id) == Caller(
        http_session=digest_of(session_id),
        username="testuser",
        displayname="DeployR API Test Account",
        roles=frozenset(["POWER_USER", "PACKAGE_MANAGER"]),
        cookie="theme=dark",
        autosave=False,
        relative_urls=True,
    )


def test_finding_takes_one_query(sessions: HttpSessions, session_id: str, database: Database) -> None:
    statements = []
    sa.event.listen(database.engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    assert _find(sessions, session_id).username == "testuser"
    assert [statement.split()[0] for statement in statements if statement != "BEGIN"] == ["SELECT"]


def test_a_user_without_roles_is_found(sessions: HttpSessions, session_id: str, accounts: Accounts) -> None:
    accounts.set_roles("testuser", [])
    assert _find(sessions, session_id).roles == frozenset()


def test_the_database_does_not_hold_the_id(session_id: str, settings: Settings) -> None:
    kept = b"".join(path.read_bytes() for path in settings.home.glob("deployr.db*"))
    assert digest_of(session_id).encode() in kept
    assert session_id.encode() not in kept


@ON_BOTH_DATABASES
def test_another_user_is_refused(sessions: HttpSessions, session_id: str) -> None:
    with pytest.raises(SessionOwned):
        sessions.attach(session_id, "admin")
    assert _find(sessions, session_id).username == "testuser"


def test_the_same_user_refreshes(sessions: HttpSessions, session_id: str) -> None:
    sessions.attach(session_id, "testuser", autosave=False)
    assert not _find(sessions, session_id).autosave


def test_another_user_may_follow_after_logout(sessions: HttpSessions, session_id: str) -> None:
    digest = digest_of(session_id)
    assert sessions.end(digest)
    assert not sessions.end(digest)
    assert _find(sessions, session_id).is_anonymous
    sessions.attach(session_id, "admin")
    assert _find(sessions, session_id).username == "admin"


def test_another_user_may_follow_after_the_timeout(
    sessions: HttpSessions, session_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _later(monkeypatch, TIMEOUT + 1)
    sessions.attach(session_id, "admin")
    assert _find(sessions, session_id).username == "admin"


def test_autosave_is_switched(sessions: HttpSessions, session_id: str) -> None:
    sessions.set_autosave(digest_of(session_id), False)
    assert not _find(sessions, session_id).autosave


def test_a_disabled_account_loses_its_sessions(sessions: HttpSessions, session_id: str, accounts: Accounts) -> None:
    accounts.disable("testuser")
    assert _find(sessions, session_id).is_anonymous


def test_a_new_password_or_disabling_ends_sessions_for_good(
    sessions: HttpSessions, session_id: str, accounts: Accounts
) -> None:
    accounts.change_password("testuser", "Sesame42")
    assert _find(sessions, session_id).is_anonymous
    sessions.attach(session_id, "testuser")
    assert _find(sessions, session_id).username == "testuser"
    accounts.disable("testuser")
    accounts.enable("testuser")
    assert _find(sessions, session_id).is_anonymous


def test_what_is_noted_of_its_use_does_not_bring_an_ended_session_back(
    sessions: HttpSessions, session_id: str, accounts: Accounts
) -> None:
    sessions.touch(digest_of(session_id))
    accounts.change_password("testuser", "Sesame42")
    assert _find(sessions, session_id).is_anonymous
    sessions.flush()
    assert [session.digest for session in sessions.expired()] == [digest_of(session_id)]


def test_an_idle_session_ends(sessions: HttpSessions, session_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sessions.expired() == []
    _later(monkeypatch, TIMEOUT + 1)
    assert _find(sessions, session_id).is_anonymous
    assert [(s.digest, s.username, s.autosave) for s in sessions.expired()] == [
        (digest_of(session_id), "testuser", True)
    ]


@ON_BOTH_DATABASES
def test_use_keeps_a_session_alive_here_at_once_and_elsewhere_once_flushed(
    sessions: HttpSessions, session_id: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    _later(monkeypatch, TIMEOUT - 1)
    sessions.touch(digest_of(session_id))
    _later(monkeypatch, TIMEOUT + 1)
    assert not _find(sessions, session_id).is_anonymous
    sessions.flush()
    assert not _find(HttpSessions(database, KEY, TIMEOUT), session_id).is_anonymous


def test_a_late_flush_does_not_turn_time_back(
    sessions: HttpSessions, session_id: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions.touch(digest_of(session_id))
    _later(monkeypatch, 60)
    other = HttpSessions(database, KEY, TIMEOUT)
    other.touch(digest_of(session_id))
    other.flush()
    used = _used(database)
    sessions.flush()
    assert _used(database) == used


def test_a_failed_flush_is_made_up_for(sessions: HttpSessions, session_id: str, database: Database) -> None:
    before = _used(database)
    sessions.touch(digest_of(session_id))
    with database.transaction() as connection:
        connection.execute(sa.text("ALTER TABLE http_sessions RENAME TO away"))
    with pytest.raises(sa.exc.SQLAlchemyError):
        sessions.flush()
    with database.transaction() as connection:
        connection.execute(sa.text("ALTER TABLE away RENAME TO http_sessions"))
        connection.execute(sa.text("UPDATE http_sessions SET used = 1"))
    sessions.flush()
    assert _used(database) >= before


def _count(database: Database) -> int:
    with database.reading() as connection:
        return int(connection.execute(sa.text("SELECT count(*) FROM http_sessions")).scalar_one())


def _used(database: Database) -> int:
    with database.reading() as connection:
        return int(connection.execute(sa.text("SELECT used FROM http_sessions")).scalar_one())
