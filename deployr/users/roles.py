"""System roles and what they allow (7x-facts 5, admin-facts 7). A user without a role counts as BASIC_USER."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

ADMINISTRATOR = "ADMINISTRATOR"
POWER_USER = "POWER_USER"
BASIC_USER = "BASIC_USER"
PACKAGE_MANAGER = "PACKAGE_MANAGER"

SYSTEM_ROLES = {
    ADMINISTRATOR: "Administers the server.",
    POWER_USER: "Uses the entire API, arbitrary R code included.",
    BASIC_USER: "Uses the API without arbitrary R code.",
    PACKAGE_MANAGER: "Installs R packages.",
}
"""Description of each role that cannot be changed."""


def is_administrator(roles: AbstractSet[str]) -> bool:
    """May administer the server and touch black-listed file types."""
    return ADMINISTRATOR in roles


def may_run_code(roles: AbstractSet[str]) -> bool:
    """May run R code that is no script of the repository."""
    return not roles.isdisjoint((ADMINISTRATOR, POWER_USER))


def may_install_packages(roles: AbstractSet[str]) -> bool:
    """May install R packages."""
    return PACKAGE_MANAGER in roles or may_run_code(roles)


def permissions(roles: AbstractSet[str]) -> dict[str, bool]:
    """The ``permissions`` of login replies.

    What ``scriptManager`` stands for is nowhere written; the sample shows it with ``powerUser``, and so do we.
    """
    return {
        "scriptManager": may_run_code(roles),
        "powerUser": may_run_code(roles),
        "packageManager": may_install_packages(roles),
        "administrator": is_administrator(roles),
        "basicUser": True,
    }
