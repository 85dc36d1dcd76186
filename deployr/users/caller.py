"""Who makes a call."""

from __future__ import annotations

import dataclasses

from deployr.errors import NotAuthenticated
from deployr.users import roles


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A user logged in on an HTTP session, or an anonymous HTTP session.

    Attributes:
        http_session: digest of the HTTP session's id; the id itself is a secret and not kept.
        username: ``None`` for an anonymous caller.
        roles: names of the user's roles, system and custom.
        cookie: text that the client stored with the user.
        autosave: persistent projects are saved at close, logout and timeout.
        relative_urls: URLs in replies to this session are relative.
        address: of the client, as far as it is known.
    """

    http_session: str
    username: str | None = None
    displayname: str | None = None
    roles: frozenset[str] = frozenset()
    cookie: str | None = None
    autosave: bool = True
    relative_urls: bool = False
    address: str | None = None

    @classmethod
    def of(cls, owner: str) -> Caller:
        """Whom a label from :attr:`owner` names, without roles."""
        kind, _, name = owner.partition(":")
        return cls(http_session="", username=name) if kind == "user" else cls(http_session=name)

    @property
    def is_anonymous(self) -> bool:
        """Not logged in."""
        return self.username is None

    def require_user(self) -> str:
        """The user's name.

        Raises:
            NotAuthenticated: the caller is anonymous.
        """
        if self.username is None:
            raise NotAuthenticated()
        return self.username

    @property
    def owner(self) -> str:
        """Label of what belongs to the caller on the grid: ``user:<name>`` or ``http:<digest>``."""
        return f"http:{self.http_session}" if self.username is None else f"user:{self.username}"

    @property
    def may_run_code(self) -> bool:
        """May run R code that is no script of the repository."""
        return roles.may_run_code(self.roles)

    @property
    def may_install_packages(self) -> bool:
        """May install R packages."""
        return roles.may_install_packages(self.roles)

    @property
    def is_administrator(self) -> bool:
        """May administer the server."""
        return roles.is_administrator(self.roles)

    @property
    def bypasses_blacklist(self) -> bool:
        """May upload, write, load and preload files of black-listed types."""
        return self.is_administrator

    @property
    def permissions(self) -> dict[str, bool]:
        """The ``permissions`` of login replies."""
        return roles.permissions(self.roles)
