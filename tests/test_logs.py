"""Log lines and what never gets into them."""

import io
import logging
from collections.abc import Iterator

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from deployr import logs
from deployr.store.database import Database
from deployr.users.http_sessions import HttpSessions

_session_ids = st.builds(HttpSessions(Database("sqlite://"), bytes(32), 1800).issue)


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    logs.configure("info", stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_request_is_one_line_of_pairs(stream: io.StringIO) -> None:
    logger = logging.getLogger("deployr.api")
    logs.log_request(logger, call="/r/user/login", user=None, status=200, error_code=940, duration_ms=51.26)
    line = stream.getvalue()
    assert line.startswith("time=2")
    assert line.endswith(" message=request call=/r/user/login user=anonymous status=200 errorCode=940 ms=51.3\n")


def test_missing_values_are_dashes(stream: io.StringIO) -> None:
    logger = logging.getLogger("deployr.api")
    logs.log_request(logger, call="/r/user/about", user="george", status=200, error_code=None, duration_ms=1)
    assert "user=george status=200 errorCode=-" in stream.getvalue()


def test_a_value_cannot_forge_a_line_or_a_pair(stream: io.StringIO) -> None:
    logging.getLogger("x").warning("a\nlevel=error b\u2028c")
    logging.getLogger("x").warning('b "c" d=e', extra={"fields": {"file": "Ünïcødé 1.R"}})
    first, second = stream.getvalue().splitlines()
    assert first.endswith(r'message="a\nlevel=error b\u2028c"')
    assert second.endswith(r'message="b \"c\" d=e" file="Ünïcødé 1.R"')


def test_an_exception_stays_on_its_line_and_keeps_no_secret(stream: io.StringIO) -> None:
    try:
        raise ValueError("bad password='Sesame 42'")
    except ValueError:
        logging.getLogger("x").exception("failed")
    assert stream.getvalue().count("\n") == 1
    assert "ValueError: bad password=***" in stream.getvalue()
    assert "Sesame 42'\"" not in stream.getvalue()


def test_levels_below_the_configured_one_are_left_out(stream: io.StringIO) -> None:
    logging.getLogger("x").debug("hidden")
    assert stream.getvalue() == ""


@given(
    _session_ids,
    st.sampled_from(["/deployr/r/user/about;jsessionid={}", "id {} ended", "Cookie: a=b; JSESSIONID={}", "('{}',)"]),
)
def test_session_ids_are_blanked(session_id: str, text: str) -> None:
    assert session_id not in logs.redact(text.format(session_id))


@given(
    st.text("abcdefghijklmnopqrstuvwxyzABC0123456789_-.!", min_size=8, max_size=40),
    st.sampled_from(
        [
            "username=a&password={}&format=json",
            '{{"username": "a", "password": "{}"}}',
            "{{'newPassword': '{}'}}",
            "X-XSRF-TOKEN: {}",
            "access_token={} x",
            "Authorization: Bearer {}",
            "Set-Cookie: JSESSIONID={}; Path=/deployr/",
            "postgresql://deployr:{}@host/db",
        ]
    ),
)
def test_passwords_and_tokens_are_blanked(secret: str, text: str) -> None:
    # A word of the text itself stays where it stands.
    assume(secret not in text)
    assert secret not in logs.redact(text.format(secret))


def test_secret_fields_are_blanked(stream: io.StringIO) -> None:
    logging.getLogger("x").info("login", extra={"fields": {"password": "Sesame42", "X-XSRF-TOKEN": "abc", "user": "a"}})
    assert stream.getvalue().endswith("message=login password=*** X-XSRF-TOKEN=*** user=a\n")


@pytest.mark.parametrize(
    "text", ["user=george call=/r/project/list", "sha256 " + "ab" * 32, "PROJECT-53708abe-c5c2-4091-9ced-6314d49de0a3"]
)
def test_the_rest_is_kept(text: str) -> None:
    assert logs.redact(text) == text


def test_long_texts_are_searched_quickly() -> None:
    text = "token" * 200_000
    assert logs.redact(text) == text
