"""The roles of 9.x, made from the roles of this server (9x-facts 5)."""

from __future__ import annotations

import enum

from deployr.errors import PermissionDenied
from deployr.settings import MlServerSettings
from deployr.users.caller import Caller


class Role(enum.IntEnum):
    """What a caller may do; each may all that those before it may."""

    NONE = 0
    READER = 1
    CONTRIBUTOR = 2
    OWNER = 3


class Roles:
    """Decides what callers may do."""

    def __init__(self, settings: MlServerSettings) -> None:
        self._settings = settings

    def of(self, caller: Caller) -> Role:
        """The highest role of a caller."""
        declared = {
            Role.OWNER: self._settings.owner,
            Role.CONTRIBUTOR: self._settings.contributor,
            Role.READER: self._settings.reader,
        }
        held = (role for role, names in declared.items() if not caller.roles.isdisjoint(names))
        return next(held, self._fallback())

    def _fallback(self) -> Role:
        """Role of those in none of the groups that are declared."""
        if self._settings.reader:
            return Role.NONE
        return Role.READER if self._settings.contributor else Role.CONTRIBUTOR

    def require(self, caller: Caller, least: Role) -> Role:
        """The role of a caller who needs at least this one.

        Raises:
            PermissionDenied: the caller's role is lower.
        """
        role = self.of(caller)
        if role < least:
            raise PermissionDenied(f"The call needs the role {least.name.capitalize()}.")
        return role

    def require_sessions(self, caller: Caller) -> None:
        """Check that a caller may run code of his own in a session.

        Raises:
            PermissionDenied: he may not.
        """
        least = Role.READER if self._settings.reader_sessions else Role.CONTRIBUTOR
        self.require(caller, least)

    def may_change(self, caller: Caller, publisher: str) -> bool:
        """Whether a caller may update and delete what somebody published."""
        role = self.of(caller)
        return role is Role.OWNER or (role is Role.CONTRIBUTOR and caller.username == publisher)
