"""What roles allow."""

import pytest

from deployr.users.caller import Caller
from deployr.users.roles import permissions


@pytest.mark.parametrize(
    ("role", "granted"),
    [
        ("ADMINISTRATOR", {"scriptManager", "powerUser", "packageManager", "administrator", "basicUser"}),
        ("POWER_USER", {"scriptManager", "powerUser", "packageManager", "basicUser"}),
        ("PACKAGE_MANAGER", {"packageManager", "basicUser"}),
        ("BASIC_USER", {"basicUser"}),
        ("MARKETING", {"basicUser"}),
    ],
)
def test_permissions_follow_the_role(role: str, granted: set[str]) -> None:
    assert {name for name, value in permissions({role}).items() if value} == granted
    assert len(permissions(set())) == 5


def test_only_administrators_and_power_users_run_code() -> None:
    may = {
        role for role in ("ADMINISTRATOR", "POWER_USER", "BASIC_USER", "PACKAGE_MANAGER") if _caller(role).may_run_code
    }
    assert may == {"ADMINISTRATOR", "POWER_USER"}


def test_only_administrators_bypass_the_black_list() -> None:
    assert _caller("ADMINISTRATOR").bypasses_blacklist
    assert not _caller("POWER_USER").bypasses_blacklist


def test_owners_are_users_or_http_sessions() -> None:
    assert _caller("POWER_USER").owner == "user:george"
    assert Caller(http_session="abc").owner == "http:abc"
    assert Caller(http_session="abc").is_anonymous


def _caller(role: str) -> Caller:
    return Caller(http_session="abc", username="george", roles=frozenset([role]))
