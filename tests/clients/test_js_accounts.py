"""Login, logout and what the JavaScript client makes of refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.server import Server, beside


@pytest.fixture
def seen(node: Callable[..., Any]) -> dict[str, Any]:
    replies: dict[str, Any] = node("accounts.js")
    return replies


def test_server_info_answers_anybody(seen: dict[str, Any]) -> None:
    assert seen["info"]["success"] is True
    assert seen["info"]["info"]["version"]


def test_login_is_refused_with_its_code_and_granted(seen: dict[str, Any]) -> None:
    assert seen["wrong"]["errorCode"] == 940
    assert seen["login"]["user"]["username"] == "testuser"
    assert all(isinstance(limit, int) for limit in seen["login"]["limits"].values())
    assert "JSESSIONID=" in str(seen["headers"]["Cookie"])
    assert seen["about"]["user"]["username"] == "testuser"


def test_logout_ends_the_session(seen: dict[str, Any]) -> None:
    assert seen["logout"]["success"] is True
    assert seen["second"]["errorCode"] == 403
    assert seen["after"]["errorCode"] == 401


def test_programs_can_listen_for_calls_that_need_a_login(seen: dict[str, Any]) -> None:
    assert seen["stranger"]["errorCode"] == 401
    assert seen["heard"] == "/r/project/list"


def test_a_chain_of_calls_keeps_its_session(node: Callable[..., Any]) -> None:
    seen = node("chain.js")
    assert seen["x"] == 2.0
    assert seen["user"]["username"] == "testuser"
    assert seen["project"]["live"] is True
    assert seen["released"] is True


def test_the_library_sends_the_token_that_a_strict_server_asks_for(node: Callable[..., Any], server: Server) -> None:
    with beside(server, server__csrf="required") as strict:
        seen = node("chain.js", host=strict.url)
    assert seen["x"] == 2.0
    assert seen["released"] is True
