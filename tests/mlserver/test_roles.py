"""The roles of 9.x."""

from __future__ import annotations

import pytest

from deployr.errors import PermissionDenied
from deployr.mlserver.roles import Role, Roles
from deployr.settings import MlServerSettings
from deployr.users.caller import Caller


def _caller(*roles: str, username: str = "walter") -> Caller:
    return Caller(http_session="", username=username, roles=frozenset(roles))


@pytest.mark.parametrize(
    ("roles", "role"),
    [
        (["ADMINISTRATOR", "BASIC_USER"], Role.OWNER),
        (["POWER_USER"], Role.CONTRIBUTOR),
        (["BASIC_USER"], Role.READER),
        ([], Role.READER),
    ],
)
def test_roles_of_this_server_are_mapped_and_the_highest_counts(roles: list[str], role: Role) -> None:
    assert Roles(MlServerSettings()).of(_caller(*roles)) is role


@pytest.mark.parametrize(
    ("declared", "role"),
    [
        ({"owner": (), "contributor": ()}, Role.CONTRIBUTOR),
        ({"owner": ("o",), "contributor": ()}, Role.CONTRIBUTOR),
        ({"owner": (), "contributor": ("c",)}, Role.READER),
        ({"owner": ("o",), "contributor": ("c",)}, Role.READER),
        ({"owner": (), "contributor": (), "reader": ("r",)}, Role.NONE),
        ({"owner": ("o",), "contributor": ("c",), "reader": ("r",)}, Role.NONE),
    ],
)
def test_who_is_in_no_group_has_the_role_that_the_declared_ones_leave(
    declared: dict[str, tuple[str, ...]], role: Role
) -> None:
    assert Roles(MlServerSettings(**declared)).of(_caller("x")) is role


def test_who_has_no_role_may_do_nothing() -> None:
    with pytest.raises(PermissionDenied, match="Reader"):
        Roles(MlServerSettings(reader=("r",))).require(_caller(), Role.READER)


def test_readers_run_code_only_where_it_is_allowed() -> None:
    with pytest.raises(PermissionDenied):
        Roles(MlServerSettings()).require_sessions(_caller("BASIC_USER"))
    Roles(MlServerSettings(reader_sessions=True)).require_sessions(_caller("BASIC_USER"))


def test_contributors_change_what_they_published_and_owners_everything() -> None:
    roles = Roles(MlServerSettings())
    assert roles.may_change(_caller("ADMINISTRATOR"), "somebody")
    assert roles.may_change(_caller("POWER_USER"), "walter")
    assert not roles.may_change(_caller("POWER_USER"), "somebody")
    assert not roles.may_change(_caller("BASIC_USER"), "walter")
